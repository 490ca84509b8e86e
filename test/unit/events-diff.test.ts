import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileChange, legacyFileChanges } from '../../src/bridge/codex/events/changes.ts';
import { countLines, diffFiles, MAX_DIFF_FILES, rebaseDiff } from '../../src/shared/gitDiff.ts';

describe('diffFiles', () => {
  test('nothing in, nothing out', () => {
    expect(diffFiles('')).toEqual([]);
    expect(diffFiles('no diff at all\n')).toEqual([]);
  });

  test('added, deleted, changed and renamed files', () => {
    const diff = [
      'diff --git a/new.txt b/new.txt',
      'new file mode 100644',
      'index 0000000..66a52ee',
      '--- /dev/null',
      '+++ b/new.txt',
      '@@ -0,0 +1,2 @@',
      '+first',
      '+second',
      'diff --git a/gone.txt b/gone.txt',
      'deleted file mode 100644',
      '--- a/gone.txt',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-going',
      'diff --git a/change.txt b/change.txt',
      '--- a/change.txt',
      '+++ b/change.txt',
      '@@ -1,2 +1,2 @@ function x()',
      ' one',
      '-two',
      '+TWO',
      '@@ -9 +9 @@',
      '-nine',
      '\\ No newline at end of file',
      '+NINE',
      '\\ No newline at end of file',
      'diff --git a/old.txt b/dir/new name.txt',
      'similarity index 90%',
      'rename from old.txt',
      'rename to dir/new name.txt',
      '',
    ].join('\n');
    expect(diffFiles(diff)).toEqual([
      { path: 'new.txt', kind: 'add', added: 2, removed: 0 },
      { path: 'gone.txt', kind: 'delete', added: 0, removed: 1 },
      { path: 'change.txt', kind: 'update', added: 2, removed: 2 },
      { path: 'old.txt', kind: 'update', added: 0, removed: 0, movedTo: 'dir/new name.txt' },
    ]);
  });

  test('lines that look like heads, inside of a hunk', () => {
    const diff =
      'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/evil\n-diff --git a/y b/y\n+++ b/evil\n+@@ -1 +1 @@\n';
    expect(diffFiles(diff)).toEqual([{ path: 'x', kind: 'update', added: 2, removed: 2 }]);
  });

  test('binary files, empty new files, names with spaces', () => {
    const diff = [
      'diff --git a/my logo.png b/my logo.png',
      'index 1..2 100644',
      'Binary files a/my logo.png and b/my logo.png differ',
      'diff --git a/empty file b/empty file',
      'new file mode 100644',
      'index 0000000..e69de29',
      'diff --git a/a b b/a b',
      '--- a/a b\t',
      '+++ b/a b\t',
      '@@ -1 +1 @@',
      '-x',
      '+y',
    ].join('\n');
    expect(diffFiles(diff)).toEqual([
      { path: 'my logo.png', kind: 'update', added: 0, removed: 0, binary: true },
      { path: 'empty file', kind: 'add', added: 0, removed: 0 },
      { path: 'a b', kind: 'update', added: 1, removed: 1 },
    ]);
  });

  test('quoted names: octal bytes are UTF-8, escapes are characters', () => {
    const name = '"a/\\303\\244 \\"q\\"\\t.txt"';
    const diff = `diff --git ${name} ${name.replace('a/', 'b/')}\n--- ${name}\n+++ ${name.replace('a/', 'b/')}\n@@ -1 +1 @@\n-x\n+y\n`;
    expect(diffFiles(diff)).toEqual([{ path: 'ä "q"\t.txt', kind: 'update', added: 1, removed: 1 }]);
  });

  test('a plain unified diff without the lines of git', () => {
    const diff = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n--- a/y\n+++ b/y\n@@ -1 +1,2 @@\n 1\n+2\n';
    expect(diffFiles(diff)).toEqual([
      { path: 'x', kind: 'update', added: 1, removed: 1 },
      { path: 'y', kind: 'update', added: 1, removed: 0 },
    ]);
  });

  test('is bounded', () => {
    const one = 'diff --git a/x b/x\nnew file mode 100644\n';
    expect(diffFiles(one.repeat(MAX_DIFF_FILES + 10))).toHaveLength(MAX_DIFF_FILES);
  });

  test('takes anything without throwing', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'diff --git a/x b/x',
        'diff --git "a/x',
        '--- a/x',
        '+++ b/x',
        '@@ -1,3 +1 @@',
        '@@ -1 +1,99999 @@',
        'rename from x',
        '+',
        '-',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const diff = lines.join('\n');
        for (const file of diffFiles(diff))
          expect(file.added + file.removed).toBeLessThanOrEqual(lines.length);
        rebaseDiff(diff, 'sub/dir');
      }),
    );
  });
});

