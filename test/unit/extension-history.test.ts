import { expect, test } from 'vitest';
import { chatProblem } from '../../src/extension/chatProblem.ts';
import { tellMendedHistories } from '../../src/extension/historyNotice.ts';
import { Emitter } from '../../src/shared/disposables.ts';
import type { ErrorInfo } from '../../src/shared/errors.ts';

const window = {
  folders: 1,
  trusted: true,
  remote: false,
  link: { kind: 'connected' },
  error: null,
  codex: undefined,
  login: null,
} as const;

test('B7: a history that can not be written stands in the chat as long as it is so', () => {
  const full: ErrorInfo = { code: 'HISTORY_UNAVAILABLE', message: 'The disk is full.' };
  expect(chatProblem({ ...window, history: full })).toEqual({ kind: 'history', ...full });
  expect(chatProblem({ ...window, history: undefined })).toBeNull();
  expect(
    chatProblem({ ...window, history: full, codex: { state: 'ready', restarts: 0, loggedIn: false } })?.kind,
  ).toBe('logged_out');
});

test('B8: what is mended is told once, in whichever window; the next damage is told again', () => {
  const mended = (file: string): ErrorInfo => ({ code: 'HISTORY_CORRUPT', message: `It is in ${file}.` });
  const errors: unknown[] = [];
  const told: string[] = [];
  const kept = new Map<string, unknown>();
  const store = {
    // What is read is what was written.
    get: <T>(key: string) => kept.get(key) as T | undefined,
    update: async (key: string, value: unknown) => void kept.set(key, value),
  };
  const open = (history: ErrorInfo) => {
    const changed = new Emitter<void>((error) => errors.push(error));
    tellMendedHistories({
      folders: { historyOf: (key) => (key === 'f1' ? history : undefined) },
      onChanged: changed.on,
      keys: () => ['f0', 'f1'],
      store,
      tell: ({ message }) => told.push(message),
      onError: (error) => errors.push(error),
    });
    changed.fire();
    changed.fire();
  };
  open(mended('a'));
  open(mended('a'));
  open({ code: 'HISTORY_DAMAGED', message: 'Now.' });
  expect(told).toEqual(['It is in a.']);
  open(mended('b'));
  expect(told).toEqual(['It is in a.', 'It is in b.']);
  expect(errors).toEqual([]);
  expect(chatProblem({ ...window, history: mended('a') })).toBeNull();
});
