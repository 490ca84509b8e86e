import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { INITIALIZE, requestFor } from '../support/doorRequests.ts';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { askRaw, requestText } from '../support/rawHttp.ts';

// Nonsense at the real HTTP and MCP doors, on raw sockets. The same cases at each run.

/** Each a connection of its own: on a developer's machine a part of them. */
const CASES = process.env['CI'] === undefined ? 1_000 : 5_000;
const AT_ONCE = 50;
const SEED = 20_261_121;
/** Stands for the right token until a case is sent. */
const TOKEN = '<TOKEN>';
const PORT = '<PORT>';

let doors: Doors;

beforeAll(async () => {
  doors = await openDoors({ folders: 2 });
  await doors.mcp.warm();
});
afterAll(() => doors.close());

const odd = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 30,
});
const method = fc.oneof(
  fc.constantFrom('POST', 'GET', 'DELETE', 'OPTIONS', 'CONNECT', 'PRI', 'post', ''),
  odd,
);
const target = fc.oneof(
  fc.constantFrom(
    '/mcp',
    `/mcp?token=${TOKEN}`,
    `/mcp?access_token=${TOKEN}`,
    `http://${TOKEN}@127.0.0.1/mcp`,
    `/mcp/${TOKEN}`,
    '/metrics',
    '//mcp',
    '/mcp/../mcp',
    '*',
    '/mcp#',
    '/%6dcp',
  ),
  odd,
);
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', '');
const body = fc.oneof(
  fc.constantFrom(
    '',
    INITIALIZE,
    INITIALIZE.slice(0, 40),
    `[${INITIALIZE}]`,
    '[]',
    'null',
    '0',
    '"',
    `"${TOKEN}"`,
  ),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  odd,
  // A whole good request where a body should be.
  fc.constant(
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${PORT}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 0\r\n\r\n`,
  ),
);
/** The right token in every place but the right one. */
const unauthorized = fc.constantFrom(
  `X-Authorization: Bearer ${TOKEN}`,
  `Proxy-Authorization: Bearer ${TOKEN}`,
  `Cookie: authorization=Bearer ${TOKEN}`,
  `Authorization: Basic ${TOKEN}`,
  `Authorization: Bearer${TOKEN}`,
  `Authorization: Bearer ${TOKEN}x`,
  `Authorization: Bearer x${TOKEN}`,
  `Authorization: Bearer ${TOKEN}, Bearer ${TOKEN}`,
  `Authorization: Bearer ${TOKEN}\r\nAuthorization: Bearer ${TOKEN}`,
  `Authorization: ${TOKEN}`,
  'Authorization: Bearer',
  'Authorization: Bearer undefined',
);
const header = fc.oneof(
  fc.constantFrom(
    'Host: 127.0.0.1',
    'Host: evil.example',
    `Host: 127.0.0.1:${PORT}`,
    'Origin: null',
    `Origin: http://127.0.0.1:${PORT}`,
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Content-Length: 0',
    'Content-Length: -1',
    'Content-Length: 99999999999999999999',
    'Content-Length: 5, 5',
    'Expect: 100-continue',
    'Expect: nothing',
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Connection: keep-alive',
    'Mcp-Session-Id: x',
    'MCP-Protocol-Version: 2026-07-28',
    'Content-Type: application/json',
    'Content-Encoding: gzip',
    'Last-Event-ID: 7',
    'X-Forwarded-For: 127.0.0.1',
    ' folded',
    ': no name',
    'No-Colon',
  ),
  fc.tuple(odd, odd).map(([name, value]) => `${name}: ${value}`),
);

const lines = (
  headers: readonly string[],
  parts: { method: string; target: string; version: string; body: string },
) => `${[`${parts.method} ${parts.target} ${parts.version}`, ...headers].join('\r\n')}\r\n\r\n${parts.body}`;

/** Built of what requests are built of. */
const structured = fc
  .record({ method, target, version, body, token: unauthorized, headers: fc.array(header, { maxLength: 8 }) })
  .map(({ token, headers, ...parts }) =>
    lines([`Host: 127.0.0.1:${PORT}`, token, `Content-Length: ${parts.body.length}`, ...headers], parts),
  );
