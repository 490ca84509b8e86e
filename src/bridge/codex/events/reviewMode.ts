import type { ThreadItem } from '../generated/v2/ThreadItem.ts';

/**
 * A review inside a turn, as Codex 0.169 tells it: `enteredReviewMode`, a user message of Codex's own, the items
 * of the reviewer, whose messages begin and never end, then `exitedReviewMode`, and its text once more as a
 * message. Where the review came to nothing, that text is only an excuse: so it is kept until the turn has ended
 * well.
 */
export class ReviewMode {
  #entered = false;
  #result: ThreadItem | undefined;

  get entered(): boolean {
    return this.#entered;
  }

  /** Whether the item is no part of the transcript. Asked for each item when it starts and when it is done. */
  hides(item: ThreadItem, done: boolean): boolean {
    if (item.type === 'enteredReviewMode') {
      this.#entered = true;
      return true;
    }
    if (item.type === 'exitedReviewMode') {
      this.#entered = true;
      if (done) this.#result = item;
      return true;
    }
    if (!this.#entered) return false;
    if (item.type === 'userMessage') return true;
    return item.type === 'agentMessage' && (!done || item.text === '' || this.#result !== undefined);
  }

  /** The review, once: when the turn has ended well. */
  take(): ThreadItem | undefined {
    const result = this.#result;
    this.#result = undefined;
    return result;
  }
}
