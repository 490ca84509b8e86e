import { randomUUID } from 'node:crypto';
import { DisposableStore, Emitter } from '../shared/disposables.ts';
import { BridgeError, type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { Attachment, FolderInfo } from '../shared/faces.ts';
import type { TurnTask } from '../shared/review.ts';
import type {
  FolderKey,
  SessionId,
  SessionSettings,
  SessionSummary,
  TurnId,
  TurnSource,
} from '../shared/session.ts';
import type { ChatProblem, ChatState } from '../shared/webview.ts';
import type { BridgeLink, LinkFolder } from './bridgeLink.ts';
import { chatProblem } from './chatProblem.ts';
import { FolderCodex } from './folderCodex.ts';
import { removeGone } from './goneFolders.ts';
import type { SessionIndex } from './sessionIndex.ts';
import { SessionList } from './sessionList.ts';

/** Sessions that are listed for a folder; older ones are found by searching. */
const LIST_LIMIT = 200;

export interface WindowDeps {
  readonly link: BridgeLink;
  readonly index: SessionIndex;
  /** The window's folders, in order. */
  folders(): readonly LinkFolder[];
  trusted(): boolean;
  /** The window's files and Codex are on another machine than the person. Default false. */
  remote?(): boolean;
  onError(error: unknown): void;
}

interface TurnRequest {
  /** Absent or null: a new session. */
  readonly session?: SessionId | null;
  readonly folder?: FolderKey;
  readonly source: TurnSource;
  /** Of this turn only. */
  readonly settings?: SessionSettings;
  /** Of the session, where a new one is made. */
  readonly sessionSettings?: SessionSettings;
}

export interface PromptRequest extends TurnRequest {
  readonly prompt: string;
  readonly attachments?: readonly Attachment[];
}

export interface TaskRequest extends TurnRequest {
  readonly task: TurnTask;
}

type SendTurn = (params: {
  readonly session: SessionId;
  readonly source: TurnSource;
  readonly idempotencyKey: string;
  readonly settings?: SessionSettings;
}) => Promise<{ turn: TurnId }>;

/** What one window knows and does: folders, sessions, the selected one. Views and commands only ask it. */
export class WindowFace {
  readonly #deps: WindowDeps;
  readonly #store = new DisposableStore();
  readonly #sessions: SessionList;
  /** What is known of each folder's Codex. */
  readonly codex: FolderCodex;
  readonly #changed: Emitter<void>;
  /** The folder of the next new session. */
  #folder: FolderKey | null = null;
  #error: ErrorInfo | null = null;
  #archivedWanted = false;

  constructor(deps: WindowDeps) {
    const { link, index } = deps;
    this.#deps = deps;
    this.#sessions = new SessionList(index.sessions());
    this.#changed = this.#store.add(new Emitter(deps.onError));
    this.codex = this.#store.add(new FolderCodex(link, deps.onError));
    this.#store.add(this.codex.onChanged(() => this.#changed.fire()));
    this.#store.add(link.onState(() => this.#changed.fire()));
    this.#store.add(link.onFolders((folders) => void this.#refresh(folders).catch(deps.onError)));
    this.#store.add(link.onSummary((summary) => this.#sessions.put(summary) && this.#listChanged()));
    this.#store.add(link.onRemoved((session) => this.#sessions.remove(session) && this.#listChanged()));
    this.#store.add(
      link.onSession((session) => {
        index.setSelected(session?.id ?? null);
        // With the session the folder changes that the next prompt goes to.
        this.#changed.fire();
      }),
    );
  }

  get link(): BridgeLink {
    return this.#deps.link;
  }

  /** Anything but the open session's transcript has changed. */
  get onChanged() {
    return this.#changed.on;
  }

  get selected(): SessionId | null {
    return this.link.session?.id ?? null;
  }

  get sessions(): readonly SessionSummary[] {
    return this.#sessions.list();
  }

  /** Those that {@link loadArchived} has asked for. */
  get archived(): readonly SessionSummary[] {
    return this.#sessions.archived();
  }

  session(id: SessionId): SessionSummary | undefined {
    return this.#sessions.get(id);
  }

  state(): Omit<ChatState, 'session' | 'draft'> {
    const folders = this.#folders();
    const folder = this.#currentFolder(folders);
    return {
      problem: this.#problem(folder),
      folders,
      folder,
      sessions: this.#sessions.list(),
    };
  }

  /** Connects and shows what was selected when the window was last open. */
  async start(options: { start: boolean } = { start: true }): Promise<void> {
    if (!this.#deps.trusted() || this.#deps.folders().length === 0) return;
    this.#error = null;
    const { link, index } = this.#deps;
    await link.setFolders(this.#deps.folders());
    await link.ensure(options);
    const selected = index.selected;
    if (selected === null || link.session !== null) return;
    try {
      await this.select(selected);
    } catch (error) {
      if (!isGone(error)) throw error;
      index.setSelected(null);
    }
  }

  /** The folder that the chat is about; undefined before the bridge knows it. */
  get folder(): FolderInfo | undefined {
    const key = this.#currentFolder(this.#folders());
    return this.link.folders.find((folder) => folder.key === key);
  }

  /** The window's folders or its trust have changed. */
  async foldersChanged(): Promise<void> {
    if (this.#deps.trusted()) await this.link.setFolders(this.#deps.folders());
    const open = this.link.session;
    // A session leaves with its folder: a prompt would go where nobody in this window looks.
    const left = open !== null && !this.link.folders.some(({ key }) => key === open.folder);
    if (left && this.link.state.kind === 'connected') await this.select(null);
    this.#changed.fire();
  }

  async select(session: SessionId | null): Promise<void> {
    try {
      await this.link.select(session);
    } catch (error) {
      // What the index remembers may be deleted meanwhile: then it leaves the list.
      if (session !== null && isGone(error) && this.#sessions.remove(session)) this.#listChanged();
      throw error;
    }
    if (session !== null) this.#folder = this.#sessions.get(session)?.folder ?? this.#folder;
    this.#changed.fire();
  }

  /** The next prompt makes a new session: none is made before there is something to say. */
  async newSession(folder?: FolderKey): Promise<void> {
    if (folder !== undefined) this.#folder = folder;
    await this.select(null);
  }

  /** Sends a prompt, in a new session where none is named, and shows that session. */
  prompt(request: PromptRequest): Promise<{ session: SessionId; turn: TurnId }> {
    const { prompt, attachments } = request;
    return this.#begin(request, (params) =>
      this.link.request('session.prompt', {
        ...params,
        prompt,
        ...(attachments === undefined ? {} : { attachments: [...attachments] }),
      }),
    );
  }

  /** The same for what is no prompt: a review, a compaction. */
  startTask(request: TaskRequest): Promise<{ session: SessionId; turn: TurnId }> {
    const { task } = request;
    return this.#begin(request, (params) => this.link.request('session.task', { ...params, task }));
  }

  async #begin(request: TurnRequest, send: SendTurn): Promise<{ session: SessionId; turn: TurnId }> {
    const { link } = this.#deps;
    this.#requireTrust();
    await link.setFolders(this.#deps.folders());
    await link.ensure();
    const given = request.session ?? null;
    const session = given ?? (await this.#create(request));
    try {
      if (this.selected !== session) await this.select(session);
      return { session, turn: await this.#send(session, request, send) };
    } catch (error) {
      // A refused prompt leaves no empty session behind; a lost connection may have accepted it.
      const refused = error instanceof BridgeError && error.code !== 'CONNECTION_CLOSED';
      if (given === null && refused) await this.deleteSession(session);
      throw error;
    }
  }

  /** Sessions of this window's folders with these words in title, prompts or answers, archived ones too. */
  async search(query: string): Promise<SessionId[]> {
    const lists = await this.#lists([
      { query, archived: false },
      { query, archived: true },
    ]);
    return lists.map(({ id }) => id);
  }

  async loadArchived(): Promise<void> {
    this.#archivedWanted = true;
    await this.#lists([{ archived: true }]);
    this.#changed.fire();
  }

  /** Takes a session out of this window's lists without deleting it, or brings it back. */
  async hideSession(session: SessionId, hidden: boolean): Promise<void> {
    this.#sessions.hide(session, hidden);
    this.#listChanged();
    if (hidden && this.selected === session) await this.select(null);
  }

  /** Where a folder of {@link state} is on the disk. */
  folderPath(key: FolderKey | null): string | undefined {
    const place = this.#folders().findIndex((folder) => folder.key === key);
    return this.#deps.folders()[place]?.path;
  }

  async deleteSession(session: SessionId): Promise<void> {
    await this.link.request('session.delete', { session });
    this.#sessions.remove(session);
    this.#listChanged();
  }

  /** Starts or joins the bridge and gives its folders; for commands that need one. */
  async connectedFolders(): Promise<readonly FolderInfo[]> {
    this.#requireTrust();
    await this.link.setFolders(this.#deps.folders());
    await this.link.ensure();
    return this.link.folders;
  }

  /** Shows an error that no request of a view's waits for, such as one of the start. */
  report(error: unknown): void {
    this.#error = toErrorInfo(error);
    this.#changed.fire();
  }

  dispose(): void {
    this.#store.dispose();
  }

  async #create({ folder: wanted, sessionSettings }: TurnRequest): Promise<SessionId> {
    const folder = this.#resolveFolder(wanted);
    const created = await this.link.request('session.create', {
      folder: folder.key,
      ...(sessionSettings === undefined ? {} : { settings: sessionSettings }),
    });
    return created.id;
  }

  /** A prompt whose answer was lost with the connection is sent again: its key finds the same turn. */
  async #send(session: SessionId, request: TurnRequest, send: SendTurn): Promise<TurnId> {
    const params = {
      session,
      source: request.source,
      idempotencyKey: randomUUID(),
      ...(request.settings === undefined ? {} : { settings: request.settings }),
    };
    try {
      return (await send(params)).turn;
    } catch (error) {
      if (!(error instanceof BridgeError) || error.code !== 'CONNECTION_CLOSED') throw error;
      return (await send(params)).turn;
    }
  }

  #resolveFolder(wanted: FolderKey | undefined): FolderInfo {
    const { folders } = this.link;
    const key = wanted ?? this.#folder;
    // A view that has not heard the bridge's keys yet names a folder by its place.
    const place = key?.startsWith('window-') === true ? Number(key.slice('window-'.length)) : -1;
    const path = this.#deps.folders()[place]?.path;
    const named =
      path === undefined ? folders.find((folder) => folder.key === key) : this.link.folderAt(path);
    const found = named ?? folders[0];
    if (found !== undefined) return found;
    throw new BridgeError('FOLDER_UNKNOWN', 'This window has no folder. Open one, then ask again.');
  }

  #requireTrust(): void {
    if (this.#deps.trusted()) return;
    throw new BridgeError(
      'FOLDER_UNKNOWN',
      'Codex Bridge does nothing in a folder that you do not trust. Trust it first ("Workspaces: Manage Workspace Trust").',
    );
  }

  /** Before the bridge has named a folder its key of last time stands for it, else its place in the window. */
  #folders(): { key: FolderKey; name: string }[] {
    const { link, index } = this.#deps;
    return this.#deps.folders().map(({ path, name }, place) => ({
      key: link.folderAt(path)?.key ?? index.folderKey(path) ?? `window-${place}`,
      name,
    }));
  }

  #currentFolder(folders: readonly { key: FolderKey }[]): FolderKey | null {
    const open = this.link.session?.folder ?? this.#folder;
    return (folders.find(({ key }) => key === open) ?? folders[0])?.key ?? null;
  }

  #problem(folder: FolderKey | null): ChatProblem | null {
    return chatProblem({
      folders: this.#deps.folders().length,
      trusted: this.#deps.trusted(),
      remote: this.#deps.remote?.() === true,
      link: this.link.state,
      error: this.#error,
      codex: this.codex.of(folder),
      history: this.codex.historyOf(folder),
      login: this.codex.login?.state ?? null,
    });
  }

  /** Asks the bridge for lists of every folder; what it says is known from then on. */
  async #lists(queries: readonly { query?: string; archived: boolean }[]): Promise<SessionSummary[]> {
    const folders = await this.connectedFolders();
    const lists = await Promise.all(
      folders.flatMap(({ key }) =>
        queries.map((query) =>
          this.link.request('session.list', { folder: key, limit: LIST_LIMIT, ...query }),
        ),
      ),
    );
    const sessions = lists.flatMap((list) => list.sessions);
    for (const summary of sessions) this.#sessions.put(summary);
    return sessions;
  }

  async #refresh(folders: readonly FolderInfo[]): Promise<void> {
    const queries = this.#archivedWanted ? [{ archived: false }, { archived: true }] : [{ archived: false }];
    const lists = await Promise.all(
      folders.flatMap(({ key }) =>
        queries.map((query) =>
          this.link.request('session.list', { folder: key, limit: LIST_LIMIT, ...query }),
        ),
      ),
    );
    this.#sessions.replace(
      folders.map(({ key }) => key),
      lists.flatMap(({ sessions }) => sessions),
    );
    const paths = this.#deps.folders().map(({ path }) => path);
    await removeGone(this.link, this.#deps.index, paths);
    this.#deps.index.setFolders(
      paths.flatMap((path) => {
        const key = this.link.folderAt(path)?.key;
        return key === undefined ? [] : [{ path, key }];
      }),
    );
    this.#listChanged();
  }

  #listChanged(): void {
    this.#deps.index.setSessions(this.#sessions.list());
    this.#changed.fire();
  }
}

function isGone(error: unknown): boolean {
  return error instanceof BridgeError && error.code === 'SESSION_NOT_FOUND';
}
