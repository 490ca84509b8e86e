import type { SessionEvent } from '../../shared/events.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Metrics } from './metrics.ts';

interface Times {
  readonly queued: number;
  started?: number;
}

/** Counts the turns of one folder by what is told of them, and logs how each of them ended. */
export class TurnMeter {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Turns that have not ended. */
  readonly #turns = new Map<TurnId, Times>();
  /** Those that run and have no text yet: while there are none, a delta costs one comparison. */
  readonly #silent = new Set<TurnId>();

  constructor(deps: { metrics: Metrics; clock: Clock; logger: Logger }) {
    this.#metrics = deps.metrics;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** Every event of the folder's sessions, in their order. */
  readonly accept = (event: SessionEvent, session: SessionId): void => {
    switch (event.type) {
      case 'item.delta':
        if (this.#silent.size > 0 && event.field === 'text') this.#heard(event.turn);
        return;
      case 'item.completed':
        if (this.#silent.size > 0 && event.item.type === 'agent_message') this.#heard(event.turn);
        return;
      case 'turn.queued':
        this.#turns.set(event.turn.id, { queued: this.#clock.monotonic() });
        this.#logger.debug('a turn is queued', {
          session,
          turn: event.turn.id,
          source: event.turn.source.kind,
        });
        return;
      case 'turn.started':
        this.#started(event.turn, session);
        return;
      case 'turn.ended':
        this.#ended(event, session);
    }
  };

  #started(turn: TurnId, session: SessionId): void {
    const now = this.#clock.monotonic();
    const times = this.#turns.get(turn) ?? { queued: now };
    times.started = now;
    this.#turns.set(turn, times);
    this.#silent.add(turn);
    this.#metrics.time('queueWait', now - times.queued);
    this.#logger.debug('a turn has started', { session, turn });
  }

  #heard(turn: TurnId): void {
    const started = this.#turns.get(turn)?.started;
    if (!this.#silent.delete(turn) || started === undefined) return;
    this.#metrics.time('firstText', this.#clock.monotonic() - started);
  }

  #ended(event: Extract<SessionEvent, { type: 'turn.ended' }>, session: SessionId): void {
    const { turn, status, error } = event;
    const started = this.#turns.get(turn)?.started;
    this.#turns.delete(turn);
    this.#silent.delete(turn);
    this.#metrics.turnEnded(status);
    const ms = started === undefined ? undefined : Math.round(this.#clock.monotonic() - started);
    if (ms !== undefined) this.#metrics.time('turn', ms);
    // Its message may quote what was asked or answered.
    this.#logger.info('a turn has ended', { session, turn, status, ms, code: error?.code });
  }
}
