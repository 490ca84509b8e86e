import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INITIALIZE, type Parts, requestFor } from '../support/doorRequests.ts';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { askRaw, type RawAnswer, requestText, sendRaw } from '../support/rawHttp.ts';

// What somebody at the port may try, on raw sockets against the real HTTP and MCP doors.

let doors: Doors;

beforeEach(async () => {
  doors = await openDoors({ folders: 2 });
});
afterEach(() => doors.close());

const requestOf = (parts: Parts = {}) => requestFor(doors, parts);

function send(parts: Parts = {}): Promise<RawAnswer> {
  return askRaw(doors.http.port, requestText(requestOf(parts)));
}

/** Only the head, with the promise of a body that never comes. */
function headOnly(parts: Parts): Promise<RawAnswer> {
  return askRaw(doors.http.port, requestText(requestOf({ ...parts, body: '', length: 1_000_000 })));
}

it('a good request is served: what is refused below is refused for its fault', async () => {
  const { status, text } = await send();
  expect(status).toBe(200);
  expect(text).toContain('codex-bridge');
});

it('A21: each check comes before the next: Host, Origin, token, size, path, protocol, schema', async () => {
  const port = doors.http.port;
  const faults: Required<Pick<Parts, 'host' | 'authorization' | 'target' | 'body'>> = {
    host: 'evil.example',
    authorization: 'Bearer wrong',
    target: '/nowhere',
    body: '{"jsonrpc":"1.0","id":1,"method":"initialize"}',
  };
  const origin = ['Origin: https://evil.example'];
  const length = 1e12;
  const host = `127.0.0.1:${port}`;
  const authorization = `Bearer ${doors.tokens.all}`;
  const said = async (parts: Parts) => {
    const { status, text } = await send(parts);
    return `${status} ${/"message":"([^"]*)/.exec(text)?.[1]}`;
  };
  expect(await said({ ...faults, more: origin, length })).toMatch(/^403 The Host must be/);
  expect(await said({ ...faults, host, more: origin, length })).toMatch(/^403 Requests from web pages/);
  expect(await said({ ...faults, host, length })).toMatch(/^401 /);
  expect(await said({ ...faults, host, authorization, length })).toMatch(/^413 /);
  expect(await said({ ...faults, host, authorization })).toMatch(/^404 /);
  expect(await said({ body: faults.body })).toMatch(/^400 /);
  expect(await said({ body: INITIALIZE.replace('"protocolVersion":"2025-11-25",', '') })).toMatch(/^400 /);
  expect(doors.home.sessions.size).toBe(0);
});

describe('A2: a rebound name', () => {
  it.each([
    ['another name', (port: number) => `evil.example:${port}`],
    ['another name without a port', () => 'evil.example'],
    ['no port', () => '127.0.0.1'],
    ['another port', () => '127.0.0.1:1'],
    ['our address as a name under another', (port: number) => `127.0.0.1:${port}.evil.example`],
    ['a user before it', (port: number) => `evil@127.0.0.1:${port}`],
    ['all addresses', (port: number) => `0.0.0.0:${port}`],
    ['the other loopback', (port: number) => `[::1]:${port}`],
    ['another spelling of the address', (port: number) => `2130706433:${port}`],
    ['a dot more', (port: number) => `localhost.:${port}`],
    ['nothing', () => ''],
  ])('A2: %s is refused, its body unread', async (_what, host) => {
    const { status, text } = await headOnly({ host: host(doors.http.port) });
    expect(status).toBe(403);
    expect(text).toContain('Connection: close');
  });

  it('A2: no Host at all is refused', async () => {
    const { headers, ...rest } = requestOf();
    const without = requestText({ ...rest, headers: headers.filter((line) => !line.startsWith('Host')) });
    expect((await askRaw(doors.http.port, without)).status).toBe(400);
    expect((await askRaw(doors.http.port, without.replace('HTTP/1.1', 'HTTP/1.0'))).text).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  });
});

