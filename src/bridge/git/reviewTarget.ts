import { BridgeError } from '../../shared/errors.ts';
import type { ReviewTarget } from '../../shared/review.ts';
import type { ReviewTarget as CodexTarget } from '../codex/generated/v2/ReviewTarget.ts';
import { git } from './git.ts';

/** To look into a submodule, git would run another git there, with the configuration that lies there. */
const SUBMODULES = '--ignore-submodules=dirty';

/** A target that was found, and what Codex is told. */
export interface CheckedTarget {
  /** A commit by its whole name, with its title. */
  readonly target: ReviewTarget;
  /** For `review/start`. */
  readonly codex: CodexTarget;
}

/**
 * Looks whether there is something to review, before anything is started for it. Codex itself would review
 * "against" a branch that is not there.
 *
 * @throws BridgeError `GIT_UNAVAILABLE`, `REVISION_NOT_FOUND`, `NOTHING_TO_DO`
 */
export async function checkReviewTarget(folder: string, target: ReviewTarget): Promise<CheckedTarget> {
  if (target.kind === 'custom')
    return { target, codex: { type: 'custom', instructions: target.instructions } };
  await requireRepository(folder);
  switch (target.kind) {
    case 'uncommitted':
      await requireChanges(folder);
      return checked(
        target,
        { type: 'uncommittedChanges' },
        'the current changes: staged, unstaged and untracked files',
      );
    case 'branch': {
      const base = await commonAncestor(folder, target.branch);
      await requireDifference(folder, target.branch, base);
      return checked(
        target,
        { type: 'baseBranch', branch: target.branch },
        `the changes against the branch ${target.branch}; \`git diff ${base}\` shows them`,
      );
    }
    case 'commit': {
      const commit = await commitOf(folder, target.commit, `commit "${target.commit}"`);
      const { stdout } = await git(folder, ['log', '-1', '--format=%s', commit]);
      const title = stdout.trim();
      const found = { ...target, commit, ...(title === '' ? {} : { title }) };
      return checked(
        found,
        { type: 'commit', sha: commit, title: title === '' ? null : title },
        `the changes of commit ${commit}; \`git show ${commit}\` shows them`,
      );
    }
  }
}

/** Codex takes either a target or instructions: both together are instructions that name the target. */
function checked(
  target: Exclude<ReviewTarget, { kind: 'custom' }>,
  plain: CodexTarget,
  what: string,
): CheckedTarget {
  const { instructions } = target;
  if (instructions === undefined) return { target, codex: plain };
  const asked = `Review ${what}. Give prioritized findings.\n\nWhat to look at beside the usual:\n${instructions}`;
  return { target, codex: { type: 'custom', instructions: asked } };
}

async function requireRepository(folder: string): Promise<void> {
  const { status, stdout, stderr } = await git(folder, ['rev-parse', '--is-inside-work-tree']);
  if (status === 0 && stdout.trim() === 'true') return;
  const missing = stderr === '' || stderr.includes('not a git repository');
  throw new BridgeError(
    'GIT_UNAVAILABLE',
    missing
      ? `The folder ${folder} is in no git repository, so there are no changes to compare. Ask Codex for a review with a prompt that names the files.`
      : `git refuses to work in ${folder}: ${lineOf(stderr)} Correct that, then try again.`,
  );
}

async function requireChanges(folder: string): Promise<void> {
  const args = ['status', '--porcelain', '--untracked-files=normal', SUBMODULES];
  const { status, stdout, stderr } = await git(folder, args);
  if (status !== 0) throw failed(stderr);
  if (stdout !== '') return;
  throw new BridgeError(
    'NOTHING_TO_DO',
    'There are no uncommitted changes. Review a branch or a commit instead.',
  );
}

/** Where the branch and what is checked out here have parted. */
async function commonAncestor(folder: string, branch: string): Promise<string> {
  const commit = await commitOf(folder, branch, `branch "${branch}"`);
  const { status, stdout } = await git(folder, ['merge-base', 'HEAD', commit]);
  const base = stdout.trim();
  if (status === 0 && base !== '') return base;
  throw new BridgeError(
    'REVISION_NOT_FOUND',
    `What is checked out here has nothing in common with "${branch}". Name the branch that it began from.`,
  );
}

async function requireDifference(folder: string, branch: string, base: string): Promise<void> {
  const args = ['diff', '--quiet', '--no-ext-diff', '--no-textconv', SUBMODULES, base];
  const { status, stderr } = await git(folder, args);
  if (status === 1) return;
  if (status !== 0) throw failed(stderr);
  throw new BridgeError(
    'NOTHING_TO_DO',
    `Nothing differs from where this branch left "${branch}". Name another branch, or review a commit.`,
  );
}

async function commitOf(folder: string, revision: string, what: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const { status, stdout } = await git(folder, args);
  const commit = stdout.trim();
  if (status === 0 && /^[0-9a-f]{40,64}$/.test(commit)) return commit;
  throw new BridgeError(
    'REVISION_NOT_FOUND',
    `git knows no ${what} here. "git branch --all" and "git log" list what there is.`,
  );
}

function failed(stderr: string): BridgeError {
  return new BridgeError('GIT_UNAVAILABLE', `git failed: ${lineOf(stderr)} Correct that, then try again.`);
}

function lineOf(stderr: string): string {
  const line = stderr.trim().split('\n', 1)[0] ?? '';
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
