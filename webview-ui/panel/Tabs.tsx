import { useRef } from 'preact/hooks';
import type { PanelTab } from '../../src/shared/panel.ts';
import { Icon } from '../chat/Icon.tsx';
import { t } from '../l10n.ts';

const TABS = {
  chat: { icon: 'comment-discussion', label: t('Chat') },
  changes: { icon: 'diff-multiple', label: t('Changes') },
  terminal: { icon: 'terminal', label: t('Terminal') },
} as const;

/** The element that a tab shows, by its id. */
export function tabPanelId(tab: PanelTab): string {
  return `panel-${tab}`;
}

export function tabId(tab: PanelTab): string {
  return `tab-${tab}`;
}

/** The panel's tabs: the arrow keys, Home and End move between them. */
export function Tabs(props: {
  tabs: readonly PanelTab[];
  selected: PanelTab;
  /** A number beside the label. */
  badge?: Partial<Record<PanelTab, number>>;
  onSelect: (tab: PanelTab) => void;
}) {
  const { tabs, selected, badge = {}, onSelect } = props;
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.indexOf(selected);
    const places: Readonly<Record<string, number>> = {
      ArrowLeft: (at - 1 + tabs.length) % tabs.length,
      ArrowRight: (at + 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const tab = tabs[places[event.key] ?? -1];
    if (tab === undefined) return;
    event.preventDefault();
    onSelect(tab);
    list.current?.querySelector<HTMLElement>(`#${tabId(tab)}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={t('Session')} ref={list} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={tabId(tab)}
          aria-selected={tab === selected}
          aria-controls={tabPanelId(tab)}
          tabIndex={tab === selected ? 0 : -1}
          onClick={() => onSelect(tab)}
        >
          <Icon name={TABS[tab].icon} />
          <span>{TABS[tab].label}</span>
          {(badge[tab] ?? 0) > 0 && <span class="badge">{badge[tab]}</span>}
        </button>
      ))}
    </div>
  );
}
