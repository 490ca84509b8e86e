import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInside, openInside, resolveFolder, resolveInside } from '../../src/bridge/folders/containment.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

/**
 * root/folder (the folder), root/folder-sibling and root/outside; links in the folder lead to all of them.
 */
let temp: TempDir;
let folder = '';

beforeAll(async () => {
  temp = await tempDir('contain');
  folder = join(temp.path, 'folder');
  for (const dir of ['folder/sub/deep', 'folder-sibling', 'outside']) {
    await mkdir(join(temp.path, dir), { recursive: true });
  }
  for (const file of [
    'folder/a.txt',
    'folder/sub/b.txt',
    'folder/..c',
    'folder-sibling/s.txt',
    'outside/o.txt',
  ]) {
    await writeFile(join(temp.path, file), file);
  }
  await symlink(join(temp.path, 'outside'), join(folder, 'out'));
  await symlink('../outside/o.txt', join(folder, 'o-link.txt'));
  await symlink('sub', join(folder, 'in'));
  await symlink('../..', join(folder, 'sub', 'up'));
  await symlink('loop', join(folder, 'loop'));
  await symlink('nowhere', join(folder, 'dangling'));
  await symlink(folder, join(temp.path, 'alias'));
});

afterAll(() => temp.dispose());

describe('A13: resolveFolder', () => {
  test('gives the real path, also through a link', async () => {
    expect(await resolveFolder(folder)).toBe(folder);
    expect(await resolveFolder(join(temp.path, 'alias'))).toBe(folder);
    expect(await resolveFolder(`${folder}${sep}sub${sep}..`)).toBe(folder);
  });

  test.each([
    ['relative', () => 'folder'],
    ['missing', () => join(temp.path, 'nothing')],
    ['a file', () => join(folder, 'a.txt')],
    ['with NUL', () => `${folder}\0`],
    ['empty', () => ''],
  ])('%s is FOLDER_NOT_FOUND', async (_name, path) => {
    await expect(resolveFolder(path())).rejects.toMatchObject({ code: 'FOLDER_NOT_FOUND' });
  });
});

describe('A13: isInside', () => {
  test.each([
    ['/a/b', '/a/b', true],
    ['/a/b', '/a/b/c', true],
    ['/a/b', '/a/b/..c', true],
    ['/a/b', '/a/bc', false],
    ['/a/b', '/a', false],
    ['/a/b', '/', false],
    ['/', '/a', true],
  ])('%s, %s: %s', (parent, child, inside) => {
    expect(isInside(parent, child)).toBe(inside);
  });
});

describe('A13: resolveInside', () => {
  test.each([
    ['a.txt', 'a.txt'],
    ['./sub/../a.txt', 'a.txt'],
    ['in/b.txt', 'sub/b.txt'],
    ['..c', '..c'],
    ['sub/up/folder/a.txt', 'a.txt'],
    ['.', ''],
  ])('%s is inside', async (path, real) => {
    expect(await resolveInside(folder, path)).toBe(join(folder, real));
  });

  test('absolute paths, also through a link to the folder', async () => {
    expect(await resolveInside(folder, join(folder, 'a.txt'))).toBe(join(folder, 'a.txt'));
    expect(await resolveInside(folder, join(temp.path, 'alias', 'a.txt'))).toBe(join(folder, 'a.txt'));
  });

  test.each([
    '..',
    '../outside/o.txt',
    '../folder-sibling/s.txt',
    '../outside/not-there',
    'out',
    'out/o.txt',
    'out/not-there',
    'o-link.txt',
    'sub/up/outside/o.txt',
    'sub/up',
    '/etc/passwd',
    '/not/there',
  ])('%s is outside, whether it exists or not', async (path) => {
    await expect(resolveInside(folder, path)).rejects.toMatchObject({ code: 'ATTACHMENT_OUTSIDE_FOLDER' });
  });

  test.each(['', 'a.txt\0', '\0', 'not-there', 'sub/not/there', 'a.txt/x', 'loop', 'dangling'])(
    '%j is not there',
    async (path) => {
      await expect(resolveInside(folder, path)).rejects.toMatchObject({ code: 'ATTACHMENT_NOT_FOUND' });
    },
  );

  test('whatever path is given, what comes back is inside and real', async () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      'sub',
      'deep',
      'in',
      'out',
      'up',
      'folder',
      'a.txt',
      'b.txt',
      '..c',
    );
    const odd = fc.oneof({ weight: 8, arbitrary: part }, { weight: 1, arbitrary: fc.string() });
    const path = fc.tuple(fc.boolean(), fc.array(odd, { maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(path, async ([absolute, parts]) => {
        const given = `${absolute ? `${folder}/` : ''}${parts.join('/')}`;
        try {
          const real = await resolveInside(folder, given);
          expect(real === folder || real.startsWith(folder + sep)).toBe(true);
          expect(await resolveInside(folder, real)).toBe(real);
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^ATTACHMENT_(NOT_FOUND|OUTSIDE_FOLDER)$/),
          });
        }
      }),
      { numRuns: process.env['CI'] === undefined ? 500 : 10_000 },
    );
  });
});

describe('A13: openInside', () => {
  test('opens what was checked', async () => {
    const { handle, real, size } = await openInside(folder, 'in/b.txt');
    expect([real, size]).toEqual([join(folder, 'sub/b.txt'), 'folder/sub/b.txt'.length]);
    expect(await handle.readFile('utf8')).toBe('folder/sub/b.txt');
    await handle.close();
  });

  test('a directory is no file', async () => {
    await expect(openInside(folder, 'sub')).rejects.toMatchObject({ code: 'ATTACHMENT_NOT_FOUND' });
  });

  test.skipIf(process.platform === 'win32')('a named pipe is refused at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    try {
      await expect(openInside(folder, 'pipe')).rejects.toMatchObject({ code: 'ATTACHMENT_NOT_FOUND' });
    } finally {
      await unlink(pipe);
    }
  });

  test('a directory that is swapped for a link while it is opened never gives the file outside', async () => {
    const dir = join(folder, 'flip');
    await mkdir(dir);
    await writeFile(join(dir, 'o.txt'), 'inside');
    // A process of its own: in this one the swaps would only ever happen between our own steps.
    const swap = `const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
      const [dir, away, outside] = process.argv.slice(1);
      process.stdout.write('ready');
      for (;;) { renameSync(dir, away); symlinkSync(outside, dir); unlinkSync(dir); renameSync(away, dir); }`;
    const paths = [dir, join(folder, 'flip-away'), join(temp.path, 'outside')];
    const swapper = spawn(process.execPath, ['-e', swap, ...paths], { stdio: ['ignore', 'pipe', 'inherit'] });
    const seen = new Set<string>();
    try {
      await once(swapper.stdout, 'data');
      for (let i = 0; i < 4_000 || !seen.has('inside') || !seen.has('ATTACHMENT_OUTSIDE_FOLDER'); i++) {
        seen.add(await outcomeOf('flip/o.txt'));
      }
    } finally {
      const ended = once(swapper, 'exit');
      swapper.kill('SIGKILL');
      await ended;
    }
    const allowed = ['ATTACHMENT_NOT_FOUND', 'ATTACHMENT_OUTSIDE_FOLDER', 'inside'];
    expect([...seen].filter((outcome) => !allowed.includes(outcome))).toEqual([]);
  });
});

/** What the file says, or the code of the error. */
async function outcomeOf(path: string): Promise<string> {
  try {
    const { handle } = await openInside(folder, path);
    try {
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
