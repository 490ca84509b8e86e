import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { revertHunk, withReverted } from '../../src/bridge/changes/hunks.ts';
import { countLines, diffLines } from '../../src/bridge/changes/lines.ts';
import { splitLines } from '../../src/shared/lines.ts';

/** Few different lines, so that they repeat: the hard case for finding places. */
const line = fc.constantFrom('a', 'b', '}', '', 'long line');
const ending = fc.constantFrom('\n', '\n', '\r\n');
const text = fc
  .tuple(fc.array(fc.tuple(line, ending), { maxLength: 14 }), fc.constantFrom('', '', 'end'))
  .map(([lines, last]) => lines.map(([words, end]) => words + end).join('') + last);

function lines(source: string): string[] {
  return source.split('').map((char) => `${char}\n`);
}

function revert(before: string, after: string, index: number, current: string, reverted: number[] = []) {
  const [b, a] = [lines(before), lines(after)];
  const result = revertHunk(b, a, diffLines(b, a), index, new Set(reverted), lines(current));
  return 'refused' in result ? result.refused : result.lines.map((one) => one.trimEnd()).join('');
}

describe('lines', () => {
  test('are the text again when they are joined', () => {
    fc.assert(
      fc.property(text, (source) => {
        expect(splitLines(source).join('')).toBe(source);
      }),
    );
    expect(splitLines('a\r\nb\rc\n\nd')).toEqual(['a\r\n', 'b\rc\n', '\n', 'd']);
  });

  test('hunks lead from one text to the other, and do not touch', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const [b, a] = [splitLines(before), splitLines(after)];
        const hunks = diffLines(b, a);
        expect(withReverted(b, a, hunks, new Set(hunks.keys())).join('')).toBe(before);
        expect(withReverted(b, a, hunks, new Set()).join('')).toBe(after);
        for (const [i, hunk] of hunks.entries()) {
          const next = hunks[i + 1];
          if (next !== undefined) expect(next.afterStart).toBeGreaterThan(hunk.afterStart + hunk.afterCount);
        }
      }),
    );
  });

  test('are counted', () => {
    expect(countLines(diffLines(lines('abc'), lines('axxc')))).toEqual({ added: 2, removed: 1 });
  });

  test('a comparison of very different files ends soon, and finds what they share', () => {
    const before = Array.from({ length: 20_000 }, (_, i) => `old ${i}\n`);
    const after = before.map((old, i) => (i % 3 === 0 ? old : `new ${i}\n`));
    const start = performance.now();
    const hunks = diffLines(before, after);
    const took = performance.now() - start;
    expect(withReverted(before, after, hunks, new Set(hunks.keys()))).toEqual(before);
    expect(hunks).toHaveLength(6667);
    expect(took).toBeLessThan(2000);
  });
});

describe('a hunk', () => {
  test('is taken back in a file that nobody touched, in any order, repeated lines or not', () => {
    fc.assert(
      fc.property(text, text, fc.infiniteStream(fc.nat()), (before, after, random) => {
        const [b, a] = [splitLines(before), splitLines(after)];
        const hunks = diffLines(b, a);
        const left = [...hunks.keys()];
        const reverted = new Set<number>();
        let current = a;
        while (left.length > 0) {
          const [index = 0] = left.splice((random.next().value ?? 0) % left.length, 1);
          const result = revertHunk(b, a, hunks, index, reverted, current);
          if ('refused' in result) throw new Error(result.refused);
          current = result.lines;
          reverted.add(index);
        }
        expect(current.join('')).toBe(before);
      }),
    );
  });

  test('is found again after edits elsewhere', () => {
    expect(revert('abcdefghij', 'abcdXfghij', 0, 'new1abcdXfghij+')).toBe('new1abcdefghij+');
    expect(revert('abcdefghij', 'Xbcdefghij', 0, 'Xbcdefgh')).toBe('abcdefgh');
    // Lines that were removed come back where they were.
    expect(revert('abcdefghij', 'abcfghij', 0, '0abcfghij')).toBe('0abcdefghij');
  });

  test('is found between neighbours that were taken back', () => {
    expect(revert('abcdefg', 'aXcYeZg', 1, '0aXcYeZg')).toBe('0aXcdeZg');
    expect(revert('abcdefg', 'aXcYeZg', 1, '0abcYefg', [0, 2])).toBe('0abcdefg');
  });

  test('is refused when it was edited, stands twice, or has nothing around it', () => {
    expect(revert('abcdefg', 'abcXefg', 0, 'abcQefg')).toContain('edited since');
    expect(revert('abcdefg', 'abcXefg', 0, 'abQXefg')).toContain('edited since');
    expect(revert('abcdefg', 'abcXefg', 0, 'abcXefgabcXefg')).toContain('several places');
    expect(revert('abc', '', 0, 'x')).toContain('nothing');
    expect(revert('abc', 'abd', 7, 'abd')).toContain('no hunk 7');
  });

  test('that was taken back stays so, and can be taken back again after an undo in the editor', () => {
    expect(revert('abcdefg', 'abcXefg', 0, 'abcdefg', [0])).toBe('abcdefg');
    expect(revert('abcdefg', 'abcXefg', 0, 'abcXefg', [0])).toBe('abcdefg');
  });
});
