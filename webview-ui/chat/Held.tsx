import './held.css';
import { useState } from 'preact/hooks';
import { t } from '../l10n.ts';
import { Icon } from './Icon.tsx';
import type { ChatStore } from './store.ts';

/** Prompts that an ended bridge had queued: they go nowhere until the person says so. */
export function Held({ store }: { store: ChatStore }) {
  const [asked, setAsked] = useState(false);
  const session = store.head.value?.id;
  const count = store.held.value;
  if (session === undefined || count === 0) return null;
  const decide = async (send: boolean) => {
    setAsked(true);
    await store.ask('held', { session, send });
    setAsked(false);
  };
  return (
    <section class="held" aria-label={t('Held prompts')}>
      <h2>
        <Icon name="debug-pause" />
        <span>
          {count === 1
            ? t('1 prompt waits: the bridge ended before it was sent.')
            : t('{0} prompts wait: the bridge ended before they were sent.', count)}
        </span>
      </h2>
      <div class="buttons">
        <button type="button" class="primary" disabled={asked} onClick={() => void decide(true)}>
          {t('Send')}
        </button>
        <button type="button" class="secondary" disabled={asked} onClick={() => void decide(false)}>
          {t('Discard')}
        </button>
      </div>
    </section>
  );
}
