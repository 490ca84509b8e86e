import { stripVTControlCharacters } from 'node:util';

/** The end of a text that only grows, without its colours. */
export class Tail {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #bytes = Buffer.alloc(0);

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get text(): string {
    return stripVTControlCharacters(this.#bytes.toString());
  }

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-this.#limit);
    for (const check of [...this.#waiting]) check();
  }

  /** The first group of the first match, as soon as there is one. */
  match(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const check = () => {
        const found = pattern.exec(this.text)?.[1];
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }
}
