import { type Signal, signal } from '@preact/signals';
import { toErrorInfo } from '../../src/shared/errors.ts';
import type { PanelContract, PanelTab } from '../../src/shared/panel.ts';
import type { RpcClient } from '../../src/shared/rpc.ts';
import type { ChatStore } from '../chat/store.ts';

/** The panel around its tabs: which there are, and which is shown. */
export class PanelStore {
  readonly tabs: Signal<readonly PanelTab[]> = signal<readonly PanelTab[]>([]);
  readonly tab: Signal<PanelTab>;
  readonly #rpc: RpcClient<PanelContract>;
  readonly #chat: ChatStore;

  constructor(rpc: RpcClient<PanelContract>, chat: ChatStore, tab: PanelTab) {
    this.#rpc = rpc;
    this.#chat = chat;
    this.tab = signal(tab);
    rpc.on('panel.show', (shown) => {
      this.tab.value = shown.tab;
    });
  }

  async pull(): Promise<void> {
    try {
      const { tab, tabs } = await this.#rpc.request('panel.ready', {});
      this.tab.value = tab;
      this.tabs.value = tabs;
    } catch (error) {
      this.#chat.failure.value = toErrorInfo(error);
    }
  }

  async select(tab: PanelTab): Promise<void> {
    if (tab === this.tab.value) return;
    this.tab.value = tab;
    try {
      await this.#rpc.request('panel.tab', { tab });
    } catch (error) {
      this.#chat.failure.value = toErrorInfo(error);
    }
  }
}
