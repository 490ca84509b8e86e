import { type Scope, scopeKey } from './tokens.ts';

/** Counts the requests that are open, streams included: in all, and for each token's scope. */
export class OpenRequests {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #counts = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostOfOne: number) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
  }

  get count(): number {
    return this.#all;
  }

  /** Undefined where there is no room; else what to call when the request is over. */
  begin(scope: Scope): (() => void) | undefined {
    const key = scopeKey(scope);
    const own = this.#counts.get(key) ?? 0;
    if (this.#all >= this.#most || own >= this.#mostOfOne) return undefined;
    this.#all++;
    this.#counts.set(key, own + 1);
    return () => {
      this.#all--;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }
}
