import '@vscode/codicons/dist/codicon.css';
import '../chat/chat.css';
import '../changes/changes.css';
import './panel.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { messageOf } from '../../src/shared/errors.ts';
import { type PanelContract, panelPort } from '../../src/shared/panel.ts';
import { RpcClient } from '../../src/shared/rpc.ts';
import type { ChatContract } from '../../src/shared/webview.ts';
import { Changes } from '../changes/Changes.tsx';
import { ChangesStore } from '../changes/changesStore.ts';
import { Approvals } from '../chat/Approvals.tsx';
import { keepAttachments } from '../chat/composer/keptAttachments.ts';
import { openLinksThroughHost } from '../chat/links.ts';
import { ChatStore } from '../chat/store.ts';
import { hostPort, vscodeApi } from '../chat/vscodeApi.ts';
import { PanelChat } from './PanelChat.tsx';
import { readPanelState, StateKeeper } from './panelState.ts';
import { PanelStore } from './panelStore.ts';
import { restorePlace } from './readingPlace.ts';
import { Tabs, tabId, tabPanelId } from './Tabs.tsx';

const api = vscodeApi();
const before = readPanelState(api.getState());
const port = hostPort(api);
const chat = new ChatStore(new RpcClient<ChatContract>(port));
keepAttachments(chat, api);
const rpc = new RpcClient<PanelContract>(panelPort(port));
const panel = new PanelStore(rpc, chat, before.tab);
const changes = new ChangesStore(rpc, () => chat.head.value?.id ?? null, before.changes);

function Panel() {
  const { tabs, tab } = panel;
  if (!chat.loaded.value || tabs.value.length === 0) return null;
  const last = chat.turns.value.findLast(({ turn }) => (turn.value.changes?.files.length ?? 0) > 0)?.turn
    .value;
  return (
    <>
      <Tabs
        tabs={tabs.value}
        selected={tab.value}
        badge={{ changes: last?.changes?.files.length ?? 0 }}
        onSelect={(selected) => void panel.select(selected)}
      />
      <div
        class="tab-panel"
        role="tabpanel"
        id={tabPanelId('chat')}
        aria-labelledby={tabId('chat')}
        hidden={tab.value !== 'chat'}
      >
        <PanelChat store={chat} asks={tab.value === 'chat'} />
      </div>
      <div
        class="tab-panel"
        role="tabpanel"
        id={tabPanelId('changes')}
        aria-labelledby={tabId('changes')}
        hidden={tab.value !== 'changes'}
      >
        {tab.value === 'changes' && <Changes chat={chat} changes={changes} />}
        {tab.value === 'changes' && <Approvals store={chat} />}
      </div>
    </>
  );
}

async function start(): Promise<void> {
  const keeper = new StateKeeper(api, { chat, panel, changes }, before);
  await Promise.all([panel.pull(), chat.pull()]);
  if (before.draft !== '' && chat.draft.value === '') chat.draft.value = before.draft;
  // The session follows when the line to the bridge is there; its place in it, then.
  const { place } = before;
  const dispose = effect(() => {
    if (chat.head.value === null || chat.turns.value.length === 0) return;
    queueMicrotask(() => dispose());
    if (place !== null && chat.head.value.id === before.session) restorePlace(document, place);
    keeper.start();
  });
}

openLinksThroughHost(chat);
const root = document.getElementById('root');
if (root !== null) render(<Panel />, root);
start().catch((error: unknown) => {
  chat.failure.value = { code: 'INTERNAL', message: messageOf(error) };
});
