import type { Clock } from '../ports.ts';

/** The fifth crash within three minutes is the last one that nobody asked for. */
const MAX_CRASHES = 5;
const WINDOW_MS = 3 * 60 * 1000;
/** Waited before the restart after the first, second, … crash within the window. */
const BACK_OFF_MS = [0, 500, 2_000, 8_000] as const;

export type RestartDecision =
  | { readonly action: 'restart'; readonly delayMs: number }
  /** Nothing restarts by itself any more, until {@link RestartPolicy.reset}. */
  | { readonly action: 'stop'; readonly crashes: number; readonly withinMs: number };

/** Whether and when a crashed app-server comes back by itself. */
export class RestartPolicy {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #crashes: number[] = [];
  #stopped = false;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** True from the fifth crash until somebody asks for a restart. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Counts a crash and says what to do about it. */
  crashed(): RestartDecision {
    const now = this.#clock.monotonic();
    this.#crashes = [...this.#crashes.filter((at) => now - at < WINDOW_MS), now];
    const crashes = this.#crashes.length;
    if (crashes >= MAX_CRASHES) this.#stopped = true;
    if (this.#stopped) return { action: 'stop', crashes, withinMs: WINDOW_MS };
    return { action: 'restart', delayMs: BACK_OFF_MS[crashes - 1] ?? 0 };
  }

  /** A person asked for a restart: the count starts anew. */
  reset(): void {
    this.#crashes = [];
    this.#stopped = false;
  }
}
