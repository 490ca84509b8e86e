import { execFile } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BridgeError, messageOf } from '../shared/errors.ts';
import { redact, secretsOf } from '../shared/redact.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import { systemClock } from './clock.ts';
import { AppServer } from './codex/appServer.ts';
import { CodexClient } from './codex/client.ts';
import { codexEnvironment } from './codex/environment.ts';
import { type CodexBinary, findCodex } from './codex/findCodex.ts';
import { GuardClient } from './codex/guardClient.ts';
import { formatMark } from './codex/processes.ts';
import { jsonLogger } from './logger.ts';
import { StateDirectory } from './stateDirectory.ts';

const run = promisify(execFile);
/** No single check may take longer, in ms. */
const CHECK_MS = 10_000;

/** One thing that was looked at. */
export interface Check {
  readonly name:
    | 'state directory'
    | 'codex'
    | 'login'
    | 'sandbox'
    | 'node-pty'
    | 'git'
    | 'port'
    | 'discovery file';
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do; only where the check failed. */
  readonly fix?: string;
}

/** Looks at everything that the bridge needs, without starting a bridge. */
export async function runDoctor(home: string): Promise<Check[]> {
  const state = checkState(home);
  const codex = await findBinary(state);
  const checks = [
    state.check,
    codex.check,
    ...(await Promise.all([
      checkLogin(state.directory, codex.binary),
      checkSandbox(codex.binary),
      checkNodePty(),
      checkGit(),
      checkPort(state.directory),
    ])),
    checkDiscovery(state.directory),
  ];
  // What a program says when it fails may quote its configuration.
  const secrets = secretsOf(process.env);
  return checks.map((check) => ({
    ...check,
    detail: redact(check.detail, secrets),
    ...(check.fix === undefined ? {} : { fix: redact(check.fix, secrets) }),
  }));
}

function checkState(home: string): { check: Check; directory?: StateDirectory } {
  const name = 'state directory';
  try {
    const directory = StateDirectory.open(home);
    // Asked for here because it throws where no path is short enough for a socket.
    return { check: { name, ok: true, detail: `${home}, sockets in ${directory.runDir}` }, directory };
  } catch (error) {
    return { check: failed(name, error) };
  }
}

async function findBinary(state: {
  directory?: StateDirectory;
}): Promise<{ check: Check; binary?: CodexBinary }> {
  try {
    const setting = settingsOf(state.directory)?.codexPath;
    const binary = await findCodex({ setting, env: process.env, folders: [] });
    return { check: { name: 'codex', ok: true, detail: `${binary.version}, ${binary.path}` }, binary };
  } catch (error) {
    return { check: failed('codex', error) };
  }
}

function settingsOf(state: StateDirectory | undefined): BridgeSettings | undefined {
  return state?.readSettings(jsonLogger(() => {}));
}

/** Asks a Codex of our own (`account/read`), as the bridge does: a provider may want no login at all. */
async function checkLogin(
  state: StateDirectory | undefined,
  binary: CodexBinary | undefined,
): Promise<Check> {
  const name = 'login';
  if (binary === undefined) return skipped(name, 'Codex can not be started.');
  if (state === undefined) return skipped(name, 'there is no state directory.', 'state directory');
  const logger = jsonLogger(() => {});
  const guard = new GuardClient({ logger });
  try {
    const server = await AppServer.start({
      codex: binary.path,
      cwd: homedir(),
      runDir: state.runDir,
      transport: 'stdio',
      // Not the state directory's own hash: a bridge that starts meanwhile would sweep it away.
      mark: formatMark({ stateHash: 'doctor', instance: state.hash, folderKey: String(process.pid) }),
      env: process.env,
      named: settingsOf(state)?.codex?.environment ?? [],
      clock: systemClock,
      logger,
      guard,
    });
    try {
      const client = await CodexClient.connect(await server.connect(), { logger });
      const { account, requiresOpenaiAuth } = await client.call('account/read', {}, { timeoutMs: CHECK_MS });
      client.dispose();
      if (account !== null) return { name, ok: true, detail: `logged in (${account.type})` };
      if (!requiresOpenaiAuth) return { name, ok: true, detail: 'the model provider needs no login' };
      return {
        name,
        ok: false,
        detail: 'not logged in',
        fix: 'Sign in in VS Code ("Codex Bridge: Sign In"), run "codex login", or set a model provider in Codex\'s config.toml.',
      };
    } finally {
      await server.stop();
    }
  } catch (error) {
    return failed(name, error);
  } finally {
    guard.dispose();
  }
}

