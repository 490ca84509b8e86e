import { boundOutput } from '../../../shared/reducer.ts';
import type { Item } from '../../../shared/session.ts';

/**
 * UTF-16 units of one message, plan or reasoning that are kept: several times what a model can say in one answer,
 * and few enough that a session with many of them still fits into one message to a face.
 */
export const MAX_ITEM_TEXT = 4 * 1024 * 1024;

export const TEXT_CUT =
  'Codex wrote more than 4 million characters in one piece. The beginning is kept; ask for the rest in smaller parts.';
/**
 * UTF-16 units of a command's output that are told while it runs: more is shown at its end only, when the middle
 * is left out. Faces would be told a hundred times what they keep, and the history would write it.
 */
export const MAX_TOLD_OUTPUT = 2 * 1024 * 1024;
export const OUTPUT_LONG =
  'A command prints more than 2 million characters. The beginning and the end are kept, and shown when it has ended; let it write to a file to have all.';

/** What has streamed of a turn's running items, in bounds. */
export class Streamed {
  /** Of commands, whose end does not always repeat it. */
  readonly #outputs = new Map<string, { output: string; omitted: number }>();
  /** UTF-16 units so far, by item and field. */
  readonly #lengths = new Map<string, number>();

  /** As much of a piece of text as there is room for in its item. */
  text(item: string, field: 'text' | 'summary', text: string): string {
    const key = `${field} ${item}`;
    const before = this.#lengths.get(key) ?? 0;
    this.#lengths.set(key, before + text.length);
    return before + text.length <= MAX_ITEM_TEXT ? text : cut(text, Math.max(0, MAX_ITEM_TEXT - before));
  }

  /** As much of a piece of a command's output as is told while it runs; all of it is counted. */
  output(item: string, text: string): string {
    const { output, omitted } = this.#outputs.get(item) ?? { output: '', omitted: 0 };
    this.#outputs.set(item, boundOutput(output + text, omitted));
    return cut(text, Math.max(0, MAX_TOLD_OUTPUT - output.length - omitted));
  }

  /** The item as it is kept at its end, and what is to be said of what is not. */
  whole(item: Item): { readonly item: Item; readonly notice?: string } {
    const streamed = this.#outputs.get(item.id);
    this.#outputs.delete(item.id);
    this.#lengths.delete(`text ${item.id}`);
    this.#lengths.delete(`summary ${item.id}`);
    if (item.type === 'command') return { item: withStreamedOutput(item, streamed) };
    const bounded = boundTexts(item);
    return bounded === item ? { item } : { item: bounded, notice: TEXT_CUT };
  }
}

/**
 * Codex repeats a command's output at its end, with the first bytes that it may have left out of the deltas,
 * but cuts it in the middle when it is long, and gives none where there was none. It sends 10,000 deltas of a
 * command at the most (seen with 0.169): how much there was after them nobody tells.
 */
function withStreamedOutput(
  item: Extract<Item, { type: 'command' }>,
  streamed: { readonly output: string; readonly omitted: number } | undefined,
): Item {
  const known = streamed === undefined ? 0 : streamed.output.length + streamed.omitted;
  if (streamed === undefined || known <= item.output.length + item.omitted) return item;
  // Too short to have both ends.
  if (item.omitted === 0) return { ...item, ...streamed };
  return { ...item, omitted: known - item.output.length };
}

function boundTexts(item: Item): Item {
  switch (item.type) {
    case 'agent_message':
    case 'plan':
      return item.text.length <= MAX_ITEM_TEXT ? item : { ...item, text: cut(item.text, MAX_ITEM_TEXT) };
    case 'reasoning':
      if (item.text.length <= MAX_ITEM_TEXT && item.summary.length <= MAX_ITEM_TEXT) return item;
      return { ...item, text: cut(item.text, MAX_ITEM_TEXT), summary: cut(item.summary, MAX_ITEM_TEXT) };
    default:
      return item;
  }
}

/** At most so many units, and no half of a character at the end. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
