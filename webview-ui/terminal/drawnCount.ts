import { TERMINAL_FLOW } from '../../src/shared/terminal.ts';

/** Counts what is drawn and acknowledges it in portions. */
export class DrawnCount {
  readonly #ack: (chars: number) => void;
  #drawn = 0;
  /** Given to the terminal and not drawn yet. */
  #waiting = 0;
  #era = 0;

  constructor(ack: (chars: number) => void) {
    this.#ack = ack;
  }

  /** Text goes to the terminal. @returns to be called when it has drawn it */
  given(chars: number): () => void {
    const era = this.#era;
    this.#waiting += chars;
    return () => {
      // Of a screen before: whoever counts now never heard of it.
      if (era !== this.#era) return;
      this.#waiting -= chars;
      this.#drawn += chars;
      // The rest, too, when nothing follows: else a quiet terminal would owe it for ever.
      if (this.#drawn < TERMINAL_FLOW.ack && this.#waiting > 0) return;
      const drawn = this.#drawn;
      this.#drawn = 0;
      this.#ack(drawn);
    };
  }

  /** A new screen: what was not acknowledged is forgotten on both sides. */
  reset(): void {
    this.#era += 1;
    this.#drawn = 0;
    this.#waiting = 0;
  }
}
