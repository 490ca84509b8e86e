import { OUTPUT_HEAD } from '../../src/shared/reducer.ts';
import {
  hasEnded,
  type Item,
  type SessionId,
  type SessionSnapshot,
  type TurnEnd,
  type TurnId,
  type TurnSnapshot,
} from '../../src/shared/session.ts';

/** A prompt that somebody was told is taken. */
export interface Acknowledged {
  readonly session: SessionId;
  readonly turn: TurnId;
  /** Absent for a task, whose words are the bridge's. */
  readonly prompt?: string;
}

/** What an `Oracle` has written down. */
export interface Seen {
  /** Each prompt's sendings, by key. */
  readonly sent: ReadonlyMap<string, ReadonlySet<string>>;
  readonly acknowledged: ReadonlyMap<TurnId, Acknowledged>;
  readonly ends: ReadonlyMap<TurnId, { readonly status: TurnEnd; readonly by: string }>;
  /** `perhaps`: the answer did not come. */
  readonly deleted: ReadonlyMap<SessionId, 'deleted' | 'perhaps'>;
  /** Sessions that repeat another's turns. */
  readonly copies: ReadonlySet<SessionId>;
  /** Turns that may still wait. */
  readonly waiting: ReadonlySet<TurnId>;
  /** The longest text that was shown, by {@link textKey} or {@link answerKey}. */
  readonly texts: ReadonlyMap<string, string>;
  /** The items that were shown, by {@link turnKey}. */
  readonly items: ReadonlyMap<string, ReadonlySet<string>>;
}

/** One request to the model, as far as the oracle looks. */
interface Asked {
  readonly prompt: string;
  readonly prompts: readonly string[];
  readonly startsTurn: boolean;
}

/** What the model's endpoint was asked: all that a test of hours need keep of its requests. */
export class ModelTally {
  /** Prompt → how many turns began with it. */
  readonly turns = new Map<string, number>();
  /** Prompt → how often it stood in one context at most. */
  readonly inContext = new Map<string, number>();

  static of(requests: readonly Asked[]): ModelTally {
    const tally = new ModelTally();
    for (const request of requests) tally.add(request);
    return tally;
  }

  add({ prompt, prompts, startsTurn }: Asked): void {
    if (startsTurn) count(this.turns, prompt);
    const here = new Map<string, number>();
    for (const one of prompts) {
      this.inContext.set(one, Math.max(this.inContext.get(one) ?? 0, count(here, one)));
    }
  }
}

export const turnKey = (session: SessionId, turn: TurnId) => `${session} ${turn}`;
export const textKey = (session: SessionId, turn: TurnId, item: string, field: string) =>
  `${session} ${turn} ${item} ${field}`;
export const answerKey = (turn: TurnId) => `${turn} answer`;

/** How much of a command's output is compared: well below where the middle of a long one is left out. */
const OUTPUT_COMPARED = OUTPUT_HEAD / 2;

/**
 * Whether `text` is what `shown` was the beginning of. Codex may leave the first bytes of a command's output out
 * of what it streams and tell them at the end only (see `events/map.ts`): there it is a part.
 */
export function continues(text: string, shown: string, field: string): boolean {
  return field === 'output' ? text.includes(shown.slice(0, OUTPUT_COMPARED)) : text.startsWith(shown);
}

/** The texts of an item that stream. Of a command's output the part that is never cut. */
export function textsOf(item: Item): [field: string, text: string][] {
  switch (item.type) {
    case 'user_message':
    case 'agent_message':
    case 'plan':
      return [['text', item.text]];
    case 'reasoning':
      return [
        ['summary', item.summary],
        ['text', item.text],
      ];
    case 'command':
      return [['output', item.output.slice(0, OUTPUT_HEAD)]];
    default:
      return [];
  }
}

/** What the oracle stands for. */
export const RULES = {
  stored: 'each acknowledged prompt is in the history, once',
  asked: 'the model is asked each prompt at most once',
  ended: 'each turn has one end, the same for everybody',
  order: 'events come one after the other, without a gap',
  shown: 'text that was shown is a prefix of the text that is stored',
} as const;

export type Rule = keyof typeof RULES;

