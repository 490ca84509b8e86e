import { join } from 'node:path';
import * as vscode from 'vscode';
import { connectBridge } from '../client/connect.ts';
import { installRuntime } from '../client/launcher.ts';
import { surroundings } from '../client/registrations/apply.ts';
import { stateDir } from '../client/stateDir.ts';
import { recordInstall } from '../client/uninstall.ts';
import { DisposableStore } from '../shared/disposables.ts';
import { errorText } from '../shared/errorSentences.ts';
import { BridgeError, messageOf, toErrorInfo } from '../shared/errors.ts';
import { redact } from '../shared/redact.ts';
import { type Actions, createActions } from './actions.ts';
import { ApprovalNotices } from './approvalNotices.ts';
import { ApprovalWatch } from './approvalWatch.ts';
import { BridgeLink, type LinkFolder } from './bridgeLink.ts';
import { attachChat } from './chatHost.ts';
import { chatHtml } from './chatHtml.ts';
import { answerInChat } from './chatParticipant.ts';
import { CHAT_VIEW } from './commandIds.ts';
import { ComposerMemory } from './composerMemory.ts';
import { keepContextKeys } from './contextKeys.ts';
import { StatusDocument } from './doctorActions.ts';
import { tellMendedHistories } from './historyNotice.ts';
import { LoginActions } from './loginActions.ts';
import { noticeText } from './noticeText.ts';
import { openLink } from './openLink.ts';
import { SessionPanels } from './panel/sessionPanels.ts';
import { SessionIndex } from './sessionIndex.ts';
import { readSettings } from './settings.ts';
import { keepStatusBar } from './statusBar.ts';
import { SessionTerminals } from './terminal/sessionTerminals.ts';
import { type ClientsNode, ClientsView } from './views/clientsView.ts';
import type { SessionsNode } from './views/sessionNodes.ts';
import { SessionsView } from './views/sessionsView.ts';
import { WindowFace } from './windowFace.ts';

export interface FaceDeps {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly views: Views;
}

/** What activation has registered, for the parts behind it to fill. */
export interface Views {
  readonly sessions: vscode.TreeView<SessionsNode>;
  readonly clients: vscode.TreeView<ClientsNode>;
  readonly status: vscode.StatusBarItem;
}

/** All that is loaded at first use: the line to the bridge, and what the views and commands do with it. */
export interface Face extends vscode.Disposable {
  readonly window: WindowFace;
  readonly index: SessionIndex;
  readonly actions: Actions;
  readonly terminals: SessionTerminals;
  readonly sessions: SessionsView;
  readonly clients: ClientsView;
  readonly approvals: ApprovalWatch;
  /** Starts or joins the bridge; an error is shown in the chat and not thrown. */
  start(): Promise<void>;
  /** Answers `@codex` in VS Code's own chat. */
  readonly answerInChat: vscode.ChatRequestHandler;
  /** What is shown of an error, in the language of VS Code. */
  errorText(error: unknown): string;
  /** Where MCP clients of this folder connect. Starts the bridge where needed. */
  endpoint(path: string): Promise<{ readonly url: string; readonly token: string }>;
  /** Session panels in the editor area. */
  readonly panels: SessionPanels;
  /** Fills a chat view. Ends with the view. */
  showChat(view: vscode.WebviewView): void;
}

