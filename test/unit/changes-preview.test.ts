import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { turnDiff } from '../../src/bridge/changes/turnDiff.ts';
import { doEdit, edit } from './changes-edits.ts';
import { type CopiedFolder, copiedFolder, treeOf } from './changes-support.ts';

/** A tree as a patch knows it: without directories. */
function filesOf(directory: string): Record<string, string> {
  return Object.fromEntries(Object.entries(treeOf(directory)).filter(([path]) => !path.endsWith('/')));
}

/** Without the permissions: those that the preview did not change may have been changed meanwhile. */
function contentOf(entry: string | undefined): string | undefined {
  return entry?.split(' ').at(-1);
}

function write(root: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

let folder: CopiedFolder;
beforeEach(async () => {
  folder = await copiedFolder();
});
afterEach(() => folder.dispose());

/** Nothing of any copy is left. */
function expectNoCopies(): void {
  expect(existsSync(folder.previewsDir) ? readdirSync(folder.previewsDir) : []).toEqual([]);
}

describe('the copy of a preview', () => {
  it('is the disk as it is: untracked, links, permissions, CRLF and binary; ignored is left out', async () => {
    write(folder.path, {
      '.gitignore': 'dist/\n*.log\n',
      '.git/HEAD': 'ref: refs/heads/main\n',
      'src/a.ts': 'a\r\nb\r\n',
      'logo.png': Buffer.from([0, 1, 2, 255]),
      'dist/out.js': 'built',
      'x.log': 'noise',
      'node_modules/m/index.js': 'm',
      'run.sh': '#!/bin/sh\n',
      'empty/.keep': '',
    });
    chmodSync(join(folder.path, 'run.sh'), 0o750);
    symlinkSync('src/a.ts', join(folder.path, 'link'));
    let seen: Record<string, string> = {};
    const { notes } = await folder.preview('t_1', (copy) => {
      expect(copy.endsWith('/folder')).toBe(true);
      expect(statSync(join(copy, '..')).mode & 0o777).toBe(0o700);
      seen = filesOf(copy);
    });
    const all = filesOf(folder.path);
    expect(Object.keys(seen).sort()).toEqual(
      ['.gitignore', 'empty/.keep', 'link', 'logo.png', 'run.sh', 'src/a.ts'].sort(),
    );
    for (const [path, what] of Object.entries(seen)) expect(what).toBe(all[path]);
    expect(notes).toEqual(['A preview: made on a copy, the folder is as it was.']);
    expectNoCopies();
  });

  it('holds to the rules above the folder, not to those above the copy', async () => {
    // The state directory may lie in a repository that ignores it all.
    write(join(folder.previewsDir, '..'), { '.gitignore': '*\n', '.git/HEAD': '' });
    write(folder.path, { '.git/HEAD': '', 'a.txt': 'a\n' });
    const { files } = await folder.preview('t_1', (copy) =>
      write(copy, { 'a.txt': 'b\n', 'new.txt': 'n\n' }),
    );
    expect(files.map(({ path, kind }) => [path, kind])).toEqual([
      ['a.txt', 'update'],
      ['new.txt', 'add'],
    ]);
    rmSync(join(folder.previewsDir, '..', '.git'), { recursive: true });
  });

  it('has large files too, which can be read, and says when they were changed that it can not apply that', async () => {
    await folder.dispose();
    folder = await copiedFolder({ fileBytes: 10 });
    write(folder.path, { 'large.txt': 'x'.repeat(100), 'small.txt': 's' });
    const { files } = await folder.preview('t_1', (copy) => {
      expect(readFileSync(join(copy, 'large.txt'), 'utf8')).toHaveLength(100);
      write(copy, { 'large.txt': 'y'.repeat(99), 'small.txt': 't' });
    });
    expect(files.map(({ path }) => path)).toEqual(['large.txt', 'small.txt']);
    const before = treeOf(folder.path);
    await expect(folder.changes.applyPreview('t_1')).rejects.toMatchObject({
      code: 'PREVIEW_FAILED',
      message: expect.stringContaining('large.txt'),
    });
    expect(treeOf(folder.path)).toEqual(before);
  });

  it.each([
    ['files', { files: 2 }],
    ['bytes', { folderBytes: 10 }],
  ] as const)('is not made of a folder with too many %s, and nothing is left', async (_what, limits) => {
    await folder.dispose();
    folder = await copiedFolder(limits);
    write(folder.path, { a: '12345', b: '12345', c: '12345' });
    await expect(folder.preview('t_1', () => undefined)).rejects.toMatchObject({
      code: 'PREVIEW_FAILED',
      message: expect.stringContaining('.gitignore'),
    });
    expectNoCopies();
  });

  it('goes away also when its turn never came, or took its rights away', async () => {
    write(folder.path, { 'd/a': 'a' });
    const never = folder.previews.of('t_1');
    const copying = never.before();
    never.abandon();
    await copying.catch(() => undefined);
    expect(await never.after('t_1')).toBeUndefined();
    expectNoCopies();
    await folder.preview('t_2', (copy) => chmodSync(join(copy, 'd'), 0));
    expectNoCopies();
  });

  it('that a dead bridge left is swept', async () => {
    write(folder.path, { a: 'a' });
    const dead = folder.previews.of('t_dead');
    await dead.before();
    expect(existsSync(dead.cwd)).toBe(true);
    await folder.previews.sweep();
    expectNoCopies();
    // The one who held it is gone in truth; here it has to let go.
    await dead.after('t_dead');
  });
});

describe('applying a preview', () => {
  it('makes CRLF, binary, renamed, deleted and chmodded files what they were in the copy', async () => {
    write(folder.path, {
      'crlf.txt': 'one\r\ntwo\r\n',
      'bin.dat': Buffer.from([0, 1, 2]),
      'old/name.txt': 'moved along\n',
      'gone.txt': 'gone\n',
      'tool.sh': '#!/bin/sh\n',
    });
    let wanted: Record<string, string> = {};
    const { files } = await folder.preview('t_1', (copy) => {
      write(copy, { 'crlf.txt': 'one\r\n2\r\n', 'bin.dat': Buffer.from([0, 9]), 'deep/er/new.txt': 'n' });
      mkdirSync(join(copy, 'new'));
      renameSync(join(copy, 'old/name.txt'), join(copy, 'new/name.txt'));
      rmSync(join(copy, 'old'), { recursive: true });
      rmSync(join(copy, 'gone.txt'));
      chmodSync(join(copy, 'tool.sh'), 0o755);
      wanted = filesOf(copy);
    });
    expect(files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'update bin.dat',
      'update crlf.txt',
      'add deep/er/new.txt',
      'delete gone.txt',
      'rename old/name.txt',
      'mode tool.sh',
    ]);
    const changes = { complete: true, files } as never;
    const diff = await turnDiff({ id: 't_1', changes, diff: '' }, folder.changes);
    expect(diff).toContain('-two\r\n+2\r\n');
    expect(diff).toContain('rename from old/name.txt\nrename to new/name.txt');
    expect(diff).toContain('old mode 100644\nnew mode 100755');
    expect(diff).toContain('Binary files a/bin.dat and b/bin.dat differ');
    const untouched = treeOf(folder.path);
    await expect(folder.changes.revert('t_1')).rejects.toMatchObject({ code: 'CHANGE_NOT_REVERTIBLE' });
    expect(treeOf(folder.path)).toEqual(untouched);
    await folder.changes.applyPreview('t_1');
    expect(filesOf(folder.path)).toEqual(wanted);
    expect(existsSync(join(folder.path, 'old'))).toBe(false);
    expect(folder.changes.list('t_1').notes).toEqual([]);
    // Twice is once, and then it is a change like any other.
    await folder.changes.applyPreview('t_1');
    expect(filesOf(folder.path)).toEqual(wanted);
    expect(await folder.changes.revert('t_1')).toEqual({ refused: [] });
    expect(treeOf(folder.path)).toEqual(untouched);
  });

  it.each<[string, (root: string) => void]>([
    ['edited', (root) => write(root, { 'b.txt': 'mine\n' })],
    ['deleted', (root) => rmSync(join(root, 'b.txt'))],
    ['made in the place of a new one', (root) => write(root, { 'new.txt': 'mine\n' })],
    [
      'replaced by a link',
      (root) => {
        rmSync(join(root, 'b.txt'));
        symlinkSync('a.txt', join(root, 'b.txt'));
      },
    ],
    [
      'put behind a link that leads out',
      (root) => {
        renameSync(join(root, 'd'), join(root, '..', 'elsewhere'));
        symlinkSync('../elsewhere', join(root, 'd'));
      },
    ],
  ])('writes nothing at all when a file was %s meanwhile', async (_what, meanwhile) => {
    write(folder.path, { 'a.txt': 'a\n', 'b.txt': 'b\n', 'd/c.txt': 'c\n' });
    await folder.preview('t_1', (copy) =>
      write(copy, { 'a.txt': 'A\n', 'b.txt': 'B\n', 'd/c.txt': 'C\n', 'new.txt': 'N\n' }),
    );
    meanwhile(folder.path);
    const before = treeOf(join(folder.path, '..'));
    await expect(folder.changes.applyPreview('t_1')).rejects.toMatchObject({
      code: 'CHANGE_EDITED_SINCE',
      message: expect.stringContaining('new preview'),
    });
    expect(treeOf(join(folder.path, '..'))).toEqual(before);
  });

  it('undoes what it wrote when the disk refuses in the middle', async () => {
    write(folder.path, { 'a.txt': 'a\n', 'z/b.txt': 'b\n' });
    await folder.preview('t_1', (copy) => {
      write(copy, { 'a.txt': 'A\n', 'made/here.txt': 'h\n' });
      rmSync(join(copy, 'z'), { recursive: true });
      write(copy, { z: 'a file where a directory was\n' });
    });
    // Not in the preview, and in the way of the new file: seen only when the directory has to go.
    write(folder.path, { 'z/mine.txt': 'mine\n' });
    const before = filesOf(folder.path);
    await expect(folder.changes.applyPreview('t_1')).rejects.toMatchObject({ code: 'CHANGE_EDITED_SINCE' });
    expect(filesOf(folder.path)).toEqual(before);
    expect(existsSync(join(folder.path, 'made'))).toBe(false);
  });

  it('is for previews only', async () => {
    write(folder.path, { a: 'a' });
    await folder.turn('t_1', () => write(folder.path, { a: 'b' }));
    await expect(folder.changes.applyPreview('t_1')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(folder.changes.applyPreview('t_none')).rejects.toMatchObject({
      code: 'CHANGE_NOT_REVERTIBLE',
    });
  });
});

const edits = fc.array(edit, { maxLength: 10 });

async function withFolder(run: (folder: CopiedFolder) => Promise<void>): Promise<void> {
  const one = await copiedFolder();
  try {
    await run(one);
  } finally {
    await one.dispose();
  }
}

test('whatever a turn did in the copy: the folder is untouched, and then exactly that', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(edits, edits, (first, second) =>
      withFolder(async (one) => {
        for (const step of first) doEdit(one.path, step);
        const untouched = treeOf(one.path);
        let wanted: Record<string, string> = {};
        const { files } = await one.preview('t_1', (copy) => {
          expect(filesOf(copy)).toEqual(filesOf(one.path));
          for (const step of second) doEdit(copy, step);
          wanted = filesOf(copy);
        });
        expect(treeOf(one.path)).toEqual(untouched);
        expect(readdirSync(one.previewsDir)).toEqual([]);
        if (files.length === 0) return;
        await one.changes.applyPreview('t_1');
        expect(filesOf(one.path)).toEqual(wanted);
        await one.changes.applyPreview('t_1');
        expect(filesOf(one.path)).toEqual(wanted);
        expect(await one.changes.revert('t_1')).toEqual({ refused: [] });
        expect(filesOf(one.path)).toEqual(
          Object.fromEntries(Object.entries(untouched).filter(([path]) => !path.endsWith('/'))),
        );
      }),
    ),
    { numRuns: 100 },
  );
});

