import type { FolderKey, SessionId, SessionState, SessionSummary } from '../shared/session.ts';
import { NO_USAGE } from '../shared/session.ts';

const KEY = 'codexBridge.index';
const VERSION = 1;
/** With these the whole stays below 100 KB: VS Code sends all of it again on each update. */
const MAX_SESSIONS = 150;
const MAX_TITLE = 100;
/** A longer text is not kept at all: half of it would be worse than none. */
const MAX_DRAFT = 10_000;
/** Changes within this time are written together, in ms. Short: a window may be closed at any moment. */
const WRITE_AFTER_MS = 100;

/** The part of `vscode.Memento` that is needed. */
export interface IndexStore {
  get<T>(key: string): T | undefined;
  update(key: string, value: unknown): Thenable<void>;
}

interface Entry {
  readonly id: SessionId;
  readonly folder: FolderKey;
  readonly title: string;
  readonly state: SessionState;
  readonly updatedAt: number;
}

interface Stored {
  readonly version: number;
  readonly folders: readonly { readonly key: FolderKey; readonly path: string }[];
  readonly sessions: readonly Entry[];
  readonly selected: SessionId | null;
  readonly draft: string;
}

const EMPTY: Stored = { version: VERSION, folders: [], sessions: [], selected: null, draft: '' };

/**
 * What the window shows before the bridge is there: a copy of the session list, the selected session and
 * the unsent text. Nothing depends on it: what is lost comes back from the bridge's history.
 */
export class SessionIndex {
  readonly #store: IndexStore;
  readonly #onError: (error: unknown) => void;
  #stored: Stored;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: IndexStore, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
    const stored = store.get<Stored>(KEY);
    this.#stored = stored?.version === VERSION ? { ...EMPTY, ...stored } : EMPTY;
  }

  get selected(): SessionId | null {
    return this.#stored.selected;
  }

  get draft(): string {
    return this.#stored.draft;
  }

  /** Those of the workspace when the bridge was last connected. */
  get folders(): Stored['folders'] {
    return this.#stored.folders;
  }

  /** The key that the bridge gave this folder, if it was ever connected. */
  folderKey(path: string): FolderKey | undefined {
    return this.#stored.folders.find((folder) => folder.path === path)?.key;
  }

  /** As summaries; what the index does not keep has its empty value. A state of then is not a state of now. */
  sessions(): SessionSummary[] {
    return this.#stored.sessions.map((entry) => ({
      id: entry.id,
      folder: entry.folder,
      title: entry.title,
      state: entry.state === 'failed' ? 'failed' : 'idle',
      archived: false,
      createdAt: entry.updatedAt,
      updatedAt: entry.updatedAt,
      turns: 0,
      usage: NO_USAGE,
      settings: {},
    }));
  }

  setFolders(folders: readonly { readonly key: FolderKey; readonly path: string }[]): void {
    this.#change({ folders: folders.map(({ key, path }) => ({ key, path })) });
  }

  setSessions(sessions: readonly SessionSummary[]): void {
    this.#change({
      sessions: sessions.slice(0, MAX_SESSIONS).map(({ id, folder, title, state, updatedAt }) => ({
        id,
        folder,
        title: title.slice(0, MAX_TITLE),
        state,
        updatedAt,
      })),
    });
  }

  setSelected(selected: SessionId | null): void {
    if (selected !== this.#stored.selected) this.#change({ selected });
  }

  setDraft(draft: string): void {
    const kept = draft.length > MAX_DRAFT ? '' : draft;
    if (kept !== this.#stored.draft) this.#change({ draft: kept });
  }

  /** Writes now what was not written yet. */
  flush(): Thenable<void> {
    if (this.#timer === undefined) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#store.update(KEY, this.#stored);
  }

  #change(part: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...part };
    this.#timer ??= setTimeout(() => {
      this.flush().then(undefined, this.#onError);
    }, WRITE_AFTER_MS);
  }
}
