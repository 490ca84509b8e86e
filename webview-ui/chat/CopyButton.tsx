import { useEffect, useState } from 'preact/hooks';
import { t } from '../l10n.ts';
import { IconButton } from './Icon.tsx';

/** How long it says that it was done, in ms. */
const SAID_MS = 1_500;

/** Puts a text on the clipboard. */
export function CopyButton({ text }: { text: () => string }) {
  const [state, setState] = useState<'ready' | 'done' | 'failed'>('ready');
  useEffect(() => {
    if (state === 'ready') return undefined;
    const timer = setTimeout(() => setState('ready'), SAID_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => setState('done'),
      () => setState('failed'),
    );
  };
  const label = {
    ready: t('Copy'),
    done: t('Copied'),
    failed: t('Not copied: the clipboard is not available'),
  }[state];
  return (
    <IconButton
      class="copy"
      icon={{ ready: 'copy', done: 'check', failed: 'error' }[state]}
      label={label}
      onClick={copy}
    />
  );
}
