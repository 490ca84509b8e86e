// Opens VS Code on a folder with our package installed: on the desktop, or in a browser where there is no `code`.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { ensureVsCode } from '../vscode.mjs';
import { end } from './run.mjs';

/**
 * @typedef {{folder: string, vsix: string, profile: {data: string, extensions: string}, env: NodeJS.ProcessEnv}} Opening
 * @typedef {{says: string, closed: Promise<void>, close(): Promise<void>}} Window
 */

const windows = process.platform === 'win32';

/** Ms until the workbench answers. */
const READY = 60_000;

/**
 * The desktop's VS Code, where `code` is on the PATH and there is a display.
 *
 * @returns {((opening: Opening) => Promise<Window>) | undefined}
 */
export function openDesktopVsCode() {
  const display =
    windows || process.platform === 'darwin' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!display) return undefined;
  const { status } = spawnSync(...code(['--version']), { ...spawning(process.env), timeout: 20_000 });
  if (status !== 0) return undefined;
  return async ({ folder, vsix, profile, env }) => {
    const own = ['--user-data-dir', profile.data, '--extensions-dir', profile.extensions];
    mustSucceed(spawnSync(...code([...own, '--install-extension', vsix, '--force']), spawning(env)));
    const child = spawn(...code([...own, '--new-window', '--wait', folder]), {
      ...spawning(env),
      detached: !windows,
    });
    return {
      says: 'a window of its own has opened',
      closed: new Promise((resolve) => child.once('exit', () => resolve())),
      close: () => endAndWait(child),
    };
  };
}

/** @type {(opening: Opening) => Promise<Window>} */
export async function openBrowserVsCode({ folder, vsix, profile, env }) {
  const { entry } = ensureVsCode();
  const own = ['--user-data-dir', profile.data, '--extensions-dir', profile.extensions];
  const config = ['--config', `${profile.data}/config.yaml`];
  mustSucceed(
    spawnSync(process.execPath, [entry, ...own, ...config, '--install-extension', vsix], spawning(env)),
  );
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      ...[entry, ...own, ...config, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`],
      ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', folder],
    ],
    { ...spawning(env), detached: !windows },
  );
  const url = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`;
  const close = () => endAndWait(child);
  try {
    await answers(`http://127.0.0.1:${port}/healthz`, child);
    const page = await fetch(url);
    if (!page.ok) throw new Error(`VS Code answers ${page.status} on ${url}`);
  } catch (error) {
    await close();
    throw error;
  }
  openInBrowser(url);
  return {
    says: `${url}\n         (any user of this machine can open it while it runs)`,
    closed: new Promise((resolve) => child.once('exit', () => resolve())),
    close,
  };
}

function spawning(env) {
  return { env: outsideVsCode(env), stdio: ['ignore', 'ignore', 'inherit'], windowsHide: true };
}

/** Without what a terminal inside VS Code sets: it would lead `code` to that window. */
function outsideVsCode(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|TERM_PROGRAM)/.test(name)),
  );
}

/** On Windows `code` is a script, which only a shell starts. */
function code(args) {
  return windows ? ['cmd.exe', ['/d', '/c', 'code', ...args]] : ['code', args];
}

function mustSucceed({ status, error }) {
  if (status === 0) return;
  throw new Error(`VS Code did not take the package: ${error?.message ?? `exit status ${status}`}`);
}

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answers(url, child) {
  const deadline = performance.now() + READY;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`VS Code ended with exit status ${child.exitCode}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`VS Code did not answer within ${READY / 1000} s`);
}

/** Where there is a desktop; else the address that is printed has to do. */
function openInBrowser(url) {
  if (process.env.CI || process.argv.includes('--check')) return;
  const [command, ...args] = windows
    ? ['rundll32', 'url.dll,FileProtocolHandler', url]
    : [process.platform === 'darwin' ? 'open' : 'xdg-open', url];
  const opener = spawn(command, args, { stdio: 'ignore', detached: true });
  // No such command: the address is on the screen.
  opener.on('error', () => {});
  opener.unref();
}

async function endAndWait(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  end(child, 'SIGTERM');
  const timer = setTimeout(() => end(child, 'SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}
