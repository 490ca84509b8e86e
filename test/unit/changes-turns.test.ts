import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CopiedFolder, copiedFolder, treeOf } from './changes-support.ts';

let folder: CopiedFolder;

beforeEach(async () => {
  folder = await copiedFolder();
});
afterEach(() => folder.dispose());

function at(path: string): string {
  return join(folder.path, path);
}

function write(path: string, content: string | Uint8Array, mode?: number): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  if (mode !== undefined) chmodSync(at(path), mode);
}

function shell(script: string): void {
  execFileSync('sh', ['-c', script], { cwd: folder.path });
}

const LINES = Array.from({ length: 30 }, (_, i) => `line ${i}`);
const BINARY = Uint8Array.from({ length: 300 }, (_, i) => i % 256);

/** One of everything, in a folder without git. */
function fill(): void {
  write('sed.txt', `${LINES.join('\n')}\n`);
  write('patch.ts', `${LINES.join('\n')}\n`);
  write('untracked.txt', 'mine\nnot yet in git\n');
  write('gone.txt', 'bye', 0o640);
  write('dir/old/deep.txt', 'deep\n');
  write('old-name.txt', `${LINES.join('\n')}\n`);
  write('script.sh', '#!/bin/sh\n');
  write('crlf.txt', LINES.join('\r\n'));
  write('image.bin', BINARY);
  write('latin1.txt', Buffer.from('caf\u00e9\nna\u00efve\n', 'latin1'));
  write('same.txt', 'untouched\n');
  symlinkSync('same.txt', at('link'));
}

/** What a turn does to it: the cases that decision 11 must know. */
function changeEverything(): void {
  shell(`sed -i -e 's/^line 3$/LINE THREE/' -e '/^line 20$/d' sed.txt`);
  write(
    'patch.ts',
    readFileSync(at('patch.ts'), 'utf8').replace('line 1\n', 'line 1\nadded\n').replace('line 28\n', ''),
  );
  write('untracked.txt', 'all new\n');
  unlinkSync(at('gone.txt'));
  rmSync(at('dir/old'), { recursive: true });
  mkdirSync(at('moved/here'), { recursive: true });
  renameSync(at('old-name.txt'), at('moved/here/new-name.txt'));
  chmodSync(at('script.sh'), 0o755);
  write('crlf.txt', LINES.with(4, 'four').with(5, 'five').join('\r\n'));
  write('image.bin', BINARY.toReversed());
  write('latin1.txt', Buffer.from('caf\u00e9\nna\u00efve!\n', 'latin1'));
  unlinkSync(at('link'));
  symlinkSync('crlf.txt', at('link'));
  write('new/dir/added.txt', 'one\ntwo\n');
}

