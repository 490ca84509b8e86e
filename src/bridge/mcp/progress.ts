import type { SessionEvent } from '../../shared/events.ts';
import type { TurnTask } from '../../shared/review.ts';
import type { Approval, Item, PlanStep, TurnSnapshot } from '../../shared/session.ts';
import { answerOf, hasEnded } from '../../shared/session.ts';
import { visibleLine, visibleProse } from '../../shared/visible.ts';

/** Characters of the text so far that one progress message shows: its end. */
const TEXT_TAIL = 500;
const LINE = 120;

/** A step to name, or that the answer grew. */
export type Step = string | { readonly text: true };

/**
 * What an event is to someone who waits for the turn: a step to name, `text` when the answer grew, or
 * undefined when it is nothing to tell. `turn` is as it is after the event.
 */
export function stepOf(event: SessionEvent, turn: TurnSnapshot): Step | undefined {
  switch (event.type) {
    case 'turn.started':
      return turn.task === undefined ? 'started' : taskStep(turn.task);
    case 'turn.plan':
      return planStep(event.plan);
    case 'turn.notice':
      return line(event.notice.text);
    case 'item.started':
      return itemStarted(event.item);
    case 'item.completed':
      return event.item.type === 'agent_message' ? { text: true } : itemEnded(event.item);
    case 'item.delta':
      return itemGrew(turn.items.findLast((item) => item.id === event.item));
    case 'approval.requested':
      return approvalStep(event.approval);
    case 'approval.resolved':
      return event.decision.startsWith('accept') ? 'approved, going on' : 'not approved';
    default:
      return undefined;
  }
}

/** Of a prompt that waits until somebody has it sent. */
export const HELD = 'held: the bridge ended before this prompt was sent to Codex';

/** Where a turn is right now, for someone who starts to wait in the middle of it. */
export function standOf(turn: TurnSnapshot, approvals: readonly Approval[], ahead: number): string {
  if (hasEnded(turn.status)) return turn.status;
  if (turn.held === true) return HELD;
  if (turn.status === 'queued') {
    return ahead > 0 ? `queued, ${ahead} before it in this session` : 'queued';
  }
  const approval = approvals.find((one) => one.turn === turn.id);
  if (approval !== undefined) return approvalStep(approval);
  const running = turn.items.findLast((item) => item.status === 'running');
  const step = running === undefined ? undefined : itemStarted(running);
  return step ?? (textSoFar(turn) || planStep(turn.plan) || 'working');
}

function taskStep(task: TurnTask): string {
  return task.kind === 'review' ? 'reviewing' : 'making room in the context';
}

/** The end of the answer so far. */
export function textSoFar(turn: TurnSnapshot): string {
  const text = visibleProse(answerOf(turn).slice(-2 * TEXT_TAIL));
  if (text.length <= TEXT_TAIL) return text;
  const tail = text.slice(-TEXT_TAIL);
  // Never begin with the second half of a character.
  const code = tail.charCodeAt(0);
  return `…${code >= 0xdc00 && code <= 0xdfff ? tail.slice(1) : tail}`;
}

function itemStarted(item: Item): string | undefined {
  switch (item.type) {
    case 'command':
      return `running \`${line(item.command)}\``;
    case 'file_change':
      return `editing ${line(item.changes.map((change) => change.path).join(', '))}`;
    case 'reasoning':
      return thinking(item.summary);
    case 'tool_call':
      return `calling ${line(`${item.server}/${item.tool}`)}`;
    case 'web_search':
      return `searching the web: ${line(item.query)}`;
    case 'plan':
      return 'planning';
    case 'image':
      return `looking at ${line(item.path)}`;
    case 'review':
      return 'reviewing';
    case 'compaction':
      return 'making room in the context';
    default:
      return undefined;
  }
}

function itemGrew(item: Item | undefined): Step | undefined {
  if (item?.type === 'agent_message') return { text: true };
  return item?.type === 'reasoning' ? thinking(item.summary) : undefined;
}

/** Codex heads each part of a summary with a line in bold. */
function thinking(summary: string): string {
  const heading = [...summary.matchAll(/\*\*([^*\n]+)\*\*/g)].at(-1)?.[1];
  return heading === undefined ? 'thinking' : `thinking: ${line(heading)}`;
}

/** Only what did not go as hoped is worth a message at its end; the rest is followed by the next step. */
function itemEnded(item: Item): string | undefined {
  if (item.type === 'command' && item.exitCode !== undefined && item.exitCode !== 0) {
    return `\`${line(item.command)}\` ended with ${item.exitCode}`;
  }
  if (item.type === 'file_change' && item.status === 'failed') return 'an edit failed';
  return undefined;
}

function planStep(plan: readonly PlanStep[]): string | undefined {
  const at = plan.findIndex((step) => step.status === 'in_progress');
  const step = plan[at];
  return step === undefined ? undefined : `step ${at + 1} of ${plan.length}: ${line(step.step)}`;
}

function approvalStep(approval: Approval): string {
  return `waiting for your approval in VS Code: ${approvalSubject(approval)}`;
}

/** What an approval is about, in one line. */
export function approvalSubject({ request }: Approval): string {
  switch (request.kind) {
    case 'command':
      return `run \`${line(request.command)}\``;
    case 'file_change':
      return `edit ${line(request.changes.map((change) => change.path).join(', '))}`;
    case 'permissions':
    case 'question':
      return line(request.text);
  }
}

function line(text: string): string {
  const flat = visibleLine(text);
  return flat.length <= LINE ? flat : `${flat.slice(0, LINE - 1)}…`;
}
