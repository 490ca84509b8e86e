import type { Hunk } from '../../src/shared/changes.ts';
import { CONTEXT } from '../../src/shared/patch.ts';

/** Places in the lines of both sides, from 0; absent where the other side alone has the line. */
export interface Row {
  readonly kind: 'context' | 'removed' | 'added';
  readonly before?: number;
  readonly after?: number;
}

/** A hunk with its part of the unchanged lines around. */
export interface HunkPart {
  readonly kind: 'hunk';
  readonly index: number;
  readonly hunk: Hunk;
  readonly rows: readonly Row[];
}

/** Unchanged lines that are left out. */
export interface GapPart {
  readonly kind: 'gap';
  readonly before: number;
  readonly after: number;
  readonly count: number;
}

export type Part = HunkPart | GapPart;

/** Two sides of one line on the screen. */
export interface Pair {
  readonly left?: Row;
  readonly right?: Row;
}

/**
 * A file cut into its hunks, each with its own part of the unchanged lines around, and what lies between.
 *
 * @param afterCount lines of the file after the turn
 */
export function diffParts(hunks: readonly Hunk[], afterCount: number): Part[] {
  const parts: Part[] = [];
  /** The first line that is in no part yet. */
  let before = 0;
  let after = 0;
  for (const [index, hunk] of hunks.entries()) {
    const lead = Math.min(CONTEXT, hunk.afterStart - after);
    const gap = hunk.afterStart - after - lead;
    if (gap > 0) parts.push({ kind: 'gap', before, after, count: gap });
    const next = hunks[index + 1]?.afterStart ?? afterCount;
    const hunkEnd = hunk.afterStart + hunk.afterCount;
    const trail = Math.max(0, Math.min(CONTEXT, next - hunkEnd));
    const rows: Row[] = [
      ...contextRows(before + gap, after + gap, lead),
      ...range(hunk.beforeStart, hunk.beforeCount).map((line) => ({
        kind: 'removed' as const,
        before: line,
      })),
      ...range(hunk.afterStart, hunk.afterCount).map((line) => ({ kind: 'added' as const, after: line })),
      ...contextRows(hunk.beforeStart + hunk.beforeCount, hunkEnd, trail),
    ];
    parts.push({ kind: 'hunk', index, hunk, rows });
    before = hunk.beforeStart + hunk.beforeCount + trail;
    after = hunkEnd + trail;
  }
  if (hunks.length > 0 && after < afterCount) {
    parts.push({ kind: 'gap', before, after, count: afterCount - after });
  }
  return parts;
}

/** Without what lies beyond the lines that are known: of a file that is too large its end is left out. */
export function knownParts(parts: readonly Part[], beforeCount: number, afterCount: number): Part[] {
  const known = ({ before = -1, after = -1 }: Row) => before < beforeCount && after < afterCount;
  return parts.map((part) => {
    if (part.kind === 'hunk')
      return part.rows.every(known) ? part : { ...part, rows: part.rows.filter(known) };
    const count = Math.min(part.count, beforeCount - part.before, afterCount - part.after);
    return { ...part, count: Math.max(0, count) };
  });
}

export function contextRows(before: number, after: number, count: number): Row[] {
  return range(0, count).map((step) => ({ kind: 'context', before: before + step, after: after + step }));
}

/** Rows side by side: removed lines stand beside the added ones that took their place. */
export function sideBySide(rows: readonly Row[]): Pair[] {
  const removed = rows.filter(({ kind }) => kind === 'removed');
  const added = rows.filter(({ kind }) => kind === 'added');
  const changed = range(0, Math.max(removed.length, added.length)).map((place) => {
    const left = removed[place];
    const right = added[place];
    return { ...(left === undefined ? {} : { left }), ...(right === undefined ? {} : { right }) };
  });
  const first = rows.findIndex(({ kind }) => kind !== 'context');
  const context = (list: readonly Row[]) => list.map((row) => ({ left: row, right: row }));
  if (first < 0) return context(rows);
  return [
    ...context(rows.slice(0, first)),
    ...changed,
    ...context(rows.slice(first + removed.length + added.length)),
  ];
}

function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, step) => start + step);
}
