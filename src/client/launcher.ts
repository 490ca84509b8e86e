import { createHash, randomBytes } from 'node:crypto';
import { chmod, cp, lstat, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { BridgeError, messageOf } from '../shared/errors.ts';
import { readDiscovery } from './discovery.ts';
import { NODE_FLAGS, type RuntimeLauncher } from './launch.ts';
import { makeDirectory } from './makeDirectory.ts';

/** A copy that was used within this time is kept: a command or a shim may still run from it. In ms. */
const KEEP_MS = 24 * 60 * 60 * 1000;

export interface InstallOptions {
  /** State directory. */
  readonly home: string;
  /** Folder that holds `cli.mjs`, inside the extension. */
  readonly runtime: string;
  /** Of the extension. */
  readonly version: string;
  /** Program that runs it: Node, or VS Code's own binary. */
  readonly node: string;
}

/**
 * Copies the runtime to `<home>/runtime/<version>-<hash>` and writes `<home>/bin/codex-bridge`, so that what
 * names the launcher, and a bridge that runs, outlive the extension's folder. A copy that is there and whole
 * is used as it is; old ones that nobody uses are removed.
 *
 * @throws BridgeError `STATE_DIR_UNUSABLE`
 */
export async function installRuntime(options: InstallOptions): Promise<RuntimeLauncher> {
  const { home, runtime, version, node } = options;
  try {
    const hash = await hashOf(runtime);
    const target = join(home, 'runtime', `${version}-${hash}`);
    makeDirectory(join(home, 'runtime'));
    await chmod(home, 0o700);
    await copyOnce(runtime, target, hash);
    await writeLauncher({ home, node, cli: join(target, 'cli.mjs'), version });
    await removeUnused(home, target);
    return { runtime: target, node };
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new BridgeError(
      'STATE_DIR_UNUSABLE',
      `The bridge can't be put into ${home}: ${messageOf(error)}. Make it writable, or point CODEX_BRIDGE_HOME elsewhere.`,
      { cause: error },
    );
  }
}

/** Where the launcher of a state directory is: what registrations name. */
export function launcherFile(home: string, platform = process.platform): string {
  return join(home, 'bin', platform === 'win32' ? 'codex-bridge.cmd' : 'codex-bridge');
}

/**
 * The text of the launcher. The recorded program may be VS Code's own binary, which runs scripts only with
 * `ELECTRON_RUN_AS_NODE` (Node ignores it), and may be gone after an update: then it is the PATH's `node`. Its
 * state directory is the one that it lies in: whoever starts it may have another environment than VS Code.
 */
export function launcherScript(
  { home, node, cli, version }: { home: string; node: string; cli: string; version: string },
  platform = process.platform,
): string {
  const flags = NODE_FLAGS.join(' ');
  const help = 'Open VS Code with Codex Bridge once, or install Node 22.13 or newer.';
  if (platform === 'win32') {
    return [
      '@echo off',
      `rem Codex Bridge ${version}. Written by its VS Code extension; changes are lost.`,
      'setlocal',
      'set "ELECTRON_RUN_AS_NODE=1"',
      `if not defined CODEX_BRIDGE_HOME set "CODEX_BRIDGE_HOME=${forCmd(home)}"`,
      `if exist "${forCmd(node)}" goto recorded`,
      'where /q node',
      'if errorlevel 1 goto missing',
      `node ${flags} "${forCmd(cli)}" %*`,
      'exit /b %errorlevel%',
      ':recorded',
      `"${forCmd(node)}" ${flags} "${forCmd(cli)}" %*`,
      'exit /b %errorlevel%',
      ':missing',
      `echo codex-bridge: nothing here can run it. ${help} 1>&2`,
      'exit /b 1',
      '',
    ].join('\r\n');
  }
  return `#!/bin/sh
# Codex Bridge ${version}. Written by its VS Code extension; changes are lost.
node=${forShell(node)}
cli=${forShell(cli)}
home=${forShell(home)}
export ELECTRON_RUN_AS_NODE=1 CODEX_BRIDGE_HOME="\${CODEX_BRIDGE_HOME:-$home}"
if [ -x "$node" ]; then exec "$node" ${flags} "$cli" "$@"; fi
if command -v node >/dev/null 2>&1; then exec node ${flags} "$cli" "$@"; fi
echo 'codex-bridge: nothing here can run it. ${help}' >&2
exit 1
`;
}

function forShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Inside double quotes only `%` means something to cmd, and a path has no double quotes. */
function forCmd(text: string): string {
  return text.replaceAll('%', '%%');
}

async function writeLauncher(target: Parameters<typeof launcherScript>[0]) {
  const file = launcherFile(target.home);
  makeDirectory(dirname(file));
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, launcherScript(target), { mode: 0o700, flag: 'wx' });
  await rename(draft, file);
}

/** Two windows may do this at the same moment: each copies for itself, and the first rename wins. */
async function copyOnce(from: string, target: string, hash: string): Promise<void> {
  if (await isWhole(target, hash)) {
    const now = new Date();
    await utimes(target, now, now);
    return;
  }
  const draft = hidden(target);
  try {
    await cp(from, draft, { recursive: true, filter: (file) => !file.endsWith('.map') });
    await chmod(draft, 0o700);
    await rename(draft, target).catch(async (error: unknown) => {
      if (await isWhole(target, hash)) return;
      // Something is there, and it is not a whole copy.
      if (isMissing(error)) throw error;
      await discard(target);
      await rename(draft, target);
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function isWhole(folder: string, hash: string): Promise<boolean> {
  try {
    return (await hashOf(folder)) === hash;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Of the names and contents of all files; source maps are not copied and do not count. */
async function hashOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = await readFile(file);
    hash.update(`${relative(folder, file).replaceAll('\\', '/')}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 12);
}

/** Copies that neither the running bridge nor anybody lately has used, and drafts that were cut short. */
async function removeUnused(home: string, current: string): Promise<void> {
  const folder = join(home, 'runtime');
  const running = (await readDiscovery(home))?.runtime;
  const before = Date.now() - KEEP_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (path === current || path === running) continue;
    const stat = await lstat(path).catch((error: unknown) => {
      // Another window has just removed it.
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (stat !== undefined && stat.mtimeMs < before) await discard(path);
  }
}

/** Renamed first, so that nobody finds half of it. */
async function discard(path: string): Promise<void> {
  const away = hidden(path);
  try {
    await rename(path, away);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await rm(away, { recursive: true, force: true });
}

function hidden(path: string): string {
  return join(dirname(path), `.${randomBytes(6).toString('hex')}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
