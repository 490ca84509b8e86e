import * as z from 'zod/mini';
import { english, type Translate } from './l10n.ts';

/** What Codex is to review. `instructions` is what the person wants looked at beside the usual. */
const instructions = z.exactOptional(z.string().check(z.minLength(1), z.maxLength(100_000)));
/** A name of git's: never more than a line. */
const revision = z.string().check(z.minLength(1), z.maxLength(1000));

export const reviewTargetSchema = z.discriminatedUnion('kind', [
  /** Staged, unstaged and untracked. */
  z.object({ kind: z.literal('uncommitted'), instructions }),
  /** What is new here, compared with where it left that branch. */
  z.object({ kind: z.literal('branch'), branch: revision, instructions }),
  /** `title`: the first line of its message. */
  z.object({
    kind: z.literal('commit'),
    commit: revision,
    title: z.exactOptional(z.string()),
    instructions,
  }),
  z.object({
    kind: z.literal('custom'),
    instructions: z.string().check(z.minLength(1), z.maxLength(100_000)),
  }),
]);

export type ReviewTarget = z.infer<typeof reviewTargetSchema>;

export const turnTaskSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('review'), target: reviewTargetSchema }),
  z.object({ kind: z.literal('compact') }),
]);

/** What a turn does that is no prompt: Codex reviews, or makes its context shorter. */
export type TurnTask = z.infer<typeof turnTaskSchema>;

/** By Codex's own priorities: P0 is critical, P3 low. `unrated` where it gave none. */
export const REVIEW_SEVERITIES = ['critical', 'high', 'medium', 'low', 'unrated'] as const;

export type ReviewSeverity = (typeof REVIEW_SEVERITIES)[number];

/** One thing that a review found. Lines are 1-based and inclusive. */
export interface ReviewFinding {
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  /** Relative to the folder with `/`, or absolute where it lies outside. */
  readonly file: string;
  readonly line: number;
  readonly endLine: number;
  readonly severity: ReviewSeverity;
}

/** Stands where a prompt would: in the transcript, in lists and in what is searched. */
export function taskText(task: TurnTask, t: Translate = english): string {
  if (task.kind === 'compact') return t('Compact the conversation');
  const { target } = task;
  if (target.kind === 'custom') return t('Review: {0}', target.instructions);
  const what = reviewed(target, t);
  return target.instructions === undefined ? what : `${what}\n\n${target.instructions}`;
}

function reviewed(target: Exclude<ReviewTarget, { kind: 'custom' }>, t: Translate): string {
  switch (target.kind) {
    case 'uncommitted':
      return t('Review the uncommitted changes');
    case 'branch':
      return t('Review the changes against {0}', target.branch);
    case 'commit': {
      const name = target.commit.slice(0, 12);
      return target.title === undefined
        ? t('Review commit {0}', name)
        : t('Review commit {0}: {1}', name, target.title);
    }
  }
}
