import fc from 'fast-check';
import { INITIALIZE } from './doorRequests.ts';

// Requests that are wrong in every way that somebody could think of, as text with a code unit for each byte.

/** Stands for the right token until a case is sent. */
const TOKEN = '<TOKEN>';
const PORT = '<PORT>';

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

/** Without the right token where it belongs. */
export const withoutToken = fc.oneof(
  { weight: 6, arbitrary: structured },
  { weight: 3, arbitrary: mutated('Authorization: Bearer c2VjcmV0') },
  { weight: 1, arbitrary: bytes },
);

/** With it, and something else wrong. */
export const withToken = fc.oneof(
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

/** As it goes over the wire, as bytes. */
export function fill(text: string, token: string, port: number): Buffer {
  return Buffer.from(text.replaceAll(TOKEN, token).replaceAll(PORT, String(port)), 'latin1');
}
