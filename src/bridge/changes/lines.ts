import { diffArrays } from 'diff';
import type { Hunk } from '../../shared/changes.ts';

/**
 * The most edits that are looked for exactly in one stretch. Beyond, the stretch is split at lines that both sides
 * have exactly once, or is one hunk. The work grows with the square of the edits: once a comparison has done
 * {@link MAX_WORK} (some 50 ms), it is content with less, so that no file holds up the bridge.
 */
const MAX_EDITS = 600;
const FEW_EDITS = 40;
const MAX_WORK = 1_000_000;

interface Progress {
  readonly hunks: Hunk[];
  work: number;
}

/** The runs of changed lines, in order. The same for the same input, whatever the machine: indexes name hunks. */
export function diffLines(before: readonly string[], after: readonly string[]): Hunk[] {
  const ids = new Map<string, number>();
  const number = (line: string) => {
    const known = ids.get(line);
    if (known !== undefined) return known;
    ids.set(line, ids.size);
    return ids.size - 1;
  };
  const progress: Progress = { hunks: [], work: 0 };
  diffRange(before.map(number), after.map(number), 0, 0, progress);
  return progress.hunks;
}

/** Lines added and removed. */
export function countLines(hunks: readonly Hunk[]): { added: number; removed: number } {
  return {
    added: hunks.reduce((sum, hunk) => sum + hunk.afterCount, 0),
    removed: hunks.reduce((sum, hunk) => sum + hunk.beforeCount, 0),
  };
}

function diffRange(before: number[], after: number[], beforeAt: number, afterAt: number, to: Progress): void {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let endB = before.length;
  let endA = after.length;
  while (endB > start && endA > start && before[endB - 1] === after[endA - 1]) {
    endB--;
    endA--;
  }
  if (start === endB && start === endA) return;
  const b = before.slice(start, endB);
  const a = after.slice(start, endA);
  const atB = beforeAt + start;
  const atA = afterAt + start;
  if (b.length === 0 || a.length === 0) {
    push(to.hunks, atB, b.length, atA, a.length);
    return;
  }
  const limit = to.work < MAX_WORK ? MAX_EDITS : FEW_EDITS;
  const parts = diffArrays(b, a, { maxEditLength: limit });
  if (parts === undefined) {
    to.work += limit ** 2;
    splitRange(b, a, atB, atA, to);
  } else {
    const edits = parts.reduce((sum, part) => sum + (part.added || part.removed ? part.value.length : 0), 0);
    to.work += edits ** 2;
    takeParts(parts, atB, atA, to.hunks);
  }
}

function takeParts(
  parts: readonly { value: readonly number[]; added?: boolean; removed?: boolean }[],
  beforeAt: number,
  afterAt: number,
  out: Hunk[],
): void {
  let b = beforeAt;
  let a = afterAt;
  for (const { value, added = false, removed = false } of parts) {
    if (added) push(out, b, 0, a, value.length);
    else if (removed) push(out, b, value.length, a, 0);
    if (!added) b += value.length;
    if (!removed) a += value.length;
  }
}

/** Adds a run of changes; one that touches the last is the same hunk. */
function push(out: Hunk[], beforeStart: number, beforeCount: number, afterStart: number, afterCount: number) {
  const last = out.at(-1);
  const touches =
    last !== undefined &&
    last.beforeStart + last.beforeCount === beforeStart &&
    last.afterStart + last.afterCount === afterStart;
  if (!touches) {
    out.push({ beforeStart, beforeCount, afterStart, afterCount });
    return;
  }
  out[out.length - 1] = {
    ...last,
    beforeCount: last.beforeCount + beforeCount,
    afterCount: last.afterCount + afterCount,
  };
}

/** Patience diff's step: lines that each side has exactly once and in the same order cut the stretch into pieces. */
function splitRange(b: number[], a: number[], beforeAt: number, afterAt: number, to: Progress): void {
  const anchors = commonAnchors(b, a);
  if (anchors.length === 0) {
    push(to.hunks, beforeAt, b.length, afterAt, a.length);
    return;
  }
  let fromB = 0;
  let fromA = 0;
  for (const [atB, atA] of [...anchors, [b.length, a.length] as const]) {
    diffRange(b.slice(fromB, atB), a.slice(fromA, atA), beforeAt + fromB, afterAt + fromA, to);
    fromB = atB + 1;
    fromA = atA + 1;
  }
}

/** The longest increasing sequence of places where a line that is unique on both sides stands. */
function commonAnchors(b: readonly number[], a: readonly number[]): (readonly [number, number])[] {
  const inB = uniquePlaces(b);
  const inA = uniquePlaces(a);
  const pairs: { b: number; a: number; previous: number }[] = [];
  // tails[n]: the pair that ends the best sequence of length n + 1.
  const tails: number[] = [];
  for (const [line, atB] of inB) {
    const atA = inA.get(line);
    if (atA === undefined) continue;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tails[middle] ?? 0]?.a ?? 0) < atA) low = middle + 1;
      else high = middle;
    }
    pairs.push({ b: atB, a: atA, previous: low === 0 ? -1 : (tails[low - 1] ?? -1) });
    tails[low] = pairs.length - 1;
  }
  const anchors: (readonly [number, number])[] = [];
  for (let at = tails.at(-1) ?? -1; at >= 0; at = pairs[at]?.previous ?? -1) {
    const pair = pairs[at];
    if (pair !== undefined) anchors.push([pair.b, pair.a]);
  }
  return anchors.reverse();
}

/** Lines that stand exactly once, by their order. */
function uniquePlaces(lines: readonly number[]): Map<number, number> {
  const places = new Map<number, number>();
  const seen = new Set<number>();
  for (const [at, line] of lines.entries()) {
    if (seen.has(line)) places.delete(line);
    else places.set(line, at);
    seen.add(line);
  }
  return places;
}
