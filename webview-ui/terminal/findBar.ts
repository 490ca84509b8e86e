import type { SearchAddon } from '@xterm/addon-search';
import { t } from '../l10n.ts';
import { iconButton } from './bar.ts';

/** Searches what the terminal shows and has above it. */
export class FindBar {
  readonly element = document.createElement('search');
  readonly #search: SearchAddon;
  readonly #input = document.createElement('input');
  readonly #none = document.createElement('span');
  readonly #onClose: () => void;

  constructor(search: SearchAddon, onClose: () => void) {
    this.#search = search;
    this.#onClose = onClose;
    this.element.hidden = true;
    this.#input.type = 'text';
    this.#input.placeholder = t('Find');
    this.#input.setAttribute('aria-label', t('Find in terminal'));
    this.#none.setAttribute('role', 'status');
    this.#input.addEventListener('input', () => this.#find('next', true));
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.append(
      this.#input,
      this.#none,
      iconButton('arrow-up', t('Previous Match (Shift+Enter)'), () => this.#find('previous')),
      iconButton('arrow-down', t('Next Match (Enter)'), () => this.#find('next')),
      iconButton('close', t('Close (Escape)'), () => this.close()),
    );
  }

  open(): void {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
  }

  close(): void {
    this.element.hidden = true;
    this.#none.textContent = '';
    this.#onClose();
  }

  #find(way: 'next' | 'previous', incremental = false): void {
    const wanted = this.#input.value;
    const found =
      wanted === '' ||
      (way === 'next' ? this.#search.findNext(wanted, { incremental }) : this.#search.findPrevious(wanted));
    this.#none.textContent = found ? '' : t('No results');
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.close();
    else if (event.key === 'Enter' && event.target === this.#input) {
      this.#find(event.shiftKey ? 'previous' : 'next');
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
