import type {
  ChangeContent,
  ChangedFile,
  ChangeList,
  ChangeMark,
  Hunk,
  RefusedRevert,
} from '../../shared/changes.ts';
import { type Disposable, Emitter } from '../../shared/disposables.ts';
import { BridgeError, type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import { splitLines } from '../../shared/lines.ts';
import type { TurnId } from '../../shared/session.ts';
import type { Logger } from '../ports.ts';
import { Applier } from './applier.ts';
import type { FolderCopies } from './folderCopies.ts';
import { diffLines } from './lines.ts';
import { OF_A_COPY, PREVIEW_NOTE } from './preview.ts';
import { Reverter } from './reverter.ts';
import { isBinary, sideOf, textOf } from './text.ts';
import { changedFile, type FileMarks, type Marks, type RecordedFile, type TurnRecord } from './turnRecord.ts';

/** What a person can do with the changes of ended turns. Only faces have it: no MCP tool reverts. */
export interface ChangesApi {
  /** @throws BridgeError `CHANGE_NOT_REVERTIBLE` when the turn's copies are not kept (any more) */
  list(turn: TurnId): ChangeList;
  /** @throws BridgeError `CHANGE_NOT_FOUND`, `CHANGE_NOT_REVERTIBLE` */
  read(turn: TurnId, path: string): Promise<ChangeContent>;
  /**
   * Takes one hunk, one file or, without a path, all files of a turn back. One that can't be does not hold up the
   * others of a turn: it is named in `refused`. A single one throws.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE`, `CHANGE_NOT_REVERTIBLE`, `CHANGE_NOT_FOUND`
   */
  revert(turn: TurnId, path?: string, hunk?: number): Promise<{ refused: readonly RefusedRevert[] }>;
  /** Marks as kept, or takes the mark away. Changes no file. */
  keep(turn: TurnId, kept: boolean, path?: string, hunk?: number): void;
  /** Something was reverted or marked. */
  onChanged(listener: (turn: TurnId) => void): Disposable;
}

const APPLIED = 'A preview was applied while this turn ran; that is listed here too.';

const OPEN: FileMarks = { file: 'open', hunks: {} };

/** The changes of a folder's turns: what they were, and what was done with them. */
export class FolderChanges implements ChangesApi, Disposable {
  readonly #copies: FolderCopies;
  readonly #reverter: Reverter;
  readonly #applier: Applier;
  readonly #changed: Emitter<TurnId>;
  /** Two reverts of one file at the same time would not see each other. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(deps: { folder: string; copies: FolderCopies; logger: Logger }) {
    this.#copies = deps.copies;
    this.#reverter = new Reverter(deps.folder, deps.copies.blobs);
    this.#applier = new Applier(deps.folder, deps.copies.blobs);
    this.#changed = new Emitter((error) => deps.logger.error('a listener failed', { error }));
  }

  readonly onChanged = (listener: (turn: TurnId) => void): Disposable => this.#changed.on(listener);

  list(turn: TurnId): ChangeList {
    const { files, overlaps, excluded, notes, complete, preview } = this.#copies.records.read(turn);
    const marks = this.#copies.records.readMarks(turn);
    return {
      files: files.map((file) => ({
        ...shownFile(file, preview),
        mark: marks.get(file.path)?.file ?? 'open',
      })),
      overlaps,
      excluded,
      notes: preview === 'applied' ? notes.filter((note) => note !== PREVIEW_NOTE) : notes,
      complete,
    };
  }

  async read(turn: TurnId, path: string): Promise<ChangeContent> {
    const record = this.#copies.records.read(turn);
    const file = fileIn(record, path);
    const marks = this.#copies.records.readMarks(turn).get(path) ?? OPEN;
    const [before, after] = await this.#sides(file);
    const binary = [before, after].some((bytes) => bytes !== undefined && isBinary(bytes));
    return {
      file: { ...shownFile(file, record.preview), mark: marks.file },
      ...(before === undefined ? {} : { before: sideOf(before, binary) }),
      ...(after === undefined ? {} : { after: sideOf(after, binary) }),
      hunks: hunksOf(file, before, after).map((hunk, index) => ({ ...hunk, mark: hunkMark(marks, index) })),
    };
  }

  async revert(turn: TurnId, path?: string, hunk?: number): Promise<{ refused: readonly RefusedRevert[] }> {
    if (hunk !== undefined && path === undefined) {
      throw new BridgeError('INVALID_INPUT', 'A hunk belongs to a file: give its path.');
    }
    const done = this.#tail.then(async () => {
      const record = this.#copies.records.read(turn);
      if (record.preview === 'open') throw new BridgeError('CHANGE_NOT_REVERTIBLE', OF_A_COPY);
      this.#copies.noteRevert();
      try {
        if (path === undefined) return { refused: await this.#revertAll(turn, record) };
        const file = fileIn(record, path);
        if (hunk === undefined) await this.#revertFile(turn, record, file);
        else await this.#revertHunk(turn, record, file, hunk);
        return { refused: [] };
      } finally {
        this.#changed.fire(turn);
      }
    });
    this.#tail = done.catch(() => undefined); // Told to who asked for it.
    return await done;
  }

  /**
   * Makes the change of a preview in the folder: all of it, or nothing. Then it can be reverted as if its turn had
   * made it there. Where the folder has it already, nothing happens.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE`, `PREVIEW_FAILED`, `CHANGE_NOT_REVERTIBLE` when the preview is not
   * kept any more, `INVALID_INPUT` for a turn that is none
   */
  async applyPreview(turn: TurnId): Promise<void> {
    const done = this.#tail.then(async () => {
      const record = this.#copies.records.read(turn);
      if (record.preview === undefined) {
        throw new BridgeError(
          'INVALID_INPUT',
          `The turn ${turn} is no preview: its changes are in the folder.`,
        );
      }
      this.#copies.noteRevert(APPLIED);
      await this.#applier.apply(record);
      this.#copies.records.write(turn, { ...record, preview: 'applied' });
      // What was reverted since is there again.
      this.#copies.records.writeMarks(turn, new Map());
      this.#changed.fire(turn);
    });
    this.#tail = done.catch(() => undefined); // Told to who asked for it.
    await done;
  }

  keep(turn: TurnId, kept: boolean, path?: string, hunk?: number): void {
    const record = this.#copies.records.read(turn);
    const files = path === undefined ? record.files : [fileIn(record, path)];
    const mark: ChangeMark = kept ? 'kept' : 'open';
    this.#mark(turn, (marks) => {
      for (const { path: name } of files) {
        const now = marks.get(name) ?? OPEN;
        // What was reverted is not there to be kept.
        if (hunk === undefined) {
          if (now.file !== 'reverted') marks.set(name, { ...now, file: mark });
        } else if (hunkMark(now, hunk) !== 'reverted') {
          marks.set(name, { ...now, hunks: { ...now.hunks, [hunk]: mark } });
        }
      }
    });
    this.#changed.fire(turn);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  /** One file may stand where another has to come back: what is refused is tried again as long as that helps. */
  async #revertAll(turn: TurnId, record: TurnRecord): Promise<RefusedRevert[]> {
    let left: readonly RecordedFile[] = record.files;
    for (;;) {
      const refused = new Map<RecordedFile, ErrorInfo>();
      for (const file of left) {
        try {
          await this.#revertFile(turn, record, file);
        } catch (error) {
          refused.set(file, toErrorInfo(error));
        }
      }
      if (refused.size === 0) this.#reverter.revertDirectories(record);
      if (refused.size === 0 || refused.size === left.length) {
        return [...refused].map(([{ path }, error]) => ({ path, error }));
      }
      left = [...refused.keys()];
    }
  }

  async #revertFile(turn: TurnId, record: TurnRecord, file: RecordedFile): Promise<void> {
    const marks = this.#copies.records.readMarks(turn).get(file.path) ?? OPEN;
    await this.#reverter.revertFile(record, file, revertedHunks(marks));
    this.#mark(turn, (all) => {
      all.set(file.path, { file: 'reverted', hunks: {} });
    });
  }

  async #revertHunk(turn: TurnId, record: TurnRecord, file: RecordedFile, index: number): Promise<void> {
    const [before, after] = await this.#sides(file);
    const hunks = hunksOf(file, before, after);
    if (hunks[index] === undefined) {
      throw new BridgeError(
        'CHANGE_NOT_FOUND',
        `"${file.path}" has no hunk ${index} in this turn. It has ${hunks.length}.`,
      );
    }
    // The one hunk of a file that came or went is the file.
    if (file.before === undefined || file.after === undefined || file.type === 'link') {
      await this.#revertFile(turn, record, file);
      return;
    }
    const marks = this.#copies.records.readMarks(turn).get(file.path) ?? OPEN;
    await this.#reverter.revertHunk(file, index, revertedHunks(marks));
    this.#mark(turn, (all) => {
      const next: FileMarks = { ...marks, hunks: { ...marks.hunks, [index]: 'reverted' } };
      const same = file.movedTo === undefined && file.modeBefore === file.modeAfter;
      const whole = same && hunks.every((_, at) => next.hunks[at] === 'reverted');
      all.set(file.path, whole ? { ...next, file: 'reverted' } : next);
    });
  }

  #mark(turn: TurnId, change: (marks: Marks) => void): void {
    const marks = this.#copies.records.readMarks(turn);
    change(marks);
    this.#copies.records.writeMarks(turn, marks);
  }

  /** Both contents, as far as there are copies. */
  async #sides(file: RecordedFile): Promise<[Buffer | undefined, Buffer | undefined]> {
    const { blobs } = this.#copies;
    return [
      file.before?.hash === undefined ? undefined : await blobs.read(file.before.hash),
      file.after?.hash === undefined ? undefined : await blobs.read(file.after.hash),
    ];
  }
}