describe('what a turn changed', () => {
  test('is known, whatever changed it, in a folder without git', async () => {
    fill();
    const { files, complete, notes, more } = await folder.turn('t_1', changeEverything);
    expect({ complete, notes, more }).toEqual({ complete: true, notes: [], more: 0 });
    const file = { type: 'file', binary: false, modeBefore: 0o644, modeAfter: 0o644, added: 0, removed: 0 };
    const { modeBefore: _before, ...isNew } = file;
    const { modeAfter: _after, ...isGone } = file;
    expect(files).toEqual([
      { ...file, path: 'crlf.txt', kind: 'update', added: 2, removed: 2 },
      { ...isGone, path: 'dir/old/deep.txt', kind: 'delete', removed: 1 },
      { ...isGone, path: 'gone.txt', kind: 'delete', removed: 1, modeBefore: 0o640 },
      { ...file, path: 'image.bin', kind: 'update', binary: true },
      { ...file, path: 'latin1.txt', kind: 'update', added: 1, removed: 1 },
      {
        ...file,
        path: 'link',
        kind: 'update',
        type: 'link',
        added: 1,
        removed: 1,
        modeBefore: 0o777,
        modeAfter: 0o777,
      },
      { ...isNew, path: 'new/dir/added.txt', kind: 'add', added: 2 },
      { ...file, path: 'old-name.txt', kind: 'rename', movedTo: 'moved/here/new-name.txt' },
      { ...file, path: 'patch.ts', kind: 'update', added: 1, removed: 1 },
      { ...file, path: 'script.sh', kind: 'mode', modeAfter: 0o755 },
      { ...file, path: 'sed.txt', kind: 'update', added: 1, removed: 2 },
      { ...file, path: 'untracked.txt', kind: 'update', added: 1, removed: 2 },
    ]);
  });

  test('every file is reverted byte for byte, one by one', async () => {
    fill();
    const before = treeOf(folder.path);
    const { files } = await folder.turn('t_1', changeEverything);
    expect(treeOf(folder.path)).not.toEqual(before);
    for (const { path } of files) {
      expect(await folder.changes.revert('t_1', path)).toEqual({ refused: [] });
    }
    expect(treeOf(folder.path)).toEqual(before);
    expect(folder.changes.list('t_1').files.map(({ mark }) => mark)).toEqual(files.map(() => 'reverted'));
    // Once more changes nothing.
    for (const { path } of files) await folder.changes.revert('t_1', path);
    expect(treeOf(folder.path)).toEqual(before);
  });

  test('every text hunk is reverted byte for byte, last first', async () => {
    fill();
    const before = treeOf(folder.path);
    const { files } = await folder.turn('t_1', changeEverything);
    let hunks = 0;
    for (const { path } of files) {
      const content = await folder.changes.read('t_1', path);
      for (const index of [...content.hunks.keys()].reverse()) {
        expect(await folder.changes.revert('t_1', path, index)).toEqual({ refused: [] });
        expect((await folder.changes.read('t_1', path)).hunks[index]?.mark).toBe('reverted');
        hunks++;
      }
    }
    expect(hunks).toBe(11);
    // Binary content, permissions and names have no hunks.
    for (const path of ['image.bin', 'script.sh', 'old-name.txt']) await folder.changes.revert('t_1', path);
    expect(treeOf(folder.path)).toEqual(before);
    expect(folder.changes.list('t_1').files.every(({ mark }) => mark === 'reverted')).toBe(true);
  });

  test('a whole turn is reverted, some hunks of it before', async () => {
    fill();
    const before = treeOf(folder.path);
    await folder.turn('t_1', changeEverything);
    await folder.changes.revert('t_1', 'sed.txt', 1);
    await folder.changes.revert('t_1', 'crlf.txt', 0);
    expect(await folder.changes.revert('t_1')).toEqual({ refused: [] });
    expect(treeOf(folder.path)).toEqual(before);
  });

  test('a file that came where a directory was, and the other way round, go back', async () => {
    write('was-dir/a.txt', 'a');
    write('was-file', 'b');
    const before = treeOf(folder.path);
    await folder.turn('t_1', () => {
      rmSync(at('was-dir'), { recursive: true });
      write('was-dir', 'now a file');
      unlinkSync(at('was-file'));
      write('was-file/c.txt', 'now a directory');
    });
    expect(await folder.changes.revert('t_1')).toEqual({ refused: [] });
    expect(treeOf(folder.path)).toEqual(before);
  });

  test('is kept with its marks for the next bridge', async () => {
    fill();
    await folder.turn('t_1', changeEverything);
    folder.changes.keep('t_1', true, 'sed.txt', 0);
    folder.changes.keep('t_1', true, 'crlf.txt');
    const { hunks } = await folder.changes.read('t_1', 'sed.txt');
    expect(hunks.map(({ mark }) => mark)).toEqual(['kept', 'open']);
    const marks = folder.changes.list('t_1').files.map(({ path, mark }) => `${path} ${mark}`);
    expect(marks).toContain('crlf.txt kept');
    expect(marks).toContain('sed.txt open');
    folder.changes.keep('t_1', false);
    expect(folder.changes.list('t_1').files.every(({ mark }) => mark === 'open')).toBe(true);
  });

  test('content is read as it was before and after, in its encoding', async () => {
    fill();
    await folder.turn('t_1', changeEverything);
    expect(await folder.changes.read('t_1', 'latin1.txt')).toMatchObject({
      before: { encoding: 'latin1', data: 'caf\u00e9\nna\u00efve\n', omitted: 0 },
      hunks: [{ beforeStart: 1, beforeCount: 1, afterStart: 1, afterCount: 1, mark: 'open' }],
    });
    expect(await folder.changes.read('t_1', 'image.bin')).toMatchObject({
      before: { encoding: 'base64', data: Buffer.from(BINARY).toString('base64') },
      hunks: [],
    });
    expect(await folder.changes.read('t_1', 'new/dir/added.txt')).not.toHaveProperty('before');
    await expect(folder.changes.read('t_1', 'same.txt')).rejects.toMatchObject({ code: 'CHANGE_NOT_FOUND' });
  });
});

