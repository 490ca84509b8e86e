import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import { isSecretName } from '../shared/redact.ts';

/** So many are listed; others are typed by name. */
const MAX_BRANCHES = 200;
const MAX_COMMITS = 100;

export interface Branch {
  readonly name: string;
  readonly remote: boolean;
  /** What is checked out. */
  readonly current: boolean;
  /** Of its last commit: how long ago, and the first line of its message. */
  readonly when: string;
  readonly subject: string;
}

export interface Commit {
  readonly id: string;
  readonly short: string;
  readonly author: string;
  readonly when: string;
  readonly subject: string;
}

/** Branches of the folder's repository, the latest first, here before elsewhere. @throws BridgeError `GIT_UNAVAILABLE` */
export async function branchesOf(folder: string): Promise<Branch[]> {
  const format = ['%(refname)', '%(HEAD)', '%(committerdate:relative)', '%(contents:subject)'].join('%00');
  const output = await git(folder, [
    'for-each-ref',
    '--sort=-committerdate',
    `--count=${MAX_BRANCHES}`,
    `--format=${format}`,
    'refs/heads',
    'refs/remotes',
  ]);
  const branches = fields(output).flatMap(([ref = '', head, when = '', subject = '']): Branch[] => {
    const remote = ref.startsWith('refs/remotes/');
    const name = ref.replace(/^refs\/(heads|remotes)\//, '');
    // It only names another branch of its remote.
    if (remote && name.endsWith('/HEAD')) return [];
    return [{ name, remote, current: head === '*', when, subject }];
  });
  return [...branches.filter(({ remote }) => !remote), ...branches.filter(({ remote }) => remote)];
}

/** Commits of what is checked out in the folder, the latest first. @throws BridgeError `GIT_UNAVAILABLE` */
export async function commitsOf(folder: string): Promise<Commit[]> {
  const output = await git(folder, [
    'log',
    `--max-count=${MAX_COMMITS}`,
    // The repository's own configuration may name a program that would look at them.
    '--no-show-signature',
    '--format=%H%x00%h%x00%an%x00%cr%x00%s',
  ]);
  return fields(output).map(([id = '', short = '', author = '', when = '', subject = '']) => ({
    id,
    short,
    author,
    when,
    subject,
  }));
}

function fields(output: string): string[][] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\0'));
}

async function git(folder: string, args: readonly string[]): Promise<string> {
  const program = await gitProgram();
  // Not started in the folder: Windows would take a git.exe from there.
  return new Promise((resolve, reject) => {
    execFile(
      program,
      ['-C', folder, '-c', 'core.fsmonitor=false', '-c', 'log.showSignature=false', '--no-pager', ...args],
      {
        cwd: dirname(process.execPath),
        env: { ...withoutSecrets(process.env), GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
        timeout: 30_000,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(unavailable(folder, stderr, error));
      },
    );
  });
}

function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSecretName(name)));
}

/** The part of VS Code's built-in Git extension that is asked. */
interface GitExtension {
  getAPI(version: 1): { readonly git: { readonly path: string } };
}

/** The one that VS Code's own Git found; without that extension, the one on the PATH. */
async function gitProgram(): Promise<string> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  try {
    const api = (await extension?.activate())?.getAPI(1);
    const path: unknown = api?.git.path;
    return typeof path === 'string' && path !== '' ? path : 'git';
  } catch {
    return 'git'; // It is there but switched off (`git.enabled`): then it gives no API.
  }
}

function unavailable(folder: string, stderr: string, cause: unknown): BridgeError {
  const line = stderr.trim().split('\n', 1)[0] ?? '';
  const message =
    line === '' || line.includes('not a git repository')
      ? vscode.l10n.t(
          'git lists nothing for {0}: it is not installed, or the folder is in no repository.',
          folder,
        )
      : vscode.l10n.t('git failed in {0}: {1}', folder, line);
  return new BridgeError('GIT_UNAVAILABLE', message, { cause, translated: true });
}
