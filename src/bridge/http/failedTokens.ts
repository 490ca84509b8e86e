/** Wrong tokens that are answered one by one, and how many more each second, once these are used up. */
const BURST = 100;
const PER_SECOND = 10;

/**
 * A bucket for requests without a good token. There is one for all callers, because every one of them comes
 * from this machine: it makes wrong tokens cheap to refuse, and nobody with a good one is asked about it.
 */
export class FailedTokens {
  #left = BURST;
  #at = 0;

  /** One more, at `now` in ms of a clock that never goes back; false when it is one too many. */
  take(now: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1000) * PER_SECOND);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
