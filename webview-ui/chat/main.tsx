import '@vscode/codicons/dist/codicon.css';
import './chat.css';
import { render } from 'preact';
import { messageOf } from '../../src/shared/errors.ts';
import { RpcClient } from '../../src/shared/rpc.ts';
import type { ChatContract } from '../../src/shared/webview.ts';
import { Approvals } from './Approvals.tsx';
import { Composer } from './Composer.tsx';
import { keepAttachments } from './composer/keptAttachments.ts';
import { Held } from './Held.tsx';
import { openLinksThroughHost } from './links.ts';
import { SessionBar } from './Sessions.tsx';
import { ChatStore } from './store.ts';
import { Transcript } from './Transcript.tsx';
import { hostPort, vscodeApi } from './vscodeApi.ts';
import { FailureLine, ProblemLine, Welcome } from './Welcome.tsx';

function Chat({ store }: { store: ChatStore }) {
  if (!store.loaded.value) return null;
  const { problem } = store.window.value;
  const blocked = problem?.kind === 'no_folder' || problem?.kind === 'untrusted';
  return (
    <>
      {!blocked && <SessionBar store={store} />}
      <main>{store.turns.value.length > 0 ? <Transcript store={store} /> : <Welcome store={store} />}</main>
      <ProblemLine store={store} />
      <FailureLine store={store} />
      <Approvals store={store} />
      <Held store={store} />
      {!blocked && <Composer store={store} />}
    </>
  );
}

const api = vscodeApi();
const store = new ChatStore(new RpcClient<ChatContract>(hostPort(api)));
keepAttachments(store, api);

openLinksThroughHost(store);

const root = document.getElementById('root');
if (root !== null) render(<Chat store={store} />, root);
store.pull().catch((error: unknown) => {
  store.failure.value = { code: 'INTERNAL', message: messageOf(error) };
});
