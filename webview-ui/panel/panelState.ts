import { effect } from '@preact/signals';
import { type PanelState, parsePanelState } from '../../src/shared/panel.ts';
import { type ChangesStore, type ChangesView, NO_VIEW } from '../changes/changesStore.ts';
import type { ChatStore } from '../chat/store.ts';
import type { VsCodeApi } from '../chat/vscodeApi.ts';
import type { PanelStore } from './panelStore.ts';
import { type ReadingPlace, readingPlace } from './readingPlace.ts';

/** All that VS Code keeps for the panel while its document is away: over a reload, or behind another editor. */
export interface KeptState extends PanelState {
  readonly draft: string;
  readonly place: ReadingPlace | null;
  readonly changes: ChangesView;
}

/** Changes within this time are kept together, in ms. */
const KEEP_AFTER_MS = 100;

/** Our own words of an earlier time; what is missing has its first value. */
export function readPanelState(value: unknown): KeptState {
  const kept = (typeof value === 'object' && value !== null ? value : {}) as Partial<KeptState>; // see above
  return {
    ...parsePanelState(value),
    draft: kept.draft ?? '',
    place: kept.place ?? null,
    changes: { ...NO_VIEW, ...kept.changes },
  };
}

/** Has VS Code keep the state as it changes. */
export class StateKeeper {
  readonly #api: Pick<VsCodeApi, 'getState' | 'setState'>;
  readonly #parts: { chat: ChatStore; panel: PanelStore; changes: ChangesStore };
  #place: ReadingPlace | null;
  #session: string | null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
    parts: { chat: ChatStore; panel: PanelStore; changes: ChangesStore },
    before: KeptState,
  ) {
    this.#api = api;
    this.#parts = parts;
    this.#place = before.place;
    this.#session = before.session;
  }

  start(): void {
    const { chat, panel, changes } = this.#parts;
    effect(() => {
      // Read here so that each change of one comes by.
      const session = chat.head.value?.id;
      if (session !== undefined) this.#session = session;
      void [chat.draft.value, panel.tab.value, changes.view.value];
      this.#keepSoon();
    });
    // Scrolling does not bubble; it is caught on its way down.
    document.addEventListener('scroll', ({ target }) => this.#scrolled(target), {
      capture: true,
      passive: true,
    });
  }

  #scrolled(target: EventTarget | null): void {
    const hidden = this.#parts.panel.tab.peek() !== 'chat';
    if (hidden || !(target instanceof Element) || !target.classList.contains('transcript')) return;
    this.#place = readingPlace(target);
    this.#keepSoon();
  }

  #keepSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const { chat, panel, changes } = this.#parts;
      const state: KeptState = {
        session: this.#session,
        tab: panel.tab.peek(),
        draft: chat.draft.peek(),
        place: this.#place,
        changes: changes.view.peek(),
      };
      // The composer keeps what is attached beside it.
      const kept = this.#api.getState();
      this.#api.setState({ ...(typeof kept === 'object' ? kept : {}), ...state });
    }, KEEP_AFTER_MS);
  }
}