/** Counts the comparisons, so that a test can tell that there were any, and keeps what did not hold. */
export class Findings {
  /** How often each rule was looked at, and what did not hold. */
  readonly rules: Record<Rule, { checks: number; readonly broken: string[] }> = {
    stored: { checks: 0, broken: [] },
    asked: { checks: 0, broken: [] },
    ended: { checks: 0, broken: [] },
    order: { checks: 0, broken: [] },
    shown: { checks: 0, broken: [] },
  };

  get violations(): string[] {
    return Object.values(this.rules).flatMap(({ broken }) => broken);
  }

  check(rule: Rule, holds: boolean, violation: () => string): void {
    this.rules[rule].checks++;
    if (!holds) this.rules[rule].broken.push(violation());
  }

  add(other: Findings): void {
    for (const rule of Object.keys(RULES)) {
      // Its own keys.
      const [mine, theirs] = [this.rules[rule as Rule], other.rules[rule as Rule]];
      mine.checks += theirs.checks;
      mine.broken.push(...theirs.broken);
    }
  }
}

/** Compares what was seen with what is stored, and with what the model's endpoint was asked. */
export function compare(seen: Seen, history: readonly SessionSnapshot[], model?: ModelTally): Findings {
  const found = new Findings();
  const stored = checkTurns(seen, history, found);
  checkPrompts(seen, history, found);
  for (const { session, turn } of stored.values()) checkTexts(seen, session, turn, found);
  if (model !== undefined) checkModel(seen, [...stored.values()], model, found);
  return found;
}

interface Stored {
  readonly session: SessionId;
  readonly turn: TurnSnapshot;
}

function checkTurns(seen: Seen, history: readonly SessionSnapshot[], found: Findings): Map<TurnId, Stored> {
  const stored = new Map<TurnId, Stored>();
  for (const { id: session, turns } of history) {
    found.check(
      'stored',
      seen.deleted.get(session) !== 'deleted',
      () => `session ${session} was deleted and is in the history`,
    );
    for (const turn of turns) {
      const other = stored.get(turn.id)?.session;
      found.check(
        'stored',
        other === undefined,
        () => `turn ${turn.id} is in the history twice: in ${other} and in ${session}`,
      );
      stored.set(turn.id, { session, turn });
      checkEnd(seen, turn, found);
    }
  }
  for (const ack of seen.acknowledged.values()) checkAcknowledged(seen, ack, stored.get(ack.turn), found);
  return stored;
}

function checkAcknowledged(seen: Seen, ack: Acknowledged, stored: Stored | undefined, found: Findings): void {
  const { turn, session, prompt } = ack;
  if (stored === undefined) {
    found.check(
      'stored',
      seen.deleted.has(session),
      () => `turn ${turn} of ${session} was acknowledged (${quote(prompt)}) and is not in the history`,
    );
    return;
  }
  found.check(
    'stored',
    stored.session === session,
    () => `turn ${turn} was acknowledged in ${session} and is stored in ${stored.session}`,
  );
  found.check(
    'stored',
    prompt === undefined || stored.turn.prompt === prompt,
    () => `turn ${turn} was acknowledged as ${quote(prompt)} and is stored as ${quote(stored.turn.prompt)}`,
  );
}

function checkEnd(seen: Seen, turn: TurnSnapshot, found: Findings): void {
  const told = seen.ends.get(turn.id);
  const what = `turn ${turn.id} (${quote(turn.prompt)})`;
  const now = turn.held === true ? `${turn.status}, held` : turn.status;
  if (hasEnded(turn.status)) {
    found.check(
      'ended',
      told === undefined || told.status === turn.status,
      () => `${what} is stored as ${turn.status}; ${told?.by} was told ${told?.status}`,
    );
    return;
  }
  found.check(
    'ended',
    told === undefined,
    () => `${what} has no end: it is stored as ${now}; ${told?.by} was told ${told?.status}`,
  );
  found.check(
    'ended',
    told !== undefined || seen.waiting.has(turn.id),
    () => `${what} has no end: it is stored as ${now}`,
  );
}

