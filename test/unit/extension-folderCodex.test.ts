import { expect, test } from 'vitest';
import type { LinkState } from '../../src/extension/bridgeLink.ts';
import { FolderCodex } from '../../src/extension/folderCodex.ts';
import { Emitter } from '../../src/shared/disposables.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { CodexStatus, FolderInfo, FolderStatus } from '../../src/shared/faces.ts';

const LOGGED_OUT: CodexStatus = { state: 'ready', restarts: 0, loggedIn: false };
const WAITING: CodexStatus = {
  ...LOGGED_OUT,
  login: { state: 'waiting', kind: 'device_code', url: 'https://login.test', userCode: 'A-1', expiresAt: 1 },
};

function status(key: string, codex: CodexStatus): FolderStatus {
  const counts = { running: 0, queued: 0, waitingForApproval: 0, loaded: 0 };
  return { key, path: `/${key}`, name: key, codex, ...counts };
}

/** A line to a bridge that answers when the test says so. */
function setUp() {
  const fail = (error: unknown) => {
    throw error;
  };
  const statuses = new Emitter<FolderStatus>(fail);
  const folders = new Emitter<readonly FolderInfo[]>(fail);
  const states = new Emitter<LinkState>(fail);
  const answers: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  const asked: string[] = [];
  const errors: unknown[] = [];
  const link = {
    onFolderStatus: statuses.on,
    onFolders: folders.on,
    onState: states.on,
    request: (method: string) => {
      asked.push(method);
      return new Promise<never>((resolve, reject) => {
        // What the test answers is what the method answers.
        answers.push({ resolve: resolve as (value: unknown) => void, reject });
      });
    },
  };
  const codex = new FolderCodex(link, (error) => errors.push(error));
  const answer = async (...told: FolderStatus[]) => {
    answers.shift()?.resolve({ folders: told });
    await tick();
  };
  return { codex, statuses, folders, states, answers, asked, errors, answer };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

test('an answer that was overtaken does not undo what has been told since', async () => {
  const { codex, statuses, folders, answer } = setUp();
  folders.fire([]);
  statuses.fire(status('a', WAITING));
  await answer(status('a', LOGGED_OUT), status('b', LOGGED_OUT));
  expect(codex.of('a')).toEqual(WAITING);
  expect(codex.of('b')).toEqual(LOGGED_OUT);
  expect(codex.login).toMatchObject({ folder: 'a', state: { userCode: 'A-1' } });
  folders.fire([]);
  await answer(status('a', LOGGED_OUT));
  expect(codex.login).toBeUndefined();
});

test('Codex is asked who is logged in only where nobody has asked it', async () => {
  const { codex, asked, answers, answer, errors } = setUp();
  const known = codex.ask('a');
  await answer(status('a', { state: 'not_started', restarts: 0, loggedIn: true }));
  await known;
  const running = codex.ask('a');
  await answer(status('a', { state: 'starting', restarts: 0 }));
  await running;
  expect(asked).toEqual(['status', 'status']);
  const unknown = codex.ask('a');
  await answer(status('a', { state: 'not_started', restarts: 0 }));
  expect(asked.at(-1)).toBe('account.read');
  answers.shift()?.reject(new BridgeError('CODEX_NOT_FOUND', 'There is none.'));
  await unknown;
  expect(errors).toHaveLength(1);
  // It may have been installed meanwhile.
  const error = { code: 'CODEX_NOT_FOUND', message: 'There is none.' } as const;
  const again = codex.ask('a');
  await answer(status('a', { state: 'failed', restarts: 0, error }));
  expect(asked.filter((method) => method === 'account.read')).toHaveLength(2);
  answers.shift()?.resolve({});
  await again;
});

test('of a bridge that is gone nothing is known', async () => {
  const { codex, statuses, states } = setUp();
  statuses.fire(status('a', WAITING));
  states.fire({ kind: 'connecting' });
  expect(codex.of('a')).toBeUndefined();
});
