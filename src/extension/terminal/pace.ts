import type { Disposable } from '../../shared/disposables.ts';

/** Characters that are acknowledged at most every {@link TICK_MS}: about 3 million a second. */
const PER_TICK = 48_000;
const TICK_MS = 16;

/**
 * Acknowledges what was given to VS Code's own terminal, which does not tell when it has drawn: no faster than
 * it can draw, so that a flood waits in the program and not in the window's memory.
 */
export class Pace implements Disposable {
  readonly #ack: (chars: number) => void;
  #owed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(ack: (chars: number) => void) {
    this.#ack = ack;
  }

  given(chars: number): void {
    this.#owed += chars;
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS);
  }

  /** Nothing is owed any longer: a new screen begins. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#owed = 0;
  }

  dispose(): void {
    this.reset();
  }

  #tick(): void {
    this.#timer = undefined;
    const chars = Math.min(this.#owed, PER_TICK);
    this.#owed -= chars;
    if (this.#owed > 0) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    this.#ack(chars);
  }
}