/** No more turns of a prompt than times that it was sent. */
function checkPrompts(seen: Seen, history: readonly SessionSnapshot[], found: Findings): void {
  const turnsOf = new Map<string, TurnId[]>();
  for (const { id, turns, forkedFrom } of history) {
    if (seen.copies.has(id) || forkedFrom !== undefined) continue;
    for (const { id: turn, prompt } of turns) {
      const list = turnsOf.get(prompt);
      if (list === undefined) turnsOf.set(prompt, [turn]);
      else list.push(turn);
    }
  }
  for (const [prompt, keys] of seen.sent) {
    const turns = turnsOf.get(prompt) ?? [];
    found.check(
      'stored',
      turns.length <= keys.size,
      () =>
        `${quote(prompt)} was sent ${times(keys.size)} and is in the history ${times(turns.length)}: ${turns.join(', ')}`,
    );
  }
}

function checkTexts(seen: Seen, session: SessionId, turn: TurnSnapshot, found: Findings): void {
  const isPrefix = (key: string, stored: readonly string[], what: string, field = 'text') => {
    const shown = seen.texts.get(key);
    if (shown === undefined) return;
    found.check(
      'shown',
      stored.some((text) => continues(text, shown, field)),
      () =>
        `${what} of turn ${turn.id}: ${quote(shown)} was shown, stored is ${stored.map(quote).join(' and ') || 'nothing'}`,
    );
  };
  const stored = new Set<string>();
  for (const item of turn.items) {
    stored.add(item.id);
    for (const [field, text] of textsOf(item)) {
      isPrefix(
        textKey(session, turn.id, item.id, field),
        [text],
        `${item.type} ${item.id} (${field})`,
        field,
      );
    }
  }
  for (const item of seen.items.get(turnKey(session, turn.id)) ?? []) {
    found.check(
      'shown',
      stored.has(item),
      () => `item ${item} of turn ${turn.id} was shown and is not stored`,
    );
  }
  const answers = turn.items.flatMap((item) =>
    item.type === 'agent_message' || item.type === 'review' ? [item.text] : [],
  );
  isPrefix(answerKey(turn.id), answers, 'the answer');
}

/** The model was asked each prompt at most once, and what was completed it was asked. */
function checkModel(seen: Seen, stored: readonly Stored[], model: ModelTally, found: Findings): void {
  const inHistory = new Set(stored.map(({ turn }) => turn.prompt));
  for (const [prompt, { size }] of seen.sent) {
    const turns = model.turns.get(prompt) ?? 0;
    const most = model.inContext.get(prompt) ?? 0;
    found.check(
      'asked',
      turns <= size,
      () => `the model was asked ${quote(prompt)} ${times(turns)}; it was sent ${times(size)}`,
    );
    found.check(
      'asked',
      most <= size,
      () => `one context of the model's has ${quote(prompt)} ${times(most)}; it was sent ${times(size)}`,
    );
    found.check(
      'stored',
      most === 0 || inHistory.has(prompt) || seen.deleted.size > 0,
      () => `the model was asked ${quote(prompt)}, which is not in the history`,
    );
  }
  for (const { turn } of stored) {
    if (turn.status !== 'completed' || !seen.sent.has(turn.prompt)) continue;
    found.check(
      'asked',
      model.inContext.has(turn.prompt) || withMore(model.inContext, turn.prompt),
      () => `turn ${turn.id} is completed, and the model never saw ${quote(turn.prompt)}`,
    );
  }
}

/** Attachments stand in the same message as the prompt, on lines of their own. */
function withMore(asked: ReadonlyMap<string, number>, prompt: string): boolean {
  return [...asked.keys()].some((one) => one.startsWith(`${prompt}\n`) || one.endsWith(`\n${prompt}`));
}

function count(counts: Map<string, number>, key: string): number {
  const n = (counts.get(key) ?? 0) + 1;
  counts.set(key, n);
  return n;
}

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`;
}

/** Short enough for a message; where texts differ at their ends, those are what one wants to see. */
export function quote(text: string | undefined): string {
  if (text === undefined) return 'a task';
  const short = text.length <= 120 ? text : `${text.slice(0, 50)} … ${text.slice(-60)}`;
  return `${JSON.stringify(short)}${short === text ? '' : ` (${text.length} characters)`}`;
}
