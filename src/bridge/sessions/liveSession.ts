import { type Disposable, Emitter } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { NumberedEvent, SessionEvent, SessionEventType } from '../../shared/events.ts';
import { reduce } from '../../shared/reducer.ts';
import {
  type AnswerDetails,
  type ApprovalDecision,
  hasEnded,
  type SessionId,
  type SessionSettings,
  type SessionSnapshot,
  type TurnEnd,
  type TurnError,
  type TurnId,
  type TurnSnapshot,
  type TurnSource,
} from '../../shared/session.ts';
import { visibleLine } from '../../shared/visible.ts';
import type { Clock, Logger } from '../ports.ts';
import { decisionItem } from './decisionItem.ts';
import type { EventWriter, PendingEvents } from './eventWriter.ts';
import type { PromptRequest, Session, SessionChange } from './session.ts';

/** What a session asks of the folder that it lives in. */
export interface SessionHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: EventWriter;
  /** See {@link Session.prompt}. */
  prompt(session: LiveSession, request: PromptRequest): Promise<{ turn: TurnId }>;
  /** See {@link Session.release}. */
  release(session: LiveSession, turn: TurnId | undefined): Promise<TurnId[]>;
  steer(session: LiveSession, turn: TurnSnapshot, text: string): Promise<void>;
  /** Has them end; each tells its own end. */
  cancel(session: LiveSession, turns: readonly TurnSnapshot[]): void;
  answer(
    session: LiveSession,
    approval: string,
    decision: ApprovalDecision,
    who: TurnSource,
    details?: AnswerDetails,
  ): void;
  /** Tells Codex too, where it has the thread. */
  renamed(session: LiveSession, title: string): Promise<void>;
  archived(session: LiveSession, archived: boolean): Promise<void>;
  /** Throws when more is asked for than the person allows. */
  checkRights(settings: SessionSettings): void;
}

/**
 * Events that may reach the disk a few ms later. `turn.started` is not among them: after a crash it tells a
 * prompt that was sent from one that was not.
 */
const FOLLOWS: ReadonlySet<SessionEventType> = new Set<SessionEventType>([
  'session.titled',
  'session.thread',
  'turn.accepted',
  'turn.plan',
  'turn.diff',
  'turn.usage',
  'turn.notice',
  // Told just before `turn.ended`, which is written at once: one commit for both.
  'turn.changes',
  'item.started',
  'item.completed',
]);

/**
 * A session in memory. Its state changes only by {@link LiveSession.emit}: number the event, reduce, write,
 * and then tell the listeners. What it does is its host's work.
 */
export class LiveSession implements Session {
  readonly #host: SessionHost;
  readonly #changes: Emitter<SessionChange>;
  readonly #follow: (change: SessionChange) => void;
  /** With every event in it. */
  #head: SessionSnapshot;
  /** With every event that listeners were told, and that is on disk. */
  #shown: SessionSnapshot;
  #unwritten: NumberedEvent[] = [];
  #untold: SessionChange[] = [];
  #telling = false;
  #detached = false;
  /** For unloading: when it was last used, by the monotonic clock. */
  #usedAt: number;

