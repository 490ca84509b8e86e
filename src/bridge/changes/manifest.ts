import type { Stats } from 'node:fs';
import type { ExcludedPath } from '../../shared/changes.ts';
import type { IgnoreRules } from './ignoreRules.ts';

/** Why there is no copy of a file. */
export type NotCopied = 'too_large' | 'folder_too_large' | 'unreadable';

/** One path of a folder at one moment. Times in ms since the epoch, with what fractions the file system has. */
export interface Entry {
  readonly type: 'file' | 'link' | 'dir';
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly ino: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  /** SHA-256 of the content (of a link: of its target), of which there is a copy. Directories have none. */
  readonly hash?: string;
  readonly notCopied?: NotCopied;
  /** Changed so shortly before it was read that a later change may have left the same times: read it again. */
  readonly racy: boolean;
}

/** All of a folder that is looked at, at one moment. */
export interface Manifest {
  /** By path, relative to the folder, with `/`. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly rules: IgnoreRules;
  readonly excluded: readonly ExcludedPath[];
  /** There were more files than are looked at: what is not in `entries` may be there. */
  readonly overflow: boolean;
}

/** FAT keeps times to 2 s; nothing in use is coarser. */
const RACY_MS = 2000;

export function entryFrom(stats: Stats, type: Entry['type'], now: number): Entry {
  const { size, mtimeMs, ctimeMs, birthtimeMs, ino } = stats;
  return {
    type,
    size,
    mtimeMs,
    ctimeMs,
    birthtimeMs,
    ino,
    mode: stats.mode & 0o7777,
    racy: Math.max(mtimeMs, ctimeMs) >= now - RACY_MS,
  };
}

/** Whether nothing tells that the file was touched. */
export function sameStats(a: Entry, b: Entry): boolean {
  return (
    a.type === b.type &&
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.ino === b.ino &&
    a.mode === b.mode
  );
}

/** Whether both have the same content, as far as it is known. */
export function sameContent(a: Entry, b: Entry): boolean {
  if (a.type !== b.type) return false;
  if (a.hash !== undefined && b.hash !== undefined) return a.hash === b.hash;
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}
