import * as vscode from 'vscode';
import { DisposableStore } from '../../shared/disposables.ts';
import { type PanelContract, type PanelTab, panelPort, panelSchemas } from '../../shared/panel.ts';
import { RpcServer } from '../../shared/rpc.ts';
import type { SessionId } from '../../shared/session.ts';
import type { BridgeLink, LinkFolder } from '../bridgeLink.ts';
import { attachChat, type ChatHostDeps, webviewPort } from '../chatHost.ts';
import { chatHtml } from '../chatHtml.ts';
import { SessionIndex } from '../sessionIndex.ts';
import type { SessionTerminals } from '../terminal/sessionTerminals.ts';
import type { TerminalHost } from '../terminal/terminalHost.ts';
import { WindowFace } from '../windowFace.ts';
import { changesHandlers } from './panelHandlers.ts';

export interface PanelDeps extends Pick<ChatHostDeps, 'memory' | 'openLink' | 'login' | 'onError'> {
  readonly extension: vscode.Uri;
  /** A line of the panel's own: it has its session open whatever the side bar shows. */
  createLink(): BridgeLink;
  folders(): readonly LinkFolder[];
  readonly terminals: Pick<SessionTerminals, 'show'>;
  /** Which sessions can be seen has changed. */
  onShown(): void;
  action(name: Parameters<ChatHostDeps['action']>[0], retry: () => Promise<void>): Promise<void>;
}

const TABS: readonly PanelTab[] = ['chat', 'changes', 'terminal'];

/** A panel's selection and draft are kept by its document, not by the window's index. */
const NOTHING_KEPT = { get: () => undefined, update: async () => {} };

/** One session at full width in the editor area. A face of its own: it ends with its panel. */
export class SessionPanel {
  readonly #panel: vscode.WebviewPanel;
  readonly #deps: PanelDeps;
  readonly #store = new DisposableStore();
  readonly #window: WindowFace;
  readonly #server: RpcServer<PanelContract>;
  #tab: PanelTab;
  /** The session it shows, or showed before its line broke. */
  #lastSession: SessionId | null;
  /** While the terminal's document is shown in place of the panel's own. */
  #terminal: TerminalHost | undefined;

  constructor(
    panel: vscode.WebviewPanel,
    shown: { readonly session: SessionId | null; readonly tab: PanelTab },
    deps: PanelDeps,
  ) {
    const { onError, folders, memory, openLink } = deps;
    this.#panel = panel;
    this.#lastSession = shown.session;
    this.#deps = deps;
    this.#tab = TABS.includes(shown.tab) ? shown.tab : 'chat';
    const link = this.#store.add(deps.createLink());
    const index = new SessionIndex(NOTHING_KEPT, onError);
    this.#store.add({ dispose: () => void index.flush() });
    index.setSelected(shown.session);
    const trusted = () => vscode.workspace.isTrusted;
    const remote = () => vscode.env.remoteName !== undefined;
    this.#window = this.#store.add(new WindowFace({ link, index, folders, trusted, remote, onError }));

    const icon = (name: string) => vscode.Uri.joinPath(deps.extension, 'media', name);
    // A tab's icon has no colour of the theme's.
    panel.iconPath = { light: icon('panel-light.svg'), dark: icon('panel-dark.svg') };
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(deps.extension, 'dist', 'webview')],
    };
    this.#store.add(
      attachChat(panel.webview, {
        face: this.#window,
        index,
        memory,
        openLink,
        login: (what) => deps.login(what),
        action: (name) => deps.action(name, () => this.start()),
        onError,
      }),
    );
    this.#server = this.#store.add(
      new RpcServer<PanelContract>(
        panelPort(webviewPort(panel.webview, this.#store, onError)),
        panelSchemas,
        {
          'panel.ready': () => ({ tab: this.#tab, tabs: TABS }),
          'panel.tab': ({ tab }) => {
            this.#showTab(tab);
            return null;
          },
          ...changesHandlers(link),
        },
      ),
    );
    this.#store.add(link.onChanges((changed) => this.#server.emit('changes.changed', changed)));
    this.#store.add(link.onSession(() => this.#showTitle()));
    this.#store.add(link.onEvent(() => this.#showTitle()));
    // A session that is deleted takes its panel with it.
    this.#store.add(link.onRemoved((session) => session === this.#lastSession && panel.dispose()));
    this.#store.add({ dispose: () => this.#terminal?.dispose() });
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#terminal?.hide();
      deps.onShown();
    });
    panel.onDidDispose(() => this.#store.dispose());
    this.#showDocument();
  }

  get session(): SessionId | null {
    return this.#lastSession;
  }

  /** True while the panel can be seen: every tab of it shows what its session asks. */
  get visible(): boolean {
    return this.#panel.visible;
  }

  get window(): WindowFace {
    return this.#window;
  }

  /** Starts or joins the bridge and opens the session; an error is shown in the panel and not thrown. */
  async start(): Promise<void> {
    try {
      await this.#window.start();
    } catch (error) {
      this.#deps.onError(error);
      this.#window.report(error);
    }
  }

  /** Brings the panel to the front. */
  reveal(tab?: PanelTab): void {
    this.#panel.reveal();
    if (tab === undefined || tab === this.#tab) {
      this.#terminal?.focus();
      return;
    }
    this.#showTab(tab);
    if (this.#terminal === undefined) this.#server.emit('panel.show', { tab: this.#tab });
  }

  dispose(): void {
    this.#panel.dispose();
  }

  /** The one place where tabs change. The terminal is a document of its own, in place of the panel's. */
  #showTab(tab: PanelTab): void {
    if (!TABS.includes(tab)) return;
    const changes = (tab === 'terminal') !== (this.#terminal !== undefined);
    this.#tab = tab;
    if (changes) this.#showDocument();
    this.#terminal?.focus();
  }

  #showDocument(): void {
    const session = this.#lastSession;
    this.#terminal?.dispose();
    this.#terminal = undefined;
    if (this.#tab === 'terminal' && session !== null) {
      const showTab = (tab: PanelTab) => this.#showTab(tab);
      this.#terminal = this.#deps.terminals.show(this.#panel.webview, session, showTab);
      return;
    }
    // Without a session there is nothing to attach a terminal to.
    if (this.#tab === 'terminal') this.#tab = 'chat';
    this.#panel.webview.html = chatHtml(this.#panel.webview, this.#deps.extension, 'panel');
  }

  #showTitle(): void {
    const { session } = this.#window.link;
    if (session !== null) this.#lastSession = session.id;
    const title = session?.title || vscode.l10n.t('Codex Session');
    if (title !== this.#panel.title) this.#panel.title = title;
  }
}
