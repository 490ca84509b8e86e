import type { Disposable } from '../../shared/disposables.ts';
import { HEARTBEAT_MS } from '../../shared/faces.ts';
import type { Clock } from '../ports.ts';

/** So many pauses without a word, one after the other: within 45 s of its last one. */
const MAX_MISSED = 2;

/** Notices a face that has promised to say something now and then, and does not. */
export class Silence implements Disposable {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #onSilent: () => void;
  #heard = true;
  #missed = 0;
  #cancel: () => void = () => {};

  constructor(clock: Pick<Clock, 'after'>, onSilent: () => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
    this.#next();
  }

  /** It has said something. */
  heard(): void {
    this.#heard = true;
  }

  dispose(): void {
    this.#cancel();
  }

  /** Pauses are counted, not time: a bridge that was stopped itself must not blame its faces for that. */
  #next(): void {
    this.#cancel = this.#clock.after(HEARTBEAT_MS, () => {
      this.#missed = this.#heard ? 0 : this.#missed + 1;
      this.#heard = false;
      if (this.#missed < MAX_MISSED) this.#next();
      else this.#onSilent();
    });
  }
}