/** Runs `true` in Codex's own sandbox. */
async function checkSandbox(binary: CodexBinary | undefined): Promise<Check> {
  const name = 'sandbox';
  if (binary === undefined) return skipped(name, 'Codex can not be started.');
  if (process.platform === 'win32') return { name, ok: true, detail: 'set up by Codex itself on Windows' };
  try {
    await run(binary.path, ['sandbox', 'true'], {
      timeout: CHECK_MS,
      env: codexEnvironment(process.env),
      cwd: homedir(),
    });
    return { name, ok: true, detail: 'a command ran in it' };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: `a command could not run in it: ${messageOf(error).split('\n').slice(0, 2).join(' ')}`,
      fix: 'Let Codex make user namespaces (Linux: sysctl kernel.unprivileged_userns_clone=1, or its AppArmor profile), or allow only read-only work elsewhere.',
    };
  }
}

async function checkNodePty(): Promise<Check> {
  const name = 'node-pty';
  const fix = 'Install Codex Bridge for this platform again. Without it only the terminal is missing.';
  if (process.platform === 'linux' && !isGlibc()) {
    return {
      name,
      ok: false,
      detail: 'this system has no glibc, which node-pty needs',
      fix: "Use VS Code's own terminal: all else works.",
    };
  }
  try {
    const { spawn } = await import('node-pty');
    const shell = process.platform === 'win32' ? 'cmd.exe' : '/bin/sh';
    const pty = spawn(shell, [process.platform === 'win32' ? '/c' : '-c', 'exit 0'], {
      cols: 80,
      rows: 24,
      env: codexEnvironment(process.env),
    });
    const status = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('its shell did not end')), CHECK_MS);
      pty.onExit(({ exitCode }) => {
        clearTimeout(timer);
        resolve(exitCode);
      });
    });
    return status === 0
      ? { name, ok: true, detail: 'a shell ran in a terminal' }
      : { name, ok: false, detail: `its shell exited with ${status}`, fix };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error).split('\n', 1)[0] ?? '', fix };
  }
}

/** On musl a glibc build of node-pty loads and crashes at its first use, so it must be known before. */
function isGlibc(): boolean {
  // Node's type for the report is `object`; the field is documented under process.report.
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime !== undefined;
}

async function checkGit(): Promise<Check> {
  try {
    const { stdout } = await run('git', ['--version'], {
      timeout: CHECK_MS,
      env: codexEnvironment(process.env),
    });
    return { name: 'git', ok: true, detail: stdout.trim() };
  } catch (error) {
    return {
      name: 'git',
      ok: false,
      detail: messageOf(error).split('\n', 1)[0] ?? '',
      fix: 'Install git, or put it on the PATH.',
    };
  }
}

async function checkPort(state: StateDirectory | undefined): Promise<Check> {
  const name = 'port';
  const last = state?.readPort();
  try {
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => server.close(() => resolve()));
    });
    return {
      name,
      ok: true,
      detail:
        last === undefined
          ? 'any free one on 127.0.0.1'
          : `${last} on 127.0.0.1, or another where it is taken`,
    };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error), fix: 'Let this user open ports on 127.0.0.1.' };
  }
}

function checkDiscovery(state: StateDirectory | undefined): Check {
  const name = 'discovery file';
  if (state === undefined) return skipped(name, 'there is no state directory.', 'state directory');
  const file = join(state.path, 'bridge.json');
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return { name, ok: true, detail: 'none: no bridge runs' };
  const fix = `Delete ${file}, and start the bridge again.`;
  if (!stat.isFile()) return { name, ok: false, detail: `${file} is not a file`, fix };
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    return { name, ok: false, detail: `${file} belongs to another user`, fix };
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    return { name, ok: false, detail: `${file} can be read by others`, fix };
  return { name, ok: true, detail: file };
}

function failed(name: Check['name'], error: unknown): Check {
  const code = error instanceof BridgeError ? ` [${error.code}]` : '';
  return { name, ok: false, detail: `failed${code}`, fix: messageOf(error) };
}

function skipped(name: Check['name'], why: string, first: Check['name'] = 'codex'): Check {
  return { name, ok: false, detail: `not checked: ${why}`, fix: `Mend "${first}" first.` };
}
