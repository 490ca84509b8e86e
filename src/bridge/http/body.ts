import type { IncomingMessage } from 'node:http';

/** Bytes of request bodies that are in memory at once, over all requests. */
export class BodyBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

export type BodyOutcome =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** Longer than one body may be, or than all together may be at this moment. */
  | { readonly kind: 'too_large' | 'busy' | 'gone' };

/** Reads a whole body, and stops as soon as it is longer than it may be. */
export async function readBody(
  req: IncomingMessage,
  maxBytes: number,
  budget: BodyBudget,
): Promise<BodyOutcome> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // The request stays open after a refusal: the answer goes through the same socket.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      // Without an encoding set, the stream of a request is made of buffers.
      const bytes = chunk as Buffer;
      if (length + bytes.length > maxBytes) return { kind: 'too_large' };
      if (!budget.take(bytes.length)) return { kind: 'busy' };
      length += bytes.length;
      chunks.push(bytes);
    }
    return { kind: 'body', bytes: Buffer.concat(chunks) };
  } catch {
    // The caller hung up or ran into the time-out while sending: there is nobody left to answer.
    return { kind: 'gone' };
  } finally {
    budget.give(length);
  }
}
