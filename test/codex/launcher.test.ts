import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installRuntime, launcherFile, launcherScript } from '../../src/client/launcher.ts';
import { CliBench, RUNTIME } from '../support/cli.ts';

let bench: CliBench;
/** A state directory whose path means something to a shell. */
let home: string;
beforeEach(async () => {
  bench = await CliBench.create();
  home = join(bench.dir.path, `a b'c"d $HOME %x`);
});
afterEach(async () => {
  await launch(['stop', '--now']);
  await bench.dispose();
});

const install = (more: { version?: string; node?: string } = {}) =>
  installRuntime({ home, runtime: RUNTIME, version: '0.1.0', node: process.execPath, ...more });
const launch = (args: string[], env: Record<string, string> = {}) =>
  existsSync(launcherFile(home))
    ? bench.run(args, { program: [launcherFile(home)], env: { CODEX_BRIDGE_HOME: home, ...env } })
    : undefined;
const copies = () => readdirSync(join(home, 'runtime'));
const TWO_DAYS_AGO = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);

describe('the launcher', () => {
  test('starts the copied runtime, whatever its path, and the bridge runs from the copy', async () => {
    const { runtime, node } = await install();
    expect([dirname(runtime), node]).toEqual([join(home, 'runtime'), process.execPath]);
    expect(await launch(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    expect(await launch(['ask', 'it\'s a "$HOME" %x'])).toMatchObject({
      code: 0,
      stdout: `Echo: it's a "$HOME" %x\n`,
    });
    const doctor = await launch(['doctor', '--json']);
    expect([doctor?.code, doctor?.stderr]).toEqual([0, '']);
    for (const path of ['bin', 'runtime', join('bin', 'codex-bridge'), join('runtime', copies()[0] ?? '')])
      expect([path, statSync(join(home, path)).mode & 0o777]).toEqual([path, 0o700]);
  });

  test('makes VS Code’s own binary behave as Node', async () => {
    const electron = join(bench.dir.path, 'code');
    await writeFile(electron, '#!/bin/sh\necho "$ELECTRON_RUN_AS_NODE $*"\n');
    await chmod(electron, 0o755);
    const { runtime } = await install({ node: electron });
    expect((await launch(['ask', 'x y']))?.stdout).toBe(
      `1 --min-semi-space-size=8 --max-semi-space-size=16 ${join(runtime, 'cli.mjs')} ask x y\n`,
    );
    await rm(launcherFile(home));
  });

  test('knows its state directory, unless another one is named', async () => {
    await install();
    const stop = (env: Record<string, string | undefined>) =>
      bench.run(['stop'], { program: [launcherFile(home)], env });
    expect((await stop({ CODEX_BRIDGE_HOME: undefined })).stdout).toBe(`No bridge runs for ${home}.\n`);
    expect((await stop({ CODEX_BRIDGE_HOME: bench.home })).stdout).toBe(
      `No bridge runs for ${bench.home}.\n`,
    );
  });

  test('takes the PATH’s node where the recorded program is gone, and says what to do where there is none', async () => {
    await install({ node: join(bench.dir.path, 'gone') });
    const bin = dirname(process.execPath);
    expect(await launch(['--version'], { PATH: `${bin}:/usr/bin:/bin` })).toMatchObject({
      code: 0,
      stdout: '0.1.0\n',
    });
    const none = await launch(['--version'], { PATH: '/nowhere' });
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none?.stderr).toMatch(/Open VS Code.*install Node/);
  });

  test('on Windows is a .cmd', () => {
    const script = launcherScript(
      { home: 'C:\\s', node: 'C:\\a b\\100%\\Code.exe', cli: 'C:\\c d\\cli.mjs', version: '1.2.3' },
      'win32',
    );
    expect(launcherFile('home', 'win32')).toBe(join('home', 'bin', 'codex-bridge.cmd'));
    expect(script).toContain('set "ELECTRON_RUN_AS_NODE=1"\r\n');
    expect(script).toContain('if not defined CODEX_BRIDGE_HOME set "CODEX_BRIDGE_HOME=C:\\s"\r\n');
    expect(script).toContain(
      '"C:\\a b\\100%%\\Code.exe" --min-semi-space-size=8 --max-semi-space-size=16 "C:\\c d\\cli.mjs" %*\r\nexit /b %errorlevel%\r\n',
    );
  });
});

describe('the copies', () => {
  test('there is one for each build, also when windows install at once, and a damaged one is replaced', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => install()));
    expect(new Set(all.map(({ runtime }) => runtime)).size).toBe(1);
    expect(copies()).toHaveLength(1);
    const { runtime } = await install();
    await writeFile(join(runtime, 'cli.mjs'), 'torn');
    await install();
    expect(await launch(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' });
    await install({ version: '0.2.0' });
    expect(copies()).toHaveLength(2);
  });

  test('those that nobody uses are removed; the running bridge’s and those of today are kept', async () => {
    const { runtime } = await install();
    await launch(['ask', 'hello']);
    const [old, today] = ['0.0.1-old', '0.0.2-today'].map((name) => join(home, 'runtime', name));
    if (old === undefined || today === undefined) throw new Error('two names were given');
    await mkdir(old);
    await mkdir(today);
    for (const path of [old, runtime]) await utimes(path, TWO_DAYS_AGO, TWO_DAYS_AGO);
    const next = await install({ version: '0.2.0' });
    expect([old, today, runtime, next.runtime].map((path) => existsSync(path))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect((await launch(['doctor', '--json']))?.code).toBe(0);
    await launch(['stop', '--now']);
    await install({ version: '0.2.0' });
    expect(existsSync(runtime)).toBe(false);
  });

  test('a state directory that can’t be written is said', async () => {
    await expect(
      installRuntime({ home: '/dev/null/x', runtime: RUNTIME, version: '0.1.0', node: process.execPath }),
    ).rejects.toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
  });
});
