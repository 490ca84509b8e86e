import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TurnId } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
import { IconButton } from './Icon.tsx';
import { GROUP_ITEMS } from './Items.tsx';
import { InTranscript, useRovingFocus } from './rovingFocus.ts';
import { startBefore } from './shownPart.ts';
import type { ChatStore } from './store.ts';
import { Turn } from './Turn.tsx';

/** Within this many pixels of the end the reader follows along. */
const NEAR = 32;
/** Items drawn when a session is opened, and with each step further up. */
const FIRST_ITEMS = 60;
const MORE_ITEMS = 20;
/** What lies above is drawn when the reader comes this near, in pixels. */
const AHEAD = 800;

/** The turn where the drawn part begins, by its id: it stays the same while turns are added. */
interface Shown {
  readonly session: string | undefined;
  readonly turn: TurnId | undefined;
  readonly item: number;
}

/** The turns of the open session. It follows what streams only for a reader who is at the end. */
export function Transcript({ store }: { store: ChatStore }) {
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [atEnd, setAtEnd] = useState(true);
  const toEnd = () => {
    const element = scroller.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  };
  const session = store.head.value?.id;
  const slots = store.turns.value;

  const [shown, setShown] = useState<Shown>({ session: undefined, turn: undefined, item: 0 });
  const startAt = (from: { turn: number; item: number }, items: number): Shown => {
    const sizes = slots.map(({ turn }) => turn.peek().items.length);
    const start = startBefore(sizes, from, items);
    const item = start.item - (start.item % GROUP_ITEMS);
    return { session, turn: slots[start.turn]?.id, item };
  };
  let place = slots.findIndex(({ id }) => id === shown.turn);
  let start = shown;
  if (shown.session !== session || place < 0) {
    start = startAt({ turn: slots.length, item: 0 }, FIRST_ITEMS);
    place = Math.max(
      0,
      slots.findIndex(({ id }) => id === start.turn),
    );
    setShown(start);
  }
  const earlier = () => {
    const element = scroller.current;
    // The browser keeps what is read where it is, unless it is at the very top.
    if (element?.scrollTop === 0) element.scrollTop = 1;
    setShown(startAt({ turn: place, item: start.item === 0 ? 0 : start.item + 1 }, MORE_ITEMS));
  };

  // Another session is read from its end.
  useEffect(() => {
    follows.current = true;
    setAtEnd(true);
    toEnd();
  }, [session]);
  useSignalEffect(() => {
    store.revision.value;
    // After the change was drawn.
    requestAnimationFrame(() => {
      if (follows.current) toEnd();
    });
  });
  useEffect(() => {
    const resized = new ResizeObserver(() => {
      if (follows.current) toEnd();
    });
    if (scroller.current !== null) resized.observe(scroller.current);
    return () => resized.disconnect();
  }, []);
  const onScroll = () => {
    const element = scroller.current;
    if (element === null) return;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR;
    setAtEnd(follows.current);
  };
  const more = place > 0 || start.item > 0;
  const drawEarlier = useRef((): boolean => false);
  drawEarlier.current = () => {
    if (more) earlier();
    return more;
  };
  useRovingFocus(scroller, session, { earlier: () => drawEarlier.current() });
  return (
    <div class="transcript-frame">
      <div
        class="transcript"
        ref={scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-live="polite"
        aria-label={t('Conversation')}
        aria-describedby="transcript-keys"
      >
        {more && <Earlier key={`${start.turn} ${start.item}`} onWanted={earlier} />}
        <InTranscript.Provider value={true}>
          {slots.slice(place).map((slot) => (
            <Turn key={slot.id} slot={slot} store={store} skip={slot.id === start.turn ? start.item : 0} />
          ))}
        </InTranscript.Provider>
      </div>
      <p class="sr-only" id="transcript-keys">
        {t('The arrow keys go from one message or step to the next, Enter opens a step.')}
      </p>
      {!atEnd && (
        <IconButton
          class="to-end"
          icon="arrow-down"
          label={t('Go to the end')}
          onClick={() => {
            follows.current = true;
            toEnd();
          }}
        />
      )}
    </div>
  );
}

/** Draws more as soon as the reader comes near, or asks for it. */
function Earlier({ onWanted }: { onWanted: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const wanted = useRef(onWanted);
  wanted.current = onWanted;
  useEffect(() => {
    const element = button.current;
    if (element === null) return undefined;
    const near = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) wanted.current();
      },
      { root: element.closest('.transcript'), rootMargin: `${AHEAD}px 0px 0px 0px` },
    );
    near.observe(element);
    return () => near.disconnect();
  }, []);
  return (
    <button type="button" class="link-button earlier" ref={button} onClick={onWanted}>
      {t('Show what came before')}
    </button>
  );
}
