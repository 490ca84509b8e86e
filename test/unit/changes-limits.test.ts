import { mkdirSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { CopyLimits } from '../../src/bridge/changes/limits.ts';
import { type CopiedFolder, copiedFolder, treeOf } from './changes-support.ts';

let folder: CopiedFolder;

async function start(limits: Partial<CopyLimits> = {}): Promise<void> {
  folder = await copiedFolder(limits);
}
afterEach(() => folder.dispose());

function write(path: string, content: string): void {
  const file = join(folder.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function blobs(): number {
  return Object.keys(treeOf(join(folder.state, 'blobs'))).filter((path) => !path.endsWith('/')).length;
}

describe('limits', () => {
  test('a file that is too large is listed with the reason, and not copied', async () => {
    await start({ fileBytes: 1024 * 1024 });
    write('large.txt', 'x'.repeat(1024 * 1024 + 1));
    write('grows.txt', 'small');
    const { files } = await folder.turn('t_1', () => {
      write('large.txt', 'y'.repeat(1024 * 1024 + 1));
      write('grows.txt', 'x'.repeat(1024 * 1024 + 1));
      write('new.txt', 'x'.repeat(1024 * 1024 + 1));
    });
    expect(files.map(({ path, notRevertible }) => [path, notRevertible])).toEqual(
      ['grows.txt', 'large.txt', 'new.txt'].map((path) => [
        path,
        'It is larger than 1 MB, so no copy was made of it.',
      ]),
    );
    await expect(folder.changes.revert('t_1', 'large.txt')).rejects.toMatchObject({
      code: 'CHANGE_NOT_REVERTIBLE',
      message: expect.stringContaining('larger than 1 MB'),
    });
    expect(await folder.changes.read('t_1', 'grows.txt')).toMatchObject({
      before: { data: 'small' },
      hunks: [],
    });
    expect(blobs()).toBe(1);
  });

  test('beyond what a folder may have in all, files are listed but not copied', async () => {
    await start({ folderBytes: 1000 });
    write('a.txt', 'a'.repeat(600));
    write('b.txt', 'b'.repeat(600));
    const { files } = await folder.turn('t_1', () => {
      write('a.txt', 'A'.repeat(600));
      write('b.txt', 'B'.repeat(600));
    });
    expect(files.map(({ path, notRevertible }) => [path, notRevertible])).toEqual([
      ['a.txt', undefined],
      ['b.txt', expect.stringContaining('more than 0 MB in all')],
    ]);
  });

  test('in a folder with too many files nothing is compared, and the note says why', async () => {
    await start({ files: 10 });
    for (let i = 0; i < 11; i++) write(`f${i}.txt`, 'x');
    expect(await folder.turn('t_1', () => write('f0.txt', 'y'))).toEqual({
      files: [],
      more: 0,
      overlaps: [],
      excluded: [],
      notes: [expect.stringContaining('more than 10 files')],
      complete: false,
    });
  });

  test('a turn that makes too many files has deleted none', async () => {
    await start({ files: 10 });
    for (let i = 0; i < 9; i++) write(`z${i}.txt`, 'x');
    const { files, notes } = await folder.turn('t_1', () => {
      for (let i = 0; i < 20; i++) write(`a${i}.txt`, 'new');
      write('z5.txt', 'changed');
    });
    expect(files.filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(files.find(({ path }) => path === 'z5.txt')).toMatchObject({ kind: 'update' });
    expect(notes).toEqual([expect.stringContaining('Not all that are new are listed')]);
  });

  test('a turn does not wait for ever, and the next one has its manifest', async () => {
    await start({ waitMs: 0 });
    for (let i = 0; i < 2000; i++) write(`d${i % 20}/f${i}.txt`, `content ${i}`);
    const { complete, notes } = await folder.turn('t_1', () => undefined);
    expect(complete).toBe(false);
    expect(notes).toEqual([expect.stringContaining('took more than 0 s')]);
    await folder.copies.idle();
    expect(blobs()).toBe(2000);
  });

  test('copies are private', async () => {
    await start();
    write('a.txt', 'a');
    await folder.turn('t_1', () => write('a.txt', 'b'));
    const modes = Object.entries(treeOf(folder.state)).map(([path, value]) => [
      path.endsWith('/'),
      value.split(' ')[0],
    ]);
    expect(new Set(modes.map(String))).toEqual(new Set(['true,700', 'false,600']));
  });

  test('a disk that refuses makes a turn without copies, not a turn that fails', async () => {
    await start();
    write('a.txt', 'a');
    writeFileSync(folder.state, 'a file where the directory should be');
    const { complete, notes } = await folder.turn('t_1', () => write('a.txt', 'b'));
    expect(complete).toBe(false);
    expect(notes).toEqual([expect.stringContaining('could not be looked at before this turn')]);
  });
});

describe('what is kept', () => {
  test('the latest turns; older ones say that they are not kept any more', async () => {
    await start({ turns: 3 });
    for (let i = 0; i < 20; i++) await folder.turn(`t_${i}`, () => write('a.txt', `version ${i}`));
    await folder.copies.idle();
    expect(folder.copies.records.list()).toEqual(['t_17', 't_18', 't_19']);
    // Versions 16 to 19.
    expect(blobs()).toBe(4);
    expect(() => folder.changes.list('t_2')).toThrow(
      expect.objectContaining({ code: 'CHANGE_NOT_REVERTIBLE' }),
    );
    await folder.changes.revert('t_19');
    await folder.changes.revert('t_18');
    await folder.changes.revert('t_17');
    await folder.turn('t_20', () => unlinkSync(join(folder.path, 'a.txt')));
    expect((await folder.changes.read('t_20', 'a.txt')).before?.data).toBe('version 16');
  });

  test('no more bytes than the limit', async () => {
    await start({ keptBytes: 3500 });
    for (let i = 0; i < 20; i++)
      await folder.turn(`t_${i}`, () => write('a.txt', String(i % 10).repeat(1000 + i)));
    await folder.copies.idle();
    expect(folder.copies.records.list()).toEqual(['t_18', 't_19']);
    expect(blobs()).toBe(3);
  });

  test('nothing of a deleted session, and nothing at all when no turn is left', async () => {
    await start();
    write('a.txt', '1');
    write('other.txt', 'other');
    await folder.turn('t_1', () => write('a.txt', '2'));
    await folder.turn('t_2', () => write('a.txt', '3'));
    expect(blobs()).toBe(4);
    await folder.copies.forget(['t_1', 't_unknown']);
    expect(folder.copies.records.list()).toEqual(['t_2']);
    expect(blobs()).toBe(3);
    await folder.copies.forget(['t_2']);
    expect(blobs()).toBe(0);
    // What was forgotten is copied again.
    await folder.turn('t_3', () => rmSync(join(folder.path, 'other.txt')));
    await folder.changes.revert('t_3');
    expect(readdirSync(folder.path)).toContain('other.txt');
  });

  test('a damaged copy is never written back', async () => {
    await start();
    write('a.txt', 'good');
    await folder.turn('t_1', () => write('a.txt', 'changed'));
    const store = join(folder.state, 'blobs');
    for (const path of Object.keys(treeOf(store)).filter((name) => !name.endsWith('/'))) {
      writeFileSync(join(store, path), 'evil'.slice(0, statSync(join(store, path)).size));
    }
    await expect(folder.changes.revert('t_1', 'a.txt')).rejects.toMatchObject({
      code: 'CHANGE_NOT_REVERTIBLE',
    });
    expect(readdirSync(folder.path)).toEqual(['a.txt']);
  });
});
