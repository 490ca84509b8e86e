import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type Disposable, toDisposable } from '../../shared/disposables.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Database } from './database.ts';

/** Files up to this size are looked through before they are used, in bytes: that takes some 30 ms. */
const CHECKED_AT_OPEN_BYTES = 16 * 1024 * 1024;

/** In a thread of its own, on a connection of its own: SQLite looks through 100 MB in some 150 ms. */
const CHECK = `
  const { DatabaseSync } = require('node:sqlite');
  const { parentPort, workerData } = require('node:worker_threads');
  const db = new DatabaseSync(workerData, { readOnly: true });
  const [first] = db.prepare('PRAGMA quick_check(1)').all();
  db.close();
  parentPort.postMessage(first?.quick_check ?? 'no answer');
`;

/** Lies beside a file that was found damaged while it was in use. */
function suspectFile(file: string): string {
  return `${file}.suspect`;
}

/** The next opening looks through the whole file, and rescues what can be read. */
export function suspect(file: string): void {
  if (file !== ':memory:') writeFileSync(suspectFile(file), '', { mode: 0o600 });
}

export function clearSuspicion(file: string): void {
  rmSync(suspectFile(file), { force: true });
}

/**
 * Whether the file must be looked through before it is used. A large one is looked through while it is in use,
 * see {@link checkBeside}: else a person with years of history would wait for it at every start.
 */
export function mustBeChecked(file: string): boolean {
  return existsSync(suspectFile(file)) || statSync(file).size <= CHECKED_AT_OPEN_BYTES;
}

/** Looks through the whole file. @throws BridgeError where the damage is such that SQLite gives up */
export function isWhole(db: Database): boolean {
  const checks = db.all('PRAGMA quick_check(1)');
  return checks.length === 1 && checks[0]?.['quick_check'] === 'ok';
}

/** Looks through a file that is in use, in another thread; one of the two is called, once, unless it is let be. */
export function checkBeside(
  file: string,
  damaged: (why: string) => void,
  whole: () => void = () => {},
): Disposable {
  // Its warning that SQLite is experimental is nobody's concern.
  const worker = new Worker(CHECK, { eval: true, workerData: file, stderr: true });
  worker.unref();
  let over = false;
  const tell = (answer: string) => {
    if (over) return;
    over = true;
    if (answer === 'ok') whole();
    else damaged(answer);
  };
  worker.once('message', (answer) => tell(String(answer)));
  worker.once('error', (error) => tell(messageOf(error)));
  return toDisposable(() => {
    over = true;
    void worker.terminate();
  });
}
