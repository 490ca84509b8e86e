import { basename, posix } from 'node:path';
import type { ChangeKind } from '../../shared/changes.ts';
import { type Entry, type Manifest, sameContent } from './manifest.ts';

/** One difference between two manifests, before its lines are counted. */
export interface Difference {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly movedTo?: string;
  readonly before?: Entry;
  readonly after?: Entry;
}

export interface Comparison {
  /** By path. */
  readonly files: readonly Difference[];
  /** Directories that were not there before, innermost first. */
  readonly addedDirectories: readonly string[];
  /** Directories that are gone, with their permissions, outermost first. */
  readonly removedDirectories: readonly { readonly path: string; readonly mode: number }[];
}

/**
 * What is different. A new path counts only if the rules of both moments look at it: what was ignored before may
 * have been there before.
 */
export function compareManifests(before: Manifest, after: Manifest): Comparison {
  const removed: Difference[] = [];
  const added: Difference[] = [];
  const files: Difference[] = [];
  for (const [path, old] of before.entries) {
    if (old.type === 'dir') continue;
    const now = fileAt(after, path);
    if (now === undefined) removed.push({ kind: 'delete', path, before: old });
    else if (!sameContent(old, now)) files.push({ kind: 'update', path, before: old, after: now });
    else if (old.type === 'file' && old.mode !== now.mode)
      files.push({ kind: 'mode', path, before: old, after: now });
  }
  for (const [path, now] of after.entries) {
    if (now.type === 'dir' || fileAt(before, path) !== undefined || before.rules.ignores(path, false))
      continue;
    added.push({ kind: 'add', path, after: now });
  }
  files.push(...pairRenames(removed, added));
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    addedDirectories: newDirectories(before, after),
    removedDirectories: goneDirectories(before, after),
  };
}

function fileAt(manifest: Manifest, path: string): Entry | undefined {
  const entry = manifest.entries.get(path);
  return entry?.type === 'dir' ? undefined : entry;
}

/**
 * A file that is gone and a new one are a rename when they are the same inode (with the same time of birth:
 * numbers are used again), or have the same content, which is not empty.
 */
function pairRenames(removed: readonly Difference[], added: readonly Difference[]): Difference[] {
  const left = new Set(added);
  const paired = new Map<Difference, Difference>();
  const pair = (keyOf: (entry: Entry) => string | undefined) => {
    const byKey = groupBy(left, ({ after }) => (after === undefined ? undefined : keyOf(after)));
    for (const gone of removed) {
      if (paired.has(gone) || gone.before === undefined) continue;
      const same = byKey.get(keyOf(gone.before) ?? '') ?? [];
      const candidates = same.filter((one) => left.has(one) && !nested(one.path, gone.path));
      const name = basename(gone.path);
      const match = candidates.find((candidate) => basename(candidate.path) === name) ?? candidates[0];
      if (match === undefined) continue;
      paired.set(gone, match);
      left.delete(match);
    }
  };
  pair((entry) =>
    entry.type === 'file' && entry.birthtimeMs > 0 ? `${entry.ino}:${entry.birthtimeMs}` : undefined,
  );
  pair((entry) => (entry.size === 0 || entry.hash === undefined ? undefined : `${entry.type}:${entry.hash}`));
  const renames = removed.map((gone): Difference => {
    const match = paired.get(gone);
    if (match?.after === undefined) return gone;
    return { ...gone, kind: 'rename', movedTo: match.path, after: match.after };
  });
  return [...renames, ...left];
}

/** A file that became a directory with itself inside, or the other way round: each is in the other's way. */
function nested(a: string, b: string): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function groupBy(
  differences: Iterable<Difference>,
  keyOf: (difference: Difference) => string | undefined,
): Map<string, Difference[]> {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const key = keyOf(difference);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [difference]);
    else group.push(difference);
  }
  return groups;
}

/** Every directory that is new, empty ones too, unless it may have been there, ignored. Innermost first. */
function newDirectories(before: Manifest, after: Manifest): string[] {
  const found = directoriesOf(after).filter(
    (path) => before.entries.get(path)?.type !== 'dir' && !before.rules.ignores(path, true),
  );
  return found.sort().reverse();
}

/** Every directory that is gone, empty ones too. Outermost first. */
function goneDirectories(before: Manifest, after: Manifest): { path: string; mode: number }[] {
  const found = directoriesOf(before).filter(
    (path) => after.entries.get(path)?.type !== 'dir' && !after.rules.ignores(path, true),
  );
  return found.sort().map((path) => ({ path, mode: before.entries.get(path)?.mode ?? 0o777 }));
}

function directoriesOf(manifest: Manifest): string[] {
  return [...manifest.entries].filter(([, entry]) => entry.type === 'dir').map(([path]) => path);
}

/** The directories that a path lies in, outermost last. */
export function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = posix.dirname(path); at !== '.'; at = posix.dirname(at)) parents.push(at);
  return parents;
}
