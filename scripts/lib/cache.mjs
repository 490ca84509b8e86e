// Long installs that do not belong to the repository: another Node, VS Code, peers of the benchmark.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

/** `$CODEX_BRIDGE_CACHE`, else `$XDG_CACHE_HOME/codex-bridge`, else `~/.cache/codex-bridge`. */
export function cacheFolder() {
  const { CODEX_BRIDGE_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own || join(xdg || join(homedir(), '.cache'), 'codex-bridge');
}

/**
 * Installs npm packages into a folder of the cache, once. A stamp at the end tells a whole install from
 * one that was cut.
 *
 * @param {string} name the folder's name
 * @param {string[]} specs exact versions, like `node@22.23.3`
 * @param {string[]} [scripts] packages whose install scripts run
 * @returns {Promise<string>} the folder with `node_modules`
 */
export async function ensurePackages(name, specs, scripts = []) {
  const folder = join(cacheFolder(), name);
  const stamp = join(folder, 'installed.json');
  if (existsSync(stamp)) return folder;
  console.log(`Installing ${specs.join(', ')} into ${folder} (once) …`);
  const fresh = `${folder}.new-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(
    join(fresh, 'package.json'),
    JSON.stringify({
      name: 'cache',
      private: true,
      // npm 11 and newer run only the install scripts that are named here.
      allowScripts: Object.fromEntries(scripts.map((script) => [script, true])),
    }),
  );
  const { ok, reason } = await run('npm', ['install', '--no-audit', '--no-fund', '--save-exact', ...specs], {
    cwd: fresh,
    env: process.env,
    deadlineMs: 10 * 60_000,
  });
  if (!ok) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(
      `${specs.join(', ')} could not be installed: ${reason}. The npm registry must be reachable.`,
    );
  }
  writeFileSync(join(fresh, 'installed.json'), JSON.stringify(specs));
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

/** The oldest Node that the shipped code runs on. @returns {Promise<string>} the folder of its binary */
export async function ensureNode22() {
  const version = '22.23.3';
  const folder = await ensurePackages(`node-${version}`, [`node@${version}`], ['node']);
  return join(folder, 'node_modules/node/bin');
}
