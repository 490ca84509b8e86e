import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Disposable, Emitter } from '../../shared/disposables.ts';
import { BridgeError, type ErrorInfo, messageOf } from '../../shared/errors.ts';
import type { NumberedEvent } from '../../shared/events.ts';
import type { Statistics } from '../../shared/faces.ts';
import { reduce } from '../../shared/reducer.ts';
import {
  type FolderKey,
  hasEnded,
  type SessionId,
  type SessionSnapshot,
  type SessionSummary,
  type TurnId,
  type TurnSnapshot,
} from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type {
  Clock,
  Durability,
  HistoryStore,
  HistoryTotals,
  Logger,
  SessionQuery,
  UnfinishedTurn,
} from '../ports.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type Database, isConstraint, isCorrupt, unavailable, type Value } from './database.ts';
import { adopt, parseExport } from './exchange.ts';
import { checkBeside, suspect } from './integrity.ts';
import { Journal } from './journal.ts';
import { openOrRecover, type Recovery } from './recovery.ts';
import { eventsOf, SUMMARY_COLUMNS, sessionOf, summaryFrom, textOf, turnOf } from './rows.ts';
import { SearchIndex } from './search.ts';
import { statisticsOf, totalsOf } from './statistics.ts';

export interface HistoryDeps {
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now'>;
  /**
   * An open turn's events are kept one by one until they are this long (UTF-16 units, default 1 MB) and as
   * long as the turn itself; then the turn is written as it is. So a flood of output costs twice its length
   * at the most, and reading it back after a crash stays quick.
   */
  readonly checkpointLength?: number;
}

/** The history of one folder on SQLite. */
export interface History extends HistoryStore {
  /** Set where the file was damaged when it was opened. */
  readonly recovered: Recovery | undefined;
}

const DEFAULT_CHECKPOINT_LENGTH = 1024 * 1024;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/**
 * Opens the history of one folder, creating file (0600) and directory (0700) where they are missing.
 * `:memory:` keeps nothing.
 *
 * @throws BridgeError `HISTORY_UNAVAILABLE`
 */
export function openHistory(file: string, folder: FolderKey, deps: HistoryDeps): History {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { db, recovery, checked } = openOrRecover(file);
    if (file !== ':memory:') chmodSync(file, 0o600);
    if (recovery !== undefined) deps.logger.warn(recovery.message, { code: 'HISTORY_CORRUPT' });
    const history = new SqliteHistory(db, folder, deps, recovery);
    if (!checked) history.checkBeside();
    return history;
  } catch (error) {
    throw unavailable(error, file);
  }
}

/** Answers that are remembered at once. */
const MAX_REMEMBERED = 50;

/** {@link openHistory} on a connection whose schema is up to date. */
export class SqliteHistory implements History {
  readonly recovered: Recovery | undefined;
  readonly #db: Database;
  readonly #folder: FolderKey;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #search: SearchIndex;
  readonly #journal: Journal;
  readonly #remembered = new Map<string, unknown>();
  /** As long as nothing that is counted has changed: streamed text comes many times a second. */
  #totals: HistoryTotals | undefined;
  readonly #logger: Logger;
  readonly #troubles: Emitter<void>;
  #check: Disposable | undefined;
  #damage: ErrorInfo | undefined;
  #closed = false;

