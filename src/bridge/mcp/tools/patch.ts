import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { hasEnded, type TurnSnapshot } from '../../../shared/session.ts';
import type { FolderApi } from '../../api.ts';
import { PREVIEW_NOTE } from '../../changes/preview.ts';
import type { Session } from '../../sessions/session.ts';
import { resolveFolder, resolveSession, resolveTurn } from '../access.ts';
import { cursor, folder, prompting, rights, sessionId, toSettings, turnId } from '../arguments.ts';
import type { ResourceLink, ToolCall, ToolResult } from '../call.ts';
import { marked } from '../marked.ts';
import { type Page, pageOf } from '../paging.ts';
import { promptAndFollow } from '../prompting.ts';
import { sessionUri } from '../resources.ts';
import { describeTurn, textOf, turnResultShape } from '../result.ts';
import { defineTool } from '../tool.ts';
import { waitForTurn } from '../waiting.ts';

/** Bytes of the answer and of the diff in one result: together they are one page. */
const ANSWER_BYTES = 20_000;
const DIFF_BYTES = 48_000;

const APPLIED_NOTE = 'The preview was applied: the folder has the change now.';

const input = z.strictObject({
  mode: z
    .enum(['preview', 'apply'])
    .optional()
    .describe('preview (default): on a throw-away copy, the folder stays as it is. apply: in the folder'),
  prompt: z.string().optional().describe('The change that Codex is to make'),
  turn: turnId
    .optional()
    .describe('Instead of prompt: a preview that was made, to read its diff or to apply it'),
  session: sessionId.optional().describe('Go on in this session; left out, a new one is made'),
  folder,
  model: rights.model,
  effort: rights.effort,
  approval_policy: rights.approval_policy,
  ...prompting,
  cursor: cursor.describe('With turn: diff_cursor of the answer before, for the next part of the diff'),
});

type Arguments = z.output<typeof input>;

/** A turn of which a diff is wanted. */
interface PatchTurn {
  readonly folder: FolderApi;
  readonly session: Session;
  readonly turn: TurnSnapshot;
  readonly applied?: boolean;
}

export const patch = defineTool({
  name: 'patch',
  title: 'A change as a diff, by Codex',
  description:
    'Have Codex make a change and return it as a unified diff. mode "preview" works on a throw-away copy and leaves the folder as it is; mode "apply" makes it in the folder, or, with the turn of a preview, applies exactly that diff.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input,
  output: z.object({
    ...turnResultShape,
    diff: z.string().optional().describe('Unified diff of all files, one part of it'),
    diff_cursor: z.string().optional().describe('Call patch with turn and this as cursor for the next part'),
    applied: z.boolean().optional().describe('Whether the folder has the change now'),
  }),
  async run(args, call) {
    const { prompt, turn } = args;
    if ((prompt === undefined) === (turn === undefined)) {
      throw new BridgeError(
        'INVALID_INPUT',
        'Pass "prompt" for a new change, or the "turn" of a preview: one of them.',
      );
    }
    if (turn !== undefined) return madeBefore(args, turn, call);
    if (args.cursor !== undefined) throw new BridgeError('INVALID_INPUT', '"cursor" goes with "turn" only.');
    return madeNow(args, prompt ?? '', call);
  },
});

async function madeNow(args: Arguments, prompt: string, call: ToolCall): Promise<ToolResult> {
  const isPreview = args.mode !== 'apply';
  const found =
    args.session === undefined
      ? { folder: await resolveFolder(call, args.folder) }
      : await resolveSession(call, args.session, args.folder);
  // To be refused rights beats a change that silently is none.
  const settings = toSettings({ ...args, sandbox: 'workspace-write' });
  const request = { ...args, prompt, mode: isPreview ? ('preview' as const) : undefined };
  return resultOf(await promptAndFollow(call, { ...found, settings }, request), undefined, call);
}

/** Reads a preview again, or makes it true. */
async function madeBefore(args: Arguments, id: string, call: ToolCall): Promise<ToolResult> {
  const { folder: home, session } = resolveTurn(call, id);
  const turn = await waitForTurn(call, session, id, args.background === true ? 0 : args.wait_seconds);
  if (args.mode !== 'apply' || !hasEnded(turn.status)) {
    return resultOf({ folder: home, session, turn }, args.cursor, call);
  }
  if (turn.changes?.preview !== true) {
    throw new BridgeError(
      'INVALID_INPUT',
      `The turn ${id} is no preview. Take the turn that patch with mode "preview" gave back.`,
    );
  }
  if (turn.status !== 'completed') {
    throw new BridgeError(
      'PREVIEW_FAILED',
      `The preview ended as ${turn.status}, so what it has may be half of the change. Make a new one.`,
    );
  }
  if (turn.changes.files.length > 0) await home.applyPreview(id);
  return resultOf({ folder: home, session, turn, applied: true }, args.cursor, call);
}

async function resultOf(
  { folder: home, session, turn, applied }: PatchTurn,
  from: string | undefined,
  call: ToolCall,
): Promise<ToolResult> {
  const described = describeTurn({
    session: session.id,
    turn,
    approvals: session.snapshot.approvals,
    settings: call.bridge.settings,
    pageBytes: ANSWER_BYTES,
  });
  const isError = described.error !== undefined;
  if (!hasEnded(turn.status)) {
    const next = `${described.next} Then call patch with turn "${turn.id}" for the diff.`;
    const structured = { ...described, next };
    return { structured, text: textOf(structured), isError };
  }
  const page = pageOf(await home.turnDiff(turn.id), `diff:${turn.id}`, from, DIFF_BYTES);
  const isApplied = applied ?? turn.changes?.preview !== true;
  const structured = {
    ...described,
    ...(isApplied ? whenApplied(described, turn) : whenPreviewed(turn)),
    diff: page.text,
    ...(page.cursor === undefined ? {} : { diff_cursor: page.cursor }),
    applied: isApplied,
  };
  const isLarge = page.cursor !== undefined || from !== undefined;
  return {
    structured,
    text: `${textOf(structured)}\n\n${diffText(page, turn)}`,
    isError,
    ...(isLarge ? { links: [linkOf(session)] } : {}),
  };
}

/** The diff is here: what is left is to take it. */
function whenPreviewed({ id, status, changes }: TurnSnapshot): { next?: string } {
  if (status !== 'completed' || changes === undefined || changes.files.length === 0) return {};
  return { next: `To make this very change in the folder, call patch with mode "apply" and turn "${id}".` };
}

/** A preview that is in the folder by now is no preview to whoever reads on. */
function whenApplied(
  { notices, session }: ReturnType<typeof describeTurn>,
  turn: TurnSnapshot,
): { notices?: string[]; next?: string } {
  if (turn.changes?.preview !== true) return {};
  return {
    notices: (notices ?? []).map((note) => (note === PREVIEW_NOTE ? APPLIED_NOTE : note)),
    next: `To go on, call ask with session "${session}".`,
  };
}

function diffText({ text, cursor: next }: Page, turn: TurnSnapshot): string {
  if (text === '') return 'Nothing was changed.';
  const more =
    next === undefined
      ? ''
      : `\n[The diff is longer: call patch with turn "${turn.id}" and cursor "${next}".]`;
  return `Diff:\n${marked(text)}${more}`;
}

function linkOf(session: Session): ResourceLink {
  return {
    uri: sessionUri(session.id, 'diff'),
    name: `session-diff-${session.id}`,
    description: 'The whole diff of the session.',
    mimeType: 'text/x-diff',
  };
}
