import type { SessionId, TurnId } from '../../shared/session.ts';

export interface TurnSchedulerOptions {
  /** Turns that run at once. */
  readonly limit: number;
  /**
   * Called when a turn may run now; it holds a place until {@link TurnScheduler.done}. May call back into the
   * scheduler. If it throws, the place is free again and the error goes to whoever made the call.
   */
  start(session: SessionId, turn: TurnId): void;
}

/**
 * Which turn of a folder runs next. A session runs one turn at a time, its own in the order of their
 * requests; between sessions it goes round, so that one with a hundred prompts does not hold up one with a
 * single prompt. A waiting turn starts at the latest after every session ahead of it has had one turn for
 * each of its own turns ahead.
 */
export class TurnScheduler {
  readonly #start: (session: SessionId, turn: TurnId) => void;
  /** Every turn that is known here and its session. */
  readonly #sessions = new Map<TurnId, SessionId>();
  /** Waiting turns; a session is in here exactly while it has some. */
  readonly #waiting = new Map<SessionId, TurnId[]>();
  /** Sessions with waiting and no running turn, in the order of their turns to come. */
  readonly #ready = new Set<SessionId>();
  readonly #running = new Map<SessionId, TurnId>();
  /** Turns that others started while one from here still had the session's place: they have it next. */
  readonly #occupants = new Map<SessionId, TurnId>();
  #limit: number;
  #pumping = false;

  constructor(options: TurnSchedulerOptions) {
    this.#limit = options.limit;
    this.#start = (session, turn) => options.start(session, turn);
  }

  /** Turns that run now. */
  get running(): number {
    return this.#running.size + this.#occupants.size;
  }

  /** Turns that wait. */
  get queued(): number {
    return this.#sessions.size - this.running;
  }

  /** Whether a turn of the session that is requested now starts at once. */
  hasRoom(session: SessionId): boolean {
    const first = this.#running.size < this.#limit && this.#ready.size === 0;
    return first && !this.#pumping && !this.#running.has(session);
  }

  /** Queues a turn, and starts it at once where there is room. A turn that is known already stays as it is. */
  request(session: SessionId, turn: TurnId): void {
    if (this.#sessions.has(turn)) return;
    this.#sessions.set(turn, session);
    const waiting = this.#waiting.get(session);
    if (waiting === undefined) this.#waiting.set(session, [turn]);
    else waiting.push(turn);
    if (!this.#running.has(session)) this.#ready.add(session);
    this.#pump();
  }

  /**
   * A turn runs that was not started here (somebody typed in a terminal): the session is busy until
   * {@link TurnScheduler.done}, whatever the limit says.
   */
  occupy(session: SessionId, turn: TurnId): void {
    this.#sessions.set(turn, session);
    if (this.#running.has(session)) {
      this.#occupants.set(session, turn);
      return;
    }
    this.#running.set(session, turn);
    this.#ready.delete(session);
  }

  /** A started turn has ended, however: its place is free. Other turns are left alone. */
  done(turn: TurnId): void {
    this.#release(turn);
    this.#pump();
  }

  /** Takes a turn out that has not started. Answers whether there was one. */
  remove(turn: TurnId): boolean {
    const session = this.#sessions.get(turn);
    if (session === undefined || this.#running.get(session) === turn) return false;
    if (this.#occupants.get(session) === turn) return false;
    this.#sessions.delete(turn);
    const rest = (this.#waiting.get(session) ?? []).filter((other) => other !== turn);
    if (rest.length > 0) {
      this.#waiting.set(session, rest);
    } else {
      this.#waiting.delete(session);
      this.#ready.delete(session);
    }
    return true;
  }

  /** Takes effect for the next start: running turns go on also where they are more than the new limit. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#pump();
  }

  #release(turn: TurnId): void {
    const session = this.#sessions.get(turn);
    if (session === undefined) return;
    const occupant = this.#occupants.get(session);
    if (this.#running.get(session) === turn) {
      this.#running.delete(session);
      if (occupant !== undefined) this.#running.set(session, occupant);
      else if (this.#waiting.has(session)) this.#ready.add(session);
    } else if (occupant !== turn) {
      return;
    }
    this.#occupants.delete(session);
    this.#sessions.delete(turn);
  }

  /** Starts what may start. A `start` that calls back in only changes the state: the outer loop sees it. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#running.size < this.#limit) {
        const next = this.#take();
        if (next === undefined) return;
        try {
          this.#start(next.session, next.turn);
        } catch (error) {
          this.#release(next.turn);
          throw error;
        }
      }
    } finally {
      this.#pumping = false;
    }
  }

  #take(): { session: SessionId; turn: TurnId } | undefined {
    for (const session of this.#ready) {
      this.#ready.delete(session);
      const waiting = this.#waiting.get(session);
      const turn = waiting?.shift();
      if (waiting?.length === 0) this.#waiting.delete(session);
      if (turn === undefined) continue;
      this.#running.set(session, turn);
      return { session, turn };
    }
    return undefined;
  }
}
