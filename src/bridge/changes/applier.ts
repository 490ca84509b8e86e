import { posix } from 'node:path';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { type BlobStore, hashOf } from './blobStore.ts';
import { type DiskFile, readDiskFile } from './diskFile.ts';
import { PinnedDirectory } from './pinnedDirectory.ts';
import { Reverter } from './reverter.ts';
import { Slices } from './slices.ts';
import type { RecordedFile, RecordedSide, TurnRecord } from './turnRecord.ts';

const NO_HUNKS: ReadonlySet<number> = new Set();

/** What of a recorded change the folder has: nothing of it, all of it, or something else. */
type Stand = 'before' | 'after' | { readonly other: string };

/**
 * Makes a recorded change in the folder: all of its files, or none. To make a change is to revert its reverse, so
 * the checks and the writing are those of {@link Reverter}.
 */
export class Applier {
  readonly #folder: string;
  readonly #reverter: Reverter;

  /** `folder`: its real path. */
  constructor(folder: string, blobs: BlobStore) {
    this.#folder = folder;
    this.#reverter = new Reverter(folder, blobs);
  }

  /**
   * Every file must be what it was when the change was made, or already be what it makes of it.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE`, `PREVIEW_FAILED`
   */
  async apply(record: TurnRecord): Promise<void> {
    const open = await this.#check(record);
    const reverse = reversed(record);
    const done: RecordedFile[] = [];
    try {
      await this.#all(open, done, (file) => this.#reverter.revertFile(reverse, reversedFile(file), NO_HUNKS));
    } catch (error) {
      const left = await this.#undo(record, done);
      throw edited(`while it was applied: ${messageOf(error)}`, left);
    }
    // Directories that have become empty: nothing more is at stake.
    this.#reverter.revertDirectories({ ...reverse, removedDirectories: [] });
  }

  /** The files that are still to be changed. */
  async #check({ files }: TurnRecord): Promise<RecordedFile[]> {
    const slices = new Slices();
    const open: RecordedFile[] = [];
    for (const file of files) {
      await slices.pause();
      if (file.notRevertible !== undefined) {
        throw new BridgeError(
          'PREVIEW_FAILED',
          `The preview can't be applied because of "${file.path}". ${file.notRevertible} Make the change in the folder instead: patch with a prompt and mode "apply".`,
        );
      }
      const stand = this.#standOf(file);
      if (typeof stand === 'object') throw edited(`since: ${stand.other}`);
      if (stand === 'before') open.push(this.#asItIs(file));
    }
    return open;
  }

