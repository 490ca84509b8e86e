import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BridgeError } from '../shared/errors.ts';
import { connectBridge } from './connect.ts';
import { launcherFile } from './launcher.ts';
import { makeDirectory } from './makeDirectory.ts';
import { type Registration, readRegistrations } from './registrations/record.ts';
import { isUninstalled, uninstalledNote } from './uninstalled.ts';

/** VS Code ends the script after 5 s: the bridge has been told by then, and ends by itself. In ms. */
const STOP_MS = 3_000;

/**
 * Notes that the extension is installed at `extension`, so that an uninstall elsewhere leaves the launcher
 * alone. One file for each VS Code (its folder of extensions): an update replaces it.
 */
export async function recordInstall(home: string, extension: string): Promise<void> {
  const folder = join(home, 'installs');
  makeDirectory(folder);
  await writeFile(join(folder, installName(extension)), extension, { mode: 0o600 });
  await rm(uninstalledNote(home), { force: true });
}

function installName(extension: string): string {
  return createHash('sha256').update(dirname(extension)).digest('hex').slice(0, 16);
}

/** The installs that are still there. */
async function installs(home: string): Promise<string[]> {
  const folder = join(home, 'installs');
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const paths = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return paths.filter((path) => existsSync(path));
}

export interface Uninstalled {
  /** Other installs of the extension that use the same state directory: then nothing was done. */
  readonly others: readonly string[];
  /** Whether a bridge was running. */
  readonly stopped: boolean;
  /** What clients still have. */
  readonly registrations: readonly Registration[];
}

/**
 * What uninstalling the extension leaves to do: the bridge ends, and nothing starts another one. The launcher
 * stays as long as a client's registration names it, so that this can be removed with it.
 *
 * @param extension the folder of the extension that goes
 */
export async function uninstall(home: string, extension: string, version: string): Promise<Uninstalled> {
  await rm(join(home, 'installs', installName(extension)), { force: true });
  const others = await installs(home);
  if (others.length > 0) return { others, stopped: false, registrations: [] };
  if (!existsSync(home)) return { others, stopped: false, registrations: [] };
  // First: a client that reconnects at once must not start the next bridge.
  await writeFile(uninstalledNote(home), `${JSON.stringify({ version })}\n`, { mode: 0o600 });
  const stopped = await stopNow(home, version);
  const registrations = await readRegistrations(home);
  await removeLauncherIfUnused(home);
  return { others, stopped, registrations };
}

/** After an uninstall, as soon as no registration names the launcher any more. */
export async function removeLauncherIfUnused(home: string): Promise<void> {
  if (!isUninstalled(home) || (await readRegistrations(home)).length > 0) return;
  if ((await installs(home)).length > 0) return;
  for (const path of [dirname(launcherFile(home)), join(home, 'runtime'), join(home, 'installs')]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** Running turns are interrupted: what they have written stays in the history. */
async function stopNow(home: string, version: string): Promise<boolean> {
  try {
    const connection = await connectBridge({ home, kind: 'cli', canAnswer: false, version, start: false });
    const left = Promise.withResolvers<void>();
    connection.onClose(() => left.resolve());
    const timer = setTimeout(() => left.resolve(), STOP_MS);
    await connection.rpc.request('stop', { now: true });
    await left.promise;
    clearTimeout(timer);
    connection.dispose();
    return true;
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'BRIDGE_NOT_RUNNING') return false;
    // It closed its doors before it had answered.
    if (error instanceof BridgeError && error.code === 'CONNECTION_CLOSED') return true;
    throw error;
  }
}
