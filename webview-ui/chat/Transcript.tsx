import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { IconButton } from './Icon.tsx';
import type { ChatStore } from './store.ts';
import { Turn } from './Turn.tsx';

/** Within this many pixels of the end the reader follows along. */
const NEAR = 32;

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
        aria-label="Conversation"
      >
        {store.turns.value.map((slot) => (
          <Turn key={slot.id} slot={slot} store={store} />
        ))}
      </div>
      {!atEnd && (
        <IconButton
          class="to-end"
          icon="arrow-down"
          label="Go to the end"
          onClick={() => {
            follows.current = true;
            toEnd();
          }}
        />
      )}
    </div>
  );
}
