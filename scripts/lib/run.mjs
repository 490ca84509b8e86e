// Child processes for the scripts: inherited output, a deadline, and nothing left behind.
import { spawn } from 'node:child_process';
import { root, toolEnvironment } from './paths.mjs';

const posix = process.platform !== 'win32';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command to its end.
 *
 * @param {string} command a file, or a command from node_modules/.bin
 * @param {string[]} args
 * @param {{env?: NodeJS.ProcessEnv, cwd?: string, deadlineMs?: number}} [options]
 * @returns {Promise<{ok: boolean, reason: string}>} `reason` tells why it is not ok
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? toolEnvironment(),
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: !posix,
      detached: posix,
    });
    // A group of its own does not get the terminal's Ctrl+C.
    const stopped = (signal) => {
      end(child, 'SIGKILL');
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    for (const signal of SIGNALS) process.on(signal, stopped);
    let late = false;
    const timer =
      options.deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            end(child, 'SIGKILL');
          }, options.deadlineMs);
    const done = (ok, reason) => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, stopped);
      resolve({ ok, reason });
    };
    child.on('error', (error) => done(false, `${command} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      if (late) done(false, `${command} was ended after ${options.deadlineMs / 1000} s`);
      else done(code === 0, code === 0 ? '' : `${command} ended with ${signal ?? `exit status ${code}`}`);
    });
  });
}

/** Ends a child with its group. */
export function end(child, signal) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(posix ? -child.pid : child.pid, signal);
  } catch (error) {
    // It ended between the check and the signal.
    if (error.code !== 'ESRCH') throw error;
  }
}
