import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { type ReviewTarget, taskText } from '../../../shared/review.ts';
import { resolveFolder, resolveSession } from '../access.ts';
import { folder, prompting, rights, sessionId, toSettings } from '../arguments.ts';
import { promptAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

const { wait_seconds, background, idempotency_key } = prompting;

const input = z.strictObject({
  target: z
    .enum(['uncommitted', 'branch', 'commit', 'custom'])
    .optional()
    .describe('What to review (default: uncommitted); custom: what the instructions say'),
  ref: z.string().min(1).max(1000).optional().describe('The base branch, or the commit'),
  instructions: z.string().min(1).max(100_000).optional().describe('What to look at beside the usual'),
  session: sessionId.optional().describe('Review in this session; left out, a new one is made'),
  folder,
  model: rights.model,
  effort: rights.effort,
  wait_seconds,
  background,
  idempotency_key,
});

export const review = defineTool({
  name: 'review',
  title: 'Review by Codex',
  description:
    "Codex reviews uncommitted changes, the changes against a branch, or a commit of the folder's git repository. It changes nothing. Returns findings with file, lines, severity and what is wrong; if it takes long, a handle for wait.",
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input,
  output: turnResultSchema,
  async run(args, call) {
    const task = { kind: 'review', target: targetOf(args) } as const;
    const request = { ...args, prompt: taskText(task), task };
    const settings = toSettings({ model: args.model, effort: args.effort });
    if (args.session === undefined) {
      return promptAndWait(call, { folder: await resolveFolder(call, args.folder), settings }, request);
    }
    const found = await resolveSession(call, args.session, args.folder);
    return promptAndWait(call, { ...found, settings }, request);
  },
});

/** @throws BridgeError `INVALID_INPUT` */
function targetOf({ target = 'uncommitted', ref, instructions }: z.output<typeof input>): ReviewTarget {
  const more = instructions === undefined ? {} : { instructions };
  const named = target === 'branch' || target === 'commit';
  if (!named && ref !== undefined) {
    throw new BridgeError(
      'INVALID_INPUT',
      `"ref" belongs to the targets "branch" and "commit", not to "${target}".`,
    );
  }
  switch (target) {
    case 'uncommitted':
      return { kind: 'uncommitted', ...more };
    case 'branch':
      return { kind: 'branch', branch: needed(ref, 'ref', 'the base branch'), ...more };
    case 'commit':
      return { kind: 'commit', commit: needed(ref, 'ref', 'the commit'), ...more };
    case 'custom':
      return { kind: 'custom', instructions: needed(instructions, 'instructions', 'what to review') };
  }
}

function needed(value: string | undefined, name: string, what: string): string {
  if (value !== undefined) return value;
  throw new BridgeError('INVALID_INPUT', `Pass "${name}": ${what}.`);
}
