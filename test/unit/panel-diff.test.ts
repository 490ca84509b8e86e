import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitLines } from '../../src/shared/lines.ts';
import { patchOf } from '../../src/shared/patch.ts';
import { BLOCK_LINES, type Block, cutBlocks } from '../../webview-ui/changes/cutBlocks.ts';
import { diffParts, knownParts, type Part, sideBySide } from '../../webview-ui/changes/lines.ts';
import { LiveDiff } from '../../webview-ui/changes/liveDiff.ts';
import { change, hunksOf } from './support/changeContent.ts';

const numbered = (count: number, name = 'line') => Array.from({ length: count }, (_, n) => `${name} ${n}\n`);
const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\r\n', 'd\n', '\n'), { maxLength: 40 });

function partsOf(before: string, after: string): Part[] {
  return diffParts(hunksOf(before, after), splitLines(after).length);
}

/** The lines of a hunk as its pieces draw them, whatever blocks they are in. */
function drawnLines(blocks: readonly Block[], index: number): unknown[] {
  const pieces = blocks.flatMap((block) => block.pieces);
  return pieces.flatMap((piece) =>
    piece.kind === 'hunk' && piece.index === index ? [...piece.lines.rows] : [],
  );
}

describe('the blocks of a long diff', () => {
  test.each(['unified', 'split'] as const)('have every line once, in order, and are short: %s', (layout) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 700 }), text, text, (extra, left, right) => {
        const more = numbered(extra).join('');
        const parts = partsOf(left.join(''), right.join('') + more);
        const blocks = cutBlocks(parts, layout);
        for (const part of parts) {
          if (part.kind !== 'hunk') continue;
          const wanted = layout === 'unified' ? part.rows : sideBySide(part.rows);
          expect(drawnLines(blocks, part.index)).toEqual(wanted);
        }
        const gaps = blocks.flatMap(({ pieces }) => pieces).filter(({ kind }) => kind === 'gap');
        expect(gaps).toHaveLength(parts.filter(({ kind }) => kind === 'gap').length);
        expect(new Set(blocks.map(({ key }) => key)).size).toBe(blocks.length);
        for (const { lines } of blocks) expect(lines).toBeLessThanOrEqual(BLOCK_LINES);
      }),
    );
  });

  test('of a file of 50,000 new lines are some hundred, and only the first has a head', () => {
    const blocks = cutBlocks(partsOf('', numbered(50_000).join('')), 'unified');
    expect(blocks).toHaveLength(Math.ceil(50_000 / BLOCK_LINES));
    expect(blocks.reduce((sum, { heads }) => sum + heads, 0)).toBe(1);
  });

  test('what lies beyond the lines that were handed out is left out', () => {
    const before = numbered(100).join('');
    const after = before.replace('line 10\n', 'x\n').replace('line 50\n', 'y\n');
    const parts = knownParts(partsOf(before, after), 52, 52);
    const rows = parts.flatMap((part) => (part.kind === 'hunk' ? part.rows : []));
    expect(rows.filter(({ kind }) => kind === 'added').map(({ after: at }) => at)).toEqual([10, 50]);
    expect(Math.max(...rows.map(({ after: at = 0 }) => at))).toBe(51);
    expect(parts.at(-1)).toMatchObject({ kind: 'gap', count: 0 });
  });
});

describe('the diff of a running turn', () => {
  test('has the same hunks as the record that follows', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        const content = change(left.join(''), right.join(''));
        const parts = partsOf(left.join(''), right.join(''));
        const [file] = new LiveDiff().read(patchOf(content));
        if (parts.length === 0) return;
        // That there are lines behind the last hunk it does not tell.
        const told = parts.at(-1)?.kind === 'gap' ? parts.slice(0, -1) : parts;
        expect(file?.parts).toEqual(told);
        for (const part of told) {
          if (part.kind !== 'hunk') continue;
          for (const { kind, before, after } of part.rows) {
            if (kind !== 'added') expect(file?.text.before[before ?? -1]).toBe(left[before ?? -1]);
            if (kind !== 'removed') expect(file?.text.after[after ?? -1]).toBe(right[after ?? -1]);
          }
        }
      }),
    );
  });

  test('tells new, deleted, moved and binary files, and last lines without an end', () => {
    const diff = [
      patchOf(change(undefined, 'one\ntwo', { path: 'ä new.txt' })),
      patchOf(change('gone\n', undefined, { path: 'gone.txt' })),
      patchOf(change('a\nb\n', 'a\nB\n', { kind: 'rename', path: 'from.ts', movedTo: 'to.ts' })),
      patchOf(change('x', 'y', { path: 'a.bin', binary: true })),
    ].join('');
    const files = new LiveDiff().read(diff);
    expect(files).toMatchObject([
      { path: 'ä new.txt', kind: 'add', added: 2, removed: 0, text: { after: ['one\n', 'two'] } },
      { path: 'gone.txt', kind: 'delete', added: 0, removed: 1, text: { before: ['gone\n'] } },
      { path: 'from.ts', movedTo: 'to.ts', added: 1, removed: 1, text: { language: 'typescript' } },
      { path: 'a.bin', binary: true, parts: [] },
    ]);
  });

  test('keeps what has not changed since it came last, and what was cut off is no obstacle', () => {
    const one = patchOf(change('a\n', 'b\n', { path: 'one.txt' }));
    const two = patchOf(change('', numbered(20).join(''), { path: 'two.txt' }));
    const live = new LiveDiff();
    const [first] = live.read(one);
    const [again, second] = live.read(one + two.slice(0, two.indexOf('+line 9')));
    expect(again).toBe(first);
    expect(second).toMatchObject({ path: 'two.txt', added: 9 });
    expect(live.read('')).toEqual([]);
  });
});
