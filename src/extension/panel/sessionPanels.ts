import * as vscode from 'vscode';
import { DisposableStore } from '../../shared/disposables.ts';
import { type PanelTab, parsePanelState } from '../../shared/panel.ts';
import type { SessionId } from '../../shared/session.ts';
import type { BridgeLink } from '../bridgeLink.ts';
import { SESSION_PANEL } from '../commandIds.ts';
import { CHANGE_SCHEME, ChangeDocuments } from './changeDocuments.ts';
import { type PanelDeps, SessionPanel } from './sessionPanel.ts';

/** The window's session panels: one per session. */
export class SessionPanels {
  readonly #deps: PanelDeps;
  readonly #store = new DisposableStore();
  readonly #panels = new Set<SessionPanel>();

  /** @param link the window's own: the diff editors read through it, also when a panel is closed */
  constructor(link: BridgeLink, deps: PanelDeps) {
    this.#deps = deps;
    const { workspace } = vscode;
    this.#store.add(workspace.registerTextDocumentContentProvider(CHANGE_SCHEME, new ChangeDocuments(link)));
    this.#store.add(
      workspace.onDidChangeWorkspaceFolders(() => {
        for (const { window } of this.#panels) window.foldersChanged().catch(deps.onError);
      }),
    );
    this.#store.add(
      workspace.onDidGrantWorkspaceTrust(() => {
        for (const panel of this.#panels) void panel.start();
      }),
    );
  }

  /** Shows the session's panel, a new one where there is none. */
  async open(session: SessionId, title: string, tab?: PanelTab): Promise<void> {
    const open = [...this.#panels].find((panel) => panel.session === session);
    if (open !== undefined) {
      open.reveal(tab);
      return;
    }
    const panel = vscode.window.createWebviewPanel(SESSION_PANEL, title, vscode.ViewColumn.Active);
    const added = this.#add(panel, { session, tab: tab ?? 'chat' });
    added.reveal(tab);
    await added.start();
  }

  /** Whether one of them can be seen that shows this session. */
  shows(session: SessionId): boolean {
    return [...this.#panels].some((panel) => panel.visible && panel.session === session);
  }

  /** Fills a panel that VS Code brings back after a reload. */
  async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    await this.#add(panel, parsePanelState(state)).start();
  }

  dispose(): void {
    this.#store.dispose();
    // The panels themselves stay: VS Code brings them back in the window's next life.
    this.#panels.clear();
  }

  #add(webview: vscode.WebviewPanel, shown: { session: SessionId | null; tab: PanelTab }): SessionPanel {
    const panel = new SessionPanel(webview, shown, this.#deps);
    this.#panels.add(panel);
    webview.onDidDispose(() => {
      this.#panels.delete(panel);
      this.#deps.onShown();
    });
    this.#deps.onShown();
    return panel;
  }
}