  constructor(db: Database, folder: FolderKey, deps: HistoryDeps, recovered: Recovery | undefined) {
    this.#db = db;
    this.#folder = folder;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#troubles = new Emitter((error) => deps.logger.error('a listener failed', { error }));
    this.recovered = recovered;
    this.#search = new SearchIndex(db);
    this.#journal = new Journal(
      db,
      this.#search,
      deps.logger,
      deps.checkpointLength ?? DEFAULT_CHECKPOINT_LENGTH,
    );
  }

  readonly onTrouble = (listener: () => void): Disposable => this.#troubles.on(listener);

  get trouble(): ErrorInfo | undefined {
    if (this.#damage !== undefined || this.recovered === undefined) return this.#damage;
    return { code: 'HISTORY_CORRUPT', message: this.recovered.message };
  }

  /** Looks through the whole file while it is in use. */
  checkBeside(): void {
    this.#check = checkBeside(this.#db.file, (why) => this.#damaged(why));
  }

  createSession(session: SessionSnapshot): void {
    if (session.folder !== this.#folder) {
      throw new BridgeError('INTERNAL', `Session ${session.id} belongs to another folder than this history.`);
    }
    const open = session.turns.find((turn) => !hasEnded(turn.status));
    if (open !== undefined) {
      throw new BridgeError('INTERNAL', `A new session can't have turn ${open.id}, which has not ended.`);
    }
    this.#totals = undefined;
    this.#write(() => this.#journal.create({ ...session, approvals: [] }));
  }

  append(
    session: SessionSnapshot,
    events: readonly NumberedEvent[],
    options: { idempotencyKey?: string; input?: object; durability?: Durability } = {},
  ): void {
    if (events.length === 0) return;
    const counts = events.some(({ event }) => !event.type.startsWith('item.'));
    this.#write(() => {
      if (counts) this.#totals = undefined;
      this.#journal.append(session, events);
      const queued = events.find(({ event }) => event.type === 'turn.queued')?.event;
      if (queued?.type !== 'turn.queued') return;
      const { idempotencyKey: key, input } = options;
      const { id } = queued.turn;
      if (key !== undefined) this.#db.run('UPDATE turns SET idempotency_key = ? WHERE id = ?', key, id);
      if (input !== undefined)
        this.#db.run('INSERT INTO inputs (turn, data) VALUES (?, ?)', id, JSON.stringify(input));
    }, options.durability);
  }

  transaction<T>(run: () => T, durability?: Durability): T {
    return this.#write(run, durability);
  }

  sync(): Promise<void> {
    return this.#db.sync();
  }

  deleteSession(id: SessionId): void {
    this.#totals = undefined;
    this.#write(() => this.#journal.remove(id));
  }

  read(id: SessionId): SessionSnapshot | undefined {
    return this.#use(() => {
      const row = this.#db.get('SELECT * FROM sessions WHERE id = ?', id);
      if (row === undefined) return undefined;
      const session = sessionOf(row, this.#folder);
      const open = new Map(this.#openTurns(session).map((turn) => [turn.id, turn]));
      const turns = this.#db
        .all('SELECT data FROM turns WHERE session = ? ORDER BY ordinal', id)
        .map(turnOf)
        .map((turn) => open.get(turn.id) ?? turn);
      return { ...session, turns };
    });
  }

  summary(id: SessionId): SessionSummary | undefined {
    return this.#use(() => {
      const row = this.#db.get(`SELECT ${SUMMARY_COLUMNS} FROM sessions s WHERE id = ?`, id);
      return row === undefined ? undefined : summaryFrom(row, this.#folder);
    });
  }

  list(query: SessionQuery): { sessions: SessionSummary[]; cursor?: string } {
    const page = this.#remember(`list ${JSON.stringify(query)}`, () => this.#list(query));
    return { ...page, sessions: [...page.sessions] };
  }

  #list(query: SessionQuery): { sessions: SessionSummary[]; cursor?: string } {
    const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(query.limit ?? DEFAULT_LIMIT)));
    const where = ['s.archived = ?'];
    const values: Value[] = [query.archived === true ? 1 : 0];
    const about = JSON.stringify([this.#folder, query.archived === true, query.query ?? '']);
    if (query.cursor !== undefined) {
      const { updatedAt, id } = decodeCursor(query.cursor, about);
      where.push('(s.updated_at, s.id) < (?, ?)');
      values.push(updatedAt, id);
    }
    const search = this.#search.conditions(query.query ?? '');
    where.push(...search.sql);
    values.push(...search.values, limit + 1);
    return this.#use(() => {
      const rows = this.#db.all(
        `SELECT ${SUMMARY_COLUMNS} FROM sessions s WHERE ${where.join(' AND ')}
         ORDER BY s.updated_at DESC, s.id DESC LIMIT ?`,
        ...values,
      );
      const sessions = rows.slice(0, limit).map((row) => summaryFrom(row, this.#folder));
      const last = sessions.at(-1);
      return rows.length > limit && last !== undefined
        ? { sessions, cursor: encodeCursor(last, about) }
        : { sessions };
    });
  }

  sessionOfTurn(turn: TurnId): SessionId | undefined {
    return this.#use(() => {
      const row = this.#db.get('SELECT session FROM turns WHERE id = ?', turn);
      return row === undefined ? undefined : textOf(row, 'session');
    });
  }

  turnByKey(idempotencyKey: string): { session: SessionId; turn: TurnId } | undefined {
    return this.#use(() => {
      const row = this.#db.get('SELECT id, session FROM turns WHERE idempotency_key = ?', idempotencyKey);
      return row === undefined ? undefined : { session: textOf(row, 'session'), turn: textOf(row, 'id') };
    });
  }

  inputOf(turn: TurnId): unknown {
    return this.#use(() => {
      const row = this.#db.get('SELECT data FROM inputs WHERE turn = ?', turn);
      return row === undefined ? undefined : JSON.parse(textOf(row, 'data'));
    });
  }

  sessionOfThread(thread: string): SessionId | undefined {
    return this.#use(() => {
      const row = this.#db.get(
        'SELECT id FROM sessions WHERE thread = ? ORDER BY updated_at DESC LIMIT 1',
        thread,
      );
      return row === undefined ? undefined : textOf(row, 'id');
    });
  }

  unfinished(): UnfinishedTurn[] {
    return this.#use(() =>
      this.#db
        .all('SELECT * FROM sessions WHERE id IN (SELECT session FROM turns WHERE open = 1) ORDER BY rowid')
        .flatMap((row) => {
          const session = sessionOf(row, this.#folder);
          const inputs = this.#db.all(
            'SELECT turn FROM inputs WHERE turn IN (SELECT id FROM turns WHERE session = ? AND open = 1)',
            session.id,
          );
          const kept = new Set(inputs.map((input) => textOf(input, 'turn')));
          return this.#openTurns(session).map((turn) => ({
            session: session.id,
            turn,
            hasInput: kept.has(turn.id),
          }));
        }),
    );
  }

  unusedSince(before: number): SessionId[] {
    return this.#use(() =>
      this.#db
        .all(
          `SELECT id FROM sessions WHERE updated_at < ? AND id NOT IN (SELECT session FROM turns WHERE open = 1)
           ORDER BY updated_at, id`,
          before,
        )
        .map((row) => textOf(row, 'id')),
    );
  }

  statistics(settings: Pick<BridgeSettings, 'prices' | 'currency'>): Statistics {
    return statisticsOf([this.totals()], settings);
  }

  totals(): HistoryTotals {
    this.#totals ??= this.#use(() => totalsOf(this.#db));
    return this.#totals;
  }

  importJson(data: string, folder: FolderKey): SessionId[] {
    const session = adopt(parseExport(data), folder, this.#clock.now());
    this.createSession(session);
    return [session.id];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#check?.dispose();
    this.#db.close();
  }

  /** What is in use can't be mended: the next opening does it. */
  #damaged(why: string): void {
    if (this.#damage !== undefined || this.#closed) return;
    const message = `The history ${this.#db.file} is damaged in places. What can be read is used; restart the bridge to have it mended ("codex-bridge stop"): the damaged file is kept.`;
    this.#damage = { code: 'HISTORY_DAMAGED', message };
    this.#logger.warn(message, { code: 'HISTORY_DAMAGED', why });
    this.#troubles.fire();
    try {
      suspect(this.#db.file);
    } catch (error) {
      this.#logger.warn('the history can not be marked as damaged', { error });
    }
  }

  /** The turns that have not ended, brought up to date by the same reducer that every face uses. */
  #openTurns(session: SessionSnapshot): TurnSnapshot[] {
    const rows = this.#db.all(
      'SELECT data, status FROM turns WHERE session = ? AND open = 1 ORDER BY ordinal',
      session.id,
    );
    if (rows.length === 0) return [];
    let replayed: SessionSnapshot = { ...session, turns: rows.map(turnOf) };
    for (const row of this.#db.all('SELECT data FROM events WHERE session = ? ORDER BY seq', session.id)) {
      for (const event of eventsOf(row)) replayed = reduce(replayed, { seq: session.seq, event });
    }
    return replayed.turns.map((turn, i) => {
      const row = rows[i];
      // The column knows about approvals, which are not among the events. A status of this code's own words.
      return row === undefined ? turn : { ...turn, status: textOf(row, 'status') as TurnSnapshot['status'] };
    });
  }

  /** What many ask for at once is looked up once, until something is written. */
  #remember<T>(key: string, look: () => T): T {
    // Each key has answers of its own type.
    const known = this.#remembered.get(key) as T | undefined;
    if (known !== undefined) return known;
    const found = look();
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, found);
    return found;
  }

  /** All of `body` or nothing. */
  #write<T>(body: () => T, durability?: Durability): T {
    return this.#use(() => {
      try {
        return this.#db.transaction(body, durability);
      } catch (error) {
        this.#journal.forget();
        this.#totals = undefined;
        throw error;
      } finally {
        this.#remembered.clear();
      }
    });
  }

  #use<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (isConstraint(error)) {
        throw new BridgeError('INTERNAL', 'The history already has this session, turn or key.', {
          cause: error,
        });
      }
      if (isDamage(error)) this.#damaged(messageOf(error));
      throw unavailable(error, this.#db.file);
    }
  }
}

/** SQLite found it, or what is in a row can't have been written by this code. */
function isDamage(error: unknown): boolean {
  return isCorrupt(error) || error instanceof SyntaxError || error instanceof TypeError;
}
