import { BridgeError } from '../../shared/errors.ts';
import type { NumberedEvent, SessionEvent } from '../../shared/events.ts';
import {
  hasEnded,
  type SessionId,
  type SessionSnapshot,
  type TurnId,
  type TurnSnapshot,
} from '../../shared/session.ts';
import type { Logger } from '../ports.ts';
import type { Database } from './database.ts';
import { numberOf, SESSION_COLUMNS, sessionValues, TURN_HEADER, turnHeader } from './rows.ts';
import type { SearchIndex } from './search.ts';

/** Events that change what a turn's row shows beside its data: status, times, model, tokens, whether it is held. */
const IN_HEADER: ReadonlySet<SessionEvent['type']> = new Set([
  'turn.held',
  'turn.released',
  'turn.started',
  'turn.accepted',
  'turn.usage',
]);

/** Length of an open turn's single events, and from where on the turn is written as it is. */
interface Logged {
  length: number;
  readonly limit: number;
}

/**
 * Writes sessions and what happens to them. Runs inside a transaction of the store's.
 *
 * A turn that has ended is one whole row. An open turn is a row as it was at some moment, and the events
 * since then; what of a session is the same for all its turns is in the session's own row.
 */
export class Journal {
  readonly #db: Database;
  readonly #search: SearchIndex;
  readonly #logger: Logger;
  readonly #checkpointLength: number;
  readonly #logged = new Map<TurnId, Logged>();

  constructor(db: Database, search: SearchIndex, logger: Logger, checkpointLength: number) {
    this.#db = db;
    this.#search = search;
    this.#logger = logger;
    this.#checkpointLength = checkpointLength;
  }

