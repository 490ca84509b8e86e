import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JsonRpcConnection } from '../../src/bridge/codex/jsonRpc.ts';
import { TransportEvents } from '../../src/bridge/codex/transport.ts';
import { isInside } from '../../src/bridge/folders/containment.ts';
import { isParsable } from '../../src/bridge/mcp/jsonShape.ts';
import { InputLines } from '../../src/client/attach/inputLines.ts';
import { discoveryFile, readDiscovery } from '../../src/client/discovery.ts';
import { linePort } from '../../src/shared/framing.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';
import { silentLogger } from '../support/fakeBridge.ts';

// Everything that reads what others write. The same cases at each run; here a part of them, where CI takes all.

const CASES = process.env['CI'] === undefined ? 1_000 : 10_000;
const RUNS = { numRuns: CASES, seed: 20_261_121 };
const MAX = 200;

const word = fc.oneof(
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\n',
    '\r\n',
    '\0',
    '\uFEFF',
    'id',
    'method',
    '1',
    'null',
  ),
  fc.constantFrom(
    '{"id":1,"result":{}}\n',
    '{"id":1,"method":"x","params":{}}\n',
    '{"method":"y"}\n',
    '[1]\n',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const text = fc.array(word, { maxLength: 20 }).map((parts) => parts.join(''));
/** Bytes that are near to messages, no UTF-8 among them. */
const bytes = fc.oneof(
  text.map((one) => Buffer.from(one)),
  fc.uint8Array({ maxLength: 3 * MAX }).map((data) => Buffer.from(data)),
);

/** Cut into pieces at any places. */
function pieces(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length];
  return places.slice(1).map((end, i) => whole.subarray(places[i], end));
}

it('A21: the private socket: a broken frame closes it, whatever it is; nothing is thrown', () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 5 }), (data, cuts) => {
      let say: (chunk: Uint8Array) => void = () => undefined;
      let open = true;
      const heard: unknown[] = [];
      linePort(
        {
          write: () => undefined,
          destroy() {
            open = false;
          },
          onData(listener) {
            say = listener;
          },
          onClose: () => undefined,
          decode: (line) => Buffer.from(line).toString('utf8'),
        },
        MAX,
      ).onMessage((message) => heard.push(message));
      for (const piece of pieces(data, cuts)) say(piece);
      const whole = data.toString('latin1').split('\n');
      if (!open) return;
      // Still open: every line was JSON and short enough.
      expect(heard).toHaveLength(whole.length - 1);
      expect(Math.max(...whole.map((line) => line.length))).toBeLessThanOrEqual(MAX);
    }),
    RUNS,
  );
}, 120_000);

it('A21: attach: every line of the client is a message or told to be none, and the next one is heard', () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 5 }), (data, cuts) => {
      const input = new InputLines(MAX);
      const taken = pieces(data, cuts).flatMap((piece) => [...input.push(piece)]);
      expect(taken.length).toBeLessThanOrEqual(data.toString('latin1').split('\n').length - 1);
      const next = [...input.push(Buffer.from('\n{"jsonrpc":"2.0","id":1,"method":"ping"}\n'))];
      expect(next.at(-1)).toMatchObject({ kind: 'message', message: { id: 1, method: 'ping' } });
    }),
    RUNS,
  );
}, 120_000);

it('A21: Codex: what is no message is counted, and the answer after it still arrives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, fc.json({ maxDepth: 3 })), { maxLength: 6 }), async (said) => {
      const events = new TransportEvents((error) => expect.fail(String(error)));
      const connection = new JsonRpcConnection(
        {
          send: () => undefined,
          onMessage: events.onMessage,
          onClose: events.onClose,
          close: () => events.close(undefined),
        },
        { logger: silentLogger },
      );
      // Asked later than what is said, so that no nonsense can be its answer.
      for (const one of said) events.message(one);
      const answer = connection.request('x', {}, { timeoutMs: 1_000 });
      events.message('{"id":1,"result":"good"}');
      expect(await answer).toBe('good');
      connection.dispose();
    }),
    RUNS,
  );
}, 120_000);

it('A21: a body that may be parsed has few values; one that may not has many or is deep', () => {
  const levels = fc.nat({ max: 300 });
  fc.assert(
    fc.property(
      fc.oneof(
        bytes,
        levels.map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
      ),
      (data) => {
        const depth = /^\[*/.exec(data.toString('latin1'))?.[0].length ?? 0;
        if (isParsable(data)) expect(depth).toBeLessThanOrEqual(100);
        else expect(data.toString('latin1').match(/[[{]/g)?.length ?? 0).toBeGreaterThan(100);
      },
    ),
    RUNS,
  );
}, 120_000);

it('A16: a folder holds what lies below it by its components, and nothing else', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    'ab',
    '..',
    '.',
    '',
    'a b',
    '..a',
    'a..',
    '%2e%2e',
    '\\',
    '...',
    '~',
  );
  const path = fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
  const components = (given: string) => {
    const all: string[] = [];
    for (const one of given.split('/')) {
      if (one === '..') all.pop();
      else if (one !== '' && one !== '.') all.push(one);
    }
    return all;
  };
  fc.assert(
    fc.property(path, path, (folder, candidate) => {
      const [outer, inner] = [components(folder), components(candidate)];
      const holds = outer.every((one, at) => inner[at] === one);
      expect(isInside(folder, candidate)).toBe(holds);
    }),
    RUNS,
  );
}, 120_000);

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('fuzz');
});
afterAll(() => dir.dispose());

it('A16: a discovery file is one that a bridge writes, or no bridge is there', async () => {
  const good = {
    contract: 1,
    version: '0.1.0',
    pid: 1,
    instance: 'i',
    socket: '/s',
    key: 'k',
    url: 'http://127.0.0.1:1/mcp',
    token: 't',
  };
  const spoilt = fc
    .tuple(fc.constantFrom(...Object.keys(good)), fc.jsonValue({ maxDepth: 2 }))
    .map(([name, value]) => JSON.stringify({ ...good, [name]: value }));
  const cut = fc.nat({ max: 200 }).map((at) => JSON.stringify(good).slice(0, at));
  const file = discoveryFile(dir.path);
  await fc.assert(
    fc.asyncProperty(fc.oneof(spoilt, cut, text, fc.json()), async (content) => {
      writeFileSync(file, content, { mode: 0o600 });
      const read = await readDiscovery(dir.path);
      if (read === undefined) return;
      for (const [name, value] of Object.entries(good)) {
        expect(typeof read[name as keyof typeof good]).toBe(typeof value);
      }
    }),
    RUNS,
  );
}, 120_000);
