import * as vscode from 'vscode';
import { DisposableStore, toDisposable } from '../../shared/disposables.ts';
import type { SessionId } from '../../shared/session.ts';
import type { OtherTab } from '../../shared/terminalView.ts';
import type { WindowFace } from '../windowFace.ts';
import { FolderFiles } from './folderFiles.ts';
import { IntegratedTerminals } from './integratedTerminal.ts';
import { attachTerminal, type TerminalHost } from './terminalHost.ts';
import { terminalHtml, terminalRoot } from './terminalHtml.ts';
import { LOOK_SECTIONS, readLook } from './terminalLook.ts';

interface TerminalsDeps {
  readonly extension: vscode.Uri;
  readonly window: WindowFace;
  openLink(href: string): Promise<void>;
  onError(error: unknown): void;
}

/** What the extension shows of sessions' terminals: documents of its own, and VS Code's terminals. */
export class SessionTerminals {
  readonly #deps: TerminalsDeps;
  readonly #store = new DisposableStore();
  readonly #integrated: IntegratedTerminals;

  constructor(deps: TerminalsDeps) {
    this.#deps = deps;
    this.#integrated = this.#store.add(
      new IntegratedTerminals({
        link: deps.window.link,
        title: (session) => this.#titleOf(session),
        onError: deps.onError,
      }),
    );
  }

  /** In VS Code's own terminal. @throws BridgeError as `terminal.open` does */
  openIntegrated(session: SessionId): Promise<void> {
    return this.#integrated.open(session);
  }

  /**
   * Puts a session's terminal into a webview, in place of the document that is there, until it is disposed.
   *
   * @param showTab shows another of the tabs that the terminal is one of
   */
  show(webview: vscode.Webview, session: SessionId, showTab: (tab: OtherTab) => void): TerminalHost {
    const { extension, window, openLink, onError } = this.#deps;
    webview.options = { enableScripts: true, localResourceRoots: [terminalRoot(extension)] };
    const host = attachTerminal(webview, {
      link: window.link,
      session,
      connect: () => window.connectedFolders(),
      look: () => readLook(this.#titleOf(session)),
      onLook: (listener) => this.#onLook(session, listener),
      openLink,
      files: new FolderFiles(() => this.#folderOf(session)),
      openIntegrated: (id) => this.openIntegrated(id),
      showTab,
      onError,
    });
    webview.html = terminalHtml(webview, extension, session);
    return host;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #onLook(session: SessionId, listener: () => void) {
    let title = this.#titleOf(session);
    const titled = this.#deps.window.onChanged(() => {
      if (this.#titleOf(session) === title) return;
      title = this.#titleOf(session);
      listener();
    });
    const configured = vscode.workspace.onDidChangeConfiguration((change) => {
      if (LOOK_SECTIONS.some((section) => change.affectsConfiguration(section))) listener();
    });
    return toDisposable(() => {
      titled.dispose();
      configured.dispose();
    });
  }

  /** Where the session's folder is on the disk. */
  #folderOf(session: SessionId): string | undefined {
    const { window } = this.#deps;
    const folder = window.session(session)?.folder;
    return window.link.folders.find(({ key }) => key === folder)?.path;
  }

  #titleOf(session: SessionId): string {
    const title = this.#deps.window.session(session)?.title.trim() ?? '';
    return title === '' ? vscode.l10n.t('Untitled session') : title;
  }
}
