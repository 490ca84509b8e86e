import * as z from 'zod/mini';
import { type TurnChanges, withoutCopies } from '../../shared/changes.ts';
import { REVIEW_SEVERITIES, turnTaskSchema } from '../../shared/review.ts';
import type { SessionSnapshot } from '../../shared/session.ts';
import { approvalPolicySchema, sandboxSchema } from '../../shared/settings.ts';

/**
 * What an exported session looks like. Unknown fields are left out; everything else must fit, because an
 * import comes from anywhere. Version 1; the types of the vocabulary keep it honest.
 */

const id = z.string().check(z.minLength(1), z.maxLength(128));
const name = z.string().check(z.maxLength(1000));
const path = z.string().check(z.maxLength(8192));
/** Milliseconds since the epoch; what a Date can say. */
const time = z.number().check(z.gte(0), z.lte(8.64e15));
const count = z.int().check(z.gte(0), z.lte(1e15));
const text = z.string();

const usage = z.object({
  input: count,
  cachedInput: count,
  output: count,
  reasoningOutput: count,
  total: count,
});

const change = z.object({
  path,
  kind: z.enum(['add', 'delete', 'update']),
  movedTo: z.exactOptional(path),
  added: count,
  removed: count,
  diff: text,
});

const source = z.object({
  kind: z.enum(['window', 'mcp', 'cli', 'palette', 'terminal']),
  name: z.exactOptional(name),
});

const base = {
  id: z.string().check(z.minLength(1), z.maxLength(1000)),
  status: z.enum(['running', 'completed', 'failed', 'declined']),
  startedAt: time,
  endedAt: z.exactOptional(time),
};

const item = z.discriminatedUnion('type', [
  z.object({ ...base, type: z.literal('user_message'), text }),
  z.object({ ...base, type: z.literal('agent_message'), text, phase: z.exactOptional(name) }),
  z.object({ ...base, type: z.literal('reasoning'), summary: text, text }),
  z.object({
    ...base,
    type: z.literal('command'),
    command: text,
    cwd: path,
    output: text,
    omitted: count,
    exitCode: z.exactOptional(z.int()),
    durationMs: z.exactOptional(z.number()),
  }),
  z.object({ ...base, type: z.literal('file_change'), changes: z.array(change) }),
  z.object({
    ...base,
    type: z.literal('tool_call'),
    server: name,
    tool: name,
    args: text,
    result: z.exactOptional(text),
    error: z.exactOptional(text),
  }),
  z.object({ ...base, type: z.literal('web_search'), query: text }),
  z.object({ ...base, type: z.literal('plan'), text }),
  z.object({ ...base, type: z.literal('image'), path }),
  z.object({
    ...base,
    type: z.literal('review'),
    text,
    summary: z.exactOptional(text),
    findings: z.exactOptional(
      z.array(
        z.object({
          title: text,
          body: text,
          file: path,
          line: count,
          endLine: count,
          severity: z.enum(REVIEW_SEVERITIES),
        }),
      ),
    ),
  }),
  z.object({ ...base, type: z.literal('compaction') }),
  z.object({
    ...base,
    type: z.literal('decision'),
    about: z.enum(['command', 'file_change', 'permissions', 'question']),
    subject: text,
    cwd: z.exactOptional(path),
    diff: z.exactOptional(text),
    decision: z.exactOptional(z.enum(['accept', 'accept_for_session', 'decline', 'cancel'])),
    by: z.enum(['face', 'timeout', 'codex', 'turn_ended']),
    who: z.exactOptional(source),
    reason: z.exactOptional(text),
    answers: z.exactOptional(z.array(z.object({ question: text, answer: z.exactOptional(text) }))),
  }),
  z.object({ ...base, type: z.literal('other'), name }),
]);

/** The list comes along, the copies do not. */
const changes = z.pipe(
  z.object({
    files: z.array(
      z.object({
        path,
        kind: z.enum(['add', 'update', 'delete', 'rename', 'mode']),
        movedTo: z.exactOptional(path),
        type: z.enum(['file', 'link']),
        binary: z.boolean(),
        modeBefore: z.exactOptional(count),
        modeAfter: z.exactOptional(count),
        added: count,
        removed: count,
        notRevertible: z.exactOptional(text),
      }),
    ),
    more: count,
    overlaps: z.array(id),
    excluded: z.array(z.object({ path, reason: z.enum(['ignored', 'special', 'unreadable']) })),
    notes: z.array(text),
    complete: z.boolean(),
    preview: z.exactOptional(z.literal(true)),
  }),
  z.transform(
    (value): TurnChanges => withoutCopies(value, 'It was imported, and the copies of its files were not.'),
  ),
);

const turn = z.object({
  id,
  source,
  task: z.exactOptional(turnTaskSchema),
  prompt: text,
  attachments: z.array(z.object({ kind: z.enum(['file', 'text', 'image', 'resource']), label: path })),
  status: z.enum([
    'queued',
    'running',
    'waiting_for_approval',
    'completed',
    'failed',
    'cancelled',
    'interrupted',
  ]),
  createdAt: time,
  startedAt: z.exactOptional(time),
  endedAt: z.exactOptional(time),
  codexTurn: z.exactOptional(name),
  model: z.exactOptional(name),
  items: z.array(item),
  plan: z.array(
    z.object({
      step: text,
      status: z.enum(['pending', 'in_progress', 'completed']),
      details: z.exactOptional(text),
      files: z.exactOptional(z.array(path)),
    }),
  ),
  diff: text,
  changes: z.exactOptional(changes),
  usage,
  error: z.exactOptional(z.object({ code: name, message: text })),
  notices: z.array(
    z.object({ kind: z.enum(['thread_restored', 'warning', 'model_rerouted', 'truncated']), text }),
  ),
});

const session = z.object({
  id,
  folder: id,
  title: z.string().check(z.maxLength(10_000)),
  archived: z.boolean(),
  createdAt: time,
  updatedAt: time,
  usage,
  settings: z.object({
    model: z.exactOptional(name),
    effort: z.exactOptional(name),
    sandbox: z.exactOptional(sandboxSchema),
    approvalPolicy: z.exactOptional(approvalPolicySchema),
    instructions: z.exactOptional(text),
  }),
  forkedFrom: z.exactOptional(id),
  context: z.exactOptional(z.object({ used: count, window: count })),
  thread: z.exactOptional(name),
  turns: z.array(turn),
  seq: count,
});

export const exportSchema = z.object({
  // Questions of a Codex that is gone can't be answered: they are not read.
  session: z.pipe(
    session,
    z.transform((value): SessionSnapshot => ({ ...value, approvals: [] })),
  ),
});