export function createFace({ context, log, views }: FaceDeps): Face {
  const store = new DisposableStore();
  const onError = (error: unknown) => log.error(describe(error));
  // A manifest always has a version.
  const version = String((context.extension.packageJSON as { version: unknown }).version);
  // The bridge may outlive this version of the extension, so it runs from a copy in the state directory.
  const runtime = async () => {
    const home = stateDir();
    const installed = await installRuntime({
      home,
      runtime: join(context.extensionPath, 'dist', 'runtime'),
      version,
      node: process.execPath,
    });
    await recordInstall(home, context.extensionPath);
    return installed;
  };
  const createLink = () =>
    new BridgeLink({
      connect: async ({ start }) =>
        connectBridge({
          kind: 'window',
          canAnswer: true,
          version,
          settings: readSettings(vscode.workspace.getConfiguration('codexBridge')),
          start: start && (await runtime()),
        }),
      onError,
    });
  const link = store.add(createLink());
  const index = new SessionIndex(context.workspaceState, onError);
  store.add({ dispose: () => void index.flush() });
  const memory = new ComposerMemory(context.workspaceState, onError);
  const window = store.add(
    new WindowFace({
      link,
      index,
      folders: windowFolders,
      trusted: () => vscode.workspace.isTrusted,
      remote: () => vscode.env.remoteName !== undefined,
      onError,
    }),
  );
  store.add(
    link.onState((state) =>
      log.info(
        `bridge: ${state.kind}${state.kind === 'failed' ? ` (${state.error.code}: ${state.error.message})` : ''}`,
      ),
    ),
  );

  store.add(
    tellMendedHistories({
      folders: window.codex,
      onChanged: (listener) => window.codex.onChanged(listener),
      keys: () => link.folders.map(({ key }) => key),
      store: context.workspaceState,
      tell: (error) => void vscode.window.showWarningMessage(noticeText(errorText(error, vscode.l10n.t))),
      onError,
    }),
  );

  let chatView: vscode.WebviewView | undefined;
  const start = async () => {
    try {
      await window.start();
    } catch (error) {
      onError(error);
      window.report(error);
      return;
    }
    askCodex();
  };
  /**
   * Not waited for: whoever looks at the chat and has no login is told before the first prompt, and everybody
   * else's prompt finds a warm Codex.
   */
  const askCodex = () => {
    const { folder } = window;
    if (chatView !== undefined && folder !== undefined) window.codex.ask(folder.key).catch(onError);
  };
  const showChat = async (keepFocus = false) => {
    if (chatView === undefined) await vscode.commands.executeCommand(`${CHAT_VIEW}.focus`);
    else chatView.show(keepFocus);
  };
  const sessions = store.add(new SessionsView({ window, view: views.sessions, onError }));
  const clients = store.add(new ClientsView(window, views.clients, onError));
  const approvals = store.add(new ApprovalWatch(window, onError));
  const hasFolder = () => windowFolders().length > 0;
  store.add(keepStatusBar({ item: views.status, window, approvals, hasFolder }));
  const login = store.add(new LoginActions({ window, showChat, onError }));
  store.add(keepContextKeys(window));
  const terminals = store.add(
    new SessionTerminals({ extension: context.extensionUri, window, openLink, onError }),
  );
  const panels = store.add(
    new SessionPanels(link, {
      terminals,
      extension: context.extensionUri,
      createLink,
      folders: windowFolders,
      memory,
      openLink,
      login: (what) => login.run(what),
      action: (name, retry) => (name === 'retry' ? retry() : VIEW_ACTIONS[name](log)),
      onShown: () => notices.update(),
      onError,
    }),
  );
  const notices = store.add(
    new ApprovalNotices({
      approvals,
      view: views.sessions,
      isShown: (session) => chatView?.visible === true || panels.shows(session),
      decline: ({ session, approval }) => {
        const decision = approval.decisions.includes('decline') ? 'decline' : 'cancel';
        link
          .request('approval.answer', { session, approval: approval.id, decision })
          .catch((error: unknown) => {
            // Answered elsewhere at the same moment: then its notification has closed, too.
            if (!(error instanceof BridgeError) || error.code !== 'APPROVAL_NOT_FOUND') onError(error);
          });
      },
      onError,
    }),
  );
  const actions = createActions({
    context,
    log,
    version,
    status: store.add(new StatusDocument()),
    terminals,
    window,
    approvals,
    get around() {
      const around = surroundings(stateDir(), async () => void (await runtime()));
      const { codexPath } = readSettings(vscode.workspace.getConfiguration('codexBridge'));
      const env = codexPath === undefined ? around.env : { ...around.env, CODEX_BRIDGE_CODEX: codexPath };
      return { ...around, env, folders: windowFolders().map(({ path }) => path) };
    },
    sessions: () => sessions,
    panels,
    login,
    showChat,
    onError,
  });
  for (const view of [views.sessions, views.clients]) {
    store.add(view.onDidChangeVisibility(({ visible }) => void (visible && start())));
    if (view.visible) void start();
  }

  store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => void window.foldersChanged().catch(onError)));
  store.add(vscode.workspace.onDidGrantWorkspaceTrust(() => void start()));
  store.add(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('codexBridge')) void sendSettings(link).then(askCodex).catch(onError);
    }),
  );

  return {
    window,
    index,
    actions,
    terminals,
    sessions,
    clients,
    approvals,
    panels,
    start,
    errorText: (error) => errorText(toErrorInfo(error), vscode.l10n.t),
    answerInChat: ({ prompt }, { history }, response, token) =>
      answerInChat({ window, t: vscode.l10n.t, onError }, prompt, history, response, token),
    async endpoint(path) {
      await window.connectedFolders();
      const key = link.folderAt(path)?.key;
      const { folders } = await link.request('endpoints', {});
      const found = folders.find((folder) => folder.key === key);
      if (found !== undefined) return found;
      throw new BridgeError(
        'FOLDER_UNKNOWN',
        vscode.l10n.t('"{0}" is no folder of this window. Open it, then connect.', path),
        { translated: true },
      );
    },
    showChat(view) {
      view.webview.options = {
        enableScripts: true,
        localResourceRoots: [vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview')],
      };
      const chat = attachChat(view.webview, {
        face: window,
        index,
        memory,
        openLink,
        approvals,
        login: (what) => login.run(what),
        action: (name) => (name === 'retry' ? start() : VIEW_ACTIONS[name](log)),
        onError,
      });
      chatView = view;
      view.onDidDispose(() => {
        chat.dispose();
        if (chatView === view) chatView = undefined;
        notices.update();
      });
      view.onDidChangeVisibility(() => notices.update());
      notices.update();
      view.webview.html = chatHtml(view.webview, context.extensionUri);
      void start();
    },
    dispose: () => store.dispose(),
  };
}

const VIEW_ACTIONS = {
  open_folder: async () => void (await vscode.commands.executeCommand('vscode.openFolder')),
  manage_trust: async () => void (await vscode.commands.executeCommand('workbench.trust.manage')),
  show_log: async (log: vscode.LogOutputChannel) => log.show(),
  open_settings: async () =>
    void (await vscode.commands.executeCommand('workbench.action.openSettings', 'codexBridge')),
  /** Typed in, and the person's to run. */
  install_codex: async () => {
    const terminal = vscode.window.createTerminal({ name: vscode.l10n.t('Install Codex') });
    terminal.show();
    terminal.sendText('npm install -g @openai/codex@latest', false);
  },
} as const;

/** Folders on this machine's disk; virtual ones can't be given to Codex. */
function windowFolders(): LinkFolder[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri, name }) => ({ path: uri.fsPath, name }));
}

async function sendSettings(link: BridgeLink): Promise<void> {
  const settings = readSettings(vscode.workspace.getConfiguration('codexBridge'));
  if (link.state.kind === 'connected') await link.request('settings.set', { settings });
}

function describe(error: unknown): string {
  if (error instanceof BridgeError) return redact(`${error.code}: ${error.message}`);
  return redact(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
}
