import { describe, expect, test } from 'vitest';
import type { CodexClient } from '../../src/bridge/codex/client.ts';
import { CodexRefusedError } from '../../src/bridge/codex/codexRefused.ts';
import { JsonRpcError } from '../../src/bridge/codex/jsonRpc.ts';
import { Login } from '../../src/bridge/folders/login.ts';
import { callbackOf, leadsBack } from '../../src/extension/loginPage.ts';
import { loginMethodSchema } from '../../src/shared/login.ts';
import { FakeClock, silentLogger } from '../support/fakeBridge.ts';

/** Codex as far as a login asks it; answers when the test says so. */
class FakeCodex {
  readonly asked: { method: string; params: unknown }[] = [];
  readonly #answers: ((answer: unknown) => void)[] = [];
  closed = false;
  refuses: string | undefined;

  call(method: string, params: unknown): Promise<unknown> {
    this.asked.push({ method, params });
    if (this.refuses !== undefined) {
      return Promise.reject(new CodexRefusedError(method, new JsonRpcError(-32600, this.refuses)));
    }
    if (method === 'account/login/cancel') return Promise.resolve({ status: 'canceled' });
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /** Answers the oldest start. */
  answer(loginId: string): void {
    this.#answers.shift()?.({ type: 'chatgpt', loginId, authUrl: `https://login.test/${loginId}` });
  }

  get cancelled(): unknown[] {
    return this.asked.filter(({ method }) => method === 'account/login/cancel').map(({ params }) => params);
  }
}

function setUp() {
  const codex = new FakeCodex();
  const states: unknown[] = [];
  const clock = new FakeClock();
  const onState = () => states.push(login.state?.state);
  const login = new Login({ clock, logger: silentLogger, onState });
  // Only what a login uses of a client is there.
  const client = codex as unknown as CodexClient;
  return { clock, codex, client, login, states };
}

function end(loginId: string | null, success: boolean, error: string | null = null) {
  return { loginId, success, error, onboardingEntrypoint: null };
}

describe('a login', () => {
  test('that ends before its start was answered does not wait for ever', async () => {
    const { codex, client, login, states } = setUp();
    const started = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    login.completed(end('one', true));
    codex.answer('one');
    await started;
    expect(states).toEqual(['waiting', undefined]);
  });

  test('gives way to the next, also while it is only starting', async () => {
    const { codex, client, login } = setUp();
    const first = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    const second = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    codex.answer('one');
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    codex.answer('two');
    await second;
    expect(codex.cancelled).toEqual([{ loginId: 'one' }]);
    login.completed(end('one', false, 'Login cancelled'));
    expect(login.state).toMatchObject({ state: 'waiting', url: 'https://login.test/two' });
    const third = login.start(client, { kind: 'chatgpt' });
    await new Promise((resolve) => setImmediate(resolve));
    codex.answer('three');
    await third;
    expect(codex.cancelled).toEqual([{ loginId: 'one' }, { loginId: 'two' }]);
  });

  test('that was cancelled while it was starting is cancelled in Codex, too', async () => {
    const { codex, client, login } = setUp();
    const started = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    await login.cancel();
    codex.answer('one');
    await expect(started).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(codex.cancelled).toEqual([{ loginId: 'one' }]);
    expect(login.state).toBeUndefined();
  });

  test("shows why it failed, in Codex's words, and is not undone by the end of an API key's", async () => {
    const { clock, codex, client, login } = setUp();
    const started = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    codex.answer('one');
    await started;
    login.completed(end(null, true));
    expect(login.state?.state).toBe('waiting');
    login.completed(end('one', false, 'It took too long.'));
    expect(login.state).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining(': It took too long. Sign in again') },
    });
    await login.cancel();
    expect(login.state).toBeUndefined();
    expect(clock.pending).toBe(0);
    // It is over: there is nothing to cancel in Codex.
    expect(codex.cancelled).toEqual([]);
  });

  test('of which Codex never says that it took too long does so by itself', async () => {
    const { clock, codex, client, login } = setUp();
    const started = login.start(client, { kind: 'chatgpt' });
    await Promise.resolve();
    codex.answer('one');
    await started;
    const { state } = login;
    if (state?.state !== 'waiting') return expect.fail('no login waits');
    clock.advance(state.expiresAt - clock.now());
    expect(login.state?.state).toBe('waiting');
    clock.advance(60_000);
    expect(login.state).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('it took too long') },
    });
    expect(codex.cancelled).toEqual([{ loginId: 'one' }]);
    expect(clock.pending).toBe(0);
  });

  test('whose key is refused does not repeat what Codex says of it', async () => {
    const { codex, client, login } = setUp();
    codex.refuses = 'the key sk-secret is not allowed';
    const refused = await login
      .start(client, { kind: 'api_key', apiKey: 'sk-secret' })
      .catch((e: unknown) => e);
    expect(refused).toMatchObject({ code: 'CODEX_REFUSED' });
    expect(String(refused)).not.toContain('sk-secret');
    expect((refused as Error).cause).toBeUndefined(); // rejected above, with an error
  });
});

describe('an API key', () => {
  test.each(['', ' ', 'sk two', 'sk\n', 'sk-é', 'k'.repeat(501)])('is none: %j', (apiKey) => {
    const parsed = loginMethodSchema.safeParse({ kind: 'api_key', apiKey });
    expect(parsed.success).toBe(false);
    if (apiKey.trim() !== '') expect(String(parsed.error)).not.toContain(apiKey.trim());
  });
});

describe('the way back from the page', () => {
  const url = (back: string) =>
    `https://auth.test/authorize?redirect_uri=${encodeURIComponent(back)}&state=s`;

  test('is the origin that the page will call', () => {
    expect(callbackOf(url('http://localhost:1457/auth/callback'))).toBe('http://localhost:1457');
    expect(callbackOf('https://auth.test/authorize')).toBeUndefined();
    expect(callbackOf(url('nonsense'))).toBeUndefined();
  });

  test.each([
    ['http://localhost:1455/', true],
    ['http://127.0.0.1:1455/', true],
    ['http://localhost:50123/', false],
    ['http://localhost:8080/proxy/1455/', false],
    ['https://tunnel.test:1455/', false],
    ['nonsense', false],
  ])('leads back by %s: %s', (external, expected) => {
    expect(leadsBack('http://localhost:1455', external)).toBe(expected);
  });
});
