import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HttpDoorOptions } from '../../src/bridge/http/httpDoor.ts';
import { INITIALIZE, type Parts, requestFor } from '../support/doorRequests.ts';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { askRaw, type RawAnswer, requestText, sendRaw } from '../support/rawHttp.ts';

// Too much of everything, on raw sockets against the real HTTP and MCP doors.

/** For what comes as soon as the machine has time for it. */
const SOON = { timeout: 5_000 };

let doors: Doors;

beforeEach(async () => {
  doors = await openDoors({ folders: 2 });
});
afterEach(() => doors.close());

const requestOf = (parts: Parts = {}) => requestFor(doors, parts);

function send(parts: Parts = {}): Promise<RawAnswer> {
  return askRaw(doors.http.port, requestText(requestOf(parts)));
}

async function reopen(http: Partial<HttpDoorOptions>): Promise<void> {
  await doors.close();
  doors = await openDoors({ folders: 2, http });
}

/** Only the head, with the promise of a body that never comes. */
function headOnly(parts: Parts): Promise<RawAnswer> {
  return askRaw(doors.http.port, requestText(requestOf({ ...parts, body: '', length: 1_000_000 })));
}

it('A21: a body without a token is not taken in', async () => {
  const socket = connect(doors.http.port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined).resume();
  socket.write(requestText(requestOf({ authorization: 'Bearer x', body: '', length: 30_000_000 })));
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const write = () => {
    while (!socket.destroyed && sent < 30_000_000 && socket.write(piece)) sent += piece.length;
  };
  socket.on('drain', write);
  write();
  await closed;
  // What the two ends of the connection hold, and no more.
  expect(sent).toBeLessThan(20_000_000);
});

it('A21: a head larger than 16 KB is refused', async () => {
  expect((await send({ more: [`X-A: ${'a'.repeat(17_000)}`] })).status).toBe(431);
});

