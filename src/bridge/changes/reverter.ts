import { posix } from 'node:path';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { splitLines } from '../../shared/lines.ts';
import type { BlobStore } from './blobStore.ts';
import { hashOf } from './blobStore.ts';
import { parentsOf } from './compare.ts';
import { type DiskFile, readDiskFile, removeDiskFile, setMode, writeDiskFile } from './diskFile.ts';
import { revertHunk, withReverted } from './hunks.ts';
import { diffLines } from './lines.ts';
import { PinnedDirectory } from './pinnedDirectory.ts';
import { bytesOf, textOf } from './text.ts';
import type { RecordedFile, RecordedSide, TurnRecord } from './turnRecord.ts';

/** Takes back what a turn did to files: each all or nothing, and only where nothing else came after. */
export class Reverter {
  readonly #folder: string;
  readonly #blobs: BlobStore;

  /** `folder`: its real path. */
  constructor(folder: string, blobs: BlobStore) {
    this.#folder = folder;
    this.#blobs = blobs;
  }

  /**
   * Makes the file what it was before the turn: content, permissions, name, there or not. `reverted`: hunks of it
   * that were taken back before.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE`, `CHANGE_NOT_REVERTIBLE`
   */
  async revertFile(record: TurnRecord, file: RecordedFile, reverted: ReadonlySet<number>): Promise<void> {
    if (file.notRevertible !== undefined) {
      throw new BridgeError(
        'CHANGE_NOT_REVERTIBLE',
        `"${file.path}" can't be reverted. ${file.notRevertible}`,
      );
    }
    const before = await this.#load(file.before);
    const left = await this.#leftBy(file, before, reverted);
    this.#on(file, () => {
      if (file.after === undefined) this.#putBack(record, file, before);
      else if (file.movedTo !== undefined) this.#moveBack(record, file, file.movedTo, before, left);
      else this.#restore(record, file, before, left);
    });
  }

  /**
   * Takes one hunk back, by the lines of the file as they are now. Answers whether the file now is what it was.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE`, `CHANGE_NOT_REVERTIBLE`, `CHANGE_NOT_FOUND`
   */
  async revertHunk(file: RecordedFile, index: number, reverted: ReadonlySet<number>): Promise<void> {
    const before = splitLines(textOf(await this.#blob(file.before)));
    const after = splitLines(textOf(await this.#blob(file.after)));
    const hunks = diffLines(before, after);
    if (hunks[index] === undefined) {
      throw new BridgeError(
        'CHANGE_NOT_FOUND',
        `"${file.path}" has no hunk ${index} in this turn. It has ${hunks.length}.`,
      );
    }
    const path = file.movedTo ?? file.path;
    this.#on(file, () => {
      this.#inDirectory(path, new Map(), (directory, name) => {
        const now = readDiskFile(directory, name);
        if (now?.type !== 'file') throw editedSince(path, 'it is not there any more');
        const result = revertHunk(before, after, hunks, index, reverted, splitLines(textOf(now.bytes)));
        if ('refused' in result) throw hunkEdited(path, result.refused);
        writeDiskFile(directory, name, { ...now, bytes: bytesOf(result.lines) });
      });
    });
  }

  /** After all files: directories that the turn made and that are empty go, those that it removed come back. */
  revertDirectories(record: TurnRecord): void {
    this.#removeAdded(record, '');
    for (const { path } of record.removedDirectories) {
      PinnedDirectory.open(this.#folder, path, modesOf(record)).close();
    }
  }

  /** Removes what is empty of the directories that the turn made at or below a path. */
  #removeAdded(record: TurnRecord, below: string): void {
    for (const path of record.addedDirectories) {
      if (below !== '' && path !== below && !path.startsWith(`${below}/`)) continue;
      if (!PinnedDirectory.exists(this.#folder, path)) continue;
      this.#inDirectory(path, new Map(), (directory, name) => directory.removeEmpty(name));
    }
  }

  /** A file that the turn deleted comes back. */
  #putBack(record: TurnRecord, file: RecordedFile, before: DiskFile | undefined): void {
    if (before === undefined) return;
    // The turn may have made a directory in its place, whose files are gone by now.
    if (record.addedDirectories.includes(file.path)) this.#removeAdded(record, file.path);
    this.#inDirectory(file.path, modesOf(record), (directory, name) => {
      const now = readDiskFile(directory, name);
      if (now !== undefined && !isSame(now, before)) {
        throw editedSince(file.path, 'a new one was made in its place');
      }
      if (now === undefined) writeDiskFile(directory, name, before);
    });
  }

  /** A file that the turn changed, or added, is what it was before, or gone. */
  #restore(
    record: TurnRecord,
    file: RecordedFile,
    before: DiskFile | undefined,
    left: readonly DiskFile[],
  ): void {
    if (before === undefined && !PinnedDirectory.exists(this.#folder, dirnameOf(file.path))) return;
    this.#inDirectory(file.path, new Map(), (directory, name) => {
      const now = readDiskFile(directory, name);
      if (before === undefined) {
        if (now !== undefined) {
          checkLeft(file.path, now, left, file);
          removeDiskFile(directory, name);
        }
        return;
      }
      if (now === undefined) throw editedSince(file.path, 'it was deleted since');
      const mode = file.modeBefore === file.modeAfter ? now.mode : before.mode;
      if (isSame(now, { ...before, mode })) return;
      checkLeft(file.path, now, left, file);
      if (now.type === 'file' && before.type === 'file' && now.bytes.equals(before.bytes)) {
        setMode(directory, name, mode);
      } else {
        writeDiskFile(directory, name, { ...before, mode });
      }
    });
    if (before === undefined) this.#removeEmpty(record, file.path);
  }

  /** A file that the turn moved is back under its old name. */
  #moveBack(
    record: TurnRecord,
    file: RecordedFile,
    movedTo: string,
    before: DiskFile | undefined,
    left: readonly DiskFile[],
  ): void {
    if (before === undefined) return;
    if (record.addedDirectories.includes(file.path)) this.#removeAdded(record, file.path);
    this.#inDirectory(movedTo, new Map(), (target, targetName) => {
      const now = readDiskFile(target, targetName);
      if (now === undefined && this.#isBack(file.path, before)) return;
      if (now === undefined) throw editedSince(movedTo, 'it is not there any more');
      checkLeft(movedTo, now, left, file);
      const mode = file.modeBefore === file.modeAfter ? now.mode : before.mode;
      this.#inDirectory(file.path, modesOf(record), (directory, name) => {
        if (readDiskFile(directory, name) !== undefined) {
          throw editedSince(file.path, 'a new file was made under its old name');
        }
        writeDiskFile(directory, name, { ...before, mode });
        try {
          removeDiskFile(target, targetName);
        } catch (error) {
          // All or nothing: both names would be neither.
          removeDiskFile(directory, name);
          throw error;
        }
      });
    });
    this.#removeEmpty(record, movedTo);
  }

  #isBack(path: string, before: DiskFile): boolean {
    if (!PinnedDirectory.exists(this.#folder, dirnameOf(path))) return false;
    return this.#inDirectory(path, new Map(), (directory, name) => {
      const now = readDiskFile(directory, name);
      return now !== undefined && isSame(now, before);
    });
  }

  /** Directories that the turn made for the file go with it, as soon as nothing else is in them. */
  #removeEmpty(record: TurnRecord, path: string): void {
    const added = new Set(record.addedDirectories);
    for (const parent of parentsOf(path)) {
      if (!added.has(parent) || !PinnedDirectory.exists(this.#folder, dirnameOf(parent))) return;
      const removed = this.#inDirectory(parent, new Map(), (directory, name) => directory.removeEmpty(name));
      if (!removed) return;
    }
  }

  #inDirectory<T>(
    path: string,
    modes: ReadonlyMap<string, number>,
    run: (directory: PinnedDirectory, name: string) => T,
  ): T {
    const directory = PinnedDirectory.open(this.#folder, dirnameOf(path), modes);
    try {
      return run(directory, posix.basename(path));
    } finally {
      directory.close();
    }
  }

  /** What the turn may have left there, with and without the hunks that were taken back. */
  async #leftBy(
    file: RecordedFile,
    before: DiskFile | undefined,
    reverted: ReadonlySet<number>,
  ): Promise<DiskFile[]> {
    const after = await this.#load(file.after);
    if (after === undefined) return [];
    if (before === undefined || reverted.size === 0) return [after];
    const old = splitLines(textOf(before.bytes));
    const now = splitLines(textOf(after.bytes));
    return [after, { ...after, bytes: bytesOf(withReverted(old, now, diffLines(old, now), reverted)) }];
  }

  async #load(side: RecordedSide | undefined): Promise<DiskFile | undefined> {
    if (side === undefined) return undefined;
    return { type: side.type, mode: side.mode, bytes: await this.#blob(side) };
  }

  async #blob(side: RecordedSide | undefined): Promise<Buffer> {
    if (side?.hash !== undefined) return await this.#blobs.read(side.hash);
    throw new BridgeError(
      'CHANGE_NOT_REVERTIBLE',
      'There is no copy of this file, so it has no hunks to revert.',
    );
  }

  /** Errors of the disk as sentences. Everything in it is synchronous: nothing comes between check and write. */
  #on(file: RecordedFile, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      throw new BridgeError(
        'CHANGE_NOT_REVERTIBLE',
        `"${file.path}" could not be written: ${messageOf(error)}. Check its permissions and the disk, then try again.`,
        { cause: error },
      );
    }
  }
}

