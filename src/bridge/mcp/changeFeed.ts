import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import type { SessionSummary } from '../../shared/session.ts';
import type { BridgeApi, FolderApi } from '../api.ts';
import type { Scope } from '../http/tokens.ts';
import type { Clock } from '../ports.ts';
import { SESSIONS_URI, sessionUri } from './resources.ts';

/** A resource is told as changed at most so often, in ms: clients read it anew each time. */
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
  /** Title and archive mark of the sessions that were seen: what `resources/list` shows. */
  readonly #listed = new Map<string, string>();
  /** Resources that were told just now, and whether they have changed again since. */
  readonly #resting = new Map<string, { again: boolean; readonly cancel: () => void }>();

  constructor(bridge: BridgeApi, clock: Clock) {
    this.#clock = clock;
    for (const folder of bridge.folders()) this.#watch(folder);
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
        this.#tell(folder, (sink) => sink.resourcesChanged());
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
    this.#store.add(folder.onSession((summary) => this.#changed(folder, summary)));
    this.#store.add(
      folder.onRemoved((session) => {
        this.#listed.delete(session);
        this.#tell(folder, (sink) => sink.resourcesChanged());
        this.#updated(folder, SESSIONS_URI);
      }),
    );
    this.#store.add(folder.onScreen((session) => this.#updated(folder, sessionUri(session, 'screen'))));
  }

  #changed(folder: FolderApi, { id, title, archived, state }: SessionSummary): void {
    const line = `${archived} ${title}`;
    if (this.#listed.get(id) !== line) {
      this.#listed.set(id, line);
      this.#tell(folder, (sink) => sink.resourcesChanged());
    }
    this.#updated(folder, SESSIONS_URI);
    this.#updated(folder, sessionUri(id));
    // What a turn changed is known at its end.
    if (state !== 'running' && state !== 'waiting_for_approval')
      this.#updated(folder, sessionUri(id, 'diff'));
  }

  #updated(folder: FolderApi, uri: string): void {
    if (this.#subscribers.size === 0) return;
    const key = `${folder.info.key} ${uri}`;
    const resting = this.#resting.get(key);
    if (resting !== undefined) {
      resting.again = true;
      return;
    }
    this.#tell(folder, (sink) => sink.resourceUpdated(uri));
    const cancel = this.#clock.after(UPDATE_MS, () => {
      const again = this.#resting.get(key)?.again === true;
      this.#resting.delete(key);
      if (again) this.#updated(folder, uri);
    });
    this.#resting.set(key, { again: false, cancel });
  }

  #tell(folder: FolderApi, tell: (sink: ChangeSink) => void): void {
    for (const { scope, sink } of [...this.#subscribers]) {
      if (scope.kind === 'all' || scope.folder === folder.info.key) tell(sink);
    }
  }
}
