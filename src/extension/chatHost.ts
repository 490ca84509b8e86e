import type * as vscode from 'vscode';
import { DisposableStore } from '../shared/disposables.ts';
import { type MessagePort, type Params, RpcServer } from '../shared/rpc.ts';
import { type ChatContract, chatSchemas, type LoginAction } from '../shared/webview.ts';
import type { ApprovalWatch } from './approvalWatch.ts';
import { composerHandlers } from './composerHost.ts';
import type { ComposerMemory } from './composerMemory.ts';
import { decideHeld } from './heldPrompts.ts';
import type { SessionIndex } from './sessionIndex.ts';
import type { WindowFace } from './windowFace.ts';

/** What the chat offers that is not about its folder. */
export type ViewAction = Exclude<Params<ChatContract, 'action'>['name'], 'restart_codex'>;

export interface ChatHostDeps {
  readonly face: WindowFace;
  readonly index: SessionIndex;
  readonly memory: ComposerMemory;
  /** Told when the person wants to answer what is asked; a panel is not meant by it. */
  readonly approvals?: Pick<ApprovalWatch, 'onReview' | 'reviewing'>;
  openLink(href: string): Promise<void>;
  action(name: ViewAction): Promise<void>;
  login(what: LoginAction): Promise<void>;
  onError(error: unknown): void;
}

/** The host's side of one chat webview: answers what it asks and tells it what changes. */
export function attachChat(webview: vscode.Webview, deps: ChatHostDeps): DisposableStore {
  const { face, index } = deps;
  const store = new DisposableStore();
  const tellReview = () => {
    if (!store.disposed) server.emit('approval.focus', {});
  };
  if (deps.approvals !== undefined) store.add(deps.approvals.onReview(tellReview));
  const server = store.add(
    new RpcServer<ChatContract>(webviewPort(webview, store, deps.onError), chatSchemas, {
      ready: () => {
        // After the answer: then there is a card.
        if (deps.approvals?.reviewing === true) setImmediate(tellReview);
        return { ...face.state(), session: face.link.session, draft: index.draft };
      },
      'session.select': async ({ session }) => {
        await face.select(session);
        return null;
      },
      'session.new': async ({ folder }) => {
        await face.newSession(folder);
        return null;
      },
      ...composerHandlers(face, deps.memory),
      steer: async (params) => {
        await face.link.request('session.steer', params);
        return null;
      },
      cancel: async ({ session }) => {
        await face.link.request('session.cancel', { session });
        return null;
      },
      held: async ({ session, send }) => {
        await decideHeld(face.link, session, send);
        return null;
      },
      'session.delete': async ({ session }) => {
        await face.deleteSession(session);
        return null;
      },
      'approval.answer': async (params) => {
        await face.link.request('approval.answer', params);
        return null;
      },
      'link.open': async ({ href }) => {
        await deps.openLink(href);
        return null;
      },
      action: async ({ name }) => {
        if (name !== 'restart_codex') await deps.action(name);
        else if (face.folder !== undefined) await face.link.request('restart', { folder: face.folder.key });
        return null;
      },
      login: async ({ what }) => {
        await deps.login(what);
        return null;
      },
      draft: ({ text }) => {
        index.setDraft(text);
        return null;
      },
    }),
  );
  // Several changes in one tick are one message.
  let told = false;
  store.add(
    face.onChanged(() => {
      if (told) return;
      told = true;
      queueMicrotask(() => {
        told = false;
        if (!store.disposed) server.emit('state', face.state());
      });
    }),
  );
  store.add(face.link.onSession((session) => server.emit('session', { session })));
  store.add(face.link.onEvent((event) => server.emit('event', event)));
  return store;
}

/** The line to a webview's document. Ends with `store`. */
export function webviewPort(
  webview: vscode.Webview,
  store: DisposableStore,
  onError: (error: unknown) => void,
): MessagePort {
  return {
    send: (message) => {
      // False means that the webview is hidden: it pulls everything when it is back. One that is gone throws.
      if (!store.disposed) webview.postMessage(message).then(undefined, onError);
    },
    onMessage: (listener) => store.add(webview.onDidReceiveMessage(listener)),
    // Who ends a webview is told by its view; the server has nothing pending that would wait.
    onClose: () => ({ dispose() {} }),
  };
}
