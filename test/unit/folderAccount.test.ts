import { expect, test } from 'vitest';
import { FolderAccount } from '../../src/bridge/folders/folderAccount.ts';
import type { CodexStatus } from '../../src/shared/faces.ts';
import { silentLogger } from '../support/fakeBridge.ts';

/** One folder's Codex, as far as its login is concerned. */
class FakeHost {
  status: CodexStatus = { state: 'ready', restarts: 0, loggedIn: true };
  forgotten = 0;
  cancelled = 0;
  readonly #reading = Promise.withResolvers<void>();

  readAccount(): Promise<void> {
    return this.#reading.promise;
  }
  answerRead(): void {
    this.#reading.resolve();
  }
  async startLogin(): Promise<void> {}
  async cancelLogin(): Promise<void> {
    this.cancelled += 1;
  }
  async logout(): Promise<void> {}
  forgetAccount(): void {
    this.forgotten += 1;
  }
}

function setUp() {
  const codex = new FakeHost();
  const folder = { busy: false, renewed: 0 };
  const account = new FolderAccount({
    codex,
    logger: silentLogger,
    busy: () => folder.busy,
    renew: async () => {
      folder.renewed += 1;
    },
  });
  return { codex, folder, account };
}

test('after a login elsewhere Codex is replaced once, when nothing runs', () => {
  const { folder, account } = setUp();
  account.settle();
  expect(folder.renewed).toBe(0);
  folder.busy = true;
  account.renewWhenIdle();
  expect(folder.renewed).toBe(0);
  folder.busy = false;
  account.settle();
  account.settle();
  expect(folder.renewed).toBe(1);
});

test('and not while somebody is asked or signs in here', async () => {
  const { codex, folder, account } = setUp();
  const read = account.read();
  account.renewWhenIdle();
  expect(folder.renewed).toBe(0);
  codex.status = {
    ...codex.status,
    login: { state: 'waiting', kind: 'chatgpt', url: 'https://login.test', expiresAt: 1 },
  };
  codex.answerRead();
  await read;
  expect(folder.renewed).toBe(0);
  codex.status = { state: 'ready', restarts: 0, loggedIn: false };
  account.settle();
  expect(folder.renewed).toBe(1);
});

test('one that starts is looked at when it is ready, one that does not run forgets what it knew', () => {
  const { codex, folder, account } = setUp();
  codex.status = { state: 'starting', restarts: 0 };
  account.renewWhenIdle();
  codex.status = { state: 'ready', restarts: 0 };
  account.settle();
  expect([folder.renewed, codex.forgotten]).toEqual([1, 0]);
  codex.status = { state: 'not_started', restarts: 0, loggedIn: false };
  account.renewWhenIdle();
  expect([folder.renewed, codex.forgotten]).toEqual([1, 1]);
});

test('a login here is enough for this Codex, a logout is not', () => {
  const { folder, account } = setUp();
  account.changedHere(true);
  expect(folder.renewed).toBe(0);
  account.changedHere(false);
  expect(folder.renewed).toBe(1);
});

test('the others are told, and give up what waits for the one port', async () => {
  const [here, there] = [setUp(), setUp()];
  const sharing = here.account.share(() => [here.account, there.account]);
  await here.account.login({ kind: 'chatgpt' });
  expect([here.codex.cancelled, there.codex.cancelled]).toEqual([0, 1]);
  here.account.changedHere(true);
  expect([here.folder.renewed, there.folder.renewed]).toEqual([0, 1]);
  sharing.dispose();
  here.account.changedHere(true);
  expect(there.folder.renewed).toBe(1);
});