  /** `follow` hears of every change and, unlike a listener, does not keep the session in memory. */
  constructor(host: SessionHost, snapshot: SessionSnapshot, follow: (change: SessionChange) => void) {
    this.#host = host;
    this.#follow = follow;
    this.#head = snapshot;
    this.#shown = snapshot;
    this.#usedAt = host.clock.monotonic();
    this.#changes = new Emitter((error) =>
      host.logger.error('a listener failed', { session: snapshot.id, error }),
    );
  }

  get id(): SessionId {
    return this.#head.id;
  }

  get snapshot(): SessionSnapshot {
    return this.#shown;
  }

  /** The state with the events that are still on their way to disk: what decisions are made on. */
  get head(): SessionSnapshot {
    return this.#head;
  }

  get usedAt(): number {
    return this.#usedAt;
  }

  get watched(): boolean {
    return this.#changes.listenerCount > 0;
  }

  get busy(): boolean {
    return this.#head.turns.some((turn) => !hasEnded(turn.status));
  }

  touch(): void {
    this.#usedAt = this.#host.clock.monotonic();
  }

  turn(id: TurnId): TurnSnapshot {
    const turn = this.#shown.turns.findLast((candidate) => candidate.id === id);
    if (turn !== undefined) return turn;
    throw new BridgeError(
      'TURN_NOT_FOUND',
      `The session ${this.id} has no turn ${id}. Its turns are listed by "history".`,
    );
  }

  onChange(listener: (change: SessionChange) => void): Disposable {
    return this.#changes.on(listener);
  }

  prompt(request: PromptRequest): Promise<{ turn: TurnId }> {
    this.touch();
    return this.#host.prompt(this, request);
  }

  async steer(id: TurnId, text: string): Promise<void> {
    this.touch();
    if (text.trim() === '') throw new BridgeError('PROMPT_EMPTY', 'There is nothing to add. Give a text.');
    const turn = this.#head.turns.findLast((candidate) => candidate.id === id) ?? this.turn(id);
    if (turn.status === 'queued' || hasEnded(turn.status)) {
      throw new BridgeError(
        'TURN_NOT_RUNNING',
        `The turn ${id} is ${turn.status}. Send a new prompt to the session instead.`,
      );
    }
    await this.#host.steer(this, turn, text);
  }

  async release(id?: TurnId): Promise<TurnId[]> {
    this.touch();
    if (id !== undefined) this.turn(id);
    return this.#host.release(this, id);
  }

  async cancel(id?: TurnId): Promise<TurnId[]> {
    this.touch();
    if (id !== undefined) this.turn(id);
    const turns = this.#head.turns.filter(
      (turn) => !hasEnded(turn.status) && (id === undefined ? turn.held !== true : turn.id === id),
    );
    if (id !== undefined && turns.length === 0) {
      throw new BridgeError('TURN_NOT_RUNNING', `The turn ${id} has already ended: ${this.turn(id).status}.`);
    }
    const ended = turns.map((turn) => this.ended(turn.id));
    this.#host.cancel(this, turns);
    await Promise.all(ended);
    return turns.map((turn) => turn.id);
  }

  ended(id: TurnId, signal?: AbortSignal): Promise<TurnSnapshot> {
    const now = this.turn(id);
    if (hasEnded(now.status)) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const subscription = this.onChange(({ event, snapshot }) => {
        if (event.type !== 'turn.ended' || event.turn !== id) return;
        finish();
        const turn = snapshot.turns.findLast((candidate) => candidate.id === id);
        if (turn !== undefined) resolve(turn);
      });
      const aborted = () => {
        finish();
        reject(new BridgeError('CANCELLED', 'The wait was cancelled. The turn goes on.'));
      };
      const finish = () => {
        subscription.dispose();
        signal?.removeEventListener('abort', aborted);
      };
      if (signal?.aborted === true) aborted();
      else signal?.addEventListener('abort', aborted);
    });
  }

  async rename(wanted: string): Promise<void> {
    const title = visibleLine(wanted);
    this.touch();
    this.emit({ type: 'session.titled', title });
    this.#host.writer.flush(this);
    await this.#host.renamed(this, title);
  }

  configure(settings: SessionSettings): void {
    this.touch();
    this.#host.checkRights(settings);
    this.emit({ type: 'session.settings', settings });
  }

  async archive(archived: boolean): Promise<void> {
    this.touch();
    if (archived && this.busy) {
      throw new BridgeError(
        'SESSION_BUSY',
        'The session has a running turn. Cancel it, or wait for its end, then archive.',
      );
    }
    if (this.#head.archived === archived) return;
    this.emit({ type: 'session.archived', archived });
    await this.#host.archived(this, archived);
  }

  answer(approval: string, decision: ApprovalDecision, who: TurnSource, details?: AnswerDetails): void {
    this.touch();
    this.#host.answer(this, approval, decision, who, details);
  }

  /** The session was deleted: nothing that still happens to it is kept or told. */
  detach(): void {
    this.#detached = true;
    this.#unwritten = [];
    this.#untold = [];
    this.#host.writer.forget(this);
    this.#changes.dispose();
  }

  /**
   * Records an event. What decides something is on disk and told when this returns (a turn's end is synced to it
   * a moment later); streamed text follows with the next batch, and the steps around it go along.
   */
  emit(event: SessionEvent): void {
    if (this.#detached) return;
    this.#apply(event);
    if (event.type === 'item.delta') this.#host.writer.soon(this);
    else if (FOLLOWS.has(event.type)) this.#host.writer.later(this);
    else if (event.type === 'turn.ended') this.#host.writer.flushAhead(this);
    else this.#host.writer.flush(this);
  }

  /**
   * Records an acknowledged prompt, and what follows from it at once, by `store`, which must have it on disk
   * when it returns. If it throws, nothing has happened.
   */
  emitDurably(
    events: readonly SessionEvent[],
    store: (snapshot: SessionSnapshot, events: readonly NumberedEvent[]) => void,
  ): void {
    if (this.#detached) {
      throw new BridgeError('SESSION_NOT_FOUND', `The session ${this.id} was deleted. Start a new one.`);
    }
    // What came before must be on disk before: the history takes events in order.
    if (!this.#host.writer.flush(this)) {
      throw new BridgeError(
        'HISTORY_UNAVAILABLE',
        'The history can not be written, so no new prompt is taken. Free space on the disk and try again.',
      );
    }
    let snapshot = this.#head;
    const changes = events.map((event): SessionChange => {
      const numbered = { seq: snapshot.seq + 1, event };
      snapshot = reduce(snapshot, numbered);
      return { ...numbered, snapshot };
    });
    store(
      snapshot,
      changes.map(({ seq, event }) => ({ seq, event })),
    );
    this.#head = snapshot;
    this.#untold.push(...changes);
    this.#tell();
  }

  /** Ends a turn, once: a turn that has ended stays as it is. */
  endTurn(turn: TurnId, status: TurnEnd, error?: TurnError): void {
    const current = this.#head.turns.findLast((candidate) => candidate.id === turn);
    if (current === undefined || hasEnded(current.status)) return;
    const at = this.#host.clock.now();
    for (const approval of this.#head.approvals.filter((pending) => pending.turn === turn)) {
      const void_ = { decision: 'cancel', by: 'turn_ended' } as const;
      this.#apply({ type: 'item.completed', turn, item: decisionItem(approval, void_, at) });
      this.#apply({ type: 'approval.resolved', approval: approval.id, ...void_, at });
    }
    this.emit({ type: 'turn.ended', turn, at, status, ...(error === undefined ? {} : { error }) });
  }

  /** For the writer. */
  take(): PendingEvents | undefined {
    if (this.#unwritten.length === 0) return undefined;
    const events = this.#unwritten;
    this.#unwritten = [];
    return { snapshot: this.#head, events, published: () => this.#tell() };
  }

  /** For the writer: the disk refused, the events come again with the next try. */
  giveBack(pending: PendingEvents): void {
    this.#unwritten = [...pending.events, ...this.#unwritten];
  }

  #apply(event: SessionEvent): void {
    const numbered = { seq: this.#head.seq + 1, event };
    this.#head = reduce(this.#head, numbered);
    this.#unwritten.push(numbered);
    this.#untold.push({ ...numbered, snapshot: this.#head });
  }

  /** A listener may emit: the loop that is already telling takes that up, so that the order holds. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let change = this.#untold.shift(); change !== undefined; change = this.#untold.shift()) {
        this.#shown = change.snapshot;
        this.#changes.fire(change);
        this.#follow(change);
      }
    } finally {
      this.#telling = false;
    }
  }
}
