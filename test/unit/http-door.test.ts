import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Discovery, publishDiscovery } from '../../src/bridge/http/discovery.ts';
import { HttpDoor, type HttpDoorOptions } from '../../src/bridge/http/httpDoor.ts';
import { Tokens } from '../../src/bridge/http/tokens.ts';
import { tempDir } from '../support/codexHome.ts';
import { silentLogger } from '../support/fakeBridge.ts';

const tokens = new Tokens();
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
