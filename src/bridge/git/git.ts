import { type ExecFileException, execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import { isSecretName } from '../../shared/redact.ts';
import { codexEnvironment } from '../codex/environment.ts';

/** How long git may take for one answer, in ms: a large working tree on a slow disk takes seconds. */
const DEADLINE_MS = 60_000;
/** More output than this (bytes) is not read; who asks only wants to know whether there is any. */
const MAX_OUTPUT = 8 * 1024 * 1024;

export interface GitAnswer {
  /** 0 where git did as it was told. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs git in the folder, only to read: it takes no locks, asks nobody for a password and starts no program that
 * the repository's own configuration names.
 *
 * @throws BridgeError `GIT_UNAVAILABLE` where there is no git, or it does not come to an end
 */
export function git(folder: string, args: readonly string[]): Promise<GitAnswer> {
  const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '--no-pager'];
  // Not started in the folder: Windows would take a git.exe from there.
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      ['-C', folder, ...safe, ...args],
      {
        cwd: dirname(process.execPath),
        env: plainEnvironment(),
        timeout: DEADLINE_MS,
        maxBuffer: MAX_OUTPUT,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ status: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
        // Cut off because it said a lot: it did not fail.
        else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') resolve({ status: 0, stdout, stderr });
        else reject(unavailable(error));
      },
    );
  });
}

/**
 * Whatever repository, program or configuration a variable of ours names (`GIT_DIR`, …), the folder's own is meant.
 * Codex's own keys are for Codex alone.
 */
function plainEnvironment(): NodeJS.ProcessEnv {
  const usual = Object.entries(codexEnvironment(process.env)).filter(([name]) => !isSecretName(name));
  return { ...Object.fromEntries(usual), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

function unavailable(cause: ExecFileException): BridgeError {
  const message =
    cause.code === 'ENOENT'
      ? 'git could not be started in this folder. Install git, or put it on the PATH of the bridge, then try again.'
      : `git gave no answer within ${DEADLINE_MS / 1000} s. Look whether it works in a terminal, then try again.`;
  return new BridgeError('GIT_UNAVAILABLE', message, { cause });
}
