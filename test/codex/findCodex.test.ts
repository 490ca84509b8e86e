import { chmod, mkdir, readFile, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CodexFinder, findCodex, MINIMUM_CODEX_VERSION } from '../../src/bridge/codex/findCodex.ts';
import { codexBinary, type TempDir, tempDir } from '../support/codexHome.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NPM_BIN = join(ROOT, 'node_modules', '.bin');

let dir: TempDir;
/** The workspace folder. */
let folder: string;

beforeEach(async () => {
  dir = await tempDir('fc');
  folder = join(dir.path, 'folder');
  await mkdir(folder);
});
afterEach(() => dir.dispose());

/** A script that stands in for a Codex of some version. */
async function fake(path: string, version: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "codex-cli ${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

/** What `--version` of the pinned Codex says, from its package. */
async function pinned(): Promise<string> {
  const manifest = await readFile(join(ROOT, 'node_modules/@openai/codex/package.json'), 'utf8');
  // npm's own manifest.
  return (JSON.parse(manifest) as { version: string }).version;
}

describe('where it looks', () => {
  test('npm puts a Node script on the PATH: its native binary is taken', async () => {
    const found = await findCodex({ env: { PATH: NPM_BIN }, folders: [folder] });
    expect(found).toMatchObject({ path: await realpath(codexBinary()), version: await pinned() });
  });

  test('a shim of pnpm or Windows leads to the same binary', async () => {
    for (const text of [
      `#!/bin/sh\nbasedir=$(dirname "$0")\nexec node "$basedir/node_modules/@openai/codex/bin/codex.js" "$@"\n`,
      `#!/bin/sh\nexec node "$basedir/global/5/node_modules/@openai/codex/bin/codex.js" "$@"\n`,
      '@ECHO off\r\n"%_prog%"  "%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js" %*\r\n',
    ]) {
      const bin = join(dir.path, 'bin');
      await mkdir(join(bin, 'global/5'), { recursive: true });
      for (const at of [join(bin, 'node_modules'), join(bin, 'global/5/node_modules')]) {
        await symlink(join(ROOT, 'node_modules'), at);
      }
      await writeFile(join(bin, 'codex'), text, { mode: 0o755 });
      const found = await findCodex({ env: { PATH: bin }, folders: [folder] });
      expect(found.path).toBe(await realpath(codexBinary()));
      await rm(bin, { recursive: true });
    }
  });

  test('the setting comes before the variable, and that before the PATH', async () => {
    const one = await fake(join(dir.path, 'one', 'codex'), '1.0.1');
    const two = await fake(join(dir.path, 'two', 'codex'), '1.0.2');
    await fake(join(dir.path, 'three', 'codex'), '1.0.3');
    const env = {
      PATH: `${join(dir.path, 'three')}${delimiter}${process.env.PATH}`,
      CODEX_BRIDGE_CODEX: two,
    };
    expect(await findCodex({ setting: one, env, folders: [] })).toMatchObject({
      path: one,
      version: '1.0.1',
    });
    expect((await findCodex({ setting: '', env, folders: [] })).version).toBe('1.0.2');
    expect((await findCodex({ env: { PATH: env.PATH }, folders: [] })).version).toBe('1.0.3');
  });

  test('nowhere: says how to install it', async () => {
    await expect(
      findCodex({ env: { PATH: `${dir.path}${delimiter}/nonexistent` }, folders: [] }),
    ).rejects.toMatchObject({
      code: 'CODEX_NOT_FOUND',
      message: expect.stringContaining('npm install -g @openai/codex'),
    });
  });

  test('a named one that is missing, relative or no program is an error, not a reason to look elsewhere', async () => {
    const env = { PATH: NPM_BIN };
    const plain = join(dir.path, 'plain');
    await writeFile(plain, 'text');
    for (const setting of [join(dir.path, 'missing'), 'codex', './codex', dir.path, plain]) {
      await expect(findCodex({ setting, env, folders: [] })).rejects.toMatchObject({
        code: 'CODEX_NOT_FOUND',
      });
      await expect(
        findCodex({ env: { ...env, CODEX_BRIDGE_CODEX: setting }, folders: [] }),
      ).rejects.toMatchObject({
        code: 'CODEX_NOT_FOUND',
        message: expect.stringContaining('CODEX_BRIDGE_CODEX'),
      });
    }
  });
});

describe('A15: a planted codex', () => {
  test.each([
    'in the folder',
    'linked from the folder',
    'linked into the folder',
    'a PATH entry linked into it',
  ])('%s is passed over on the PATH and refused by name', async (how) => {
    const outside = join(dir.path, 'outside');
    await mkdir(outside);
    let bin = join(folder, 'bin');
    if (how === 'in the folder') await fake(join(bin, 'codex'), '9.9.9');
    if (how === 'linked from the folder') {
      const target = await fake(join(outside, 'other-program'), '9.9.9');
      await mkdir(bin);
      await symlink(target, join(bin, 'codex'));
    }
    if (how === 'linked into the folder') {
      const target = await fake(join(folder, 'evil'), '9.9.9');
      bin = outside;
      await symlink(target, join(bin, 'codex'));
    }
    if (how === 'a PATH entry linked into it') {
      await fake(join(bin, 'codex'), '9.9.9');
      await symlink(bin, join(outside, 'bin'));
      bin = join(outside, 'bin');
    }
    const setting = join(bin, 'codex');
    const PATH = `${bin}${delimiter}${NPM_BIN}`;
    expect((await findCodex({ env: { PATH }, folders: [folder] })).path).toBe(await realpath(codexBinary()));
    await expect(findCodex({ env: { PATH: bin }, folders: [folder] })).rejects.toMatchObject({
      code: 'CODEX_NOT_FOUND',
      message: expect.stringContaining('passed over'),
    });
    for (const query of [{ setting, env: { PATH } }, { env: { PATH, CODEX_BRIDGE_CODEX: setting } }]) {
      await expect(findCodex({ ...query, folders: [folder] })).rejects.toMatchObject({
        code: 'CODEX_NOT_FOUND',
        message: expect.stringContaining('inside a workspace folder'),
      });
    }
    // Not because of what it is, but because of where it is.
    expect((await findCodex({ setting, env: { PATH }, folders: [] })).version).toBe('9.9.9');
  });

  test('a shim outside that would start a program of the folder is passed over', async () => {
    const bin = join(dir.path, 'bin');
    await mkdir(bin);
    const script = join(ROOT, 'node_modules/@openai/codex/bin/codex.js');
    await writeFile(join(bin, 'codex'), `#!/bin/sh\nexec node "${script}" "$@"\n`, { mode: 0o755 });
    // The folder is a link to where the native binary is.
    await symlink(join(ROOT, 'node_modules/@openai'), join(dir.path, 'project'));
    const query = { env: { PATH: bin }, folders: [join(dir.path, 'project')] };
    await expect(findCodex(query)).rejects.toMatchObject({ code: 'CODEX_NOT_FOUND' });
    expect((await findCodex({ ...query, folders: [] })).version).toBe(await pinned());
  });

  test('entries of the PATH that are not absolute are passed over', async () => {
    await fake(join(folder, 'codex'), '9.9.9');
    const cwd = process.cwd();
    const relative = join('.', folder.slice(cwd.length + 1));
    await expect(
      findCodex({ env: { PATH: ['', '.', relative].join(delimiter) }, folders: [] }),
    ).rejects.toMatchObject({ code: 'CODEX_NOT_FOUND' });
  });

  test('a sibling whose name begins like the folder is not inside it', async () => {
    const setting = await fake(join(`${folder}-tools`, 'codex'), '1.0.0');
    expect((await findCodex({ setting, env: {}, folders: [folder] })).path).toBe(setting);
  });
});

describe('its version', () => {
  test('too old: says which and how to update', async () => {
    const setting = await fake(join(dir.path, 'codex'), '0.153.9');
    await expect(findCodex({ setting, env: {}, folders: [] })).rejects.toMatchObject({
      code: 'CODEX_TOO_OLD',
      message: expect.stringMatching(/0\.153\.9.*npm install -g @openai\/codex@latest/s),
    });
  });

  test('the oldest that is taken, and a build from source', async () => {
    for (const version of [MINIMUM_CODEX_VERSION, '0.0.0', '0.200.0-alpha.3']) {
      const setting = await fake(join(dir.path, version, 'codex'), version);
      expect(await findCodex({ setting, env: {}, folders: [] })).toMatchObject({ version });
    }
  });

  test('is asked once per file, and again when the file changes', async () => {
    const finder = new CodexFinder();
    const count = join(dir.path, 'count');
    const setting = join(dir.path, 'codex');
    await writeFile(setting, `#!/bin/sh\necho x >> "${count}"\necho "codex-cli 1.0.0"\n`, { mode: 0o755 });
    const query = { setting, env: { PATH: process.env.PATH }, folders: [] };
    await finder.find(query);
    await finder.find(query);
    expect(await readFile(count, 'utf8')).toBe('x\n');
    await utimes(setting, 1, 1);
    await finder.find(query);
    expect(await readFile(count, 'utf8')).toBe('x\nx\n');
  });

  test('what comes before it on the PATH is seen after a while, what replaces it at once', async () => {
    const [first, second] = [join(dir.path, 'first'), join(dir.path, 'second')];
    await fake(join(second, 'codex'), '1.0.0');
    let now = 0;
    const finder = new CodexFinder(() => now);
    const find = async (folders: readonly string[] = []) =>
      (await finder.find({ env: { PATH: [first, second].join(delimiter) }, folders })).version;
    expect(await find()).toBe('1.0.0');
    await fake(join(first, 'codex'), '1.0.1');
    expect(await find()).toBe('1.0.0');
    now = 10_000;
    expect(await find()).toBe('1.0.1');
    await fake(join(first, 'new'), '1.0.22');
    await rename(join(first, 'new'), join(first, 'codex'));
    expect(await find()).toBe('1.0.22');
    await rm(join(first, 'codex'));
    expect(await find()).toBe('1.0.0');
    expect(await find([first])).toBe('1.0.0');
    await expect(find([dir.path])).rejects.toMatchObject({ code: 'CODEX_NOT_FOUND' });
  });

  test.each([
    ['fails', 'exit 3', 'failed'],
    ['says something else', 'echo hello', 'does not tell a version'],
    ['hangs', 'exec sleep 60', 'did not answer'],
  ])('a program that %s is told within 2 s', async (_how, body, words) => {
    const setting = join(dir.path, 'codex');
    await writeFile(setting, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const began = performance.now();
    await expect(findCodex({ setting, env: { PATH: process.env.PATH }, folders: [] })).rejects.toMatchObject({
      code: 'CODEX_START_FAILED',
      message: expect.stringContaining(words),
    });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('is asked without what belongs to VS Code and the bridge', async () => {
    const setting = join(dir.path, 'codex');
    const seen = join(dir.path, 'seen');
    await writeFile(setting, `#!/bin/sh\nenv > "${seen}"\necho "codex-cli 1.0.0"\n`, { mode: 0o755 });
    const env = {
      PATH: process.env.PATH,
      VSCODE_IPC_HOOK: 'x',
      NODE_OPTIONS: '--no-warnings',
      CODEX_BRIDGE_CODEX: setting,
    };
    await findCodex({ env, folders: [] });
    expect(await readFile(seen, 'utf8')).not.toMatch(/VSCODE|NODE_OPTIONS|CODEX_BRIDGE/);
  });
});
