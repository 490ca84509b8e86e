// From a bare clone to the project's own tools. Runs under whatever Node 20 or newer starts it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectNode, root, toolEnvironment } from './paths.mjs';

/** `npm ci` when node_modules is missing or is not what package-lock.json says. */
export function ensureInstalled() {
  const why = whyInstall();
  if (why === undefined) return;
  console.log(`Installing the dependencies (${why}) …`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new Error('npm ci failed; see its output above. The npm registry must be reachable.');
  if (!existsSync(projectNode)) {
    throw new Error(
      'npm did not install the project\'s Node (package "node"): its install script was not allowed to run. ' +
        'Run `npm rebuild node esbuild`, or `npm ci` with install scripts allowed.',
    );
  }
}

/** Content is compared, not times: a checkout makes every file new. */
function whyInstall() {
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(projectNode)) return 'there are none';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    // Optional ones are builds for other platforms.
    if (path === '' || (optional && installed[path] === undefined)) continue;
    if (installed[path]?.version !== version) return `${path} is not at ${version}`;
  }
  return undefined;
}

/**
 * Goes on under the project's Node, where the caller is not already: starts the same script with it, and
 * ends with its exit status. Resolves only under the right Node.
 */
export async function underProjectNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8')).version;
  if (process.version === `v${wanted}`) return;
  const child = spawn(projectNode, process.argv.slice(1), { stdio: 'inherit', env: toolEnvironment() });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  await new Promise((_resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
