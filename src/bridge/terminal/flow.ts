import { TERMINAL_FLOW } from '../../shared/terminal.ts';

interface Pace {
  unacked: number;
  /** Has more than it can take, until it has drawn nearly all of it. */
  behind: boolean;
  /** Was not sent all output: it needs a fresh screen before anything else. */
  missed: boolean;
  /** Has not acknowledged for too long: nobody waits for it. */
  dropped: boolean;
}

/** What to do with a piece of output, or after an acknowledgement. */
export type Delivery = 'send' | 'skip';

/**
 * Who of a terminal's viewers keeps up. The program is held up only while every viewer that counts is behind:
 * a slow one never slows the others, it misses output and then gets a fresh screen. Pure: no clock, no output.
 */
export class Flow<V> {
  readonly #paces = new Map<V, Pace>();

  add(viewer: V): void {
    this.#paces.set(viewer, { unacked: 0, behind: false, missed: false, dropped: false });
  }

  remove(viewer: V): void {
    this.#paces.delete(viewer);
  }

  /** True while the program must wait. */
  get blocked(): boolean {
    const counted = [...this.#paces.values()].filter((pace) => !pace.dropped);
    return counted.length > 0 && counted.every((pace) => pace.behind);
  }

  /**
   * Whether the viewer gets this output; its characters are counted then. What still comes when the program has
   * just been held up goes to those that have missed nothing, so that one viewer alone loses nothing.
   */
  deliver(viewer: V, chars: number, blocked = this.blocked): Delivery {
    const pace = this.#paces.get(viewer);
    if (pace === undefined) return 'skip';
    if (pace.missed || pace.dropped || (pace.behind && !blocked)) {
      pace.missed = true;
      return 'skip';
    }
    this.#count(pace, chars);
    return 'send';
  }

  /** Answers true when the viewer has caught up and needs a fresh screen: see {@link Flow.refreshed}. */
  ack(viewer: V, chars: number): boolean {
    const pace = this.#paces.get(viewer);
    if (pace === undefined) return false;
    pace.unacked = Math.max(0, pace.unacked - chars);
    if (pace.unacked >= TERMINAL_FLOW.low) return false;
    pace.behind = false;
    return pace.missed;
  }

  /** The viewer was sent a fresh screen of that length: from now on it gets output again. */
  refreshed(viewer: V, chars: number): void {
    const pace = this.#paces.get(viewer);
    if (pace === undefined) return;
    pace.missed = false;
    pace.dropped = false;
    this.#count(pace, chars);
  }

  /** The program has waited long enough: those that are behind do not count until they come back. */
  dropBehind(): void {
    for (const pace of this.#paces.values()) {
      if (!pace.behind) continue;
      pace.dropped = true;
      pace.missed = true;
    }
  }

  #count(pace: Pace, chars: number): void {
    pace.unacked += chars;
    if (pace.unacked > TERMINAL_FLOW.high) pace.behind = true;
  }
}
