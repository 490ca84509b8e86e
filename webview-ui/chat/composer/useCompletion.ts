import { useEffect, useState } from 'preact/hooks';
import type { ContextEntry } from '../../../src/shared/webview.ts';
import { t } from '../../l10n.ts';
import type { ChatStore } from '../store.ts';
import { type Completion, completionAt } from './completion.ts';
import type { Choice } from './Popup.tsx';
import { commandsFor } from './slashCommands.ts';

const ENTRY_ICONS = {
  file: 'file',
  folder: 'folder',
  selection: 'list-selection',
  problems: 'warning',
} as const;

/** The list above the composer: what it completes, what it offers, and which of it Enter takes. */
export function useCompletion(store: ChatStore) {
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [entries, setEntries] = useState<readonly ContextEntry[] | null>(null);
  const [active, setActive] = useState(0);
  const { folder } = store.window.value;
  const hasSession = store.head.value !== null;

  const query = completion?.kind === 'context' ? completion.query : undefined;
  useEffect(() => {
    if (query === undefined) return undefined;
    let current = true;
    void store.ask('composer.find', { folder, query }).then((result) => {
      if (!current || result === undefined) return;
      setEntries(result.entries);
      setActive(0);
    });
    return () => {
      current = false;
    };
  }, [query, folder, store]);

  const close = () => {
    setCompletion(null);
    setEntries(null);
    setActive(0);
  };
  const choices = completion === null ? [] : choicesFor(completion, entries ?? [], hasSession);
  return {
    completion,
    choices,
    active,
    setActive,
    close,
    /** Commands that don't fit are no list at all; files are, so that it says so. */
    shown: completion !== null && (completion.kind === 'context' || choices.length > 0),
    empty: entries === null ? t('Looking for files …') : t('Nothing fits.'),
    /** The text or its caret has changed. */
    update(text: string, caret: number) {
      const next = completionAt(text, caret);
      if (next?.kind !== completion?.kind) close();
      setCompletion(next);
      if (next?.kind === 'command') setActive(0);
    },
    entryOf: (choice: Choice) => entries?.find((entry) => idOf(entry) === choice.id),
  };
}

function choicesFor(
  completion: Completion,
  entries: readonly ContextEntry[],
  hasSession: boolean,
): readonly Choice[] {
  if (completion.kind === 'command') {
    return commandsFor(completion.query, hasSession).map(({ name, icon, description, argument }) => ({
      id: name,
      label: argument === undefined ? `/${name}` : `/${name} …`,
      icon,
      detail: description,
    }));
  }
  return entries.map((entry) => ({
    id: idOf(entry),
    label: entry.label,
    icon: ENTRY_ICONS[entry.kind],
    ...(entry.kind === 'selection' ? { detail: t('selection') } : {}),
  }));
}

function idOf({ kind, label }: ContextEntry): string {
  return `${kind} ${label}`;
}
