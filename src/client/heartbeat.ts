import { type Disposable, toDisposable } from '../shared/disposables.ts';
import { HEARTBEAT_MS } from '../shared/faces.ts';

/**
 * A ping that has no answer when the next is due gets so much more time, in ms: less than 45 s in all. A process
 * that was stopped itself hears of its late timer before it has read what came meanwhile.
 */
const SECOND_LOOK_MS = 10_000;

/** Calls back once after `ms`; the answer cancels it. */
export type After = (ms: number, callback: () => void) => () => void;

/** Does not keep the process alive. */
export const systemAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

export interface Line {
  /** Resolves when the other side has answered; rejects when the line is closed. */
  ping(): Promise<unknown>;
  /** The same without an answer: tells the other side that we are there. */
  tell(): void;
  /** We do not read at the moment, so no answer could be heard. */
  held(): boolean;
  /** The other side is there no more, though the line is open. */
  onDead(): void;
}

/** Tells the other side every {@link HEARTBEAT_MS} that we are there, and asks whether it is. */
export function keepAsking({ ping, tell, held, onDead }: Line, after: After = systemAfter): Disposable {
  let asked = false;
  let cancelLook = () => {};
  let cancelTick = () => {};
  const answered = () => {
    asked = false;
    cancelLook();
  };
  const tick = () => {
    cancelTick = after(HEARTBEAT_MS, tick);
    if (!asked) {
      asked = true;
      // Closed: whoever listens to that goes on from there.
      ping().then(answered, stop);
      return;
    }
    tell();
    cancelLook();
    cancelLook = after(SECOND_LOOK_MS, () => {
      if (asked && !held()) onDead();
    });
  };
  const stop = () => {
    cancelTick();
    cancelLook();
  };
  cancelTick = after(HEARTBEAT_MS, tick);
  return toDisposable(stop);
}
