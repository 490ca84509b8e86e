import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import type { CodexStatus, FolderStatus } from '../../src/shared/faces.ts';
import type { LoginMethod } from '../../src/shared/login.ts';
import { answerOf, hasEnded } from '../../src/shared/session.ts';
import { Follower, joinBridge, RawFace } from '../support/faces.ts';
import { FakeIssuer, PERSON, USER_CODE } from '../support/fakeIssuer.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, type ModelRequest, words } from '../support/scriptedModel.ts';

const KEY = 'sk-test-0123456789';
const source = { kind: 'window' } as const;

let issuer: FakeIssuer;
let bridge: RealBridge;
let face: BridgeConnection;
let statuses: Statuses;
const open: { dispose(): void }[] = [];

beforeEach(async () => {
  issuer = await FakeIssuer.start();
  bridge = await startRealBridge({
    folders: 2,
    needsLogin: true,
    codexConfig: issuer.config,
    codexEnv: issuer.env,
  });
  face = await joinBridge(bridge.stateDir);
  statuses = new Statuses(face);
  open.push(face);
});

afterEach(async () => {
  for (const each of open.splice(0)) each.dispose();
  await bridge.close();
  await issuer.close();
});

const key = (folder = 0) => bridge.folder(folder).info.key;
const authFile = () => join(bridge.codexHome, 'auth.json');

/** What a face hears of the Codex of each folder. */
class Statuses {
  readonly all: FolderStatus[] = [];
  readonly #waiting = new Set<() => void>();

