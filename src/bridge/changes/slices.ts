import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may hold up everything else, in ms. */
const SLICE_MS = 4;

/** Cuts long synchronous work into slices: call {@link Slices.pause} between small steps. */
export class Slices {
  readonly #signal: AbortSignal | undefined;
  #start = performance.now();

  /** `pause` throws the signal's reason once it has fired. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Throws the signal's reason once it has fired. */
  check(): void {
    this.#signal?.throwIfAborted();
  }

  /** Lets everything else run, when the slice is used up. */
  async pause(): Promise<void> {
    if (performance.now() - this.#start < SLICE_MS) return;
    await nextTurn();
    this.check();
    this.#start = performance.now();
  }
}
