import { BridgeError } from '../../shared/errors.ts';
import type { Database } from './database.ts';

/**
 * What turns one version of the schema into the next; `PRAGMA user_version` counts how many were done. One
 * that was released is never changed, only followed by another.
 *
 * `sessions` has what lists show; `turns` has a column for each thing that is counted and the whole
 * TurnSnapshot in `data`; `events` is what happened to an open turn since its `data` was written, and is
 * empty once it has ended. All that a person or Codex wrote is JSON, because SQLite's text, as Node 22 reads
 * it, ends at a NUL and has no lone surrogates. Times are REAL, in ms, because a time may come with a fraction.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    archived INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    seq INTEGER NOT NULL,
    thread TEXT,
    forked_from TEXT,
    usage TEXT NOT NULL,
    context TEXT,
    settings TEXT NOT NULL,
    approvals TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_use ON sessions (archived, updated_at DESC, id DESC);
  CREATE INDEX sessions_by_thread ON sessions (thread) WHERE thread IS NOT NULL;

  CREATE TABLE turns (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    open INTEGER NOT NULL,
    started_at REAL,
    ended_at REAL,
    model TEXT,
    input INTEGER NOT NULL,
    cached_input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning_output INTEGER NOT NULL,
    total INTEGER NOT NULL,
    idempotency_key TEXT UNIQUE,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX turns_in_order ON turns (session, ordinal);
  CREATE INDEX turns_open ON turns (session, ordinal, status) WHERE open = 1;

  CREATE TABLE events (
    session TEXT NOT NULL,
    seq INTEGER NOT NULL,
    turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    PRIMARY KEY (session, seq)
  ) STRICT;
  CREATE INDEX events_by_turn ON events (turn);

  CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (owner, kind)
  ) STRICT;
  CREATE INDEX texts_by_session ON texts (session);

  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  `,
  // What a queued turn needs to be sent, until it starts or ends; and which of them are held.
  `
  ALTER TABLE turns ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE inputs (
    turn TEXT PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    data TEXT NOT NULL
  ) STRICT;
  `,
  // All that is counted of the turns that have ended, without reading the turns themselves.
  `
  CREATE INDEX turns_counted ON turns (
    status, model, started_at, ended_at, input, cached_input, output, reasoning_output, total
  ) WHERE open = 0;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings the schema up to date; all of it or nothing. @throws BridgeError `HISTORY_UNAVAILABLE` */
export function migrate(db: Database): void {
  const version = schemaVersion(db);
  if (version > SCHEMA_VERSION) {
    throw new BridgeError(
      'HISTORY_UNAVAILABLE',
      `The history ${db.file} was written by a newer Codex Bridge. Update Codex Bridge, then try again.`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

export function schemaVersion(db: Database): number {
  return Number(db.get('PRAGMA user_version')?.['user_version'] ?? 0);
}
