import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newToken } from '../../src/bridge/ids.ts';
import { jsonLogger } from '../../src/bridge/logger.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import { isSecretName, REDACTED, redact, secretsOf } from '../../src/shared/redact.ts';

const TOKEN = newToken();
const KEY = 'sk-proj-canary0123456789';

describe('A18: what looks like a secret is taken out', () => {
  it.each([
    ['a token of the bridge', `opened with ${TOKEN}.`, TOKEN],
    ['an API key', `Incorrect API key provided: ${KEY}`, KEY],
    ['a bearer header', `Authorization: Bearer ${'x'.repeat(20)}`, 'x'.repeat(20)],
    ['a bearer in JSON', '{"authorization":"Bearer canary-canary-canary"}', 'canary-canary-canary'],
    ['a GitHub token', `ghp_${'c'.repeat(36)} is used`, 'c'.repeat(36)],
    ['a JSON Web Token', 'eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl', 'eyJzdWIiOiIx'],
    ['a password in an address', 'https://me:hunter2hunter2@example.org/x', 'hunter2'],
    [
      'what a login address carries',
      'open https://auth.openai.com/oauth/authorize?state=canary&code_challenge=c1',
      'canary',
    ],
    ['where a login comes back', 'GET http://localhost:1455/auth/callback?code=canary', 'canary'],
    ['a device code', 'enter the code ABCD-12345 there', 'ABCD-12345'],
    ['a named value', 'DB_PASSWORD=canary99 was set', 'canary99'],
    ['a named value in JSON', '{"api_key": "canary99"}', 'canary99'],
  ])('%s', (_what, text, secret) => {
    const clean = redact(text);
    expect(clean).not.toContain(secret);
    expect(clean).toContain(REDACTED);
  });

  it('what is known to be one, whatever it looks like', () => {
    expect(redact('the word xyzzy-xyzzy here', ['xyzzy-xyzzy'])).toBe(`the word ${REDACTED} here`);
  });

  it('and nothing else', () => {
    for (const text of [
      'A valid bearer token is needed. Tokens change when the bridge starts.',
      'http://127.0.0.1:4711/mcp/0123456789abcdef',
      'usage: 1200 tokens, input_tokens: 1000',
      'Codex refused "thread/resume": no rollout found.',
      's_0123456789abcdef t_0123456789abcdef',
    ])
      expect(redact(text)).toBe(text);
  });

  it('is the same when done twice, and never takes long', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 2_000 }),
        fc.constantFrom('token=', 'Bearer ', 'https://auth/?'),
        (text, before) => {
          const once = redact(before + text);
          expect(redact(once)).toBe(once);
        },
      ),
    );
    const started = performance.now();
    for (const piece of ['a', ':', '=', 'token', '://', 'https://auth/', 'eyJ', 'sk-', 'bearer '])
      redact(piece.repeat(100_000 / piece.length));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

it('A18: names of variables and headers that hold secrets are known', () => {
  for (const name of [
    'OPENAI_API_KEY',
    'GITHUB_TOKEN',
    'DB_PASSWORD',
    'AWS_SECRET_ACCESS_KEY',
    'apiKey',
    'Authorization',
    'userCode',
    'SIGNING_KEY',
  ])
    expect(isSecretName(name), name).toBe(true);
  for (const name of [
    'PATH',
    'tokens',
    'inputTokens',
    'session',
    'key',
    'keyboard',
    'code',
    'author',
    'folder',
    'TOKENIZERS_PARALLELISM',
  ])
    expect(isSecretName(name), name).toBe(false);
  expect(
    secretsOf({ A_TOKEN: 'canary-1', PATH: '/usr/bin', B_TOKEN: 'short', SSH_AUTH_SOCK: '/run/ssh.sock' }),
  ).toEqual(['canary-1']);
});

describe('A18: the log', () => {
  const lines: string[] = [];
  const logger = jsonLogger((line) => void lines.push(line), 'info', ['known-secret']);

  it('has no secret in a message, a field, an error or its cause, and keeps the rest', () => {
    const cause = new Error(`stderr: ${KEY}`);
    logger.child({ folder: 'f1' }).error(`failed with ${TOKEN}`, {
      session: 's_1',
      apiKey: 'anything at all',
      nested: { url: `https://u:known-secret@h/`, tokens: 12 },
      error: new BridgeError('CODEX_START_FAILED', `It said ${KEY}.`, { cause }),
      plain: new Error(`Bearer ${'y'.repeat(30)}`),
    });
    const line = lines.pop() ?? '';
    for (const secret of [TOKEN, KEY, 'anything at all', 'known-secret', 'yyyy'])
      expect(line).not.toContain(secret);
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      folder: 'f1',
      session: 's_1',
      nested: { tokens: 12 },
      error: { code: 'CODEX_START_FAILED' },
    });
  });

  it('cuts a text that is very long', () => {
    logger.info('x', { text: 'long '.repeat(10_000) });
    expect((lines.pop() ?? '').length).toBeLessThan(5_000);
  });
});

it('the level of the log may change while it is written', () => {
  const lines: string[] = [];
  let level: 'info' | 'debug' = 'info';
  const logger = jsonLogger(
    (line) => void lines.push(line),
    () => level,
  ).child({ folder: 'f' });
  logger.debug('one');
  level = 'debug';
  logger.debug('two');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ message: 'two', folder: 'f' }]);
});
