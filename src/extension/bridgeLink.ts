import type { BridgeConnection } from '../client/connect.ts';
import type { ChangesEvents } from '../shared/changes.ts';
import { type Disposable, Emitter } from '../shared/disposables.ts';
import { BridgeError, type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { NumberedEvent } from '../shared/events.ts';
import type { FaceContract, FolderInfo, FolderStatus } from '../shared/faces.ts';
import { reduce } from '../shared/reducer.ts';
import type { Params, RequestName, Result } from '../shared/rpc.ts';
import type { SessionId, SessionSnapshot, SessionSummary } from '../shared/session.ts';

export type LinkState =
  /** Nobody has needed the bridge yet, or the person stopped it. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** The last attempt failed; `retrying` says that another one follows by itself. */
  | { readonly kind: 'failed'; readonly error: ErrorInfo; readonly retrying: boolean };

export interface LinkFolder {
  readonly path: string;
  readonly name: string;
}

export interface LinkDeps {
  /** `start: false` only joins a bridge that runs already. */
  connect(options: { start: boolean }): Promise<BridgeConnection>;
  onError(error: unknown): void;
  /** Waits before the n-th attempt in a row, from 1. Default: 0.25 s, doubled up to 30 s. */
  backOffMs?(attempt: number): number;
}

/** Attempts in a row that a lost bridge is looked for before the person is asked. */
const MAX_ATTEMPTS = 6;
/** After a bridge has left: when its successor (a newer version's, say) is looked for, in ms. */
const REJOIN_MS = [1_000, 4_000, 15_000];

/**
 * The window's line to the bridge: made at first use, made again when it breaks (folders added again, the
 * selected session opened again), and let go when the person stops the bridge.
 */
export class BridgeLink implements Disposable {
  readonly #deps: LinkDeps;
  readonly #state: Emitter<LinkState>;
  readonly #folders: Emitter<readonly FolderInfo[]>;
  readonly #summary: Emitter<SessionSummary>;
  readonly #removed: Emitter<SessionId>;
  readonly #folderStatus: Emitter<FolderStatus>;
  readonly #clients: Emitter<void>;
  readonly #changes: Emitter<ChangesEvents['changes.changed']>;
  readonly #session: Emitter<SessionSnapshot | null>;
  readonly #event: Emitter<{ session: SessionId } & NumberedEvent>;
  #current: LinkState = { kind: 'idle' };
  #connection: BridgeConnection | undefined;
  #connecting: { readonly start: boolean; readonly promise: Promise<BridgeConnection> } | undefined;
  #wanted: readonly LinkFolder[] = [];
  #known = new Map<string, FolderInfo>();
  #selected: SessionId | null = null;
  #snapshot: SessionSnapshot | null = null;
  /** Events of a session that is being opened, which came before its snapshot. */
  #early: ({ session: SessionId } & NumberedEvent)[] | undefined;
  #leaving = false;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#state = new Emitter(deps.onError);
    this.#folders = new Emitter(deps.onError);
    this.#summary = new Emitter(deps.onError);
    this.#removed = new Emitter(deps.onError);
    this.#folderStatus = new Emitter(deps.onError);
    this.#clients = new Emitter(deps.onError);
    this.#changes = new Emitter(deps.onError);
    this.#session = new Emitter(deps.onError);
    this.#event = new Emitter(deps.onError);
  }

  get state(): LinkState {
    return this.#current;
  }

  /** The folders that the bridge knows of this window, in the window's order. */
  get folders(): readonly FolderInfo[] {
    return this.#wanted.flatMap(({ path }) => this.#known.get(path) ?? []);
  }

  /** What the bridge calls the folder at this path of the window's. */
  folderAt(path: string): FolderInfo | undefined {
    return this.#known.get(path);
  }

  /** The open session as it is now. */
  get session(): SessionSnapshot | null {
    return this.#snapshot;
  }

  get onState() {
    return this.#state.on;
  }
  get onFolders() {
    return this.#folders.on;
  }
  /** Of any folder that the bridge knows: other windows' too. */
  get onSummary() {
    return this.#summary.on;
  }
  get onRemoved() {
    return this.#removed.on;
  }
  /** Codex or the counts of a folder have changed; of any folder, too. */
  get onFolderStatus() {
    return this.#folderStatus.on;
  }
  /** MCP clients may have come or gone. */
  get onClients() {
    return this.#clients.on;
  }
  /** Changes of an ended turn of the open session were reverted or marked. */
  get onChanges() {
    return this.#changes.on;
  }
  /** Another session is open, or its events had a gap: replaces what was shown. */
  get onSession() {
    return this.#session.on;
  }
  /** An event of the open session, in order. */
  get onEvent() {
    return this.#event.on;
  }

  /**
   * Connects where it is not; callers at the same time share one attempt.
   *
   * @throws BridgeError as `connectBridge` does
   */
  async ensure(options: { start: boolean } = { start: true }): Promise<BridgeConnection> {
    if (this.#disposed) throw new BridgeError('CONNECTION_CLOSED', 'This window is closing.');
    if (this.#connection !== undefined) return this.#connection;
    clearTimeout(this.#timer);
    const running = this.#connecting;
    if (running === undefined) return this.#begin(options);
    if (running.start || !options.start) return running.promise;
    // An attempt that only looks for a bridge is no answer to a caller who needs one.
    return running.promise.catch(() => this.ensure(options));
  }

  #begin({ start }: { start: boolean }): Promise<BridgeConnection> {
    const promise = this.#connect({ start }).finally(() => {
      this.#connecting = undefined;
    });
    this.#connecting = { start, promise };
    return promise;
  }

  /** Asks the bridge, connecting first where needed. */
  async request<M extends RequestName<FaceContract>>(
    method: M,
    params: Params<FaceContract, M>,
  ): Promise<Result<FaceContract, M>> {
    const { rpc } = await this.ensure();
    return rpc.request(method, params);
  }

  /** The window's folders have changed. */
  async setFolders(folders: readonly LinkFolder[]): Promise<void> {
    const gone = this.#wanted.filter((old) => !folders.some(({ path }) => path === old.path));
    this.#wanted = folders;
    if (this.#connection === undefined) return;
    const { rpc } = this.#connection;
    await Promise.all(
      gone.map(async ({ path }) => {
        const info = this.#known.get(path);
        this.#known.delete(path);
        if (info !== undefined) await rpc.request('folder.remove', { folder: info.key });
      }),
    );
    await this.#addFolders(this.#connection);
    this.#folders.fire(this.folders);
  }

  /** Opens a session: its snapshot and then its events follow. `null` closes. What can't be opened changes nothing. */
  async select(session: SessionId | null): Promise<void> {
    const before = this.#selected;
    this.#selected = session;
    try {
      if (session === null) {
        this.#replace(null);
      } else {
        await this.ensure();
        // Connecting has opened it already where the connection was new.
        if (this.#snapshot?.id !== session) await this.#open(session);
      }
    } catch (error) {
      if (this.#selected === session) this.#selected = before;
      throw error;
    }
    if (before === null || before === session || this.#selected === before) return;
    await this.#connection?.rpc.request('session.close', { session: before });
  }

  /** Lets go of the bridge until it is needed again. */
  release(): void {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#known.clear();
    connection?.dispose();
    this.#set({ kind: 'idle' });
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#connection?.dispose();
    this.#connection = undefined;
    for (const emitter of [this.#state, this.#folders, this.#summary, this.#removed]) emitter.dispose();
    this.#folderStatus.dispose();
    this.#clients.dispose();
    this.#changes.dispose();
    this.#session.dispose();
    this.#event.dispose();
  }

  async #connect(options: { start: boolean }): Promise<BridgeConnection> {
    this.#set({ kind: 'connecting' });
    let connection: BridgeConnection | undefined;
    try {
      connection = await this.#deps.connect(options);
      if (this.#disposed) throw new BridgeError('CONNECTION_CLOSED', 'This window is closing.');
      this.#listen(connection);
      this.#known.clear();
      await this.#addFolders(connection);
      this.#connection = connection;
      this.#attempt = 0;
      this.#set({ kind: 'connected' });
      this.#folders.fire(this.folders);
    } catch (error) {
      connection?.dispose();
      const info = toErrorInfo(error);
      // To look for a bridge and find none is no failure.
      if (!options.start && info.code === 'BRIDGE_NOT_RUNNING') this.#set({ kind: 'idle' });
      else this.#set({ kind: 'failed', error: info, retrying: false });
      throw error;
    }
    if (this.#selected !== null) await this.#reopen(this.#selected);
    return connection;
  }

  #listen(connection: BridgeConnection): void {
    const { rpc } = connection;
    this.#leaving = false;
    connection.onClose(() => this.#lost(connection));
    rpc.on('leaving', () => {
      this.#leaving = true;
    });
    rpc.on('session.changed', ({ summary }) => this.#summary.fire(summary));
    rpc.on('session.removed', ({ session }) => {
      if (this.#selected === session) {
        this.#selected = null;
        this.#replace(null);
      }
      this.#removed.fire(session);
    });
    rpc.on('folder.status', (status) => this.#folderStatus.fire(status));
    rpc.on('clients.changed', () => this.#clients.fire());
    rpc.on('changes.changed', (changed) => this.#changes.fire(changed));
    rpc.on('session.event', (event) => this.#apply(event));
  }

  /**
   * A bridge that said goodbye is not started again by itself, only its successor is joined; a lost one is
   * looked for and started.
   */
  #lost(connection: BridgeConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#known.clear();
    if (this.#disposed) return;
    // An older bridge that left to make room is followed by this window's own.
    if (this.#leaving && connection.replacing !== true) {
      this.#set({ kind: 'idle' });
      this.#joinSuccessor(REJOIN_MS);
      return;
    }
    this.#retry({ code: 'CONNECTION_CLOSED', message: 'The bridge went away; connecting again.' });
  }

  #joinSuccessor([wait, ...later]: readonly number[]): void {
    if (wait === undefined || this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.ensure({ start: false }).catch(() => this.#joinSuccessor(later));
    }, wait);
    this.#timer.unref?.();
  }

  #retry(error: ErrorInfo): void {
    this.#attempt += 1;
    const retrying = this.#attempt <= MAX_ATTEMPTS;
    this.#set({ kind: 'failed', error, retrying });
    if (!retrying) return;
    const wait = this.#deps.backOffMs?.(this.#attempt) ?? Math.min(30_000, 250 * 2 ** (this.#attempt - 1));
    this.#timer = setTimeout(() => {
      this.ensure().catch((failure: unknown) => {
        this.#deps.onError(failure);
        if (!this.#disposed) this.#retry(toErrorInfo(failure));
      });
    }, wait);
    this.#timer.unref?.();
  }

  async #addFolders({ rpc }: BridgeConnection): Promise<void> {
    await Promise.all(
      this.#wanted.map(async ({ path, name }) => {
        if (this.#known.has(path)) return;
        try {
          this.#known.set(path, await rpc.request('folder.add', { path, name }));
        } catch (error) {
          // A folder that is gone from the disk must not take the others with it.
          this.#deps.onError(error);
          if (this.#wanted.length === 1) throw error;
        }
      }),
    );
  }

  /** After a reconnect: a session that is gone meanwhile is closed, not an error. */
  async #reopen(session: SessionId): Promise<void> {
    try {
      await this.#open(session);
    } catch (error) {
      this.#deps.onError(error);
      if (this.#selected !== session) return;
      this.#selected = null;
      this.#replace(null);
    }
  }

  async #open(session: SessionId): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#early = [];
    try {
      const snapshot = await connection.rpc.request('session.open', { session });
      if (this.#selected === session) this.#replace(snapshot);
    } finally {
      const early = this.#early ?? [];
      this.#early = undefined;
      // Of the new session, or of the one that stays open because the new one could not be opened.
      for (const event of early) this.#apply(event);
    }
  }

  #replace(snapshot: SessionSnapshot | null): void {
    this.#snapshot = snapshot;
    this.#session.fire(snapshot);
  }

  #apply(numbered: { session: SessionId } & NumberedEvent): void {
    if (this.#early !== undefined) {
      this.#early.push(numbered);
      return;
    }
    const snapshot = this.#snapshot;
    if (snapshot === null || numbered.session !== snapshot.id || numbered.seq <= snapshot.seq) return;
    if (numbered.seq !== snapshot.seq + 1) {
      this.#reopen(snapshot.id).catch(this.#deps.onError);
      return;
    }
    this.#snapshot = reduce(snapshot, numbered);
    this.#event.fire(numbered);
  }

  #set(state: LinkState): void {
    this.#current = state;
    this.#state.fire(state);
  }
}
