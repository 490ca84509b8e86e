import type { Hunk } from '../../shared/changes.ts';

/** Unchanged lines around a hunk that must be there too, when the file was edited since. */
const CONTEXT = 3;

/** The lines after the turn with some of its hunks taken back. */
export function withReverted(
  before: readonly string[],
  after: readonly string[],
  hunks: readonly Hunk[],
  reverted: ReadonlySet<number>,
): string[] {
  const lines: string[] = [];
  let at = 0;
  for (const [index, hunk] of hunks.entries()) {
    for (; at < hunk.afterStart; at++) lines.push(after[at] ?? '');
    const [side, start, count] = reverted.has(index)
      ? ([before, hunk.beforeStart, hunk.beforeCount] as const)
      : ([after, hunk.afterStart, hunk.afterCount] as const);
    for (let i = 0; i < count; i++) lines.push(side[start + i] ?? '');
    at = hunk.afterStart + hunk.afterCount;
  }
  for (; at < after.length; at++) lines.push(after[at] ?? '');
  return lines;
}

/** The lines with the hunk taken back, or why that can't be done: a part of a sentence. */
export type HunkRevert = { readonly lines: string[] } | { readonly refused: string };

/**
 * Takes one hunk back in the lines as they are now. Where the file is just what the turn left (without the hunks
 * that were taken back before), the place is known. Otherwise the hunk's lines with the unchanged lines around
 * must stand at exactly one place.
 */
export function revertHunk(
  before: readonly string[],
  after: readonly string[],
  hunks: readonly Hunk[],
  index: number,
  reverted: ReadonlySet<number>,
  current: readonly string[],
): HunkRevert {
  const hunk = hunks[index];
  if (hunk === undefined) return { refused: `there is no hunk ${index}` };
  const rest = new Set([...reverted].filter((other) => other !== index));
  if (same(current, withReverted(before, after, hunks, rest))) {
    return { lines: withReverted(before, after, hunks, new Set([...rest, index])) };
  }
  // Taken back before, and nothing happened to it since: it stays so.
  if (reverted.has(index) && same(current, withReverted(before, after, hunks, reverted))) {
    return { lines: [...current] };
  }
  const place = findPlace(after, hunks, index, hunk, current);
  if (typeof place === 'string') return { refused: place };
  const old = before.slice(hunk.beforeStart, hunk.beforeStart + hunk.beforeCount);
  return { lines: [...current.slice(0, place), ...old, ...current.slice(place + hunk.afterCount)] };
}

/** The only place where the hunk's lines stand with their context. */
function findPlace(
  after: readonly string[],
  hunks: readonly Hunk[],
  index: number,
  hunk: Hunk,
  current: readonly string[],
): number | string {
  // Context is what no hunk touches: neighbours may have been taken back.
  const previous = hunks[index - 1];
  const floor = previous === undefined ? 0 : previous.afterStart + previous.afterCount;
  const start = Math.max(floor, hunk.afterStart - CONTEXT);
  const end = hunk.afterStart + hunk.afterCount;
  const ceiling = hunks[index + 1]?.afterStart ?? after.length;
  const wanted = after.slice(start, Math.min(ceiling, end + CONTEXT));
  if (wanted.length === 0) return 'nothing of the file is left to find its place by';
  const places: number[] = [];
  for (let at = 0; at + wanted.length <= current.length && places.length < 2; at++) {
    if (wanted.every((line, i) => current[at + i] === line)) places.push(at);
  }
  const [place, second] = places;
  if (place === undefined) return 'its lines, or the lines around them, were edited since';
  if (second !== undefined) return 'its lines now stand at several places, so its own is not known';
  return place + (hunk.afterStart - start);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
