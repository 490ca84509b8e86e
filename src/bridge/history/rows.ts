import type { SessionEvent } from '../../shared/events.ts';
import {
  type Approval,
  type FolderKey,
  hasEnded,
  type SessionSnapshot,
  type SessionState,
  type SessionSummary,
  type TurnSnapshot,
} from '../../shared/session.ts';
import type { Row, Value } from './database.ts';

/** The row's text; throws where the column is something else, which means that the file is not ours. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new TypeError(`history: ${column} is no text`);
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new TypeError(`history: ${column} is no number`);
}

/** The column's JSON. `T` is what this folder's code wrote there: no one else writes the file. */
function jsonOf<T>(row: Row, column: string): T {
  return JSON.parse(textOf(row, column)) as T;
}

export const SESSION_COLUMNS =
  'id, title, archived, created_at, updated_at, seq, thread, forked_from, usage, context, settings, approvals';

export function sessionValues(session: SessionSnapshot): Value[] {
  return [
    session.id,
    JSON.stringify(session.title),
    session.archived ? 1 : 0,
    session.createdAt,
    session.updatedAt,
    session.seq,
    session.thread ?? null,
    session.forkedFrom ?? null,
    JSON.stringify(session.usage),
    session.context === undefined ? null : JSON.stringify(session.context),
    JSON.stringify(session.settings),
    JSON.stringify(session.approvals),
  ];
}

/** A session without its turns. */
export function sessionOf(row: Row, folder: FolderKey): SessionSnapshot {
  return {
    ...described(row, folder),
    ...(row['thread'] === null ? {} : { thread: textOf(row, 'thread') }),
    turns: [],
    approvals: jsonOf<Approval[]>(row, 'approvals'),
    seq: numberOf(row, 'seq'),
  };
}

/**
 * `state` by SQL, as `stateOf` of the vocabulary says: the first turn that runs, else one that waits, else
 * how the last one ended.
 */
export const SUMMARY_COLUMNS = `s.*,
  (SELECT count(*) FROM turns WHERE session = s.id) AS turns,
  (SELECT count(*) FROM turns WHERE session = s.id AND open = 1 AND held = 1) AS held,
  coalesce(
    (SELECT status FROM turns WHERE session = s.id AND open = 1 AND status <> 'queued' ORDER BY ordinal LIMIT 1),
    (SELECT status FROM turns WHERE session = s.id AND open = 1 LIMIT 1),
    (SELECT iif(status = 'failed', 'failed', 'idle') FROM turns WHERE session = s.id ORDER BY ordinal DESC LIMIT 1),
    'idle'
  ) AS state`;

/** From a row with {@link SUMMARY_COLUMNS}. */
export function summaryFrom(row: Row, folder: FolderKey): SessionSummary {
  const held = numberOf(row, 'held');
  return {
    ...described(row, folder),
    ...(held === 0 ? {} : { held }),
    // One of its five words: SUMMARY_COLUMNS can say nothing else.
    state: textOf(row, 'state') as SessionState,
    turns: numberOf(row, 'turns'),
  };
}

function described(row: Row, folder: FolderKey): Omit<SessionSummary, 'state' | 'turns' | 'held'> {
  return {
    id: textOf(row, 'id'),
    folder,
    title: jsonOf<string>(row, 'title'),
    archived: numberOf(row, 'archived') === 1,
    createdAt: numberOf(row, 'created_at'),
    updatedAt: numberOf(row, 'updated_at'),
    usage: jsonOf<SessionSummary['usage']>(row, 'usage'),
    settings: jsonOf<SessionSummary['settings']>(row, 'settings'),
    ...(row['forked_from'] === null ? {} : { forkedFrom: textOf(row, 'forked_from') }),
    ...(row['context'] === null
      ? {}
      : { context: jsonOf<NonNullable<SessionSummary['context']>>(row, 'context') }),
  };
}

/** The columns of a turn that change while it is open, and what stands in them. */
export const TURN_HEADER =
  'status, open, started_at, ended_at, model, input, cached_input, output, reasoning_output, total, held';

export function turnHeader(turn: TurnSnapshot): Value[] {
  const { usage } = turn;
  return [
    turn.status,
    hasEnded(turn.status) ? 0 : 1,
    turn.startedAt ?? null,
    turn.endedAt ?? null,
    turn.model ?? null,
    usage.input,
    usage.cachedInput,
    usage.output,
    usage.reasoningOutput,
    usage.total,
    turn.held === true ? 1 : 0,
  ];
}

export function turnOf(row: Row): TurnSnapshot {
  return jsonOf<TurnSnapshot>(row, 'data');
}

export function eventsOf(row: Row): SessionEvent[] {
  return jsonOf<SessionEvent[]>(row, 'data');
}
