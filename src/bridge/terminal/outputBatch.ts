import type { Disposable } from '../../shared/disposables.ts';
import type { Clock } from '../ports.ts';

/** Output within this time of the last piece is sent together, in ms. */
const BATCH_MS = 4;
/** A batch of this length (UTF-16 units) goes out without waiting for more. */
const BATCH_CHARS = 64 * 1024;

/**
 * A PTY gives its output in pieces of a few kilobytes at the most. The first goes out at once, so that a key's
 * echo does not wait; what follows closely is joined.
 */
export class OutputBatch implements Disposable {
  readonly #clock: Clock;
  readonly #out: (text: string) => void;
  #parts: string[] = [];
  #length = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, out: (text: string) => void) {
    this.#clock = clock;
    this.#out = out;
  }

  add(text: string): void {
    if (this.#cancel === undefined) {
      this.#arm();
      this.#out(text);
    } else {
      this.#parts.push(text);
      this.#length += text.length;
      if (this.#length >= BATCH_CHARS) this.flush();
    }
  }

  /** What waits goes out now. */
  flush(): void {
    if (this.#parts.length === 0) return;
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    this.#out(text);
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#parts = [];
  }

  #arm(): void {
    this.#cancel = this.#clock.after(BATCH_MS, () => {
      this.#cancel = undefined;
      if (this.#parts.length === 0) return;
      this.#arm();
      this.flush();
    });
  }
}
