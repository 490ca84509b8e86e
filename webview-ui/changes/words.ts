import { diffWordsWithSpace } from 'diff';

/** A stretch of a line, in UTF-16 units; `to` is not in it. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Longer lines are not compared word by word. */
const MAX_LINE = 1_000;
/** Where less of both lines is the same, marks would only be noise. */
const MIN_COMMON = 0.25;

/** Which words of two lines differ; none where the lines have too little in common. */
export function wordMarks(before: string, after: string): { before: Range[]; after: Range[] } {
  const none = { before: [], after: [] };
  if (before.length > MAX_LINE || after.length > MAX_LINE) return none;
  const marks: { before: Range[]; after: Range[] } = { before: [], after: [] };
  let common = 0;
  let b = 0;
  let a = 0;
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    if (removed) marks.before.push({ from: b, to: b + value.length });
    else if (added) marks.after.push({ from: a, to: a + value.length });
    else common += value.trim().length;
    if (!added) b += value.length;
    if (!removed) a += value.length;
  }
  const longest = Math.max(before.trim().length, after.trim().length);
  return common < longest * MIN_COMMON ? none : marks;
}