  /** The session and its turns, which have all ended. */
  create(session: SessionSnapshot): void {
    const values = sessionValues(session);
    this.#db.run(
      `INSERT INTO sessions (${SESSION_COLUMNS}) VALUES (${values.map(() => '?').join(', ')})`,
      ...values,
    );
    this.#search.put(session.id, session.id, 'title', session.title);
    for (const turn of session.turns) this.#putTurn(session.id, turn);
  }

  /** @throws BridgeError `SESSION_NOT_FOUND` */
  append(session: SessionSnapshot, events: readonly NumberedEvent[]): void {
    const first = events[0];
    if (first === undefined) return;
    if (this.#advance(session, first.seq - 1)) this.#record(session, events);
    else this.#catchUp(session, first.seq);
  }

  remove(session: SessionId): void {
    this.#search.removeSession(session);
    this.#db.run('DELETE FROM sessions WHERE id = ?', session);
    this.forget();
  }

  /** Forgets what was counted: rows went, or never came, and are looked up again. */
  forget(): void {
    this.#logged.clear();
  }

  /** Writes what lists need, if the history stands at `from`; false where it doesn't. */
  #advance(session: SessionSnapshot, from: number): boolean {
    const changed = this.#db.run(
      `UPDATE sessions SET seq = ?, updated_at = ?, usage = ?, context = ?, approvals = ? WHERE id = ? AND seq = ?`,
      session.seq,
      session.updatedAt,
      JSON.stringify(session.usage),
      session.context === undefined ? null : JSON.stringify(session.context),
      JSON.stringify(session.approvals),
      session.id,
      from,
    );
    return changed === 1;
  }

  #record(session: SessionSnapshot, events: readonly NumberedEvent[]): void {
    const turns = new Map(session.turns.map((turn) => [turn.id, turn]));
    const whole = new Set<TurnId>();
    const touched = new Set<TurnId>();
    const log = new EventLog();
    for (const { seq, event } of events) {
      const id = turnIdOf(event);
      const turn = id === undefined ? undefined : turns.get(id);
      if (event.type.startsWith('session.')) this.#describe(session);
      else if (event.type === 'turn.queued') this.#putTurn(session.id, event.turn);
      // Approvals are in the session's row; what they change in a turn is its status.
      else if (event.type === 'approval.requested' || event.type === 'approval.resolved') {
        for (const { id, status } of session.turns) if (!hasEnded(status)) touched.add(id);
      } else if (turn !== undefined && !hasEnded(turn.status)) {
        if (IN_HEADER.has(event.type)) touched.add(turn.id);
        if (event.type === 'turn.started') this.#dropInput(turn.id);
        log.add(turn.id, seq, event);
      }
      if (turn !== undefined && hasEnded(turn.status) && event.type.startsWith('turn.')) whole.add(turn.id);
    }
    for (const id of touched) {
      const turn = turns.get(id);
      if (turn !== undefined) this.#putHeader(turn);
    }
    for (const row of log.rows) {
      if (!whole.has(row.turn) && !this.#log(session.id, row)) whole.add(row.turn);
    }
    for (const id of whole) {
      const turn = turns.get(id);
      if (turn !== undefined) this.#putWhole(session.id, turn);
    }
  }

  /**
   * The history missed something: an earlier write failed, and the session lived on. Its snapshot is the
   * truth, so all of it is written again.
   */
  #catchUp(session: SessionSnapshot, seq: number): void {
    const row = this.#db.get('SELECT seq FROM sessions WHERE id = ?', session.id);
    if (row === undefined) {
      throw new BridgeError(
        'SESSION_NOT_FOUND',
        `Session ${session.id} is not in the history; it may have been deleted. Start a new one.`,
      );
    }
    const known = numberOf(row, 'seq');
    this.#logger.warn('history: events are missing, the session is written again', {
      session: session.id,
      known,
      seq,
    });
    this.#advance(session, known);
    this.#describe(session);
    for (const turn of session.turns) this.#putWhole(session.id, turn);
  }

  #describe(session: SessionSnapshot): void {
    this.#db.run(
      'UPDATE sessions SET title = ?, archived = ?, settings = ?, thread = ? WHERE id = ?',
      JSON.stringify(session.title),
      session.archived ? 1 : 0,
      JSON.stringify(session.settings),
      session.thread ?? null,
      session.id,
    );
    this.#search.put(session.id, session.id, 'title', session.title);
  }

  /** Writes a turn as it is; its single events are in it. */
  #putWhole(session: SessionId, turn: TurnSnapshot): void {
    this.#putTurn(session, turn);
    this.#db.run('DELETE FROM events WHERE turn = ?', turn.id);
    if (turn.status !== 'queued') this.#dropInput(turn.id);
  }

  /** From here on it must not be sent again. */
  #dropInput(turn: TurnId): void {
    this.#db.run('DELETE FROM inputs WHERE turn = ?', turn);
  }

  #putTurn(session: SessionId, turn: TurnSnapshot): void {
    const data = JSON.stringify(turn);
    const changed = this.#db.run(
      `INSERT INTO turns (id, session, ordinal, ${TURN_HEADER}, data)
       VALUES (?, ?, (SELECT coalesce(max(ordinal), -1) + 1 FROM turns WHERE session = ?),
         ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET (${TURN_HEADER}, data) = (${TURN_HEADER.replaceAll(/\w+/g, 'excluded.$&')}, excluded.data)
         WHERE session = excluded.session`,
      turn.id,
      session,
      session,
      ...turnHeader(turn),
      data,
    );
    if (changed !== 1) throw new BridgeError('INTERNAL', `Turn ${turn.id} belongs to another session.`);
    this.#search.putTurn(session, turn);
    if (hasEnded(turn.status)) this.#logged.delete(turn.id);
    else this.#logged.set(turn.id, { length: 0, limit: Math.max(this.#checkpointLength, data.length) });
  }

  #putHeader(turn: TurnSnapshot): void {
    this.#db.run(
      `UPDATE turns SET (${TURN_HEADER}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?`,
      ...turnHeader(turn),
      turn.id,
    );
  }

  /** Adds to the open turn's events; false where they have become so long that the turn is to be written. */
  #log(session: SessionId, { turn, seq, events }: LogRow): boolean {
    const data = JSON.stringify(events);
    const logged = this.#loggedOf(turn);
    if (logged.length + data.length > logged.limit) return false;
    this.#db.run(
      'INSERT INTO events (session, seq, turn, data) VALUES (?, ?, ?, ?)',
      session,
      seq,
      turn,
      data,
    );
    logged.length += data.length;
    return true;
  }

  #loggedOf(turn: TurnId): Logged {
    const known = this.#logged.get(turn);
    if (known !== undefined) return known;
    const row = this.#db.get(
      `SELECT length(data) AS whole,
         (SELECT coalesce(sum(length(data)), 0) FROM events WHERE turn = turns.id) AS logged
       FROM turns WHERE id = ?`,
      turn,
    );
    const logged = {
      length: row === undefined ? 0 : numberOf(row, 'logged'),
      limit: Math.max(this.#checkpointLength, row === undefined ? 0 : numberOf(row, 'whole')),
    };
    this.#logged.set(turn, logged);
    return logged;
  }
}

interface LogRow {
  readonly turn: TurnId;
  /** Of the last event. */
  seq: number;
  readonly events: SessionEvent[];
}

/** The events of one append, one row for each run of events of the same turn. */
class EventLog {
  readonly rows: LogRow[] = [];

  add(turn: TurnId, seq: number, event: SessionEvent): void {
    const row = this.rows.at(-1);
    if (row?.turn !== turn) {
      this.rows.push({ turn, seq, events: [event] });
      return;
    }
    row.seq = seq;
    const last = row.events.at(-1);
    const joined = last === undefined ? undefined : join(last, event);
    if (joined === undefined) row.events.push(event);
    else row.events[row.events.length - 1] = joined;
  }
}

/** Two pieces of the same text as one. Not of output: the reducer bounds it piece by piece. */
function join(a: SessionEvent, b: SessionEvent): SessionEvent | undefined {
  if (a.type !== 'item.delta' || b.type !== 'item.delta') return undefined;
  if (a.item !== b.item || a.field !== b.field || a.field === 'output') return undefined;
  return { ...a, text: a.text + b.text };
}

function turnIdOf(event: SessionEvent): TurnId | undefined {
  if ('turn' in event) return typeof event.turn === 'string' ? event.turn : event.turn.id;
  return event.type === 'approval.requested' ? event.approval.turn : undefined;
}
