import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionState, SessionSummary } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
import { Icon, IconButton } from './Icon.tsx';
import type { ChatStore } from './store.ts';
import { ago } from './text.ts';

const STATES: Readonly<Record<SessionState, { icon: string; label: string }>> = {
  idle: { icon: 'comment', label: t('idle') },
  queued: { icon: 'clock', label: t('queued') },
  running: { icon: 'loading', label: t('running') },
  waiting_for_approval: { icon: 'question', label: t('waiting for your decision') },
  failed: { icon: 'error', label: t('failed') },
};

/** The bar with the open session's title; opens the list of sessions. */
export function SessionBar({ store }: { store: ChatStore }) {
  const [open, setOpen] = useState(false);
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event) => {
      const outside = event.target instanceof Node && bar.current?.contains(event.target) !== true;
      const left = event instanceof KeyboardEvent ? event.key === 'Escape' : outside;
      if (left) setOpen(false);
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, [open]);
  const head = store.head.value;
  const { sessions } = store.window.value;
  if (head === null && sessions.length === 0) return null;
  const others = sessions.filter(
    ({ id, state }) => id !== head?.id && state !== 'idle' && state !== 'failed',
  );
  return (
    <header class="session-bar" ref={bar}>
      <button
        type="button"
        class="current"
        aria-expanded={open}
        aria-controls="sessions"
        disabled={sessions.length === 0}
        title={t('Sessions')}
        onClick={() => setOpen(!open)}
      >
        <span class="title">{head?.title || (head === null ? t('New session') : t('Untitled session'))}</span>
        {others.length > 0 && (
          <span
            class="badge"
            title={
              others.length === 1
                ? t('1 other session is at work')
                : t('{0} other sessions are at work', others.length)
            }
          >
            {others.length}
          </span>
        )}
        <Icon name={open ? 'chevron-up' : 'chevron-down'} />
      </button>
      {head !== null && (
        <IconButton
          icon="open-preview"
          label={t('Open in editor: chat and changes at full width')}
          onClick={() =>
            void store.ask('session.command', { session: head.id, command: { name: 'open_in_editor' } })
          }
        />
      )}
      {open && <List store={store} current={head?.id} onChosen={() => setOpen(false)} />}
    </header>
  );
}

function List({
  store,
  current,
  onChosen,
}: {
  store: ChatStore;
  current: string | undefined;
  onChosen: () => void;
}) {
  const { sessions, folders } = store.window.value;
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <ul class="sessions" id="sessions" aria-label={t('Sessions')}>
      {sessions.map((session) => (
        <li key={session.id} class={session.id === current ? 'selected' : ''}>
          <button
            type="button"
            class="choose"
            aria-current={session.id === current}
            title={session.title}
            onClick={() => {
              onChosen();
              void store.ask('session.select', { session: session.id });
            }}
          >
            <Icon name={STATES[session.state].icon} spin={session.state === 'running'} />
            <span class="sr-only">{STATES[session.state].label}: </span>
            <span class="title">{session.title || t('Untitled session')}</span>
            <span class="when">
              {folders.length > 1 ? folderName(session, folders) : ago(session.updatedAt, Date.now())}
            </span>
          </button>
          {asked === session.id ? (
            <button
              type="button"
              class="danger"
              onClick={() => {
                setAsked(null);
                void store.ask('session.delete', { session: session.id });
              }}
            >
              {t('Delete')}
            </button>
          ) : (
            <IconButton
              icon="trash"
              label={t('Delete "{0}"', session.title)}
              onClick={() => setAsked(session.id)}
            />
          )}
        </li>
      ))}
    </ul>
  );
}

function folderName(session: SessionSummary, folders: readonly { key: string; name: string }[]): string {
  return folders.find(({ key }) => key === session.folder)?.name ?? '';
}
