import * as z from 'zod';
import { type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import type { Approval, Item, PlanStep, SessionId, TokenUsage, TurnSnapshot } from '../../shared/session.ts';
import { answerOf, hasEnded } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import { visibleLine } from '../../shared/visible.ts';
import type { ToolResult } from './call.ts';
import { findingLines, findingsSchema, reviewView } from './findings.ts';
import { ABOUT, marked } from './marked.ts';
import type { TurnHandle } from './once.ts';
import { pageOf } from './paging.ts';
import { approvalSubject } from './progress.ts';
import { type ChangedFile, filesOf } from './turnFiles.ts';

const MAX_FILES = 300;
const MAX_COMMANDS = 100;
const MAX_COMMAND_LENGTH = 500;

export const errorSchema = z.object({ code: z.string(), message: z.string() });

const tokens = z.int().min(0);
export const usageSchema = z.object({
  input: tokens,
  cached_input: tokens,
  output: tokens,
  reasoning_output: tokens,
  total: tokens,
  cost: z.number().optional(),
  currency: z.string().optional(),
});

export const statusSchema = z.enum([
  'queued',
  'running',
  'waiting_for_approval',
  'completed',
  'failed',
  'cancelled',
  'interrupted',
]);

/** All are optional, because an error stands alone and clients check errors against the same schema. */
export const turnResultShape = {
  answer: z.string().optional().describe('The final answer; while the turn runs, the text so far'),
  status: statusSchema.optional(),
  held: z
    .boolean()
    .optional()
    .describe('The bridge ended before this was sent; it is sent only when somebody says so: see next'),
  session: z.string().optional(),
  turn: z.string().optional(),
  next: z.string().optional().describe('How to go on'),
  cursor: z.string().optional().describe('Give it to wait for the next part of the answer'),
  error: errorSchema.optional(),
  notices: z.array(z.string()).optional(),
  waiting_for: z.array(z.string()).optional().describe('What a person must approve in VS Code'),
  files: z
    .array(
      z.object({
        path: z.string(),
        kind: z.enum(['add', 'delete', 'update']),
        moved_to: z.string().optional(),
        added: tokens,
        removed: tokens,
      }),
    )
    .optional(),
  commands: z.array(z.object({ command: z.string(), exit_code: z.int().nullable() })).optional(),
  findings: findingsSchema.optional(),
  plan: z
    .array(
      z.object({
        step: z.string(),
        status: z.enum(['pending', 'in_progress', 'completed']),
        details: z.string().optional(),
        files: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  declined: z.array(z.string()).optional().describe('What Codex asked for and was not given'),
  usage: usageSchema.optional(),
  about: z.string().optional(),
};

export const turnResultSchema = z.object(turnResultShape);
export type TurnResult = z.infer<typeof turnResultSchema>;

export interface TurnView {
  readonly session: SessionId;
  readonly turn: TurnSnapshot;
  readonly approvals: readonly Approval[];
  readonly settings: Pick<BridgeSettings, 'prices' | 'currency'>;
  readonly cursor?: string | undefined;
  /** Bytes of one page of the answer, where it has to share its room with something else. */
  readonly pageBytes?: number | undefined;
}

/** A turn as the answer of a tool: whole when it has ended, the text so far and a handle when it has not. */
export function turnResult(view: TurnView): ToolResult {
  const structured = describeTurn(view);
  return {
    structured,
    text: textOf(structured),
    isError: structured.error !== undefined,
  };
}

/** {@link turnResult} of a turn as it is now. */
export function handleResult({ session, turn }: TurnHandle, settings: TurnView['settings']): ToolResult {
  const { approvals } = session.snapshot;
  return turnResult({ session: session.id, turn: session.turn(turn), approvals, settings });
}

export function describeTurn({
  session,
  turn,
  approvals,
  settings,
  cursor,
  pageBytes,
}: TurnView): TurnResult {
  const review = reviewView(turn);
  const page = pageOf(review?.answer ?? answerOf(turn), turn.id, cursor, pageBytes);
  const error = errorOf(turn);
  const notices = turn.notices.map((notice) => notice.text);
  notices.push(...changeNotices(turn), ...(review?.notices ?? []));
  const files = bounded(filesOf(turn), MAX_FILES, 'changed files', notices);
  const commands = bounded(commandsOf(turn), MAX_COMMANDS, 'commands', notices);
  const waiting = approvals.filter((approval) => approval.turn === turn.id).map(approvalSubject);
  const declined = bounded(declinedOf(turn), MAX_COMMANDS, 'declined requests', notices);
  return {
    answer: page.text,
    status: turn.status,
    ...(turn.held === true ? { held: true } : {}),
    session,
    turn: turn.id,
    ...optional('next', nextStep(turn, page.cursor, session)),
    ...optional('cursor', page.cursor),
    ...optional('error', error),
    ...(notices.length === 0 ? {} : { notices }),
    ...(waiting.length === 0 ? {} : { waiting_for: waiting }),
    // The later pages of an answer are answer only: the rest was said with the first.
    ...(cursor !== undefined
      ? {}
      : {
          ...(review === undefined ? {} : { findings: review.findings }),
          ...(turn.plan.length === 0 ? {} : { plan: turn.plan.map(stepOf) }),
          files,
          commands,
          ...(declined.length === 0 ? {} : { declined }),
          usage: usageOf(turn.usage, turn.model, settings),
        }),
    about: ABOUT,
  };
}

/** What the reader of `files` must know. */
function changeNotices({ changes }: TurnSnapshot): string[] {
  if (changes === undefined) return [];
  const { notes, overlaps, more } = changes;
  const shared = `Other turns ran in this folder at the same time (${overlaps.join(', ')}); some of these files may be theirs.`;
  return [
    ...notes,
    ...(overlaps.length === 0 ? [] : [shared]),
    ...(more === 0 ? [] : [`${more} more changed files are not listed.`]),
  ];
}

function nextStep(turn: TurnSnapshot, cursor: string | undefined, session: SessionId): string | undefined {
  if (turn.held === true) return heldNext(turn, session);
  if (!hasEnded(turn.status)) {
    const why =
      turn.status === 'waiting_for_approval'
        ? 'A person must answer in VS Code first. '
        : turn.status === 'queued'
          ? 'It waits for its turn. '
          : 'It goes on by itself. ';
    return `${why}Call wait with turn "${turn.id}" for the answer, or cancel to stop it.`;
  }
  if (cursor !== undefined) return `The answer is longer: call wait with turn "${turn.id}" and this cursor.`;
  if (turn.changes?.preview === true && turn.changes.files.length > 0) {
    return `Call patch with turn "${turn.id}" for the diff, and with mode "apply" too to make the change.`;
  }
  return `To go on, call ask with session "${session}".`;
}

/** Only its own side has a prompt sent that was not: over MCP what came over MCP. */
export function heldNext({ id, source }: TurnSnapshot, session: SessionId): string {
  const send =
    source.kind === 'mcp'
      ? `Call chat_msg with session "${session}" and turn "${id}" to have it sent`
      : 'It is sent when a person says so in VS Code';
  return `It is held: the bridge ended before it was sent to Codex, and it is not sent by itself. ${send}, or call cancel with turn "${id}" to discard it.`;
}

/** Every end but `completed` is an error to whoever asked for the work. */
function errorOf(turn: TurnSnapshot): { code: string; message: string } | undefined {
  if (!hasEnded(turn.status) || turn.status === 'completed') return undefined;
  if (turn.error !== undefined) return { code: turn.error.code, message: turn.error.message };
  if (turn.status === 'cancelled') {
    return { code: 'CANCELLED', message: 'The turn was cancelled before it was done.' };
  }
  if (turn.status === 'interrupted') {
    return {
      code: 'CODEX_EXITED',
      message: 'The turn was interrupted before it was done. Send the prompt again.',
    };
  }
  return { code: 'MODEL_ERROR', message: 'Codex could not finish the turn, and did not say why.' };
}

function commandsOf(turn: TurnSnapshot): { command: string; exit_code: number | null }[] {
  return turn.items.flatMap((item) => {
    if (item.type !== 'command') return [];
    return [{ command: clip(item.command), exit_code: item.exitCode ?? null }];
  });
}

function stepOf({ files, ...step }: PlanStep) {
  return { ...step, ...optional('files', files?.slice()) };
}

/** Where a person, or nobody in time, said no, and why. What the rules forbid outright leaves no item. */
function declinedOf({ items }: TurnSnapshot): string[] {
  const declined = new Map<string, string>();
  for (const item of items) {
    if (item.status !== 'declined') continue;
    if (item.type === 'command') declined.set(`run \`${clip(item.command)}\``, '');
    else if (item.type === 'file_change') {
      declined.set(`edit ${clip(item.changes.map((change) => change.path).join(', '))}`, '');
    } else if (item.type === 'decision') {
      // With its reason it tells again what another item may have told.
      declined.set(declinedSubject(item), item.reason ?? '');
    }
  }
  return [...declined].map(([what, why]) => (why === '' ? what : `${what}: ${clip(why)}`));
}

function declinedSubject({ about, subject }: Extract<Item, { type: 'decision' }>): string {
  if (about === 'command') return `run \`${clip(subject)}\``;
  return about === 'file_change' ? `edit ${clip(subject.replaceAll('\n', ', '))}` : clip(subject);
}

function clip(text: string): string {
  return text.length <= MAX_COMMAND_LENGTH ? text : `${text.slice(0, MAX_COMMAND_LENGTH)}…`;
}

function bounded<T>(list: T[], limit: number, what: string, notices: string[]): T[] {
  if (list.length <= limit) return list;
  notices.push(
    `${list.length - limit} more ${what} are not listed: export the session with history to see all.`,
  );
  return list.slice(0, limit);
}

export function usageOf(
  usage: TokenUsage,
  model: string | undefined,
  settings: Pick<BridgeSettings, 'prices' | 'currency'>,
): z.infer<typeof usageSchema> {
  const price = model === undefined ? undefined : settings.prices[model];
  return {
    input: usage.input,
    cached_input: usage.cachedInput,
    output: usage.output,
    reasoning_output: usage.reasoningOutput,
    total: usage.total,
    ...(price === undefined
      ? {}
      : {
          cost:
            ((usage.input - usage.cachedInput) * price.input +
              usage.cachedInput * (price.cachedInput ?? price.input) +
              usage.output * price.output) /
            1_000_000,
          currency: settings.currency,
        }),
  };
}

/**
 * The same for clients that know text only: the answer first and marked as what it is, then what is around it,
 * where everything of Codex's stays in its line.
 */
export function textOf(result: TurnResult): string {
  const lines: string[] = [];
  const said = [
    ...(result.answer === undefined || result.answer === '' ? [] : [result.answer]),
    ...(result.findings === undefined ? [] : findingLines(result.findings)),
  ];
  if (said.length > 0) lines.push(marked(said.join('\n')), '');
  if (result.error !== undefined)
    lines.push(`Error ${result.error.code}: ${visibleLine(result.error.message)}`);
  const status = result.held === true ? 'held' : result.status;
  lines.push(`[Codex: ${status}, session ${result.session}, turn ${result.turn}]`);
  if (result.files !== undefined && result.files.length > 0) {
    lines.push(`Files changed: ${result.files.map(fileText).join(', ')}`);
  }
  if (result.commands !== undefined && result.commands.length > 0) {
    const list = result.commands.map(
      ({ command, exit_code }) => `\`${visibleLine(command)}\` (${exit_code ?? 'no exit code'})`,
    );
    lines.push(`Commands: ${list.join(', ')}`);
  }
  for (const what of result.declined ?? []) lines.push(`Declined: ${visibleLine(what)}`);
  for (const notice of result.notices ?? []) lines.push(`Note: ${visibleLine(notice)}`);
  for (const waiting of result.waiting_for ?? []) lines.push(`Waiting for approval in VS Code: ${waiting}`);
  if (result.next !== undefined) lines.push(`Next: ${result.next}`);
  if (result.cursor !== undefined) lines.push(`Cursor: ${result.cursor}`);
  return lines.join('\n');
}

function fileText(file: ChangedFile | NonNullable<TurnResult['files']>[number]): string {
  return `${visibleLine(file.path)} (${file.kind}, +${file.added} -${file.removed})`;
}

/** Any thrown value as a tool's answer. */
export function errorResult(error: unknown): ToolResult {
  return errorInfoResult(toErrorInfo(error));
}

export function errorInfoResult({ code, message }: ErrorInfo): ToolResult {
  return { structured: { error: { code, message } }, text: `Error ${code}: ${message}`, isError: true };
}

export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  // A computed key of a literal type is widened to string by the compiler.
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
