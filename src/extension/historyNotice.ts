import type { Disposable } from '../shared/disposables.ts';
import type { ErrorInfo } from '../shared/errors.ts';
import type { FolderKey } from '../shared/session.ts';
import type { IndexStore } from './sessionIndex.ts';

const KEY = 'codexBridge.toldHistories';

interface HistoryNoticeDeps {
  readonly folders: { historyOf(folder: FolderKey): ErrorInfo | undefined };
  onChanged(listener: () => void): Disposable;
  keys(): readonly FolderKey[];
  readonly store: IndexStore;
  tell(error: ErrorInfo): void;
  onError(error: unknown): void;
}

/**
 * Tells once of each history that was damaged and is mended. The bridge says it as long as it lives, but nothing
 * has to be done: neither a reload nor the next window of the same folder says it again.
 */
export function tellMendedHistories(deps: HistoryNoticeDeps): Disposable {
  return deps.onChanged(() => {
    for (const key of deps.keys()) {
      const history = deps.folders.historyOf(key);
      if (history?.code !== 'HISTORY_CORRUPT') continue;
      // Its message names the file that was set aside, which no other damage has.
      const told = deps.store.get<readonly string[]>(KEY) ?? [];
      if (told.includes(history.message)) continue;
      deps.store.update(KEY, [...told, history.message]).then(undefined, deps.onError);
      deps.tell(history);
    }
  });
}
