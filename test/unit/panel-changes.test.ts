import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChangeContent } from '../../src/shared/changes.ts';
import { splitLines } from '../../src/shared/lines.ts';
import { isWhole, patchOf } from '../../src/shared/patch.ts';
import { diffParts, sideBySide } from '../../webview-ui/changes/lines.ts';
import { colouredLines, languageOf, withMarks } from '../../webview-ui/changes/tokens.ts';
import { wordMarks } from '../../webview-ui/changes/words.ts';
import { change, hunksOf } from './support/changeContent.ts';

const numbered = (count: number) => Array.from({ length: count }, (_, line) => `line ${line}\n`);
const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\r\n', 'd\n', '\n'), { maxLength: 40 });

describe('the rows of a changed file', () => {
  test('cuts lines with their ends, so that joined they are the text again', () => {
    expect(splitLines('a\r\nb\n\nc')).toEqual(['a\r\n', 'b\n', '\n', 'c']);
    expect(splitLines('')).toEqual([]);
    expect(splitLines('a\n')).toEqual(['a\n']);
  });

  test('every line of both sides is in exactly one row or gap, in order', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        const before = splitLines(left.join(''));
        const after = splitLines(right.join(''));
        const parts = diffParts(hunksOf(left.join(''), right.join('')), after.length);
        const seen: { before: number[]; after: number[] } = { before: [], after: [] };
        for (const part of parts) {
          if (part.kind === 'gap') {
            for (let n = 0; n < part.count; n++) {
              seen.before.push(part.before + n);
              seen.after.push(part.after + n);
            }
            continue;
          }
          for (const row of part.rows) {
            if (row.before !== undefined) seen.before.push(row.before);
            if (row.after !== undefined) seen.after.push(row.after);
            if (row.kind === 'context') expect(before[row.before ?? -1]).toBe(after[row.after ?? -1]);
          }
        }
        const all = (lines: readonly string[]) => lines.map((_, place) => place);
        if (parts.length > 0) expect(seen).toEqual({ before: all(before), after: all(after) });
        else expect(before).toEqual(after);
      }),
    );
  });

  test('puts removed lines beside the added ones that took their place', () => {
    const [part] = diffParts(hunksOf('a\nb\nc\nz\n', 'a\nB\nz\n'), 3);
    if (part?.kind !== 'hunk') throw new Error('no hunk');
    const pairs = sideBySide(part.rows).map(({ left, right }) => [left?.before, right?.after]);
    expect(pairs).toEqual([
      [0, 0],
      [1, 1],
      [2, undefined],
      [3, 2],
    ]);
  });
});

describe('words and colours', () => {
  test('marks the words that differ, and nothing where all does', () => {
    expect(wordMarks('const a = 1;', 'const a = 22;')).toEqual({
      before: [{ from: 10, to: 11 }],
      after: [{ from: 10, to: 12 }],
    });
    expect(wordMarks('alpha beta', 'something entirely other')).toEqual({ before: [], after: [] });
  });

  test('colours by the language of the name, without changing a character', () => {
    const lines = ['const a = "<b> & \'c\'";\n', '/* two\n', 'lines */\n'];
    const coloured = colouredLines(lines, languageOf('src/a.ts'));
    expect(coloured.map((tokens) => tokens.map((token) => token.text).join(''))).toEqual(
      lines.map((line) => line.slice(0, -1)),
    );
    expect(coloured[0]?.[0]).toEqual({ text: 'const', style: 'hljs-keyword' });
    expect(coloured[2]?.[0]?.style).toBe('hljs-comment');
    expect(languageOf('Makefile')).toBeUndefined();
    expect(languageOf('a.constructor')).toBeUndefined();
  });

  test('cuts tokens at the marks', () => {
    const tokens = withMarks(
      [
        { text: 'const', style: 'k' },
        { text: ' ab', style: '' },
      ],
      [{ from: 3, to: 7 }],
    );
    expect(tokens).toEqual([
      { text: 'con', style: 'k' },
      { text: 'st', style: 'k', marked: true },
      { text: ' a', style: '', marked: true },
      { text: 'b', style: '' },
    ]);
  });
});

describe('a patch', () => {
  let folder: string;

  beforeEach(() => {
    const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'patch-'));
    execFileSync('git', ['init', '-q'], { cwd: folder });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function applied(content: ChangeContent): string {
    const { path, movedTo } = content.file;
    const before = content.before?.data;
    if (before !== undefined) writeFileSync(join(folder, path), before);
    execFileSync('git', ['apply', '--whitespace=nowarn'], { cwd: folder, input: patchOf(content) });
    return readFileSync(join(folder, movedTo ?? path), 'utf8');
  }

  test.each([
    [
      'near and far hunks',
      numbered(40).join(''),
      numbered(40)
        .join('')
        .replace(/line (3|6|30)\n/g, 'X $1\n'),
    ],
    ['a last line without its end', 'a\nb', 'a\nc'],
    ['a last line that gets its end', 'a\nb', 'a\nb\n'],
    ['Windows line ends', 'a\r\nb\r\n', 'a\r\nc\r\n'],
    ['lines before the first', 'a\nb\n', 'new\na\nb\n'],
    ['all lines gone', 'a\nb\n', ''],
  ])('is what git takes: %s', (_name, before, after) => {
    expect(applied(change(before, after))).toBe(after);
  });

  test('adds, moves and names with odd characters', () => {
    expect(applied(change(undefined, 'one\ntwo\n', { path: 'new "file".txt' }))).toBe('one\ntwo\n');
    const moved = change('a\nb\nc\n', 'a\nB\nc\n', { kind: 'rename', path: 'from.txt', movedTo: 'to.txt' });
    expect(applied(moved)).toBe('a\nB\nc\n');
  });

  test('carries the permissions', () => {
    writeFileSync(join(folder, 'file.txt'), 'a\n');
    chmodSync(join(folder, 'file.txt'), 0o644);
    const patch = patchOf(change('a\n', 'a\n', { kind: 'mode', modeAfter: 0o755 }));
    expect(patch).toContain('old mode 100644\nnew mode 100755\n');
    execFileSync('git', ['apply', '--check'], { cwd: folder, input: patch });
  });

  test('of a file that was cut off there is none', () => {
    const cut = { ...change('a\n', 'b\n'), after: { encoding: 'utf8' as const, data: 'b\n', omitted: 10 } };
    expect(isWhole(cut)).toBe(false);
    expect(isWhole(change('a\n', 'b\n'))).toBe(true);
  });
});
