import type { Disposable } from '../shared/disposables.ts';
import type {
  BridgeStatus,
  ClientInfo,
  Endpoints,
  FolderInfo,
  FolderStatus,
  Statistics,
} from '../shared/faces.ts';
import type {
  FolderKey,
  SessionId,
  SessionSettings,
  SessionSummary,
  TurnId,
  TurnSnapshot,
} from '../shared/session.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import type { SessionQuery } from './ports.ts';
import type { Session } from './sessions/session.ts';

/**
 * What the two doors of the bridge, `faces/` and `mcp/`, can do with it. `Bridge` and `FolderRuntime`
 * implement it; the doors know nothing else, and no door keeps a truth of its own.
 */
export interface FolderApi {
  readonly info: FolderInfo;
  status(): FolderStatus;
  createSession(options: { title?: string; settings?: SessionSettings }): Session;
  /** Loads the session from the history where needed. @throws BridgeError `SESSION_NOT_FOUND` */
  session(id: SessionId): Session;
  /** The session of a turn. @throws BridgeError `TURN_NOT_FOUND` */
  sessionOfTurn(turn: TurnId): Session;
  /**
   * The session of a Codex thread. One that was begun elsewhere in this very folder becomes a session.
   *
   * @throws BridgeError `SESSION_NOT_FOUND`, `CODEX_*`
   */
  sessionOfThread(thread: string): Promise<Session>;
  /** A turn that the same request made before. */
  turnByKey(idempotencyKey: string): { session: SessionId; turn: TurnId } | undefined;
  /** Turns that run or wait, with the sessions that they are in. */
  pendingTurns(): { session: Session; turn: TurnSnapshot }[];
  list(query: SessionQuery): { sessions: SessionSummary[]; cursor?: string };
  fork(id: SessionId): Promise<Session>;
  /** Ends its turns, deletes it here and in Codex. */
  deleteSession(id: SessionId): Promise<void>;
  exportSession(id: SessionId, format: 'json' | 'markdown'): string;
  /** What the session's turns changed, as unified diffs. @throws BridgeError `SESSION_NOT_FOUND` */
  diff(id: SessionId): Promise<string>;
  /** What one turn changed, as a unified diff. @throws BridgeError `TURN_NOT_FOUND` */
  turnDiff(turn: TurnId): Promise<string>;
  /**
   * Makes the change of a preview in the folder: all of it, or nothing.
   *
   * @throws BridgeError `TURN_NOT_FOUND`, `RIGHTS_EXCEED_CEILING`, `CHANGE_EDITED_SINCE`, `PREVIEW_FAILED`,
   * `CHANGE_NOT_REVERTIBLE`, `INVALID_INPUT`
   */
  applyPreview(turn: TurnId): Promise<void>;
  /** The screen of the session's terminal as text; undefined where it has none. Nothing here writes to one. */
  screen(id: SessionId): Promise<string | undefined>;
  importSessions(data: string): SessionId[];
  statistics(): Statistics;
  /** Interrupts what runs and starts a new Codex; sessions come back on use. */
  restart(): Promise<void>;
  /** Any session of this folder whose summary changed. */
  onSession(listener: (summary: SessionSummary) => void): Disposable;
  onRemoved(listener: (session: SessionId) => void): Disposable;
  onStatus(listener: (status: FolderStatus) => void): Disposable;
  /** The screen of a session's terminal was drawn on. Often. */
  onScreen(listener: (session: SessionId) => void): Disposable;
}

export interface BridgeApi {
  readonly version: string;
  /** In ms since the epoch. */
  readonly startedAt: number;
  readonly settings: BridgeSettings;
  /** With all counters: not for every call. */
  status(): BridgeStatus;
  folders(): readonly FolderApi[];
  /** @throws BridgeError `FOLDER_UNKNOWN` */
  folder(key: FolderKey): FolderApi;
  /** The folder that a session belongs to. @throws BridgeError `SESSION_NOT_FOUND` */
  folderOfSession(session: SessionId): FolderApi;
  /** Makes a folder known. @throws BridgeError `FOLDER_NOT_FOUND` */
  addFolder(path: string, name?: string): Promise<FolderApi>;
  /**
   * Nobody shows the folder any more: it is not known from now on, its turns are interrupted, its Codex is ended,
   * and its token opens nothing. Its history stays for when it is added again. Resolves when all that is done;
   * never rejects. One that `serve --folder` has named stays.
   */
  removeFolder(key: FolderKey): Promise<void>;
  endpoints(): Endpoints;
  /** Who is connected over MCP, and what each has running. */
  clients(): ClientInfo[];
  statistics(): Statistics;
  setSettings(settings: BridgeSettings): void;
  /** Resolves at once; the bridge leaves now, or as soon as its turns are done. */
  stop(now: boolean): void;
  onFolders(listener: (folder: FolderApi) => void): Disposable;
  /** A folder is gone, and nothing happens in it any more. */
  onFolderRemoved(listener: (folder: FolderApi) => void): Disposable;
  onClients(listener: () => void): Disposable;
  /** The person's settings are others now. */
  onSettings(listener: () => void): Disposable;
}
