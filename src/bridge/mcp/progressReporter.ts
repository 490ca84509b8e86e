import type { Disposable } from '../../shared/disposables.ts';
import type { Clock } from '../ports.ts';
import type { ProgressSink } from './call.ts';

/** At most five messages a second. */
const MIN_INTERVAL_MS = 200;
/** Clients give up on a call that stays silent; this is well below every known limit. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Turns what happens in a turn into progress messages that a client can bear: the first text at once, then
 * at most five a second of which the latest wins, none while the client does not read, and one at least
 * every 15 seconds.
 */
export class ProgressReporter implements Disposable {
  readonly #clock: Clock;
  readonly #sink: ProgressSink;
  #latest: (() => string) | undefined;
  #last = '';
  #sentAt = Number.NEGATIVE_INFINITY;
  #cancelTimer: () => void = () => undefined;
  #disposed = false;

  constructor(sink: ProgressSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    this.#schedule();
  }

  /** `message` is only called when it is really sent. `now`: does not wait for its turn. */
  offer(message: () => string, now = false): void {
    if (this.#disposed) return;
    const waiting = this.#latest !== undefined;
    if (waiting) this.#sink.dropped?.();
    this.#latest = message;
    if (now || this.#dueIn() <= 0) this.#send();
    else if (!waiting) this.#schedule();
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelTimer();
  }

  #dueIn(): number {
    return this.#sentAt + MIN_INTERVAL_MS - this.#clock.monotonic();
  }

  #send(): void {
    if (this.#sink.congested()) {
      // Kept as the latest: it, or what replaces it, goes out once the client reads again.
      this.#sentAt = this.#clock.monotonic();
    } else {
      const text = this.#latest?.() ?? this.#last;
      this.#latest = undefined;
      this.#sentAt = this.#clock.monotonic();
      if (text !== '') {
        this.#last = text;
        this.#sink.send(text);
      }
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer();
    const wait = this.#latest === undefined ? KEEP_ALIVE_MS : Math.max(1, this.#dueIn());
    this.#cancelTimer = this.#clock.after(wait, () => this.#send());
  }
}
