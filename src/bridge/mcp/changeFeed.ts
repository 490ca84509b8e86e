import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import type { FolderKey, SessionSummary } from '../../shared/session.ts';
import type { BridgeApi, FolderApi } from '../api.ts';
import type { Scope } from '../http/tokens.ts';
import type { Clock } from '../ports.ts';
import { SESSIONS_URI, sessionUri } from './resources.ts';

/** The same change is told at most so often, in ms: clients read anew each time. */
const UPDATE_MS = 500;

/** Who hears of changes: the subscribers of one endpoint, or one connected client. */
export interface ChangeSink {
  toolsChanged(): void;
  resourcesChanged(): void;
  resourceUpdated(uri: string): void;
}

interface Subscriber {
  readonly scope: Scope;
  readonly sink: ChangeSink;
}

/** Tells MCP clients what has changed among the sessions that they may see. */
export class ChangeFeed implements Disposable {
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  readonly #subscribers = new Set<Subscriber>();
  readonly #watched = new Map<FolderKey, Disposable>();
  /** What was told just now, and whether it has changed again since. */
  readonly #resting = new Map<string, { again: boolean; readonly cancel: () => void }>();

  constructor(bridge: BridgeApi, clock: Clock) {
    this.#clock = clock;
    for (const folder of bridge.folders()) this.#watch(folder);
    this.#store.add(
      bridge.onFolderRemoved((folder) => {
        this.#unwatch(folder.info.key);
        this.#listChanged(folder);
      }),
    );
    let profile = bridge.settings.mcp.toolProfile;
    this.#store.add(
      bridge.onSettings(() => {
        const { toolProfile } = bridge.settings.mcp;
        if (toolProfile !== profile) this.toolsChanged();
        profile = toolProfile;
      }),
    );
    this.#store.add(
      bridge.onFolders((folder) => {
        this.#watch(folder);
        this.#listChanged(folder);
      }),
    );
  }

  subscribe(scope: Scope, sink: ChangeSink): Disposable {
    const subscriber = { scope, sink };
    this.#subscribers.add(subscriber);
    return { dispose: () => this.#subscribers.delete(subscriber) };
  }

  /** The tools are others now, for everyone. */
  toolsChanged(): void {
    for (const { sink } of [...this.#subscribers]) sink.toolsChanged();
  }

  dispose(): void {
    this.#subscribers.clear();
    for (const { cancel } of this.#resting.values()) cancel();
    this.#resting.clear();
    this.#store.dispose();
  }

  #watch(folder: FolderApi): void {
    const listed = new Map<string, string>();
    const store = this.#store.add(new DisposableStore());
    this.#watched.set(folder.info.key, store);
    store.add(folder.onSession((summary) => this.#changed(folder, listed, summary)));
    store.add(
      folder.onRemoved((session) => {
        listed.delete(session);
        this.#listChanged(folder);
        this.#updated(folder, SESSIONS_URI);
      }),
    );
    store.add(folder.onScreen((session) => this.#updated(folder, sessionUri(session, 'screen'))));
  }

  #unwatch(key: FolderKey): void {
    const store = this.#watched.get(key);
    this.#watched.delete(key);
    if (store !== undefined) this.#store.delete(store);
  }

  /** `listed`: title and archive mark of the sessions that were seen, which is what `resources/list` shows. */
  #changed(
    folder: FolderApi,
    listed: Map<string, string>,
    { id, title, archived, state }: SessionSummary,
  ): void {
    const line = `${archived} ${title}`;
    if (listed.get(id) !== line) {
      listed.set(id, line);
      this.#listChanged(folder);
    }
    this.#updated(folder, SESSIONS_URI);
    this.#updated(folder, sessionUri(id));
    // What a turn changed is known at its end.
    if (state !== 'running' && state !== 'waiting_for_approval')
      this.#updated(folder, sessionUri(id, 'diff'));
  }

  #listChanged(folder: FolderApi): void {
    this.#now(folder, 'list', (sink) => sink.resourcesChanged());
  }

  #updated(folder: FolderApi, uri: string): void {
    this.#now(folder, uri, (sink) => sink.resourceUpdated(uri));
  }

  /** At once, or where the same was told just now, a little later. */
  #now(folder: FolderApi, what: string, tell: (sink: ChangeSink) => void): void {
    if (this.#subscribers.size === 0) return;
    const key = `${folder.info.key} ${what}`;
    const resting = this.#resting.get(key);
    if (resting !== undefined) {
      resting.again = true;
      return;
    }
    this.#tell(folder, tell);
    const cancel = this.#clock.after(UPDATE_MS, () => {
      const again = this.#resting.get(key)?.again === true;
      this.#resting.delete(key);
      if (again) this.#now(folder, what, tell);
    });
    this.#resting.set(key, { again: false, cancel });
  }

  #tell(folder: FolderApi, tell: (sink: ChangeSink) => void): void {
    for (const { scope, sink } of [...this.#subscribers]) {
      if (scope.kind === 'all' || scope.folder === folder.info.key) tell(sink);
    }
  }
}
