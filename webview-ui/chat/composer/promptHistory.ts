/** Walks through earlier prompts, and back to what was being written. */
export class PromptHistory {
  #prompts: readonly string[] = [];
  #at = 0;
  #unsent = '';

  /** True while an earlier prompt is shown. */
  get walking(): boolean {
    return this.#at < this.#prompts.length;
  }

  /** The latest last. Ends a walk. */
  load(prompts: readonly string[]): void {
    this.#prompts = prompts;
    this.#at = prompts.length;
  }

  /** @returns the prompt before, undefined at the first one. `current` is what the composer holds. */
  earlier(current: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (!this.walking) this.#unsent = current;
    this.#at -= 1;
    return this.#prompts[this.#at];
  }

  /** @returns the prompt after, at the end what was being written; undefined where no walk is. */
  later(): string | undefined {
    if (!this.walking) return undefined;
    this.#at += 1;
    return this.#prompts[this.#at] ?? this.#unsent;
  }

  /** What is shown was changed: it is the person's own text from now on. */
  stop(): void {
    this.#at = this.#prompts.length;
  }
}
