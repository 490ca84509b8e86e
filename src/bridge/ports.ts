import type { Disposable } from '../shared/disposables.ts';
import type { ErrorInfo } from '../shared/errors.ts';
import type { NumberedEvent } from '../shared/events.ts';
import type { Statistics } from '../shared/faces.ts';
import type {
  FolderKey,
  SessionId,
  SessionSnapshot,
  SessionSummary,
  TokenUsage,
  TurnId,
  TurnSnapshot,
} from '../shared/session.ts';
import type { BridgeSettings } from '../shared/settings.ts';

/** Structured log. Fields never carry tokens, prompts or answers. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** The same log with fields that every line carries. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** Time, so that state machines can be tested without waiting. */
export interface Clock {
  /** Milliseconds since the epoch, for people. */
  now(): number;
  /** Milliseconds that never go back, for deadlines and durations. */
  monotonic(): number;
  /** Calls back once after `ms`; the answer cancels it. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export interface SessionQuery {
  /** Full-text search in titles, prompts and answers. */
  readonly query?: string;
  /** Absent: only those that are not archived. */
  readonly archived?: boolean;
  readonly cursor?: string;
  /** Default 50. */
  readonly limit?: number;
}

/** A turn that had not ended when the bridge last stopped. */
export interface UnfinishedTurn {
  readonly session: SessionId;
  readonly turn: TurnSnapshot;
  /** What it needs to be sent is there: {@link HistoryStore.inputOf}. */
  readonly hasInput: boolean;
}

/** What one folder's history counts. */
export interface HistoryTotals {
  readonly sessions: number;
  readonly archived: number;
  readonly byStatus: ReadonlyMap<string, number>;
  /** Of every turn that ran and ended, in ms. */
  readonly durations: readonly number[];
  /** By the model's name; turns for which Codex told none under `unknown`. */
  readonly byModel: ReadonlyMap<string, { readonly turns: number; readonly usage: TokenUsage }>;
}

/** What a commit survives: a power cut (`synced`), or the death of the bridge (`written`, which waits for no disk). */
export type Durability = 'synced' | 'written';

/**
 * What is remembered of one folder. One implementation on SQLite; synchronous, because what was
 * acknowledged must be on disk. Every method throws BridgeError `HISTORY_UNAVAILABLE` when the disk refuses
 * (full, read-only, I/O error), and then has changed nothing; `BRIDGE_STOPPING` once it is closed.
 */
export interface HistoryStore {
  /** For the person: it was damaged and is mended (`HISTORY_CORRUPT`), or is damaged (`HISTORY_DAMAGED`). */
  readonly trouble: ErrorInfo | undefined;
  /** Damage was found while it was in use. */
  onTrouble(listener: () => void): Disposable;
  /** A new session, with the ended turns that it starts with (a fork has some). Durable when it returns. */
  createSession(session: SessionSnapshot): void;
  /**
   * On disk when it returns, as `durability` says (default `synced`): what the events change, in order. A
   * `turn.queued` is the acknowledged prompt with its idempotency key; a `turn.ended` makes the finished turn whole
   * and drops its single events. `session` is the snapshot after the last of the events. `input` is what the queued
   * turn needs to be sent, kept until it starts or ends.
   */
  append(
    session: SessionSnapshot,
    events: readonly NumberedEvent[],
    options?: { idempotencyKey?: string; input?: object; durability?: Durability },
  ): void;
  /**
   * Everything that `run` writes is one commit: all of it or, when it throws, nothing. May be nested; then the
   * outermost decides how durable it is (default `synced`).
   */
  transaction<T>(run: () => T, durability?: Durability): T;
  /** Resolves when what was written so far is synced: beside whatever goes on meanwhile. */
  sync(): Promise<void>;
  deleteSession(id: SessionId): void;
  /** The whole session, unfinished turns with what came so far; undefined where there is none. */
  read(id: SessionId): SessionSnapshot | undefined;
  summary(id: SessionId): SessionSummary | undefined;
  /** Most recently updated first. @throws BridgeError `CURSOR_INVALID` */
  list(query: SessionQuery): { sessions: SessionSummary[]; cursor?: string };
  /** The session that a turn belongs to. */
  sessionOfTurn(turn: TurnId): SessionId | undefined;
  /** The turn that the same request made before. */
  turnByKey(idempotencyKey: string): { session: SessionId; turn: TurnId } | undefined;
  /** The `input` of a turn that has not started, as it was given; undefined where there is none. */
  inputOf(turn: TurnId): unknown;
  /** The session that a Codex thread belongs to. */
  sessionOfThread(thread: string): SessionId | undefined;
  /** Turns that have no end yet: after a start, those that a dead bridge left. */
  unfinished(): UnfinishedTurn[];
  /** Sessions not used since `before` (ms), oldest first. */
  unusedSince(before: number): SessionId[];
  statistics(settings: Pick<BridgeSettings, 'prices' | 'currency'>): Statistics;
  /** What statistics are made of, so that those of several folders can be made exactly. */
  totals(): HistoryTotals;
  /** Takes what `writeExport` makes. New ids for all; turns that had not ended become interrupted. @throws BridgeError `IMPORT_INVALID` */
  importJson(data: string, folder: FolderKey): SessionId[];
  close(): void;
}
