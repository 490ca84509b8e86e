import * as vscode from 'vscode';
import { DisposableStore } from '../shared/disposables.ts';
import type { WindowFace } from './windowFace.ts';

/**
 * Keeps the keys that package.json's `when` clauses ask: whether a session is open, whether it works, and whether
 * somebody is signed in to Codex.
 */
export function keepContextKeys(window: WindowFace): DisposableStore {
  const store = new DisposableStore();
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean) => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  };
  const update = () => {
    const id = window.selected;
    const state = id === null ? undefined : window.session(id)?.state;
    set('codexBridge.sessionOpen', id !== null);
    const codex = window.folder === undefined ? undefined : window.codex.of(window.folder.key);
    // Both are false while nobody knows.
    set('codexBridge.signedIn', codex?.account !== undefined);
    set('codexBridge.signedOut', codex?.loggedIn !== undefined && codex.account === undefined);
    set('codexBridge.busy', state !== undefined && state !== 'idle' && state !== 'failed');
  };
  store.add(window.onChanged(update));
  store.add(window.link.onSession(update));
  update();
  return store;
}
