import { spawn } from 'node:child_process';
import { chmodSync, closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError, ERROR_CODES, messageOf } from '../shared/errors.ts';
import { makeDirectory } from './makeDirectory.ts';
import { refuseUninstalled } from './uninstalled.ts';

/** Exit status of a bridge that found another one running for its state directory. */
export const EXIT_BRIDGE_RUNNING = 3;
/** A log that has grown beyond this is set aside at the next start, in bytes; the one before it is dropped. */
const MAX_LOG = 5 * 1024 * 1024;
/** How much of the log's end is shown when a start failed, in bytes. */
const LOG_TAIL = 2_000;
/**
 * For Node, before the program. On a large machine V8 gives new objects up to 130 MB before it frees those that
 * are no more used, which streamed text soon is: a quarter of that (a half of it in MB here) is as quick. And it
 * begins with so little that a start, and every few calls of a shim, are held up by freeing it.
 */
export const NODE_FLAGS = ['--min-semi-space-size=8', '--max-semi-space-size=16'] as const;

/** What starts a bridge: a runtime, or the installed launcher, which names one. */
export type BridgeLauncher = RuntimeLauncher | { readonly launcher: string };

export interface RuntimeLauncher {
  /** Folder that holds `cli.mjs`. */
  readonly runtime: string;
  /** Program that runs it: Node, or VS Code's own binary. Default: this process's. */
  readonly node?: string;
}

export interface StartingBridge {
  readonly logFile: string;
  /** Why the process ended, undefined while it runs. */
  failure(): { readonly lostRace: boolean; readonly error: BridgeError } | undefined;
  /** Stops watching the process: it lives on by itself. */
  release(): void;
}

/** Starts a bridge that outlives this process. @throws BridgeError `STATE_DIR_UNUSABLE` */
export function spawnBridge(home: string, launcher: BridgeLauncher): StartingBridge {
  refuseUninstalled(home);
  const logFile = join(home, 'logs', 'bridge.log');
  const log = openLog(home, logFile);
  const from = statSync(logFile).size;
  const [program, ...args] = commandLine(launcher);
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    windowsHide: true,
    windowsVerbatimArguments: 'launcher' in launcher,
    cwd: home,
    // Where the program is VS Code's own binary this makes it behave as Node; Node itself ignores it.
    // The mark of a Codex that this process may run under would end the bridge together with that Codex.
    env: { ...process.env, CODEX_BRIDGE_HOME: home, ELECTRON_RUN_AS_NODE: '1', CODEX_BRIDGE_MARK: undefined },
  });
  closeSync(log);
  let spawnError: Error | undefined;
  child.once('error', (error) => {
    spawnError = error;
  });
  child.unref();
  return {
    logFile,
    failure() {
      if (spawnError !== undefined) {
        return { lostRace: false, error: startFailed(`It could not be started: ${spawnError.message}`) };
      }
      if (child.exitCode === null && child.signalCode === null) return undefined;
      const said = tail(logFile, from);
      return {
        lostRace: child.exitCode === EXIT_BRIDGE_RUNNING,
        error:
          ownWords(said) ??
          startFailed(`It ended at once (${child.exitCode ?? child.signalCode}).\n${said}`.trimEnd()),
      };
    },
    release() {
      child.removeAllListeners();
    },
  };
}

function commandLine(launcher: BridgeLauncher, platform = process.platform): [string, ...string[]] {
  if ('runtime' in launcher) {
    return [launcher.node ?? process.execPath, ...NODE_FLAGS, join(launcher.runtime, 'cli.mjs'), 'bridge'];
  }
  if (platform !== 'win32') return [launcher.launcher, 'bridge'];
  // A .cmd runs in cmd only; the outer quotes are the ones that "/s" takes away.
  return [process.env['ComSpec'] ?? 'cmd.exe', '/d', '/s', '/c', `""${launcher.launcher}" bridge"`];
}

function startFailed(why: string): BridgeError {
  return new BridgeError('BRIDGE_START_FAILED', `The bridge did not start. ${why}`);
}

/** The error that the process itself reported in its last words, `codex-bridge: MESSAGE [CODE]`. */
function ownWords(said: string): BridgeError | undefined {
  const [, message = '', name] = /^codex-bridge: (.*) \[([A-Z_]+)\]\s*$/ms.exec(said) ?? [];
  const code = ERROR_CODES.find((known) => known === name);
  return code === undefined ? undefined : new BridgeError(code, message);
}

function openLog(home: string, file: string): number {
  try {
    makeDirectory(join(home, 'logs'));
    chmodSync(home, 0o700);
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > MAX_LOG) renameSync(file, `${file}.1`);
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new BridgeError(
      'STATE_DIR_UNUSABLE',
      `The state directory ${home} can't be used: ${messageOf(error)}. Make it writable, or point CODEX_BRIDGE_HOME elsewhere.`,
      { cause: error },
    );
  }
}

/** The end of what was logged since `from`, so that the cause is in the error itself. */
function tail(file: string, from: number): string {
  const fd = openSync(file, 'r');
  try {
    const size = statSync(file).size;
    const start = Math.max(from, size - LOG_TAIL);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    readSync(fd, buffer, 0, buffer.length, start);
    return buffer.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