describe('a change that was edited since', () => {
  test('is refused with the reason, and nothing is written', async () => {
    fill();
    const { files } = await folder.turn('t_1', changeEverything);
    shell(`for file in crlf.txt image.bin latin1.txt new/dir/added.txt moved/here/new-name.txt patch.ts untracked.txt; do
      printf 'mine' >> "$file"; done; chmod 700 script.sh; sed -i 's/^LINE THREE$/Line three/' sed.txt
      echo mine > gone.txt; mkdir -p dir/old; echo mine > dir/old/deep.txt; ln -sfn image.bin link`);
    const tree = treeOf(folder.path);
    for (const { path } of files) {
      await expect(folder.changes.revert('t_1', path), path).rejects.toMatchObject({
        code: 'CHANGE_EDITED_SINCE',
        message: expect.stringMatching(/edited since the turn: .+\. Nothing was written/),
      });
    }
    await expect(folder.changes.revert('t_1', 'sed.txt', 0)).rejects.toMatchObject({
      code: 'CHANGE_EDITED_SINCE',
      message: expect.stringContaining('edited since'),
    });
    const { refused } = await folder.changes.revert('t_1');
    expect(refused.map(({ path }) => path).sort()).toEqual(files.map(({ path }) => path));
    expect(treeOf(folder.path)).toEqual(tree);
    // The other hunk of the same file is still there.
    await folder.changes.revert('t_1', 'sed.txt', 1);
    expect(readFileSync(at('sed.txt'), 'utf8')).toBe(`${LINES.with(3, 'Line three').join('\n')}\n`);
  });

  test('permissions that only the person changed are kept', async () => {
    write('a.txt', 'a\n');
    await folder.turn('t_1', () => write('a.txt', 'b\n'));
    chmodSync(at('a.txt'), 0o600);
    await folder.changes.revert('t_1', 'a.txt');
    expect(readFileSync(at('a.txt'), 'utf8')).toBe('a\n');
    expect(statSync(at('a.txt')).mode & 0o777).toBe(0o600);
  });

  test('a directory swapped for a link leads nowhere', async () => {
    write('inner/a.txt', 'a\n');
    write('inner/b.txt', 'b\n');
    const outside = join(folder.path, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'a.txt'), 'changed\n');
    await folder.turn('t_1', () => {
      write('inner/a.txt', 'changed\n');
      unlinkSync(at('inner/b.txt'));
    });
    renameSync(at('inner'), at('elsewhere'));
    symlinkSync(outside, at('inner'));
    const { refused } = await folder.changes.revert('t_1');
    expect(refused.map(({ error }) => error.code)).toEqual(['CHANGE_EDITED_SINCE', 'CHANGE_EDITED_SINCE']);
    expect(readFileSync(join(outside, 'a.txt'), 'utf8')).toBe('changed\n');
    expect(existsSync(join(outside, 'b.txt'))).toBe(false);
  });
});

