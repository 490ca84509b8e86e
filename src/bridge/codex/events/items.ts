import { boundOutput } from '../../../shared/reducer.ts';
import type { FileChange, Item, ItemStatus } from '../../../shared/session.ts';
import type { ThreadItem } from '../generated/v2/ThreadItem.ts';
import type { UserInput } from '../generated/v2/UserInput.ts';
import { fileChange } from './changes.ts';
import { shownPath } from './paths.ts';
import { parseReview } from './review.ts';

/** Arguments and results of a tool longer than this (UTF-16 units) are cut, and say so. */
export const MAX_TOOL_TEXT = 64 * 1024;
/** One file's diff in an item longer than this (UTF-16 units) is cut, and says so. An approval shows it whole. */
export const MAX_ITEM_DIFF = 512 * 1024;

export interface ItemContext {
  /** Real path. */
  readonly folder: string;
  /** Whether the item is done, by the notification that it came with. */
  readonly done: boolean;
  readonly startedAt: number;
  readonly endedAt?: number;
}

/** An item of Codex's (`item/started`, `item/completed`) as ours. Types that are not known become `other`. */
export function toItem(item: ThreadItem, context: ItemContext): Item {
  const base = {
    id: item.id,
    status: statusOf(item, context.done),
    startedAt: context.startedAt,
    ...(context.done && context.endedAt !== undefined ? { endedAt: context.endedAt } : {}),
  };
  switch (item.type) {
    case 'userMessage':
      return { ...base, type: 'user_message', text: userText(item.content) };
    case 'agentMessage':
      return { ...base, type: 'agent_message', text: item.text, ...given('phase', item.phase) };
    case 'reasoning':
      return { ...base, type: 'reasoning', summary: joinParts(item.summary), text: joinParts(item.content) };
    case 'commandExecution':
      return {
        ...base,
        type: 'command',
        command: item.command,
        cwd: item.cwd,
        ...boundOutput(item.aggregatedOutput ?? '', 0),
        ...given('exitCode', item.exitCode),
        ...given('durationMs', item.durationMs),
      };
    case 'fileChange':
      return {
        ...base,
        type: 'file_change',
        changes: item.changes.map((change) => boundDiff(fileChange(context.folder, change))),
      };
    case 'mcpToolCall':
      return {
        ...base,
        type: 'tool_call',
        server: item.server,
        tool: item.tool,
        args: jsonText(item.arguments),
        ...(item.result === null ? {} : { result: jsonText(item.result) }),
        ...given('error', item.error?.message),
      };
    case 'dynamicToolCall':
      return {
        ...base,
        type: 'tool_call',
        server: item.namespace ?? 'codex',
        tool: item.tool,
        args: jsonText(item.arguments),
        ...(item.contentItems === null ? {} : { result: jsonText(item.contentItems) }),
      };
    case 'webSearch':
      return { ...base, type: 'web_search', query: item.query };
    case 'plan':
      return { ...base, type: 'plan', text: item.text };
    case 'imageView':
      return { ...base, type: 'image', path: shownPath(context.folder, item.path) };
    case 'imageGeneration':
      if (item.savedPath === undefined) return { ...base, type: 'other', name: item.type };
      return { ...base, type: 'image', path: shownPath(context.folder, item.savedPath) };
    case 'exitedReviewMode':
      return { ...base, type: 'review', ...parseReview(item.review, context.folder) };
    case 'contextCompaction':
      return { ...base, type: 'compaction' };
    // The begin of a review only names what is reviewed: as a review item it would look like the answer.
    case 'enteredReviewMode':
    case 'hookPrompt':
    case 'functionCallOutput':
    case 'collabAgentToolCall':
    case 'subAgentActivity':
    case 'sleep':
      return { ...base, type: 'other', name: item.type };
    default:
      return unknownItem(item, base);
  }
}

/** What a user message says; for a turn that was typed in the terminal, its prompt. */
export function userText(content: readonly UserInput[]): string {
  return content
    .map((part) => {
      switch (part.type) {
        case 'text':
          return part.text;
        case 'image':
        case 'localImage':
          return '[image]';
        case 'audio':
        case 'localAudio':
          return '[audio]';
        case 'skill':
        case 'mention':
          return `@${part.name}`;
        default:
          return '';
      }
    })
    .filter((text) => text !== '')
    .join('\n\n');
}

/** Parts of a reasoning item as one text; {@link PART_SEPARATOR} stands between them, also while it streams. */
function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(PART_SEPARATOR);
}

export const PART_SEPARATOR = '\n\n';

/** At run time a newer Codex may send what the types do not know; the compiler asks for a case when they do. */
function unknownItem(
  item: never,
  base: { id: string; status: ItemStatus; startedAt: number; endedAt?: number },
): Item {
  // Only its type is read, which every item has.
  return { ...base, type: 'other', name: String((item as { type?: unknown }).type) };
}

function statusOf(item: ThreadItem, done: boolean): ItemStatus {
  if (!done) return 'running';
  if (!('status' in item)) return 'completed';
  switch (item.status) {
    case 'declined':
      return 'declined';
    case 'failed':
    case 'interrupted':
      return 'failed';
    default:
      return 'completed';
  }
}

function boundDiff(change: FileChange): FileChange {
  const { diff } = change;
  if (diff.length <= MAX_ITEM_DIFF) return change;
  const end = diff.lastIndexOf('\n', MAX_ITEM_DIFF) + 1;
  return { ...change, diff: `${diff.slice(0, end)}\\ ${diff.length - end} more characters not shown\n` };
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  if (text.length <= MAX_TOOL_TEXT) return text;
  return `${text.slice(0, MAX_TOOL_TEXT)} … ${text.length - MAX_TOOL_TEXT} more characters not shown`;
}

/** A field only where Codex gave it. */
function given<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  // A computed key widens to string; it is K by construction.
  return value === null || value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