  constructor({ rpc }: BridgeConnection) {
    rpc.on('folder.status', (status) => {
      this.all.push(status);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  /** The latest of the folder, as soon as `test` holds for it. */
  async until(folder: string, test: (codex: CodexStatus) => boolean): Promise<CodexStatus> {
    for (;;) {
      const codex = this.all.findLast((status) => status.key === folder)?.codex;
      if (codex !== undefined && test(codex)) return codex;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}

async function signIn(method: LoginMethod, folder = 0) {
  const { login } = await face.rpc.request('login.start', { folder: key(folder), method });
  return login;
}

async function ask(folder: number, prompt: string): Promise<string> {
  const { id } = await face.rpc.request('session.create', { folder: key(folder) });
  const follower = await Follower.open(face, id);
  await face.rpc.request('session.prompt', { session: id, prompt, source });
  const done = await follower.until((state) => state.turns.some((turn) => hasEnded(turn.status)));
  const turn = done.turns.at(-1);
  return turn === undefined ? '' : answerOf(turn);
}

describe('an API key', () => {
  it('logs in at once, is kept by Codex alone, and every folder asks with it', async () => {
    const seen: unknown[] = [];
    bridge.model.script((request: ModelRequest) => {
      seen.push(request.headers['authorization']);
      return [words('Done')];
    });
    for (const folder of [0, 1]) {
      const account = await face.rpc.request('account.read', { folder: key(folder) });
      expect(account).toEqual({ loggedIn: false });
    }
    await expect(ask(0, 'Too early')).rejects.toMatchObject({ code: 'CODEX_LOGGED_OUT' });
    expect(await signIn({ kind: 'api_key', apiKey: KEY })).toBeNull();
    expect(await statuses.until(key(0), ({ loggedIn }) => loggedIn === true)).toMatchObject({
      account: { kind: 'apiKey' },
    });
    await statuses.until(key(1), ({ loggedIn }) => loggedIn === true);
    expect(JSON.parse(readFileSync(authFile(), 'utf8'))).toMatchObject({ OPENAI_API_KEY: KEY });
    expect(await ask(0, 'Here')).toBe('Done');
    expect(await ask(1, 'There')).toBe('Done');
    expect(seen).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
    expect(bridge.log.join('\n')).not.toContain(KEY);
    expect(JSON.stringify(statuses.all)).not.toContain(KEY);
  });

  it('that can be none is refused, and the refusal does not repeat it', async () => {
    const raw = await RawFace.connect(bridge.stateDir);
    open.push(raw);
    raw.hello();
    for (const [i, apiKey] of ['', 'two words', `${KEY}\n`, 'k'.repeat(501)].entries()) {
      const params = { folder: key(), method: { kind: 'api_key', apiKey } };
      raw.write(`${JSON.stringify({ id: 10 + i, method: 'login.start', params })}\n`);
      const { error } = await raw.answer(10 + i);
      expect(error).toMatchObject({ code: 'INVALID_INPUT' });
      if (apiKey !== '') expect(JSON.stringify(error)).not.toContain(apiKey.trim());
    }
    expect(existsSync(authFile())).toBe(false);
  });
});

describe('a logout', () => {
  it('holds for every folder; what runs there may end first', async () => {
    const gate = new Latch();
    bridge.model.script(() => [words(['One ', 'two'], (i) => (i === 1 ? gate.wait() : undefined))]);
    await signIn({ kind: 'api_key', apiKey: KEY });
    const { id } = await face.rpc.request('session.create', { folder: key(1) });
    const follower = await Follower.open(face, id);
    await face.rpc.request('session.prompt', { session: id, prompt: 'Run', source });
    await follower.until(
      ({ turns }) => turns[0]?.items.some((item) => item.type === 'agent_message') === true,
    );
    await face.rpc.request('logout', { folder: key(0) });
    expect(existsSync(authFile())).toBe(false);
    expect((await statuses.until(key(0), ({ loggedIn }) => loggedIn === false)).account).toBeUndefined();
    expect(bridge.status().folders[1]?.codex.loggedIn).toBe(true);
    gate.open();
    const done = await follower.until(({ turns }) => turns.every((turn) => hasEnded(turn.status)));
    expect(done.turns[0]?.status).toBe('completed');
    await statuses.until(key(1), ({ loggedIn }) => loggedIn === false);
    await expect(ask(1, 'Again')).rejects.toMatchObject({ code: 'CODEX_LOGGED_OUT' });
  });
});

describe('a device code', () => {
  it('is shown with its page, and the status says who it is when the person has typed it in', async () => {
    const before = Date.now();
    const login = await signIn({ kind: 'device_code' });
    expect(login).toMatchObject({
      state: 'waiting',
      kind: 'device_code',
      userCode: USER_CODE,
      url: `${issuer.url}/codex/device`,
    });
    expect(login?.state === 'waiting' && login.expiresAt).toBeGreaterThan(before + 14 * 60_000);
    await statuses.until(key(), (codex) => codex.login?.state === 'waiting');
    issuer.approve();
    const codex = await statuses.until(key(), (status) => status.login === undefined);
    expect(codex).toMatchObject({
      loggedIn: true,
      account: { kind: 'chatgpt', email: PERSON.email, plan: PERSON.plan },
    });
    await face.rpc.request('logout', { folder: key() });
    expect(issuer.asked).toContain('/revoke');
    expect(await face.rpc.request('account.read', { folder: key() })).toEqual({ loggedIn: false });
    // What "codex login" in a terminal writes is found without a restart by hand.
    writeFileSync(authFile(), JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: KEY }));
    await expect
      .poll(() => face.rpc.request('account.read', { folder: key() }), { timeout: 10_000 })
      .toEqual({ loggedIn: true, account: { kind: 'apiKey' } });
  });

  it('can be given up', async () => {
    await signIn({ kind: 'device_code' });
    await face.rpc.request('login.cancel', { folder: key() });
    expect(bridge.status().folders[0]?.codex).toMatchObject({ loggedIn: false });
    expect(bridge.status().folders[0]?.codex.login).toBeUndefined();
    issuer.approve();
    await face.rpc.request('account.read', { folder: key() });
    expect(existsSync(authFile())).toBe(false);
  });

  it('without the login server fails with a sentence', async () => {
    await issuer.close();
    await expect(signIn({ kind: 'device_code' })).rejects.toMatchObject({
      code: 'CODEX_REFUSED',
      message: expect.stringMatching(/^Codex could not start the login: .*another way\.$/s),
    });
    issuer = await FakeIssuer.start();
  });
});

describe('ChatGPT in the browser', () => {
  it('waits for the browser to come back, and there is one at a time', async () => {
    const first = await signIn({ kind: 'chatgpt' });
    expect(first).toMatchObject({ state: 'waiting', kind: 'chatgpt' });
    const second = await signIn({ kind: 'chatgpt' }, 1);
    await statuses.until(key(0), ({ login }) => login === undefined);
    if (second?.state !== 'waiting') throw new Error('no login waits');
    expect(new URL(second.url).origin).toBe(issuer.url);
    await face.rpc.request('account.read', { folder: key(0) });
    const page = await FakeIssuer.callBack(second.url);
    expect(page.status).toBe(200);
    const codex = await statuses.until(key(1), ({ login }) => login === undefined);
    expect(codex).toMatchObject({ loggedIn: true, account: { email: PERSON.email } });
    await statuses.until(key(0), ({ account }) => account?.email === PERSON.email);
    expect(bridge.log.join('\n')).not.toContain(second.url);
  });

  it('that somebody else ends says so, until it is dismissed', async () => {
    const login = await signIn({ kind: 'chatgpt' });
    if (login?.state !== 'waiting') throw new Error('no login waits');
    // Any Codex that wants the port has the one before give up.
    const back = new URL(new URL(login.url).searchParams.get('redirect_uri') ?? '');
    await fetch(new URL('/cancel', back));
    const { login: failed } = await statuses.until(key(), (codex) => codex.login?.state === 'failed');
    expect(failed).toMatchObject({ kind: 'chatgpt', error: { code: 'CODEX_LOGGED_OUT' } });
    await face.rpc.request('login.cancel', { folder: key() });
    expect(bridge.status().folders[0]?.codex.login).toBeUndefined();
  });

  it('ends with its Codex, and says so', async () => {
    await signIn({ kind: 'chatgpt' });
    await face.rpc.request('restart', { folder: key() });
    const { login } = await statuses.until(key(), (codex) => codex.login?.state === 'failed');
    expect(login).toMatchObject({ error: { code: 'CODEX_EXITED' } });
  });
});
