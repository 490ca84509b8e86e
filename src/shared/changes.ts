import * as z from 'zod/mini';
import type { ErrorInfo } from './errors.ts';
import type { SessionId, TurnId } from './session.ts';

/**
 * What a turn changed on the disk: known by comparing the folder before and after it, so that commands which
 * change files without telling are in it too. Paths are relative to the folder, with `/`.
 */

/** `mode`: only the permissions changed. `rename`: moved, with or without other changes. */
export type ChangeKind = 'add' | 'update' | 'delete' | 'rename' | 'mode';

export interface ChangedFile {
  /** Of a rename: where the file was before. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** Of a rename: where the file is now. */
  readonly movedTo?: string;
  /** `link`: a symbolic link; its content is its target. */
  readonly type: 'file' | 'link';
  /** Has no lines to show: a NUL byte is in it, before or after. */
  readonly binary: boolean;
  /** Permission bits, such as 0o755; absent where there was no file. */
  readonly modeBefore?: number;
  readonly modeAfter?: number;
  /** Lines added and removed; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  /** Why it can't be reverted: a sentence. Absent: it can. */
  readonly notRevertible?: string;
}

/** Something in the folder that was not looked at. */
export interface ExcludedPath {
  /** Directories end in `/`. */
  readonly path: string;
  readonly reason: 'ignored' | 'special' | 'unreadable';
}

/** What a snapshot tells about the changes of an ended turn. The copies themselves stay at the bridge. */
export interface TurnChanges {
  /** The first {@link MAX_LISTED_FILES}, by path. */
  readonly files: readonly ChangedFile[];
  /** Changed files that are not in `files`. */
  readonly more: number;
  /** Turns of the same folder that ran at the same time: some of the changes may be theirs. */
  readonly overlaps: readonly TurnId[];
  /** The first {@link MAX_LISTED_EXCLUDED}, by path. */
  readonly excluded: readonly ExcludedPath[];
  /** What the reader of the list must know: sentences. */
  readonly notes: readonly string[];
  /** False: the folder could not be compared, `notes` says why. The changes are then only what Codex told. */
  readonly complete: boolean;
  /** Made on a copy of the folder, which itself is as it was. */
  readonly preview?: true;
}

export const MAX_LISTED_FILES = 500;
export const MAX_LISTED_EXCLUDED = 100;

/** What a person did with a change. `kept` is only a mark. */
export type ChangeMark = 'open' | 'kept' | 'reverted';

/** One run of changed lines. Line numbers start at 0; a count of 0 means "between two lines". */
export interface Hunk {
  readonly beforeStart: number;
  readonly beforeCount: number;
  readonly afterStart: number;
  readonly afterCount: number;
}

export interface MarkedFile extends ChangedFile {
  readonly mark: ChangeMark;
}

/** All changed files of a turn, with what was done with them since. */
export interface ChangeList extends Omit<TurnChanges, 'files' | 'more'> {
  readonly files: readonly MarkedFile[];
}

/** One side of a changed file. */
export interface FileSide {
  /** `latin1`: text that is no UTF-8, one character per byte. `base64`: binary. */
  readonly encoding: 'utf8' | 'latin1' | 'base64';
  readonly data: string;
  /** Bytes left out at the end, 0 if whole. */
  readonly omitted: number;
}

/** A changed file with its content, for a diff view. */
export interface ChangeContent {
  readonly file: MarkedFile;
  /** Absent: there was no such file, or it was not copied (`file.notRevertible` says why). */
  readonly before?: FileSide;
  readonly after?: FileSide;
  /** Hunks by their index, as `changes.revert` takes it. Empty for binary files. */
  readonly hunks: readonly (Hunk & { readonly mark: ChangeMark })[];
}

/** A file that could not be reverted with the rest of its turn, and why. */
export interface RefusedRevert {
  readonly path: string;
  readonly error: ErrorInfo;
}

const id = z.string().check(z.minLength(1), z.maxLength(128));
const path = z.string().check(z.minLength(1), z.maxLength(4096));
const hunk = z.int().check(z.gte(0));

/** Parameters of the requests about changes; a part of the face contract. Paths are `ChangedFile.path`. */
export const changesParams = {
  'changes.list': z.object({ session: id, turn: id }),
  'changes.read': z.object({ session: id, turn: id, path }),
  /** One hunk, one file, or everything that the turn changed. */
  'changes.revert': z.object({
    session: id,
    turn: id,
    path: z.exactOptional(path),
    hunk: z.exactOptional(hunk),
  }),
  /** Only a mark; `kept` false takes it away. */
  'changes.keep': z.object({
    session: id,
    turn: id,
    path: z.exactOptional(path),
    hunk: z.exactOptional(hunk),
    kept: z.boolean(),
  }),
};

type Params = { [M in keyof typeof changesParams]: z.infer<(typeof changesParams)[M]> };

/** A type, not an interface: those have no index signature, which `Contract` asks for. */
export type ChangesRequests = {
  'changes.list': { params: Params['changes.list']; result: ChangeList };
  'changes.read': { params: Params['changes.read']; result: ChangeContent };
  'changes.revert': {
    params: Params['changes.revert'];
    /** Only of a whole turn; one file or hunk that can't be reverted is an error. */
    result: { refused: readonly RefusedRevert[] };
  };
  'changes.keep': { params: Params['changes.keep']; result: null };
};

export type ChangesEvents = {
  /** Something of an ended turn was reverted or marked; for those who have opened the session. */
  'changes.changed': { session: SessionId; turn: TurnId };
};

/** Changes that belong to another session's copies can be shown, but not reverted here. */
export function withoutCopies(changes: TurnChanges, why: string): TurnChanges {
  return { ...changes, files: changes.files.map((file) => ({ ...file, notRevertible: why })) };
}
