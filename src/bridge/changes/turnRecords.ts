import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import type { TurnId } from '../../shared/session.ts';
import { writePrivate } from '../stateDirectory.ts';
import { type Marks, marksSchema, type TurnRecord, turnRecordSchema } from './turnRecord.ts';

const RECORD = '.json';
const MARKS = '.marks.json';

/** The records of a folder's turns on disk: `<turn>.json`, and `<turn>.marks.json` beside it. */
export class TurnRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  write(turn: TurnId, record: TurnRecord): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writePrivate(this.#file(turn, RECORD), JSON.stringify(record));
  }

  /** @throws BridgeError `CHANGE_NOT_REVERTIBLE` when there is none, or not any more */
  read(turn: TurnId): TurnRecord {
    const parsed = turnRecordSchema.safeParse(readJson(this.#file(turn, RECORD)));
    if (parsed.success) return parsed.data;
    throw new BridgeError(
      'CHANGE_NOT_REVERTIBLE',
      'The copies of this turn are not there: only those of the latest turns of a folder are kept, and a fork or an import brings none.',
      { cause: parsed.error },
    );
  }

  readMarks(turn: TurnId): Marks {
    const parsed = marksSchema.safeParse(readJson(this.#file(turn, MARKS)));
    return new Map(parsed.success ? parsed.data : []);
  }

  writeMarks(turn: TurnId, marks: Marks): void {
    writePrivate(this.#file(turn, MARKS), JSON.stringify([...marks]));
  }

  remove(turn: TurnId): void {
    rmSync(this.#file(turn, RECORD), { force: true });
    rmSync(this.#file(turn, MARKS), { force: true });
  }

  /** Every turn that has a record, oldest first. */
  list(): TurnId[] {
    const turns = namesIn(this.#directory)
      .filter((name) => name.endsWith(RECORD) && !name.endsWith(MARKS))
      .map((name) => ({
        turn: name.slice(0, -RECORD.length),
        at: statSync(join(this.#directory, name)).mtimeMs,
      }));
    return turns.sort((a, b) => a.at - b.at).map(({ turn }) => turn);
  }

  #file(turn: TurnId, suffix: string): string {
    if (/^[\w-]{1,128}$/.test(turn)) return join(this.#directory, `${turn}${suffix}`);
    throw new BridgeError('TURN_NOT_FOUND', `"${turn}" is no turn of this folder.`);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined where there is no file, or none that can be read as JSON. */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