describe('rebaseDiff', () => {
  const diff =
    'diff --git a/sub/x b/sub/y\n--- a/sub/x\n+++ b/sub/y\n@@ -1 +1 @@\n--- a/sub/kept\n+++ b/sub/kept\n';

  test('takes the prefix off the heads and leaves the content', () => {
    expect(rebaseDiff(diff, 'sub')).toBe(
      'diff --git a/x b/y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n--- a/sub/kept\n+++ b/sub/kept\n',
    );
  });

  test('what lies beside the folder is named with ..', () => {
    const files = diffFiles(rebaseDiff(diff, 'other/dir'));
    expect(files).toMatchObject([{ path: '../../sub/x', movedTo: '../../sub/y' }]);
  });

  test('no prefix, no change', () => {
    expect(rebaseDiff(diff, '')).toBe(diff);
  });

  test('/dev/null stays', () => {
    const added = 'diff --git a/sub/x b/sub/x\nnew file mode 100644\n--- /dev/null\n+++ b/sub/x\n';
    expect(diffFiles(rebaseDiff(added, 'sub'))).toMatchObject([{ path: 'x', kind: 'add' }]);
  });
});

describe('fileChange', () => {
  test('an added file whose content looks like a diff is shown as what will be written', () => {
    const change = fileChange('/f', {
      path: '/f/a.patch',
      kind: { type: 'add' },
      diff: '@@ -1 +1 @@\n-x\n+y',
    });
    expect(change).toEqual({
      path: 'a.patch',
      kind: 'add',
      added: 3,
      removed: 0,
      diff: '@@ -0,0 +1,3 @@\n+@@ -1 +1 @@\n+-x\n++y\n\\ No newline at end of file\n',
    });
  });

  test('an empty file has no lines', () => {
    const change = fileChange('/f', { path: '/f/e', kind: { type: 'add' }, diff: '' });
    expect(change).toEqual({ path: 'e', kind: 'add', added: 0, removed: 0, diff: '' });
  });

  test('outside of the folder the path is absolute, and a sibling is outside', () => {
    const path = (at: string) => fileChange('/f/a', { path: at, kind: { type: 'delete' }, diff: '' }).path;
    expect(path('/f/ab/x')).toBe('/f/ab/x');
    expect(path('/f/a/../x')).toBe('/f/x');
    expect(path('b/..c')).toBe('b/..c');
    expect(path('..c')).toBe('..c');
  });

  test('a rename without changes', () => {
    const kind = { type: 'update' as const, move_path: '/f/b' };
    expect(fileChange('/f', { path: '/f/a', kind, diff: '\n\nMoved to: /f/b' })).toEqual({
      path: 'a',
      kind: 'update',
      movedTo: 'b',
      added: 0,
      removed: 0,
      diff: '',
    });
  });

  test('added lines are counted for any content', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().map((line) => line.replaceAll('\n', ''))),
        fc.boolean(),
        (lines, end) => {
          const content = lines.join('\n') + (end && lines.length > 0 ? '\n' : '');
          const change = fileChange('/f', { path: '/f/x', kind: { type: 'add' }, diff: content });
          const body = content.endsWith('\n') ? content.slice(0, -1) : content;
          expect(change.added).toBe(content === '' ? 0 : body.split('\n').length);
          expect(countLines(change.diff)).toEqual({ added: change.added, removed: 0 });
        },
      ),
    );
  });

  test('legacy changes', () => {
    const changes = legacyFileChanges('/f', {
      '/f/a': { type: 'add', content: 'x\n' },
      '/f/u': { type: 'update', unified_diff: '@@ -1 +1 @@\n-x\n+y\n', move_path: null },
      '/f/d': { type: 'delete', content: 'x\n' },
    });
    expect(changes.map(({ path, kind, added, removed }) => [path, kind, added, removed])).toEqual([
      ['a', 'add', 1, 0],
      ['u', 'update', 1, 1],
      ['d', 'delete', 0, 1],
    ]);
  });
});
