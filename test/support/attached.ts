import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { connectBridge } from '../../src/client/connect.ts';
import { installRuntime, launcherFile } from '../../src/client/launcher.ts';
import { type CliBench, RUNTIME } from './cli.ts';
import type { StdioServer } from './mcpClients.ts';

/** The version of what is built here. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** Installs the built runtime as the extension does, and answers with the folder that it runs from. */
export async function install(bench: CliBench, runtime = RUNTIME, version = VERSION): Promise<string> {
  const installed = await installRuntime({ home: bench.home, runtime, version, node: process.execPath });
  return installed.runtime;
}

/** The same build, saying that it is another version. */
export function buildOf(bench: CliBench, version: string): string {
  const folder = join(bench.dir.path, `build-${version}`);
  cpSync(RUNTIME, folder, { recursive: true, filter: (file) => !file.endsWith('.map') });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.mjs'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    const changed = text.replaceAll(`"${VERSION}"`, `"${version}"`);
    if (changed !== text) writeFileSync(join(folder, name), changed);
  }
  return folder;
}

/** What a registration names: the launcher. There is no `node` on the PATH. */
export function attachCommand(
  bench: CliBench,
  { cwd = bench.folders[0], args = [] }: { cwd?: string; args?: readonly string[] } = {},
): StdioServer {
  return {
    command: launcherFile(bench.home),
    args: ['attach', ...args],
    cwd,
    env: { ...bench.env, PATH: '/nowhere' },
    stderr: 'inherit',
  };
}

/** A window of a version on the bridge, with these folders open; started where none runs. */
export async function openWindow(
  bench: CliBench,
  folders: readonly string[],
  { version = VERSION, runtime = RUNTIME, canAnswer = true } = {},
) {
  // A bridge that it starts has the environment of the window's process.
  for (const [name, value] of Object.entries(bench.env)) vi.stubEnv(name, value);
  const window = bench.keep(
    await connectBridge({
      home: bench.home,
      kind: 'window',
      canAnswer,
      version,
      start: { runtime },
    }),
  );
  for (const path of folders) await window.rpc.request('folder.add', { path });
  return window;
}