it('A21: a head or a body that comes too slowly ends its connection', async () => {
  await reopen({ headersTimeoutMs: 100 });
  expect((await sendRaw(doors.http.port, 'POST /mcp HTTP/1.1\r\nHost: ')).status).toBe(408);
  expect((await sendRaw(doors.http.port, '')).text).toMatch(/^(HTTP\/1\.1 408 |$)/);
  await reopen({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
  const unfinished = await sendRaw(doors.http.port, requestText(requestOf({ body: '{', length: 10 })));
  expect(unfinished.status).not.toBe(200);
});

it('A21: bodies are bounded, declared or not, each and all together', async () => {
  await reopen({ maxBodyBytes: 1_000 });
  expect((await send({ body: `"${'x'.repeat(1_000)}"` })).status).toBe(413);
  const { headers, ...rest } = requestOf();
  const chunked = headers.map((line) =>
    line.startsWith('Content-Length') ? 'Transfer-Encoding: chunked' : line,
  );
  const chunk = `3e8\r\n${'x'.repeat(1_000)}\r\n`;
  const long = requestText({ ...rest, headers: chunked, body: chunk + chunk });
  expect((await askRaw(doors.http.port, long)).status).toBe(413);
  // Four bodies that are not finished use up what all may have together.
  const part = requestText(requestOf({ body: 'x'.repeat(999), length: 1_000 }));
  const open = Array.from({ length: 4 }, () => connect(doors.http.port, '127.0.0.1'));
  for (const socket of open) socket.on('error', () => undefined).write(part);
  await expect.poll(async () => (await send()).status, SOON).toBe(503);
  for (const socket of open) socket.destroy();
  await expect.poll(async () => (await send()).status, SOON).toBe(200);
});

it('A21: what would become too much in memory is refused before it is parsed', async () => {
  const inside = (text: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":${text}}}`;
  for (const text of [
    `[${'{},'.repeat(1_000_000)}0]`,
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `${'{"a":'.repeat(100_000)}0${'}'.repeat(100_000)}`,
  ]) {
    const { status, text: answer } = await send({ body: inside(text) });
    expect(status).toBe(400);
    expect(answer).toContain('too many values');
  }
  // Brackets in a string are text.
  const prompt = JSON.stringify('[{"\\'.repeat(100_000));
  expect((await send({ body: inside(prompt) })).text).not.toContain('too many values');
});

it('A21: a batch has at most 20 messages', async () => {
  const batch = (count: number) =>
    JSON.stringify(Array.from({ length: count }, () => JSON.parse(INITIALIZE)));
  expect((await send({ body: batch(21) })).text).toContain('A batch may have at most 20');
  expect((await send({ body: batch(2) })).text).not.toContain('A batch may have');
});

it('A21: one token can not use up the room of all', async () => {
  const held: (() => void)[] = [];
  let entered = 0;
  await reopen({
    maxRequestsOfOne: 3,
    handle: ({ res }) =>
      new Promise((resolve) => {
        entered++;
        held.push(() => res.end(() => resolve()));
      }),
  });
  const { key } = doors.home.info;
  const authorization = `Bearer ${doors.tokens.folder(key)}`;
  const mine = { target: `/mcp/${key}`, authorization };
  const open = [send(mine), send(mine), send(mine)];
  await expect.poll(() => entered, SOON).toBe(3);
  expect((await send(mine)).status).toBe(503);
  const other = send();
  await expect.poll(() => entered, SOON).toBe(4);
  for (const end of held.splice(0)) end();
  await Promise.all([...open, other]);
  const again = send(mine);
  await expect.poll(() => held.length, SOON).toBe(1);
  held[0]?.();
  expect((await again).status).toBe(200);
});

it('A21: connections that show no token give way, and a good request is served among them', async () => {
  await reopen({ maxUnproven: 10 });
  const proven = connect(doors.http.port, '127.0.0.1');
  const answers: string[] = [];
  proven.setEncoding('utf8').on('data', (text: string) => answers.push(text));
  const request = requestText(requestOf({ body: '[]' }));
  proven.write(request);
  await expect.poll(() => answers.length, SOON).toBe(1);
  let closed = 0;
  const idle = Array.from({ length: 50 }, () =>
    connect(doors.http.port, '127.0.0.1')
      .on('error', () => undefined)
      .on('close', () => closed++)
      .resume(),
  );
  await expect.poll(() => closed, SOON).toBe(40);
  expect((await send()).status).toBe(200);
  proven.write(request);
  await expect.poll(() => answers.length, SOON).toBe(2);
  for (const socket of [...idle, proven]) socket.destroy();
});

it('A21: a connection is not kept for the next request until it has shown a good token', async () => {
  const get = { method: 'GET', target: '/nowhere', body: '', length: 0 };
  const refused = await send({ ...get, authorization: 'Bearer x' });
  expect([refused.status, /connection: (.*)/i.exec(refused.text)?.[1]]).toEqual([401, 'close']);
  const served = await send({ body: '[]' });
  expect([served.status, /connection: (.*)/i.exec(served.text)?.[1]]).toEqual([400, 'keep-alive']);
});

it('A21: a flood of wrong tokens is told to wait; a good one never is', async () => {
  const statuses = new Map<number, number>();
  for (let i = 0; i < 150; i++) {
    const { status, text } = await headOnly({ authorization: `Bearer wrong${i}` });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 429) expect(text).toMatch(/retry-after: 1/i);
    if (i % 50 === 0) expect((await send()).status).toBe(200);
  }
  expect([...statuses.keys()].toSorted()).toEqual([401, 429]);
  expect(statuses.get(401)).toBeGreaterThanOrEqual(100);
  expect((await send()).status).toBe(200);
});

it('A21: the sessions of one token do not push out those of another', async () => {
  const begin = async (parts: Parts) => /mcp-session-id: (\S+)/i.exec((await send(parts)).text)?.[1] ?? '';
  const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}';
  const { key } = doors.home.info;
  const mine = { target: `/mcp/${key}`, authorization: `Bearer ${doors.tokens.folder(key)}` };
  const theirs = await begin({});
  const first = await begin(mine);
  for (let i = 0; i < 100; i++) await begin(mine);
  const inSession = (id: string) => ({ body: list, more: [`Mcp-Session-Id: ${id}`] });
  expect((await send({ ...mine, ...inSession(first) })).status).toBe(404);
  expect((await send(inSession(theirs))).status).toBe(200);
});
