import { type ExecFileException, execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import { isSecretName } from '../../shared/redact.ts';
import { codexEnvironment } from '../codex/environment.ts';
import { isInside } from '../folders/containment.ts';

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
 * Runs git in the folder, only to read: it takes no locks, asks nobody for a password, fetches nothing and starts
 * no program that the repository's own configuration names. What the person's own configuration names (a filter
 * such as git-lfs) is theirs.
 *
 * @throws BridgeError `GIT_UNAVAILABLE` where there is no git, or it does not come to an end
 */
export async function git(folder: string, args: readonly string[]): Promise<GitAnswer> {
  const listed = await run(folder, ['config', '--list', '--name-only', '--show-scope', '-z'], {});
  if (listed.status !== 0) return listed;
  return run(folder, args, withoutFilters(listed.stdout));
}

/** Their programs would run for `status`, `diff` and, the last, `log`. */
const SAFE = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'log.showSignature=false'];

function run(folder: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<GitAnswer> {
  const safe = [...SAFE.flatMap((value) => ['-c', value]), '--no-pager'];
  // Not started in the folder: Windows would take a git.exe from there.
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      ['-C', folder, ...safe, ...args],
      {
        cwd: dirname(process.execPath),
        env: { ...plainEnvironment(folder), ...env },
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
 * Variables that take the programs from every filter of the repository's own configuration
 * (`filter.<name>.clean` and its kin; git has no switch for all of them).
 *
 * @param listed pairs of scope and name, each ended by NUL: `git config --list --name-only --show-scope -z`
 */
function withoutFilters(listed: string): NodeJS.ProcessEnv {
  const parts = listed.split('\0');
  const filters = new Set<string>();
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const own = parts[i] === 'local' || parts[i] === 'worktree';
    const filter = own ? /^filter\.(.+)\.[a-z]+$/s.exec(parts[i + 1] ?? '')?.[1] : undefined;
    if (filter !== undefined) filters.add(filter);
  }
  if (filters.size === 0) return {};
  const values = [...filters].flatMap((name) => [
    [`filter.${name}.clean`, ''],
    [`filter.${name}.smudge`, ''],
    [`filter.${name}.process`, ''],
    [`filter.${name}.required`, 'false'],
  ]);
  const numbered = values.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(values.length), ...Object.fromEntries(numbered) };
}

/**
 * Whatever repository, program or configuration a variable of ours names (`GIT_DIR`, …), the folder's own is meant.
 * Codex's own keys are for Codex alone. Neither git nor what it calls is taken from the folder.
 */
function plainEnvironment(folder: string): NodeJS.ProcessEnv {
  const usual = Object.entries(codexEnvironment(process.env))
    .filter(([name]) => !isSecretName(name))
    .map(([name, value = '']) => [name, /^path$/i.test(name) ? pathOutside(folder, value) : value]);
  return {
    ...Object.fromEntries(usual),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    // A partial clone would fetch what it lacks, with the programs that its configuration names.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    LC_ALL: 'C',
  };
}

/** The entries of a PATH that lie outside the folder; one that is not absolute could mean it. */
function pathOutside(folder: string, path: string): string {
  const root = realOrSame(folder);
  const entries = path
    .split(delimiter)
    .filter((entry) => isAbsolute(entry) && !isInside(root, realOrSame(entry)));
  return entries.join(delimiter);
}

function realOrSame(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    // What is not there runs nothing; git says it of a folder.
    return path;
  }
}

function unavailable(cause: ExecFileException): BridgeError {
  const message =
    cause.code === 'ENOENT'
      ? 'git could not be started in this folder. Install git, or put it on the PATH of the bridge, then try again.'
      : `git gave no answer within ${DEADLINE_MS / 1000} s. Look whether it works in a terminal, then try again.`;
  return new BridgeError('GIT_UNAVAILABLE', message, { cause });
}