describe('A3: a web page', () => {
  it.each(['POST', 'GET', 'DELETE', 'OPTIONS'])(
    'A3: %s from one is refused, and no CORS header is sent',
    async (method) => {
      const port = doors.http.port;
      for (const origin of [
        'https://evil.example',
        'null',
        '',
        `https://127.0.0.1:${port}`,
        'http://127.0.0.1:1',
        `http://127.0.0.1:${port}.evil.example`,
        `http://evil.example#http://127.0.0.1:${port}`,
        'vscode-webview://x',
      ]) {
        const more = [`Origin: ${origin}`, 'Access-Control-Request-Method: POST'];
        const { status, text } = await headOnly({ method, more });
        expect([origin, status]).toEqual([origin, 403]);
        expect(text).not.toMatch(/access-control/i);
      }
    },
  );

  it('A3: our own origin gets an answer that no other page may read', async () => {
    const { status, text } = await send({ more: [`Origin: http://127.0.0.1:${doors.http.port}`] });
    expect(status).toBe(200);
    expect(text).not.toMatch(/access-control/i);
  });
});

describe('A4: no good token', () => {
  const bearer = (token: string) => `Bearer ${token}`;
  it.each<[string, (token: string) => string | readonly string[]]>([
    ['none', () => []],
    ['an empty one', () => 'Bearer '],
    ['a wrong one', () => bearer('A'.repeat(43))],
    ['one cut short', (token) => bearer(token.slice(0, -1))],
    ['one too long', (token) => bearer(`${token}A`)],
    ['one in another case', (token) => bearer(token.toUpperCase())],
    ['one with a space in it', (token) => bearer(`${token.slice(0, 9)} ${token.slice(9)}`)],
    ['another scheme', (token) => `Basic ${token}`],
    ['no scheme', (token) => token],
    ['two in one header', (token) => `Bearer x, Bearer ${token}`],
  ])('A4: %s is 401, the body unread', async (_what, authorization) => {
    const { status, text } = await headOnly({ authorization: authorization(doors.tokens.all) });
    expect(status).toBe(401);
    expect(text).toMatch(/www-authenticate: bearer/i);
  });

  it('A4: a token in the URL, a cookie, a trailer or the body opens nothing', async () => {
    const token = doors.tokens.all;
    for (const target of [
      `/mcp?token=${token}`,
      `/mcp?access_token=${token}`,
      `/mcp/${token}`,
      `/mcp#${token}`,
    ]) {
      expect((await send({ authorization: [], target })).status).toBe(401);
    }
    for (const more of [
      `Cookie: token=${token}`,
      `X-Api-Key: ${token}`,
      `Proxy-Authorization: Bearer ${token}`,
    ]) {
      expect((await send({ authorization: [], more: [more] })).status).toBe(401);
    }
    expect((await send({ authorization: [], body: `Authorization: Bearer ${token}` })).status).toBe(401);
    const { headers, ...rest } = requestOf({ authorization: [] });
    const chunked = headers.map((line) =>
      line.startsWith('Content-Length') ? 'Transfer-Encoding: chunked' : line,
    );
    const body = `2\r\n{}\r\n0\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    expect((await askRaw(doors.http.port, requestText({ ...rest, headers: chunked, body }))).status).toBe(
      401,
    );
  });

  it('A4: what is unknown behind the door looks the same without a token', async () => {
    const texts = new Set<string>();
    for (const target of [
      '/mcp',
      '/nowhere',
      `/mcp/${doors.home.info.key}`,
      '/mcp/0123456789abcdef',
      '/%00',
    ]) {
      const { status, text } = await send({ authorization: 'Bearer x', target });
      expect(status).toBe(401);
      texts.add(text.replace(/^Date: .*$/im, ''));
    }
    expect(texts.size).toBe(1);
  });

  it('A4: a token that was withdrawn opens nothing', async () => {
    const { key } = doors.home.info;
    const request = { authorization: `Bearer ${doors.tokens.folder(key)}`, target: `/mcp/${key}` };
    expect((await send(request)).status).toBe(200);
    doors.tokens.revoke(key);
    expect((await send(request)).status).toBe(401);
  });
});

describe('A5: what two readers could read differently', () => {
  it.each<[string, (good: { host: string; token: string }) => Parts]>([
    ['two Hosts', ({ host }) => ({ host: [host, host] })],
    ['our Host and another', ({ host }) => ({ host: [host, 'evil.example'] })],
    ['two Origins', ({ host }) => ({ more: [`Origin: http://${host}`, 'Origin: https://evil.example'] })],
    ['two tokens', ({ token }) => ({ authorization: [`Bearer ${token}`, 'Bearer x'] })],
    ['two lengths', () => ({ more: ['Content-Length: 5'] })],
    ['a length and chunks', () => ({ more: ['Transfer-Encoding: chunked'] })],
    [
      'two transfer encodings',
      () => ({ more: ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'] }),
    ],
    ['two content types', () => ({ more: ['Content-Type: text/plain'] })],
    ['two sessions', () => ({ more: ['Mcp-Session-Id: a', 'Mcp-Session-Id: b'] })],
    [
      'two protocol versions',
      () => ({ more: ['Mcp-Protocol-Version: 2025-11-25', 'Mcp-Protocol-Version: 2026-07-28'] }),
    ],
    ['two methods', () => ({ more: ['Mcp-Method: a', 'Mcp-Method: b'] })],
    ['a header over two lines', () => ({ more: ['X-A: b', ' folded: c'] })],
    ['a bare CR in a header', () => ({ more: ['X-A: b\rOrigin: https://evil.example'] })],
    ['a space before the colon', () => ({ more: ['Origin : https://evil.example'] })],
    ['a NUL in a header', () => ({ more: ['X-A: b\0c'] })],
  ])('A5: %s: 400', async (_what, faulty) => {
    const good = { host: `127.0.0.1:${doors.http.port}`, token: doors.tokens.all };
    expect((await send(faulty(good))).status).toBe(400);
  });

  it('A5: a second token behind two thousand other headers is still seen', async () => {
    const many = Array.from({ length: 2_100 }, () => 'a:');
    const more = [...many, 'Authorization: Bearer x'];
    expect((await send({ more: many })).status).toBe(200);
    expect((await send({ more })).status).toBe(400);
  });

  it('A5: a request inside the body of a refused one is not served', async () => {
    const inner = requestText(requestOf({ method: 'DELETE', body: '' }));
    const outer = requestText(requestOf({ authorization: 'Bearer x', body: inner }));
    const { text } = await sendRaw(doors.http.port, outer + inner);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('A26: from outside', () => {
  it('A26: only 127.0.0.1 is listened on', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .flatMap(({ address, internal, scopeid }) => (internal || scopeid ? [] : [address]));
    // Linux answers at all of 127.0.0.0/8 for a port that is bound to every address.
    for (const host of ['127.0.0.2', '::1', ...outside]) {
      const outcome = await new Promise((resolve) => {
        const socket = connect({ host, port: doors.http.port, timeout: 2_000 });
        const done = (how: string) => {
          socket.destroy();
          resolve(how);
        };
        socket.once('connect', () => done('connected'));
        socket.once('timeout', () => done('no answer'));
        socket.once('error', () => done('refused'));
      });
      expect([host, outcome]).not.toEqual([host, 'connected']);
    }
  });

  it.each([
    'Forwarded: for=192.0.2.1;host=evil.example',
    'X-Forwarded-For: 192.0.2.1',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Real-IP: 192.0.2.1',
    'Via: 1.1 tunnel',
  ])('A26: a request that somebody passed on is refused (%s)', async (header) => {
    expect((await headOnly({ more: [header] })).status).toBe(403);
  });

  it('A26: the name that a forwarded port has outside is no Host of ours', async () => {
    const port = doors.http.port;
    for (const host of [`abc-${port}.devtunnels.ms`, `abc-${port}.app.github.dev`]) {
      expect((await headOnly({ host })).status).toBe(403);
    }
  });
});
