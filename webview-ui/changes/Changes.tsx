import { useComputed } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, IconButton } from '../chat/Icon.tsx';
import type { ChatStore } from '../chat/store.ts';
import { t } from '../l10n.ts';
import { useChangeKeys } from './changeKeys.ts';
import type { ChangesStore, Layout } from './changesStore.ts';
import { ToldTurnView } from './ToldTurn.tsx';
import { TurnChangesView } from './TurnChanges.tsx';
import { hasChanges, type TurnFacts, turnFacts } from './turnFacts.ts';

/** Narrower than this, two sides have no room; in CSS pixels. */
const SPLIT_WIDTH = 700;
/** How long a reload's scroll position is tried, in ms: what lies above it is read meanwhile. */
const RESTORE_MS = 3_000;

/** What the turns of the session changed on the disk: to read, to keep or to take back. */
export function Changes({ chat, changes }: { chat: ChatStore; changes: ChangesStore }) {
  const scroller = useRef<HTMLDivElement>(null);
  const wide = useWide(scroller);
  const before = useRef<readonly TurnFacts[]>([]);
  const all = useComputed(() => {
    before.current = turnFacts(chat.turns.value, before.current);
    return before.current;
  }).value;
  const listed = all.filter(hasChanges);
  const running = all.filter((turn) => turn.running);
  const scope = changes.scope.value;
  const shown = scope === 'all' ? listed : listed.filter(({ id }) => id === (scope ?? listed.at(-1)?.id));
  // A turn that is gone is no reason to show nothing.
  const turns = shown.length > 0 ? shown : listed.slice(-1);
  useRestoredScroll(scroller, changes, turns.length > 0);
  useChangeKeys(scroller, changes);
  if (listed.length === 0) {
    return (
      <div class="welcome">
        <Icon name="diff-multiple" />
        <h1>{t('No changes yet')}</h1>
        <p>
          {running.length > 0
            ? t('Codex is at work. What it changes is listed here as soon as it tells.')
            : t('When a turn changes files, they are listed here: to read, to keep or to take back.')}
        </p>
      </div>
    );
  }
  const layout: Layout = wide ? changes.layout.value : 'unified';
  return (
    <div class="changes-tab">
      <Toolbar changes={changes} listed={listed} turns={turns} wide={wide} layout={layout} />
      <section
        class="changes-list"
        ref={scroller}
        aria-label={t('Changed files')}
        onScroll={(event) => changes.setView({ scrollTop: event.currentTarget.scrollTop })}
      >
        {turns.map((turn) => {
          const View = turn.changes === undefined ? ToldTurnView : TurnChangesView;
          return <View key={turn.id} turn={turn} changes={changes} layout={layout} />;
        })}
        {running.some((turn) => !hasChanges(turn)) && (
          <p class="muted">{t('A turn is running; its changes are listed as soon as there are any.')}</p>
        )}
      </section>
      <p class="sr-only" role="status">
        {changes.said.value}
      </p>
    </div>
  );
}

function Toolbar(props: {
  changes: ChangesStore;
  listed: readonly TurnFacts[];
  turns: readonly TurnFacts[];
  wide: boolean;
  layout: Layout;
}) {
  const { changes, listed, turns, wide, layout } = props;
  const [only] = turns;
  const value = changes.scope.value === 'all' ? 'all' : (only?.id ?? '');
  return (
    <div class="changes-tools">
      <select
        aria-label={t('Whose changes')}
        value={value}
        onChange={(event) => changes.setView({ scope: event.currentTarget.value, scrollTop: 0 })}
      >
        {listed.length > 1 && <option value="all">{t('Whole session, {0} turns', listed.length)}</option>}
        {[...listed].reverse().map(({ id, place, prompt, running }) => (
          <option key={id} value={id}>
            {running
              ? t('Turn {0} (running): {1}', place, startOf(prompt))
              : t('Turn {0}: {1}', place, startOf(prompt))}
          </option>
        ))}
      </select>
      <span class="space" />
      {wide && (
        <>
          <IconButton
            icon="list-flat"
            label={t('Unified')}
            pressed={layout === 'unified'}
            onClick={() => changes.setView({ layout: 'unified' })}
          />
          <IconButton
            icon="split-horizontal"
            label={t('Side by side')}
            pressed={layout === 'split'}
            onClick={() => changes.setView({ layout: 'split' })}
          />
        </>
      )}
    </div>
  );
}

/** What a list has room for. */
function startOf(prompt: string): string {
  return prompt.trim().split('\n')[0]?.slice(0, 60) ?? '';
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