function shownFile(file: RecordedFile, preview: TurnRecord['preview']): ChangedFile {
  const shown = changedFile(file);
  return preview === 'open' ? { ...shown, notRevertible: shown.notRevertible ?? OF_A_COPY } : shown;
}

function fileIn(record: TurnRecord, path: string): RecordedFile {
  const file = record.files.find((one) => one.path === path);
  if (file !== undefined) return file;
  throw new BridgeError('CHANGE_NOT_FOUND', `The turn did not change "${path}". Its changes are listed.`);
}

function hunksOf(file: RecordedFile, before: Buffer | undefined, after: Buffer | undefined): Hunk[] {
  const missing = (file.before && before === undefined) || (file.after && after === undefined);
  if (missing || [before, after].some((bytes) => bytes !== undefined && isBinary(bytes))) return [];
  return diffLines(splitLines(textOf(before)), splitLines(textOf(after)));
}

/** With a file as a whole reverted or kept, so are its hunks. */
function hunkMark(marks: FileMarks, index: number): ChangeMark {
  if (marks.file === 'reverted') return 'reverted';
  return marks.hunks[index] ?? marks.file;
}

function revertedHunks(marks: FileMarks): Set<number> {
  return new Set(
    Object.keys(marks.hunks)
      .map(Number)
      .filter((index) => marks.hunks[index] === 'reverted'),
  );
}
