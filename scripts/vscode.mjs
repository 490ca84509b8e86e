// A real VS Code without a desktop, for the tests and the demo: code-server is VS Code's own workbench and
// extension host under Node. Installed once into a cache outside the repository.
// `node scripts/vscode.mjs` installs both and prints where they are.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from './lib/cache.mjs';

/** code-server 4.139.1 is VS Code 1.139.1. */
const CODE_SERVER = '4.139.1';
/** Native modules that the server needs and that npm brings as source. */
const NATIVE = [
  '@vscode/spdlog',
  '@vscode/native-watchdog',
  '@vscode/fs-copyfile',
  '@vscode/deviceid',
  'node-pty',
  '@vscode/sqlite3',
];
const STAMP = 'installed.json';

/**
 * Where VS Code is, installed if it is not. The Node that runs this must also run `entry`: its native
 * modules are built for that Node.
 *
 * @returns {{ entry: string, version: string }} `entry` is run by Node and takes code-server's flags.
 */
export function ensureVsCode() {
  const dir = join(cacheFolder(), `vscode-${CODE_SERVER}`);
  const wanted = JSON.stringify({ codeServer: CODE_SERVER, abi: process.versions.modules });
  if (readIfThere(join(dir, STAMP)) !== wanted) {
    // What an earlier install left without its stamp is good if it runs.
    if (!runs(dir)) install(dir);
    writeFileSync(join(dir, STAMP), wanted);
  }
  return { entry: entryOf(dir), version: CODE_SERVER };
}

function entryOf(dir) {
  return join(dir, 'node_modules/code-server/out/node/entry.js');
}

function serverOf(dir) {
  return join(dir, 'node_modules/code-server/lib/vscode');
}

/** Built beside its place and moved there at the end, so that a broken install is never found. */
function install(dir) {
  const building = `${dir}.${process.pid}`;
  console.error(`installing VS Code (code-server ${CODE_SERVER}) into ${dir}: some minutes, once`);
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  try {
    const node = nodePackage();
    writeFileSync(join(building, 'package.json'), '{ "private": true }\n');
    // The Node package brings the headers that the native modules are compiled against.
    npm(building, ['install', `code-server@${CODE_SERVER}`, node, '--ignore-scripts']);
    const server = serverOf(building);
    npm(server, ['install', '--ignore-scripts', '--omit=dev']);
    // The language server of JavaScript: without it VS Code complains as soon as such a file is opened.
    npm(join(server, 'extensions'), ['install', '--ignore-scripts', '--omit=dev']);
    const headers = join(building, 'node_modules', node.slice(0, node.indexOf('@')));
    npm(server, ['rebuild', ...NATIVE], { npm_config_nodedir: headers });
    symlinkSync('node_modules', join(server, 'node_modules.asar'), 'junction');
    if (!runs(building)) throw new Error('code-server was installed but does not start');
    rmSync(dir, { recursive: true, force: true });
    renameSync(building, dir);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** The npm package of exactly this Node. */
function nodePackage() {
  const { platform, arch, versions } = process;
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  return `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}@${versions.node}`;
}

/** True when the server's native modules load and it can say its version. */
function runs(dir) {
  if (!existsSync(entryOf(dir)) || !existsSync(join(serverOf(dir), 'node_modules.asar'))) return false;
  const load = 'for (const name of ["@vscode/spdlog", "@vscode/native-watchdog"]) require(name)';
  return spawnSync(process.execPath, ['-e', load], { cwd: serverOf(dir), stdio: 'ignore' }).status === 0;
}

function npm(cwd, args, env = {}) {
  const windows = process.platform === 'win32';
  const { status } = spawnSync(windows ? 'npm.cmd' : 'npm', [...args, '--no-audit', '--no-fund'], {
    cwd,
    stdio: ['ignore', 2, 2],
    shell: windows,
    env: { ...process.env, ...env },
  });
  if (status === 0) return;
  throw new Error(
    `"npm ${args.join(' ')}" failed in ${cwd}. It needs a C++ compiler, make and Python 3 (Debian: apt-get install -y build-essential python3).`,
  );
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * The path of a Chromium: `CHROME_PATH`, else the one on the PATH. As root on Debian it is installed.
 *
 * @returns {string}
 */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  const root = process.getuid?.() === 0;
  if (root && existsSync('/etc/debian_version')) {
    console.error('installing chromium with apt-get');
    spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2] });
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    const installed = findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    'no Chromium found. Install one (Debian: apt-get install -y chromium), or set CHROME_PATH to its binary.',
  );
}

function findChromium() {
  const wanted = process.env.CHROME_PATH;
  if (wanted) {
    if (executable(wanted)) return wanted;
    throw new Error(`CHROME_PATH is "${wanted}", which is not an executable file. Correct or unset it.`);
  }
  const places = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => BROWSERS.map((name) => join(folder, name)));
  places.push(
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  );
  return places.find(executable);
}

function executable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify({ ...ensureVsCode(), chromium: ensureChromium() }));
}