test('whatever happened to the folder meanwhile: all of the preview is applied, or nothing', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(edits, edits, fc.array(edit, { maxLength: 3 }), (first, second, meanwhile) =>
      withFolder(async (one) => {
        for (const step of first) doEdit(one.path, step);
        let wanted: Record<string, string> = {};
        const { files } = await one.preview('t_1', (copy) => {
          for (const step of second) doEdit(copy, step);
          wanted = filesOf(copy);
        });
        if (files.length === 0) return;
        for (const step of meanwhile) doEdit(one.path, step);
        const before = filesOf(one.path);
        try {
          await one.changes.applyPreview('t_1');
        } catch (error) {
          expect(error).toMatchObject({ code: 'CHANGE_EDITED_SINCE' });
          expect(filesOf(one.path)).toEqual(before);
          return;
        }
        const now = filesOf(one.path);
        const named = new Set(files.flatMap(({ path, movedTo = path }) => [path, movedTo]));
        for (const path of named) expect(contentOf(now[path])).toBe(contentOf(wanted[path]));
        // What the preview did not name is as it was.
        const rest = (tree: Record<string, string>) =>
          Object.entries(tree).filter(([path]) => !named.has(path));
        expect(rest(now)).toEqual(rest(before));
      }),
    ),
    { numRuns: 100 },
  );
});
