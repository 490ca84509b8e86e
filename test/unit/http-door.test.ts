import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Discovery, publishDiscovery } from '../../src/bridge/http/discovery.ts';
import { HttpDoor, type HttpDoorOptions } from '../../src/bridge/http/httpDoor.ts';
import { MAX_UNREAD_MS, sendResponse } from '../../src/bridge/http/responses.ts';
import { Tokens } from '../../src/bridge/http/tokens.ts';
import { tempDir } from '../support/codexHome.ts';
import { FakeClock, silentLogger } from '../support/fakeBridge.ts';

const tokens = new Tokens();
const MEGABYTE = 1024 * 1024;
const doors: HttpDoor[] = [];

function door(options: Partial<HttpDoorOptions> = {}): HttpDoor {
  const made = new HttpDoor({
    tokens,
    logger: silentLogger,
    hasFolder: () => false,
    handle: async ({ res, body }) => void res.end(`got ${body?.length ?? 'none'}`),
    ...options,
  });
  doors.push(made);
  return made;
}

afterEach(async () => {
  for (const made of doors.splice(0)) await made.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

function send(
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        method: options.method ?? 'POST',
        path: options.path ?? '/mcp',
        headers: { Authorization: `Bearer ${tokens.all}`, ...options.headers },
        agent: false,
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => {
          text += chunk;
        });
        res.on('end', () => resolve({ status: res.statusCode ?? 0, text, headers: res.headers }));
      },
    );
    req.on('error', reject);
    req.end(options.body);
  });
}

