import { useEffect, useRef, useState } from 'preact/hooks';
import { hasEnded, type TurnId } from '../../src/shared/session.ts';
import { Icon, IconButton } from '../chat/Icon.tsx';
import type { ChatStore, TurnSlot } from '../chat/store.ts';
import type { ChangesStore, Layout } from './changesStore.ts';
import { TurnChangesView } from './TurnChanges.tsx';

/** Narrower than this, two sides have no room; in CSS pixels. */
const SPLIT_WIDTH = 700;
/** How long a reload's scroll position is tried, in ms: what lies above it is read meanwhile. */
const RESTORE_MS = 3_000;

/** What the turns of the session changed on the disk: to read, to keep or to take back. */
export function Changes({ chat, changes }: { chat: ChatStore; changes: ChangesStore }) {
  const scroller = useRef<HTMLDivElement>(null);
  const wide = useWide(scroller);
  const view = changes.view.value;
  const slots = chat.turns.value.filter(hasChanges);
  const running = chat.turns.value.some(({ turn }) => !hasEnded(turn.value.status));
  const shown =
    view.scope === 'all' ? slots : slots.filter(({ id }) => id === (view.scope ?? slots.at(-1)?.id));
  // A turn that is gone is no reason to show nothing.
  const turns = shown.length > 0 ? shown : slots.slice(-1);
  useRestoredScroll(scroller, changes, turns.length > 0);
  if (slots.length === 0) {
    return (
      <div class="welcome">
        <Icon name="diff-multiple" />
        <h1>No changes yet</h1>
        <p>
          {running
            ? 'Codex is at work. What it changes is listed here when the turn has ended.'
            : 'When a turn changes files, they are listed here: to read, to keep or to take back.'}
        </p>
      </div>
    );
  }
  const layout: Layout = wide ? view.layout : 'unified';
  return (
    <div class="changes-tab">
      <Toolbar chat={chat} changes={changes} slots={slots} turns={turns} wide={wide} layout={layout} />
      <section
        class="changes-list"
        ref={scroller}
        aria-label="Changed files"
        onScroll={(event) => changes.setView({ scrollTop: event.currentTarget.scrollTop })}
      >
        {turns.map(({ id, turn }) => (
          <TurnChangesView
            key={id}
            turn={turn.value}
            changes={changes}
            layout={layout}
            place={chat.turns.value.findIndex((slot) => slot.id === id) + 1}
          />
        ))}
        {running && <p class="muted">A turn is running; its changes follow when it has ended.</p>}
      </section>
      <p class="sr-only" role="status">
        {changes.said.value}
      </p>
    </div>
  );
}

function hasChanges({ turn }: TurnSlot): boolean {
  const { changes } = turn.value;
  return changes !== undefined && (changes.files.length > 0 || changes.notes.length > 0);
}

function Toolbar(props: {
  chat: ChatStore;
  changes: ChangesStore;
  slots: readonly TurnSlot[];
  turns: readonly TurnSlot[];
  wide: boolean;
  layout: Layout;
}) {
  const { chat, changes, slots, turns, wide, layout } = props;
  const { scope } = changes.view.value;
  const [only] = turns;
  const value = scope === 'all' ? 'all' : (only?.id ?? '');
  const number = (id: TurnId) => chat.turns.value.findIndex((slot) => slot.id === id) + 1;
  return (
    <div class="changes-tools">
      <select
        aria-label="Whose changes"
        value={value}
        onChange={(event) => changes.setView({ scope: event.currentTarget.value, scrollTop: 0 })}
      >
        {slots.length > 1 && <option value="all">Whole session, {slots.length} turns</option>}
        {[...slots].reverse().map(({ id, turn }) => (
          <option key={id} value={id}>
            Turn {number(id)}: {turn.value.prompt.trim().split('\n')[0]?.slice(0, 60)}
          </option>
        ))}
      </select>
      <span class="space" />
      {wide && (
        <>
          <IconButton
            icon="list-flat"
            label="Unified"
            pressed={layout === 'unified'}
            onClick={() => changes.setView({ layout: 'unified' })}
          />
          <IconButton
            icon="split-horizontal"
            label="Side by side"
            pressed={layout === 'split'}
            onClick={() => changes.setView({ layout: 'split' })}
          />
        </>
      )}
    </div>
  );
}

function useWide(element: { readonly current: HTMLElement | null }): boolean {
  const [wide, setWide] = useState(() => window.innerWidth >= SPLIT_WIDTH);
  useEffect(() => {
    const resized = () => setWide((element.current?.clientWidth ?? window.innerWidth) >= SPLIT_WIDTH);
    window.addEventListener('resize', resized);
    return () => window.removeEventListener('resize', resized);
  }, [element]);
  return wide;
}

/** Once, after a reload: what is above the place is drawn step by step, so it is tried until it is reached. */
function useRestoredScroll(
  scroller: { readonly current: HTMLElement | null },
  changes: ChangesStore,
  ready: boolean,
): void {
  const wanted = useRef(changes.view.peek().scrollTop);
  useEffect(() => {
    if (!ready || wanted.current === 0) return undefined;
    const place = wanted.current;
    wanted.current = 0;
    const until = performance.now() + RESTORE_MS;
    let frame = 0;
    const attempt = () => {
      const element = scroller.current;
      if (element === null) return;
      element.scrollTop = place;
      if (element.scrollTop < place - 1 && performance.now() < until) frame = requestAnimationFrame(attempt);
    };
    attempt();
    return () => cancelAnimationFrame(frame);
  }, [ready, scroller]);
}
