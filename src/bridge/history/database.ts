import { closeSync, fdatasync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { Durability } from '../ports.ts';
import { loadSqlite } from '../sqlite.ts';

export type Value = SQLInputValue;
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** How long a statement waits for another process that holds the file (ms); the bridge stands still meanwhile. */
const BUSY_TIMEOUT_MS = 2000;
/**
 * FULL: the log is synced at the commit, which survives a power cut. NORMAL: it is handed to the system, which
 * survives the death of this process; the next synced commit syncs it too. Neither can damage the file.
 */
const SYNCHRONOUS: Readonly<Record<Durability, string>> = {
  synced: 'PRAGMA synchronous = FULL',
  written: 'PRAGMA synchronous = NORMAL',
};
/** The write-ahead log shrinks back to this after a flood (bytes). */
const WAL_KEEP_BYTES = 16 * 1024 * 1024;

/**
 * A thin coat over `node:sqlite`: statements are prepared once, transactions roll back, and every error is a
 * BridgeError `HISTORY_UNAVAILABLE` that says what to do; `BRIDGE_STOPPING` once it is closed.
 */
export class Database {
  readonly file: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #durability: Durability = 'synced';
  /** Something was committed that the disk may not have yet. */
  #unsynced = false;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;
  /** The log, once it was synced: it stays the same file as long as the database is open. */
  #log: number | undefined;
  #closed = false;

  private constructor(file: string, db: DatabaseSync) {
    this.file = file;
    this.#db = db;
  }

  /** @throws BridgeError `HISTORY_UNAVAILABLE` */
  static open(file: string, options: { readOnly?: boolean } = {}): Database {
    let db: DatabaseSync | undefined;
    try {
      db = new (loadSqlite().DatabaseSync)(file, { readOnly: options.readOnly ?? false });
      db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      if (options.readOnly !== true) {
        db.exec('PRAGMA journal_mode = WAL');
        db.exec(SYNCHRONOUS.synced);
        db.exec('PRAGMA foreign_keys = ON');
        db.exec(`PRAGMA journal_size_limit = ${WAL_KEEP_BYTES}`);
      }
      return new Database(file, db);
    } catch (error) {
      db?.close();
      throw unavailable(error, file);
    }
  }

  /** Runs statements that have no parameters and no answer. */
  exec(sql: string): void {
    this.#guard(() => this.#db.exec(sql));
  }

  /** Runs one statement; answers with the number of rows that it changed. */
  run(sql: string, ...values: Value[]): number {
    return this.#guard(() => Number(this.#prepare(sql).run(...values).changes));
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values));
  }

  all(sql: string, ...values: Value[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(...values));
  }

  /** Row by row, each from the disk when it is asked for: what comes before damaged pages can be read. */
  *each(sql: string, ...values: Value[]): Generator<Row> {
    const rows = this.#guard(() => this.#prepare(sql).iterate(...values));
    while (true) {
      const next = this.#guard(() => rows.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  /** All of `body` or nothing, also when nested. What `body` throws is thrown again after the rollback. */
  transaction<T>(body: () => T, durability: Durability = 'synced'): T {
    if (this.#depth === 0) this.#setDurability(durability);
    const savepoint = this.#depth === 0 ? undefined : `level_${this.#depth}`;
    this.exec(savepoint === undefined ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${savepoint}`);
    this.#depth++;
    try {
      const result = body();
      this.exec(savepoint === undefined ? 'COMMIT' : `RELEASE ${savepoint}`);
      // A synced commit of nothing syncs nothing: it does not take this back.
      if (savepoint === undefined && durability === 'written') this.#unsynced = true;
      return result;
    } catch (error) {
      this.#rollback(
        savepoint === undefined ? 'ROLLBACK' : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`,
        error,
      );
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /**
   * Resolves when all that was committed so far survives a power cut. It is the work of another thread: this one
   * goes on, and all who ask meanwhile share the next one.
   *
   * @throws BridgeError `HISTORY_UNAVAILABLE`
   */
  sync(): Promise<void> {
    if (this.#syncing === undefined) {
      if (!this.#unsynced) return Promise.resolve();
      this.#unsynced = false;
      this.#syncing = this.#syncLog().finally(() => (this.#syncing = undefined));
      return this.#syncing;
    }
    // What was committed since may have come too late for the one that runs.
    if (!this.#unsynced) return this.#syncing;
    this.#nextSync ??= this.#syncing
      .catch(() => undefined) // Told to those who wait for that one.
      .then(() => {
        this.#nextSync = undefined;
        return this.sync();
      });
    return this.#nextSync;
  }

  /** The log has all that the file itself has not; SQLite takes no locks on it that closing it would lose. */
  async #syncLog(): Promise<void> {
    // Closing the database syncs it, and takes the log away.
    if (this.file === ':memory:' || this.#closed) return;
    try {
      const log = this.#log ?? openSync(`${this.file}-wal`, 'r+');
      this.#log = log;
      await new Promise<void>((resolve, reject) =>
        fdatasync(log, (error) => (error === null ? resolve() : reject(error))),
      );
    } catch (error) {
      this.#unsynced = true;
      throw unavailable(error, this.file);
    }
  }

  /** Has no effect inside a transaction. */
  #setDurability(durability: Durability): void {
    if (durability === this.#durability) return;
    this.exec(SYNCHRONOUS[durability]);
    this.#durability = durability;
  }

  close(): void {
    this.#statements.clear();
    this.#guard(() => this.#db.close());
    this.#closed = true;
    const log = this.#log;
    this.#log = undefined;
    if (log === undefined) return;
    // Another thread may be at it.
    const closeLog = () => closeSync(log);
    if (this.#syncing === undefined) closeLog();
    else this.#syncing.then(closeLog, closeLog);
  }

  #rollback(sql: string, cause: unknown): void {
    try {
      this.#db.exec(sql);
    } catch (error) {
      // SQLite rolls everything back by itself when the disk is full or fails; then nothing is left to do.
      if (/no transaction is active|no such savepoint/.test(messageOf(error))) return;
      throw unavailable(new AggregateError([cause, error], messageOf(error)), this.file);
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #guard<T>(body: () => T): T {
    // Somebody asked while the bridge left, or the folder: nothing is wrong with the disk.
    if (this.#closed) {
      throw new BridgeError(
        'BRIDGE_STOPPING',
        'The bridge or this folder is about to end, and its history is closed. Try again in a moment.',
      );
    }
    try {
      return body();
    } catch (error) {
      throw unavailable(error, this.file);
    }
  }
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that have an advice of their own. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const CONSTRAINT = 19;
const NOTADB = 26;

/** SQLite's primary result code of an error, also of one wrapped by {@link unavailable}; undefined for others. */
export function sqliteCode(error: unknown): number | undefined {
  const inner = error instanceof BridgeError ? error.cause : error;
  if (!(inner instanceof Error) || !('errcode' in inner) || typeof inner.errcode !== 'number')
    return undefined;
  return inner.errcode & 0xff;
}

/** True where the file itself is damaged or is no database. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** True where a row breaks a rule of the schema. */
export function isConstraint(error: unknown): boolean {
  return sqliteCode(error) === CONSTRAINT;
}

/** Any failure of the store as BridgeError; one that is a BridgeError already stays what it is. */
export function unavailable(error: unknown, file: string): BridgeError {
  if (error instanceof BridgeError) return error;
  return new BridgeError('HISTORY_UNAVAILABLE', `${adviceFor(error, file)} (${messageOf(error)})`, {
    cause: error,
  });
}

function adviceFor(error: unknown, file: string): string {
  const dir = dirname(file);
  switch (sqliteCode(error)) {
    case FULL:
      return `The history could not be written: the disk is full. Free space in ${dir}, then try again.`;
    case READONLY:
    case CANTOPEN:
      return `The history could not be opened for writing. Check that ${dir} exists and is writable for you, then try again.`;
    case IOERR:
      return `The disk failed while the history was used. Check the disk of ${dir}, then try again.`;
    case BUSY:
      return `Another program holds ${file}. Close it, then try again.`;
    case CORRUPT:
    case NOTADB:
      return `The history file ${file} is damaged. Restart the bridge: it keeps what can be read and sets the rest aside.`;
    default:
      return `The history ${file} can't be used. Check that its folder is writable and has space, then restart the bridge.`;
  }
}
