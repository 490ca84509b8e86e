import type { Clock } from '../../src/bridge/ports.ts';

interface Timer {
  /** By this clock's own {@link Clock.monotonic}. */
  readonly due: number;
  readonly callback: () => void;
  handle: NodeJS.Timeout | undefined;
}

/**
 * A clock that runs with the real one, ahead of it by what a test has skipped. Real work (Codex, sockets)
 * goes on at its own pace; minutes and days pass at once by {@link SkewClock.advance}.
 */
export class SkewClock implements Clock {
  readonly #timers = new Set<Timer>();
  #offset = 0;

  readonly now = (): number => Date.now() + this.#offset;

  readonly monotonic = (): number => performance.now() + this.#offset;

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer: Timer = { due: this.monotonic() + ms, callback, handle: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => this.#drop(timer);
  };

  /**
   * Skips `ms`. Timers that are due within them fire in order, each at its own time; one that is set by such a
   * timer fires too, where it is due.
   */
  advance(ms: number): void {
    const target = this.monotonic() + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.due > target) break;
      this.#offset += Math.max(0, next.due - this.monotonic());
      this.#fire(next);
    }
    this.#offset += Math.max(0, target - this.monotonic());
    for (const timer of this.#timers) this.#arm(timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.due < first.due) first = timer;
    return first;
  }

  #arm(timer: Timer): void {
    clearTimeout(timer.handle);
    timer.handle = setTimeout(() => this.#fire(timer), Math.max(0, timer.due - this.monotonic()));
    timer.handle.unref();
  }

  #fire(timer: Timer): void {
    this.#drop(timer);
    timer.callback();
  }

  #drop(timer: Timer): void {
    this.#timers.delete(timer);
    clearTimeout(timer.handle);
  }
}
