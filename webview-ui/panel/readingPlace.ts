import type { TurnId } from '../../src/shared/session.ts';

/** Where the conversation was read: a turn, and how far above the view's edge it began. Null: at its end. */
export interface ReadingPlace {
  readonly turn: TurnId;
  /** CSS pixels. */
  readonly offset: number;
}

const NEAR_END = 32;
/** How long the place is looked for, in ms: what comes before it is drawn step by step. */
const RESTORE_MS = 5_000;
/** Frames in which it has to stay where it is: heights become known as things are drawn. */
const STABLE_FRAMES = 5;

export function readingPlace(scroller: Element): ReadingPlace | null {
  if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight <= NEAR_END) return null;
  const { top } = scroller.getBoundingClientRect();
  for (const turn of scroller.querySelectorAll<HTMLElement>('[data-turn]')) {
    const box = turn.getBoundingClientRect();
    if (box.bottom > top) return { turn: turn.dataset['turn'] ?? '', offset: box.top - top };
  }
  return null;
}

/** Brings the conversation back to a place, drawing what comes before it as far as needed. */
export function restorePlace(root: ParentNode, place: ReadingPlace): void {
  const until = performance.now() + RESTORE_MS;
  let stable = 0;
  const attempt = () => {
    const scroller = root.querySelector('.transcript');
    const turn = scroller?.querySelector(`[data-turn="${CSS.escape(place.turn)}"]`);
    if (scroller != null && turn != null) {
      const off = turn.getBoundingClientRect().top - scroller.getBoundingClientRect().top - place.offset;
      stable = Math.abs(off) < 1 ? stable + 1 : 0;
      if (stable === 0) scroller.scrollTop += off;
    } else {
      scroller?.querySelector<HTMLElement>('.earlier')?.click();
    }
    if (stable < STABLE_FRAMES && performance.now() < until) requestAnimationFrame(attempt);
  };
  attempt();
}