function checkLeft(path: string, now: DiskFile, left: readonly DiskFile[], file: RecordedFile): void {
  const content = left.some((one) => one.type === now.type && hashOf(one.bytes) === hashOf(now.bytes));
  if (!content) throw editedSince(path, 'its content is not what the turn left');
  const modeChanged = file.modeBefore !== file.modeAfter && file.modeBefore !== undefined;
  if (modeChanged && now.type === 'file' && !left.some((one) => one.mode === now.mode)) {
    throw editedSince(path, 'its permissions are not what the turn left');
  }
}

function isSame(a: DiskFile, b: DiskFile): boolean {
  return a.type === b.type && a.bytes.equals(b.bytes) && (a.type === 'link' || a.mode === b.mode);
}

function modesOf(record: TurnRecord): Map<string, number> {
  return new Map(record.removedDirectories.map(({ path, mode }) => [path, mode]));
}

function dirnameOf(path: string): string {
  const directory = posix.dirname(path);
  return directory === '.' ? '' : directory;
}

function editedSince(path: string, why: string): BridgeError {
  return new BridgeError(
    'CHANGE_EDITED_SINCE',
    `"${path}" was edited since the turn: ${why}. Nothing was written; revert what is left of it by hand.`,
  );
}

function hunkEdited(path: string, why: string): BridgeError {
  return new BridgeError(
    'CHANGE_EDITED_SINCE',
    `This hunk of "${path}" can't be reverted: ${why}. Nothing was written; change it by hand.`,
  );
}
