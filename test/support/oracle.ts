import type { NumberedEvent, SessionEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import {
  hasEnded,
  type SessionId,
  type SessionSnapshot,
  type TurnEnd,
  type TurnId,
  type TurnSnapshot,
} from '../../src/shared/session.ts';
import {
  type Acknowledged,
  answerKey,
  compare,
  continues,
  Findings,
  type ModelTally,
  quote,
  textKey,
  textsOf,
  turnKey,
} from './oracleChecks.ts';

/** What one observer was shown of one session. */
interface Shown {
  snapshot: SessionSnapshot | undefined;
  /** Events that came before the answer of `session.open` was read. */
  readonly early: NumberedEvent[];
  /** Turns whose end it was told. */
  readonly ended: Set<TurnId>;
}

/**
 * Knows at the end of a test of faults whether something was lost. It writes down at the bridge's borders what
 * was sent, acknowledged, shown and told, and compares that with the history and with what the model was asked:
 *
 * - each acknowledged prompt is in the history, once, and none more often than it was sent
 * - the model was asked each prompt at most once
 * - each turn has one end, the same for everybody
 * - events come without gaps, and text that was shown is a prefix of the text that is stored
 *
 * `oracleWatch.ts` lets faces and clients tell it; `leftOvers.ts` reads the history from disk and finds what a
 * bridge has left behind.
 */
export class Oracle {
  readonly #sent = new Map<string, Set<string>>();
  readonly #acknowledged = new Map<TurnId, Acknowledged>();
  readonly #ends = new Map<TurnId, { readonly status: TurnEnd; readonly by: string }>();
  readonly #deleted = new Map<SessionId, 'deleted' | 'perhaps'>();
  readonly #copies = new Set<SessionId>();
  readonly #waiting = new Set<TurnId>();
  readonly #texts = new Map<string, string>();
  readonly #items = new Map<string, Set<string>>();
  readonly #observers = new Map<string, Map<SessionId, Shown>>();
  readonly #live = new Findings();
  #sendings = 0;

  /** How many prompts were acknowledged. */
  get prompts(): number {
    return this.#acknowledged.size;
  }

  /** What did not hold already while it was seen. */
  get seenWrong(): readonly string[] {
    return this.#live.violations;
  }

  /**
   * Somebody is about to send a prompt. With a key the same request may be sent several times and counts once.
   * What comes back is called when the bridge has refused it.
   */
  sent(prompt: string, key = `#${++this.#sendings}`): () => void {
    const keys = this.#sent.get(prompt) ?? new Set();
    this.#sent.set(prompt, keys);
    const added = !keys.has(key);
    keys.add(key);
    return () => {
      if (added) keys.delete(key);
    };
  }

  /** Somebody was told that a prompt is taken. The same turn again is the same prompt. */
  acknowledged(by: string, ack: Acknowledged): void {
    const known = this.#acknowledged.get(ack.turn);
    this.#live.check(
      'stored',
      known === undefined || known.prompt === ack.prompt,
      () =>
        `turn ${ack.turn} is the answer to two prompts: ${quote(known?.prompt)} and ${quote(ack.prompt)} of ${by}`,
    );
    this.#acknowledged.set(ack.turn, ack);
  }

  /** A session was deleted: its prompts are not in the history. `perhaps`: the answer did not come. */
  deleted(session: SessionId, how: 'deleted' | 'perhaps' = 'deleted'): void {
    if (this.#deleted.get(session) !== 'deleted') this.#deleted.set(session, how);
  }

  /** A session that repeats another's turns, as an import does. Forks say so themselves. */
  copied(session: SessionId): void {
    this.#copies.add(session);
  }

  /** This turn may still wait at the end. */
  mayWait(turn: TurnId): void {
    this.#waiting.add(turn);
  }

  /** An observer has opened a session; from here on it is told each event. */
  opened(by: string, snapshot: SessionSnapshot): void {
    const shown: Shown = { snapshot, early: [], ended: new Set() };
    const early = this.#shownTo(by, snapshot.id).early;
    this.#observers.get(by)?.set(snapshot.id, shown);
    for (const turn of snapshot.turns) this.#sees(by, snapshot.id, turn);
    for (const event of early) if (event.seq > snapshot.seq) this.told(by, snapshot.id, event);
  }

  /** An observer was told an event of a session that it has opened, or is just opening. */
  told(by: string, session: SessionId, event: NumberedEvent): void {
    const shown = this.#shownTo(by, session);
    const before = shown.snapshot;
    if (before === undefined) {
      shown.early.push(event);
      return;
    }
    this.#live.check(
      'order',
      event.seq === before.seq + 1,
      () => `${by} was told event ${event.seq} of ${session} after event ${before.seq}`,
    );
    shown.snapshot = reduce(before, event);
    const id = turnOf(event.event);
    if (event.event.type === 'turn.ended') {
      this.#live.check(
        'ended',
        !shown.ended.has(event.event.turn),
        () => `${by} was told two ends of turn ${id}: the second is ${JSON.stringify(event.event)}`,
      );
      shown.ended.add(event.event.turn);
    }
    const turn = shown.snapshot.turns.findLast((one) => one.id === id);
    if (turn !== undefined) this.#sees(by, session, turn, itemOf(event.event));
  }

  /** An observer has left, or has closed one session: what it sees next it opens anew. */
  left(by: string, session?: SessionId): void {
    if (session === undefined) this.#observers.delete(by);
    else this.#observers.get(by)?.delete(session);
  }

  /** Somebody heard of a turn's end. */
  ended(by: string, turn: TurnId, status: TurnEnd): void {
    const known = this.#ends.get(turn);
    this.#live.check(
      'ended',
      known === undefined || known.status === status,
      () => `turn ${turn} has two ends: ${known?.status} for ${known?.by}, ${status} for ${by}`,
    );
    if (known === undefined) this.#ends.set(turn, { status, by });
  }

  /** Somebody was shown the beginning of a turn's answer, without the item that it is in. */
  answered(turn: TurnId, answer: string): void {
    const key = answerKey(turn);
    // Answers of several messages follow each other: the last one that was shown is looked for.
    if (answer !== '') this.#texts.set(key, answer);
  }

  /**
   * What was looked at, and in `violations` everything that was lost or doubled.
   *
   * @param history what is stored at the end, of all folders
   */
  verdict(history: readonly SessionSnapshot[], model?: ModelTally): Findings {
    const all = new Findings();
    all.add(this.#live);
    all.add(
      compare(
        {
          sent: this.#sent,
          acknowledged: this.#acknowledged,
          ends: this.#ends,
          deleted: this.#deleted,
          copies: this.#copies,
          waiting: this.#waiting,
          texts: this.#texts,
          items: this.#items,
        },
        history,
        model,
      ),
    );
    return all;
  }

  #sees(by: string, session: SessionId, turn: TurnSnapshot, only?: string): void {
    if (hasEnded(turn.status)) this.ended(by, turn.id, turn.status);
    const key = turnKey(session, turn.id);
    const items = this.#items.get(key) ?? new Set();
    this.#items.set(key, items);
    for (const item of turn.items) {
      if (only !== undefined && item.id !== only) continue;
      items.add(item.id);
      for (const [field, text] of textsOf(item))
        this.#grows(by, textKey(session, turn.id, item.id, field), field, text);
    }
  }

  /** Text only grows, at its end; an observer may be behind another. */
  #grows(by: string, key: string, field: string, text: string): void {
    const known = this.#texts.get(key) ?? '';
    const longer = text.length >= known.length && continues(text, known, field);
    this.#live.check(
      'shown',
      longer || continues(known, text, field),
      () => `${by} was shown ${quote(text)} where ${quote(known)} was shown before (${key})`,
    );
    if (longer && text !== '') this.#texts.set(key, text);
  }

  #shownTo(by: string, session: SessionId): Shown {
    const sessions = this.#observers.get(by) ?? new Map<SessionId, Shown>();
    this.#observers.set(by, sessions);
    const known = sessions.get(session);
    if (known !== undefined) return known;
    const shown: Shown = { snapshot: undefined, early: [], ended: new Set() };
    sessions.set(session, shown);
    return shown;
  }
}

function turnOf(event: SessionEvent): TurnId | undefined {
  if (event.type === 'turn.queued') return event.turn.id;
  return 'turn' in event ? event.turn : undefined;
}

/** The one item that an event is about. */
function itemOf(event: SessionEvent): string | undefined {
  if (event.type === 'item.delta') return event.item;
  return event.type === 'item.started' || event.type === 'item.completed' ? event.item.id : undefined;
}
