import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { hasEnded } from '../../shared/session.ts';
import { Database, isConstraint, isCorrupt, type Row, sqliteCode } from './database.ts';
import { clearSuspicion, isWhole, mustBeChecked } from './integrity.ts';
import { eventsOf, sessionOf, textOf, turnOf } from './rows.ts';
import { migrate, SCHEMA_VERSION, schemaVersion } from './schema.ts';
import { SearchIndex } from './search.ts';

/** What happened to a damaged history (`HISTORY_CORRUPT`). */
export interface Recovery {
  /** Where the damaged file is now. */
  readonly setAside: string;
  /** Sessions that could be read and are in the new file. */
  readonly sessions: number;
  /** For the person: what happened, and where the old file is. */
  readonly message: string;
}

/**
 * Opens the file, creating it where there is none. A damaged one is set aside as `<file>.corrupt-<n>`, and
 * what can be read of it comes into a new one. `checked`: the whole file was looked through.
 *
 * @throws BridgeError `HISTORY_UNAVAILABLE`
 */
export function openOrRecover(file: string): { db: Database; checked: boolean; recovery?: Recovery } {
  // SQLite's database in memory: no file, no damage.
  if (file === ':memory:') return { db: openNew(file), checked: true };
  const rescued = `${file}.recovering`;
  // Left by a recovery that was cut short: whole if the damaged file has already been set aside, else not.
  if (existsSync(rescued) && !existsSync(file)) {
    // A log beside it would be the damaged file's; SQLite would take it for this one's.
    removeDatabase(file);
    renameSync(rescued, file);
  }
  removeDatabase(rescued);
  createPrivate(file);
  const checked = mustBeChecked(file);
  const db = openWhole(file, checked);
  if (db !== undefined) {
    if (checked) clearSuspicion(file);
    return { db, checked };
  }
  const sessions = rescue(file, rescued);
  const setAside = moveAside(file);
  renameSync(rescued, file);
  clearSuspicion(file);
  return {
    db: Database.open(file),
    checked: true,
    recovery: { setAside, sessions, message: messageFor(setAside, sessions) },
  };
}

/** SQLite gives its side files the mode of the file itself. */
function createPrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
}

function openNew(file: string): Database {
  const db = Database.open(file);
  migrate(db);
  return db;
}

/** The database with its schema up to date; undefined where it is damaged, as far as that was looked for. */
function openWhole(file: string, check: boolean): Database | undefined {
  let db: Database | undefined;
  try {
    db = Database.open(file);
    if (!check || isWhole(db)) {
      migrate(db);
      return db;
    }
    db.close();
    return undefined;
  } catch (error) {
    db?.close();
    if (isCorrupt(error)) return undefined;
    throw error;
  }
}

/** Copies what can be read into a file of its own; answers with the number of sessions in it. */
function rescue(from: string, into: string): number {
  createPrivate(into);
  const fresh = openNew(into);
  try {
    return salvage(from, fresh);
  } finally {
    // Closing brings the write-ahead log into the file, so that it can be renamed.
    fresh.close();
  }
}

function moveAside(file: string): string {
  let n = 1;
  while (existsSync(`${file}.corrupt-${n}`)) n++;
  const aside = `${file}.corrupt-${n}`;
  // The file first: as long as it is there, its log is needed to read it.
  for (const side of ['', '-wal', '-shm']) {
    if (existsSync(file + side)) renameSync(file + side, aside + side);
  }
  return aside;
}

function removeDatabase(file: string): void {
  for (const side of ['', '-wal', '-shm']) rmSync(file + side, { force: true });
}

function messageFor(setAside: string, sessions: number): string {
  const kept =
    sessions === 0
      ? 'No session could be read from it.'
      : `${sessions} ${sessions === 1 ? 'session' : 'sessions'} could be read from it and are here; others, or parts of them, may be missing.`;
  return `The history was damaged. ${kept} The damaged file is kept as ${setAside}.`;
}

/** Copies every row that can be read and understood. */
function salvage(from: string, to: Database): number {
  let old: Database | undefined;
  try {
    old = Database.open(from, { readOnly: true });
    const version = schemaVersion(old);
    // What an older one has not is left empty.
    if (version < 1 || version > SCHEMA_VERSION) {
      old.close();
      return 0;
    }
  } catch (error) {
    old?.close();
    if (isUnreadable(error)) return 0;
    throw error;
  }
  const source = old;
  const search = new SearchIndex(to);
  try {
    return to.transaction(() => copyAll(source, to, search));
  } finally {
    source.close();
  }
}

function copyAll(from: Database, to: Database, search: SearchIndex): number {
  const sessions = new Set<string>();
  for (const row of readable(from, 'sessions')) {
    copyRow(to, 'sessions', row, () => {
      const { id, title } = sessionOf(row, '');
      sessions.add(id);
      return () => search.put(id, id, 'title', title);
    });
  }
  const open = new Set<string>();
  for (const row of readable(from, 'turns')) {
    copyRow(to, 'turns', row, () => {
      const turn = turnOf(row);
      const session = textOf(row, 'session');
      if (!sessions.has(session)) return undefined;
      if (!hasEnded(turn.status)) open.add(turn.id);
      return () => search.putTurn(session, turn);
    });
  }
  for (const row of readable(from, 'events')) {
    copyRow(to, 'events', row, () => {
      const known = open.has(textOf(row, 'turn')) && eventsOf(row).length > 0;
      return known ? () => {} : undefined;
    });
  }
  for (const row of readable(from, 'inputs')) {
    copyRow(to, 'inputs', row, () => {
      const known = open.has(textOf(row, 'turn')) && JSON.parse(textOf(row, 'data')) !== null;
      return known ? () => {} : undefined;
    });
  }
  return sessions.size;
}

/**
 * Copies a row that `judge` takes; it answers with what comes after. A row that can't be understood or that
 * breaks the schema is left out.
 */
function copyRow(to: Database, table: string, row: Row, judge: () => (() => void) | undefined): void {
  const columns = Object.keys(row);
  try {
    const after = judge();
    if (after === undefined) return;
    to.run(
      `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ...Object.values(row),
    );
    after();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError || isConstraint(error))) throw error;
  }
}

/** Rows from the start until the damage, and from the end back to it. */
function* readable(db: Database, table: string): Generator<Row> {
  for (const order of ['ASC', 'DESC']) {
    try {
      yield* db.each(`SELECT * FROM ${table} ORDER BY rowid ${order}`);
      return;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
}

/** Damage shows itself as "corrupt", and as a plain error where it hit the schema. */
function isUnreadable(error: unknown): boolean {
  return isCorrupt(error) || sqliteCode(error) === 1;
}