  /** With the permissions that a file has which goes: somebody may have changed them, and an undo puts it back. */
  #asItIs(file: RecordedFile): RecordedFile {
    if (file.kind !== 'delete' || file.before === undefined) return file;
    const now = this.#read(file.path);
    if (typeof now !== 'object' || now.type !== 'file') return file;
    return { ...file, before: { ...file.before, mode: now.mode } };
  }

  #standOf(file: RecordedFile): Stand {
    const old = this.#read(file.path);
    if (file.movedTo !== undefined) {
      const moved = this.#read(file.movedTo);
      if (isSide(old, file.before) && isAbsent(moved)) return 'before';
      if (isAbsent(old) && isSide(moved, file.after)) return 'after';
      const why = isAbsent(moved) ? 'is not what it was' : 'was moved, or its new name is taken';
      return { other: `"${file.path}" ${why}` };
    }
    if (file.before === undefined ? isAbsent(old) : isSide(old, file.before) && hasMode(old, file, 'before'))
      return 'before';
    if (file.after === undefined ? isAbsent(old) : isSide(old, file.after) && hasMode(old, file, 'after'))
      return 'after';
    if (file.before === undefined) return { other: `there is a "${file.path}" now` };
    return { other: isAbsent(old) ? `"${file.path}" was deleted` : `"${file.path}" is not what it was` };
  }

  /** Undefined where nothing is, or where its directory is not one. */
  #read(path: string): DiskFile | 'directory' | undefined {
    const parent = posix.dirname(path) === '.' ? '' : posix.dirname(path);
    if (!PinnedDirectory.exists(this.#folder, parent)) return undefined;
    if (PinnedDirectory.exists(this.#folder, path)) return 'directory';
    const directory = PinnedDirectory.open(this.#folder, parent, new Map());
    try {
      return readDiskFile(directory, posix.basename(path));
    } finally {
      directory.close();
    }
  }

  /** One file may stand where another has to be: what is refused is tried again as long as that helps. */
  async #all(
    files: readonly RecordedFile[],
    done: RecordedFile[],
    change: (file: RecordedFile) => Promise<void>,
  ): Promise<void> {
    for (let left = files; left.length > 0; ) {
      const refused: RecordedFile[] = [];
      let first: unknown;
      for (const file of left) {
        try {
          await change(file);
          done.push(file);
        } catch (error) {
          first ??= error;
          refused.push(file);
        }
      }
      if (refused.length === left.length) throw first;
      left = refused;
    }
  }

  /** Takes back what was done; answers with what could not be. */
  async #undo(record: TurnRecord, done: readonly RecordedFile[]): Promise<string[]> {
    const undone: RecordedFile[] = [];
    try {
      await this.#all(done, undone, (file) => this.#reverter.revertFile(record, file, NO_HUNKS));
      this.#reverter.revertDirectories({ ...record, removedDirectories: [] });
      return [];
    } catch {
      // Somebody works on these very files: which ones is what the caller must know.
      return done.filter((file) => !undone.includes(file)).map(({ path }) => path);
    }
  }
}

/**
 * The change that leads back. Directories that it made are made again where files need them: they have no
 * permissions of their own in it, and empty ones do not belong to a patch.
 */
function reversed(record: TurnRecord): TurnRecord {
  return {
    ...record,
    files: record.files.map(reversedFile),
    addedDirectories: record.removedDirectories.map(({ path }) => path).reverse(),
    removedDirectories: [],
  };
}

const REVERSE = { add: 'delete', delete: 'add', update: 'update', rename: 'rename', mode: 'mode' } as const;

function reversedFile(file: RecordedFile): RecordedFile {
  const { before, after, modeBefore, modeAfter, movedTo, ...rest } = file;
  return {
    ...rest,
    kind: REVERSE[file.kind],
    path: movedTo ?? file.path,
    ...(movedTo === undefined ? {} : { movedTo: file.path }),
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
    ...(modeAfter === undefined ? {} : { modeBefore: modeAfter }),
    ...(modeBefore === undefined ? {} : { modeAfter: modeBefore }),
  };
}

/** A directory is no file: it may have to make room for one. */
function isAbsent(now: DiskFile | 'directory' | undefined): boolean {
  return now === undefined || now === 'directory';
}

function isSide(now: DiskFile | 'directory' | undefined, side: RecordedSide | undefined): boolean {
  if (now === undefined || now === 'directory' || side === undefined) return false;
  return now.type === side.type && hashOf(now.bytes) === side.hash;
}

/** Permissions count where the change is about them. */
function hasMode(
  now: DiskFile | 'directory' | undefined,
  { modeBefore, modeAfter }: RecordedFile,
  side: 'before' | 'after',
): boolean {
  if (modeBefore === undefined || modeAfter === undefined || modeBefore === modeAfter) return true;
  if (now === undefined || now === 'directory' || now.type !== 'file') return true;
  return now.mode === (side === 'before' ? modeBefore : modeAfter);
}

function edited(what: string, left: readonly string[] = []): BridgeError {
  const rest =
    left.length === 0
      ? 'Nothing was written.'
      : `What was written before is undone, but not in ${left.join(', ')}: look at these by hand.`;
  return new BridgeError(
    'CHANGE_EDITED_SINCE',
    `The folder is not what it was when the preview was made. It changed ${what}. ${rest} Make a new preview.`,
  );
}