describe('looking at a folder', () => {
  test('sees what was written twice in one tick of the clock, and what hides its times', async () => {
    write('same-size.txt', 'aaaa');
    const { atime, mtime } = statSync(at('same-size.txt'));
    const first = await folder.turn('t_1', () => write('same-size.txt', 'bbbb'));
    expect(first.files).toHaveLength(1);
    const second = await folder.turn('t_2', () => {
      write('same-size.txt', 'cccc');
      utimesSync(at('same-size.txt'), atime, mtime);
    });
    expect(second.files).toHaveLength(1);
    // In place, same size, same times as far as they can be set, long after the last scan.
    utimesSync(at('same-size.txt'), new Date(1000), new Date(1000));
    await folder.turn('t_3', () => undefined);
    const third = await folder.turn('t_4', () => {
      write('same-size.txt', 'dddd');
      utimesSync(at('same-size.txt'), new Date(1000), new Date(1000));
    });
    expect(third.files).toMatchObject([{ path: 'same-size.txt', kind: 'update' }]);
  });

  test('never looks at what is ignored, links, pipes and its own state', async () => {
    write('.gitignore', 'dist/\n*.log\n!keep.log\n');
    write('sub/.gitignore', 'local\n');
    mkdirSync(at('dist'));
    symlinkSync('..', at('up'));
    shell('mkfifo pipe');
    const changes = await folder.turn('t_1', () => {
      for (const path of [
        'dist/a',
        'x.log',
        'sub/local',
        'node_modules/p/a.js',
        '.git/config',
        'own-state/s',
      ])
        write(path, 'ignored');
      for (const path of ['keep.log', 'sub/seen', 'local']) write(path, 'seen');
    });
    expect(changes.files.map(({ path }) => path)).toEqual(['keep.log', 'local', 'sub/seen']);
    expect(changes.excluded).toEqual([
      { path: '.git/', reason: 'ignored' },
      { path: 'dist/', reason: 'ignored' },
      { path: 'node_modules/', reason: 'ignored' },
      { path: 'own-state/', reason: 'ignored' },
      { path: 'pipe', reason: 'special' },
      { path: 'sub/local', reason: 'ignored' },
      { path: 'x.log', reason: 'ignored' },
    ]);
  });

  test('rules that a turn changes neither hide nor invent changes', async () => {
    write('.gitignore', 'secret.env\n');
    write('secret.env', 'mine');
    write('a.txt', 'a\n');
    const { files } = await folder.turn('t_1', () => {
      // From now on the rules name everything else, and secret.env is no longer named.
      write('.gitignore', '*\n!secret.env\n');
      write('a.txt', 'changed\n');
    });
    expect(files.map(({ path, kind }) => `${path} ${kind}`)).toEqual(['.gitignore update', 'a.txt update']);
    await folder.changes.revert('t_1');
    expect(readFileSync(at('secret.env'), 'utf8')).toBe('mine');
  });

  test('nothing changed is nothing listed and nothing kept', async () => {
    fill();
    expect((await folder.turn('t_1', () => undefined)).files).toEqual([]);
    expect(() => folder.changes.list('t_1')).toThrow(
      expect.objectContaining({ code: 'CHANGE_NOT_REVERTIBLE' }),
    );
  });

  test('turns that run at the same time name each other', async () => {
    await folder.copies.before('t_1');
    await folder.copies.before('t_2');
    write('a.txt', 'a');
    const first = await folder.copies.after('t_1');
    const third = folder.copies.before('t_3');
    const second = await folder.copies.after('t_2');
    await third;
    expect(first?.overlaps).toEqual(['t_2']);
    expect(second?.overlaps).toEqual(['t_1', 't_3']);
    folder.copies.abandon('t_3');
    expect((await folder.turn('t_4', () => undefined)).overlaps).toEqual([]);
  });

  test('a revert while another turn runs is in its list, and it says so', async () => {
    write('a.txt', 'a\n');
    await folder.turn('t_1', () => write('a.txt', 'b\n'));
    const second = await folder.turn('t_2', async () => {
      await folder.changes.revert('t_1', 'a.txt');
    });
    expect(second.files).toMatchObject([{ path: 'a.txt' }]);
    expect(second.notes).toEqual([expect.stringContaining('were reverted while this one ran')]);
    await expect(folder.changes.revert('t_1', undefined, 0)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a rename is known by its inode or its content, two that were swapped by neither', async () => {
    write('a.txt', 'same content\n');
    write('b/one.txt', '1\n');
    write('b/two.txt', '2\n');
    const { files } = await folder.turn('t_1', () => {
      renameSync(at('a.txt'), at('b/a.txt'));
      appendFileSync(at('b/a.txt'), 'and more\n');
      renameSync(at('b/one.txt'), at('tmp'));
      renameSync(at('b/two.txt'), at('b/one.txt'));
      renameSync(at('tmp'), at('b/two.txt'));
    });
    expect(files.map(({ path, kind, movedTo }) => `${path} ${kind} ${movedTo ?? ''}`)).toEqual([
      'a.txt rename b/a.txt',
      'b/one.txt update ',
      'b/two.txt update ',
    ]);
    expect((await folder.changes.read('t_1', 'a.txt')).hunks).toHaveLength(1);
    await folder.changes.revert('t_1', 'a.txt', 0);
    expect(readFileSync(at('b/a.txt'), 'utf8')).toBe('same content\n');
    await folder.changes.revert('t_1', 'a.txt');
    expect(readFileSync(at('a.txt'), 'utf8')).toBe('same content\n');
  });
});