/** Writes bytes to the port and gives all that comes back until the other side closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

describe('HttpDoor', () => {
  it('serves requests with a token and refuses others before reading their body', async () => {
    let served = 0;
    const made = door({ handle: async ({ res }) => void res.end(String(++served)) });
    const port = await made.listen();
    expect((await send(port, { body: '{}' })).status).toBe(200);
    expect(made.url).toBe(`http://127.0.0.1:${port}/mcp`);
    const refused = await send(port, {
      headers: { Authorization: 'Bearer wrong' },
      body: 'x'.repeat(100_000),
    });
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toContain('Bearer');
    expect((await send(port, { headers: { Host: 'evil.example' } })).status).toBe(403);
    expect((await send(port, { headers: { Origin: 'https://evil.example' } })).status).toBe(403);
    expect((await send(port, { method: 'OPTIONS' })).status).toBe(405);
    expect((await send(port, { path: '/mcp/0123456789abcdef' })).status).toBe(404);
    expect(served).toBe(1);
    for (const answer of [refused, await send(port, { method: 'OPTIONS' })]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('refuses doubled headers and ambiguous framing on the wire', async () => {
    const port = await door().listen();
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${tokens.all}\r\n`;
    for (const more of [
      `Host: 127.0.0.1:${port}\r\nContent-Length: 0\r\n`,
      `Authorization: Bearer x\r\nContent-Length: 0\r\n`,
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
      'Content-Length: 5\r\nContent-Length: 6\r\n',
    ]) {
      expect(await raw(port, `${head}${more}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
    }
  });

  it('bounds bodies, declared or not', async () => {
    const port = await door({ maxBodyBytes: 1_000 }).listen();
    expect((await send(port, { body: 'x'.repeat(1_000) })).text).toBe('got 1000');
    expect((await send(port, { body: 'x'.repeat(1_001) })).status).toBe(413);
    const chunked = { 'Transfer-Encoding': 'chunked' };
    expect((await send(port, { headers: chunked, body: 'x'.repeat(1_001) })).status).toBe(413);
    expect((await send(port, { body: 'x' })).status).toBe(200);
  });

  it('asks for a body only after the guard', async () => {
    const port = await door().listen();
    const head = (token: string) =>
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n`;
    const refused = await raw(port, `${head('wrong')}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    expect(refused).toMatch(/^HTTP\/1.1 401 /);
    const taken = await raw(port, `${head(tokens.all)}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`);
    expect(taken).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  });

  it('lets answers that are on their way arrive when it closes', async () => {
    const hold = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const made = door({
      async handle({ res }) {
        entered.resolve();
        await hold.promise;
        res.end('made it');
      },
    });
    const port = await made.listen();
    const answer = send(port);
    await entered.promise;
    const closed = made.close();
    hold.resolve();
    expect((await answer).text).toBe('made it');
    await closed;
    await expect(send(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('bounds the requests at once', async () => {
    const hold = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const made = door({
      maxRequests: 1,
      async handle({ res }) {
        entered.resolve();
        await hold.promise;
        res.end('done');
      },
    });
    const port = await made.listen();
    const first = send(port);
    await entered.promise;
    expect((await send(port)).status).toBe(503);
    hold.resolve();
    expect((await first).text).toBe('done');
    expect((await send(port)).status).toBe(200);
  });

  it('ends connections that send their head too slowly', async () => {
    const port = await door({ headersTimeoutMs: 50, requestTimeoutMs: 100 }).listen();
    expect(await raw(port, 'POST /mcp HTTP/1.1\r\nHost: ')).toMatch(/^(HTTP\/1.1 408 |$)/);
  });

  it('answers 500 without details when a handler fails', async () => {
    const port = await door({ handle: () => Promise.reject(new Error('secret detail')) }).listen();
    const answer = await send(port);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
  });

  it('takes the remembered port, another where it is taken, and insists on a demanded one', async () => {
    const first = door();
    const port = await first.listen();
    await expect(door().listen({ demanded: port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    const other = await door().listen({ remembered: port });
    expect(other).not.toBe(port);
    await first.close();
    expect(await door().listen({ remembered: port })).toBe(port);
  });
});

describe('B11: a reader that is there no more, though its connection is open', () => {
  const piece = Buffer.alloc(MEGABYTE, 'x');

  /** Without an end; `pulled` says how much of it the bridge has taken from where it comes. */
  function endless(pulled: { bytes: number; cancelled: boolean }) {
    return new ReadableStream({
      pull(controller) {
        pulled.bytes += piece.length;
        controller.enqueue(piece);
      },
      cancel() {
        pulled.cancelled = true;
      },
    });
  }

  const asks = (port: number) =>
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${tokens.all}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`;

  /** A client that asks and then never reads. */
  function deaf(port: number): { closed: Promise<unknown>; read(): void } {
    const socket = connect(port, '127.0.0.1').pause();
    // A reset: the bridge does not say goodbye to who does not listen.
    socket.on('error', () => {});
    socket.write(asks(port));
    return { closed: once(socket, 'close'), read: () => void socket.resume() };
  }

  it.each(['stream', 'whole'])(
    'B11: one that leaves a %s unread for 45 s is let go; no more than a few MB waited for it',
    async (kind) => {
      const clock = new FakeClock();
      const pulled = { bytes: 0, cancelled: false };
      const entered = Promise.withResolvers<void>();
      const port = await door({
        async handle({ res }) {
          const type = { 'Content-Type': 'text/event-stream' };
          const response =
            kind === 'stream'
              ? new Response(endless(pulled), { headers: type })
              : new Response(Buffer.alloc(30 * MEGABYTE));
          const sent = sendResponse(res, response, { clock, logger: silentLogger });
          entered.resolve();
          await sent;
          handled.resolve();
        },
      }).listen();
      const handled = Promise.withResolvers<void>();
      const { closed, read } = deaf(port);
      await entered.promise;
      await vi.waitFor(() => expect(clock.pending).toBe(1));
      const waiting = pulled.bytes;
      clock.advance(MAX_UNREAD_MS - 1);
      await setImmediate();
      expect(pulled).toEqual({ bytes: waiting, cancelled: false });
      clock.advance(1);
      await handled.promise;
      read();
      await closed;
      expect(clock.pending).toBe(0);
      expect(pulled.cancelled).toBe(kind === 'stream');
      expect(pulled.bytes).toBeLessThan(20 * MEGABYTE);
    },
  );

  it('B11: one that vanished without a word is looked for by the system', async () => {
    const port = await door().listen();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const hex = (one: number) => `0100007F:${one.toString(16).toUpperCase().padStart(4, '0')}`;
    const ends = `${hex(port)} ${hex(socket.localPort ?? 0)}`;
    // proc(5), net/tcp: the timer of the bridge's side is 02, keepalive, with what is left of it in hundredths.
    const row = await vi.waitFor(() => {
      const found = readFileSync('/proc/net/tcp', 'utf8')
        .split('\n')
        .find((line) => line.includes(ends));
      return found ?? expect.fail('there is no such connection');
    });
    const [, timer, left] = / (\d\d):([0-9A-F]{8}) /.exec(row) ?? [];
    socket.destroy();
    expect(timer).toBe('02');
    expect(Number.parseInt(left ?? '', 16)).toBeLessThanOrEqual(1_500);
  });

  it('B10: one that reads slowly has everything, however long it takes', async () => {
    const clock = new FakeClock();
    const port = await door({
      handle: ({ res }) =>
        sendResponse(res, new Response(Buffer.alloc(30 * MEGABYTE, 'x')), { clock, logger: silentLogger }),
    }).listen();
    const socket = connect(port, '127.0.0.1');
    socket.write(asks(port));
    let bytes = 0;
    for await (const chunk of socket) {
      bytes += chunk.length;
      clock.advance(300);
    }
    expect(clock.now()).toBeGreaterThan(MAX_UNREAD_MS);
    expect(bytes).toBeGreaterThan(30 * MEGABYTE);
  });
});

describe('publishDiscovery', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  const discovery: Discovery = {
    contract: 1,
    version: '0.1.0',
    pid: 1,
    instance: 'a',
    socket: '/s',
    key: 'k',
    url: 'http://127.0.0.1:1/mcp',
    token: 't',
  };

  beforeEach(async () => {
    dir = await tempDir('disc');
  });
  afterEach(() => dir.dispose());

  it('writes a file for its owner only, and removes it', () => {
    const file = join(dir.path, 'bridge.json');
    const published = publishDiscovery(dir.path, discovery);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(discovery);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    published.dispose();
    expect(existsSync(file)).toBe(false);
  });

  it('replaces a planted link instead of writing through it', () => {
    const target = join(dir.path, 'target');
    writeFileSync(target, 'untouched');
    symlinkSync(target, join(dir.path, 'bridge.json'));
    const published = publishDiscovery(dir.path, discovery);
    expect(readFileSync(target, 'utf8')).toBe('untouched');
    published.dispose();
    expect(existsSync(target)).toBe(true);
  });

  it("leaves another bridge's file alone", () => {
    const first = publishDiscovery(dir.path, discovery);
    const second = publishDiscovery(dir.path, { ...discovery, instance: 'b' });
    first.dispose();
    expect(existsSync(join(dir.path, 'bridge.json'))).toBe(true);
    second.dispose();
    expect(existsSync(join(dir.path, 'bridge.json'))).toBe(false);
  });

  it('says what to do where it can not write', () => {
    rmSync(dir.path, { recursive: true });
    expect(() => publishDiscovery(dir.path, discovery)).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }),
    );
    mkdirSync(dir.path);
  });
});
