import type { OtherTab, TerminalLook } from '../../src/shared/terminalView.ts';
import { t } from '../l10n.ts';

interface BarDeps {
  onTab(tab: OtherTab): void;
  onFind(): void;
  onIntegrated(): void;
  onRestart(): void;
}

const TABS = [
  { tab: 'chat', icon: 'comment-discussion', label: t('Chat') },
  { tab: 'changes', icon: 'diff-multiple', label: t('Changes') },
  { tab: 'terminal', icon: 'terminal', label: t('Terminal') },
] as const;

/** What is above the terminal: whose it is, and what can be done with it. */
export class Bar {
  readonly element = document.createElement('header');
  readonly #title = document.createElement('h1');

  constructor(deps: BarDeps) {
    const { element } = this;
    const tabs = document.createElement('div');
    tabs.className = 'tabs';
    tabs.setAttribute('role', 'tablist');
    tabs.setAttribute('aria-label', t('Session'));
    tabs.append(...TABS.map((tab) => tabButton(tab, deps)));
    tabs.addEventListener('keydown', (event) => moveInTabs(event, deps));
    element.append(
      tabs,
      this.#title,
      iconButton('search', t('Find (Ctrl+F)'), deps.onFind),
      iconButton('link-external', t('Open in Integrated Terminal'), deps.onIntegrated),
      iconButton('debug-restart', t('Restart Terminal'), deps.onRestart),
    );
  }

  /** The keyboard goes to the tabs. */
  focus(): void {
    this.element.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
  }

  show({ title }: TerminalLook): void {
    this.#title.textContent = title;
    this.#title.title = title;
  }
}

export function textButton(text: string, onClick: () => void): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.addEventListener('click', onClick);
  return button;
}

export function iconButton(icon: string, label: string, onClick: () => void): HTMLButtonElement {
  const button = textButton('', onClick);
  button.className = `icon codicon codicon-${icon}`;
  button.title = label;
  button.setAttribute('aria-label', label);
  return button;
}

/** One of the panel's tabs, as the panel's own document draws them. */
function tabButton({ tab, icon, label }: (typeof TABS)[number], deps: Pick<BarDeps, 'onTab'>): HTMLElement {
  const button = textButton('', () => {
    if (tab !== 'terminal') deps.onTab(tab);
  });
  const image = document.createElement('i');
  image.className = `codicon codicon-${icon}`;
  image.setAttribute('aria-hidden', 'true');
  const text = document.createElement('span');
  text.textContent = label;
  const selected = tab === 'terminal';
  button.setAttribute('role', 'tab');
  button.setAttribute('aria-selected', String(selected));
  button.tabIndex = selected ? 0 : -1;
  button.append(image, text);
  return button;
}

/** The arrow keys, Home and End lead to the other tabs, as in the panel's own document. */
function moveInTabs(event: KeyboardEvent, deps: Pick<BarDeps, 'onTab'>): void {
  const last = TABS.length - 1;
  // The terminal is the last one.
  const places: Readonly<Record<string, number>> = { ArrowLeft: last - 1, ArrowRight: 0, Home: 0 };
  const tab = TABS[places[event.key] ?? last]?.tab;
  if (tab === undefined || tab === 'terminal') return;
  event.preventDefault();
  deps.onTab(tab);
}
