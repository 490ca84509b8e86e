import type { Clock } from '../ports.ts';

/** So many messages that nobody understands, within so many ms: then Codex itself is beside itself. */
const MAX_NONSENSE = 5;
const WINDOW_MS = 60_000;

/** Whether a Codex that says what is no message is still to be listened to. One slip is passed over. */
export class Nonsense {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #heard: number[] = [];

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Counts one, and says whether it is one too many. */
  repeats(): boolean {
    const now = this.#clock.monotonic();
    this.#heard = [...this.#heard.filter((at) => now - at < WINDOW_MS), now];
    return this.#heard.length >= MAX_NONSENSE;
  }
}