/** A good request, with bytes changed, added and cut off. */
const mutated = (authorization: string) =>
  fc
    .array(fc.tuple(fc.nat({ max: 600 }), fc.nat({ max: 255 }), fc.constantFrom('set', 'add', 'cut')), {
      minLength: 1,
      maxLength: 6,
    })
    .map((edits) => {
      let text = lines(
        [
          `Host: 127.0.0.1:${PORT}`,
          authorization,
          'Accept: application/json, text/event-stream',
          'Content-Type: application/json',
          `Content-Length: ${INITIALIZE.length}`,
        ],
        { method: 'POST', target: '/mcp', version: 'HTTP/1.1', body: INITIALIZE },
      );
      for (const [place, code, how] of edits) {
        const at = place % (text.length + 1);
        const rest = text.slice(how === 'add' ? at : at + 1);
        text =
          how === 'cut' && code < 16
            ? text.slice(0, at)
            : text.slice(0, at) + String.fromCharCode(code) + rest;
      }
      return text;
    });
const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data).toString('latin1'));

/** Sends all of it and then the end of the stream; the statuses of whatever comes back until the door closes. */
function statusesOf(text: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const filled = text.replaceAll(TOKEN, doors.tokens.all).replaceAll(PORT, String(doors.http.port));
    let answer = '';
    const socket = connect({ port: doors.http.port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      socket.end(Buffer.from(filled, 'latin1')),
    );
    socket.setTimeout(20_000, () => {
      socket.destroy();
      reject(new Error(`the connection was not closed after ${JSON.stringify(text)}`));
    });
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    // Closed while we still wrote.
    socket.on('error', () => undefined);
    socket.on('close', () =>
      resolve([...answer.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => Number(status))),
    );
  });
}

async function all(
  cases: readonly string[],
  check: (statuses: number[], text: string) => void,
): Promise<void> {
  for (let at = 0; at < cases.length; at += AT_ONCE) {
    const batch = cases.slice(at, at + AT_ONCE);
    const answers = await Promise.all(batch.map(statusesOf));
    for (const [i, statuses] of answers.entries()) check(statuses, batch[i] ?? '');
  }
  // After all of it the door is what it was.
  const good = requestText(requestFor(doors));
  expect((await askRaw(doors.http.port, good)).status).toBe(200);
}

it('A4: whatever comes without the right token is refused, and nothing behind the door hears of it', async () => {
  const handled = vi.spyOn(doors.mcp, 'handle');
  const without = fc.oneof(
    { weight: 6, arbitrary: structured },
    { weight: 3, arbitrary: mutated('Authorization: Bearer c2VjcmV0') },
    { weight: 1, arbitrary: bytes },
  );
  const seen = new Map<number, number>();
  await all(fc.sample(without, { numRuns: CASES, seed: SEED }), (statuses, text) => {
    for (const status of statuses) {
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect([text, status >= 400]).toEqual([text, true]);
    }
  });
  // The last one was good.
  expect(handled).toHaveBeenCalledTimes(1);
  // A fuzzer that is refused for one reason only finds nothing.
  for (const status of [400, 401, 403]) expect(seen.get(status) ?? 0, `${status}`).toBeGreaterThan(5);
  handled.mockRestore();
}, 120_000);

it('A21: whatever comes with the right token is answered or refused, and the next request is served', async () => {
  const withToken = fc.oneof(
    mutated(`Authorization: Bearer ${TOKEN}`),
    fc
      .record({ method, target, version, body, headers: fc.array(header, { maxLength: 4 }) })
      .map(({ headers, ...parts }) =>
        lines(
          [
            `Host: 127.0.0.1:${PORT}`,
            `Authorization: Bearer ${TOKEN}`,
            'Accept: application/json, text/event-stream',
            `Content-Length: ${parts.body.length}`,
            ...headers,
          ],
          parts,
        ),
      ),
  );
  const seen = new Set<number>();
  await all(fc.sample(withToken, { numRuns: CASES, seed: SEED }), (statuses, text) => {
    for (const status of statuses) {
      seen.add(status);
      // A fault of ours would be a 500.
      expect([text, status]).not.toEqual([text, 500]);
    }
  });
  for (const status of [200, 400, 401, 403, 404]) expect(seen).toContain(status);
}, 120_000);
