import * as vscode from 'vscode';
import { DisposableStore, Emitter } from '../../shared/disposables.ts';
import type { SessionId, SessionSummary } from '../../shared/session.ts';
import { displayLocale } from '../displayLocale.ts';
import type { WindowFace } from '../windowFace.ts';
import { lookOf, type SessionsNode } from './sessionNodes.ts';

/** Changes within this time are shown together, in ms: a busy session tells several at once. */
const SETTLE_MS = 60;
/** How often the relative times are told anew, in ms. */
const CLOCK_MS = 60_000;

export interface SessionsViewDeps {
  readonly window: WindowFace;
  readonly view: vscode.TreeView<SessionsNode>;
  onError(error: unknown): void;
}

/** The sessions of the window's folders as a tree: a level for the folders where there are several. */
export class SessionsView implements vscode.TreeDataProvider<SessionsNode> {
  readonly #window: WindowFace;
  readonly #view: vscode.TreeView<SessionsNode>;
  readonly #onError: (error: unknown) => void;
  readonly #store = new DisposableStore();
  readonly #changed: Emitter<undefined>;
  #timer: NodeJS.Timeout | undefined;
  #query = '';
  #found: readonly SessionId[] = [];
  #showArchived = false;

  constructor({ window, view, onError }: SessionsViewDeps) {
    this.#window = window;
    this.#view = view;
    this.#onError = onError;
    this.#changed = this.#store.add(new Emitter<undefined>(onError));
    this.#store.add(window.onChanged(() => this.#refresh()));
    const clock = setInterval(() => view.visible && this.#refresh(), CLOCK_MS);
    clock.unref();
    this.#store.add({ dispose: () => clearInterval(clock) });
    this.#store.add({ dispose: () => clearTimeout(this.#timer) });
  }

  get onDidChangeTreeData(): vscode.Event<undefined> {
    return (listener) => this.#changed.on(listener);
  }

  /** The session that the keyboard is on. */
  get focused(): SessionId | undefined {
    const [node] = this.#view.selection;
    return node?.node === 'session' ? node.id : undefined;
  }

  getChildren(node?: SessionsNode): SessionsNode[] {
    if (node?.node === 'session') return [];
    const { folders } = this.#window.state();
    const sessions = this.#shown();
    if (node === undefined && folders.length > 1) {
      return folders
        .filter(({ key }) => this.#query === '' || sessions.some(({ folder }) => folder === key))
        .map(({ key, name }) => ({ node: 'folder', key, name }));
    }
    return sessions
      .filter(({ folder }) => node === undefined || folder === node.key)
      .map(({ id, folder }) => ({ node: 'session', id, folder }));
  }

  getTreeItem(node: SessionsNode): vscode.TreeItem {
    if (node.node === 'folder') {
      const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Expanded);
      item.id = node.key;
      item.iconPath = vscode.ThemeIcon.Folder;
      item.contextValue = 'folder';
      return item;
    }
    const session = this.#window.session(node.id);
    // Gone between the two questions of VS Code's: the next refresh takes it out.
    if (session === undefined) return new vscode.TreeItem('');
    const look = lookOf(session, Date.now(), vscode.l10n.t);
    const item = new vscode.TreeItem(look.label);
    item.id = session.id;
    item.description = look.description;
    item.contextValue = look.context;
    item.iconPath = new vscode.ThemeIcon(
      look.icon,
      look.color === undefined ? undefined : new vscode.ThemeColor(look.color),
    );
    const tooltip = new vscode.MarkdownString();
    // As text: a title comes from a prompt, which anyone may have written.
    tooltip.appendText(look.label);
    tooltip.appendText(`\n${look.state} · ${new Date(session.updatedAt).toLocaleString(displayLocale())}`);
    const { total } = session.usage;
    if (total > 0) {
      tooltip.appendText(` · ${vscode.l10n.t('{0} tokens', total.toLocaleString(displayLocale()))}`);
    }
    item.tooltip = tooltip;
    item.accessibilityInformation = { label: `${look.label}, ${look.state}, ${look.description}` };
    item.command = { command: 'codexBridge.showSession', title: 'Show Session', arguments: [node] };
    return item;
  }

  /** Shows only sessions with these words in title, prompts or answers; all of them with none. */
  async filter(query: string): Promise<void> {
    const wanted = query.trim();
    this.#found = wanted === '' ? [] : await this.#window.search(wanted);
    this.#query = wanted;
    await vscode.commands.executeCommand('setContext', 'codexBridge.sessionsFiltered', wanted !== '');
    this.#tell();
  }

  get query(): string {
    return this.#query;
  }

  async showArchived(shown: boolean): Promise<void> {
    if (shown) await this.#window.loadArchived();
    this.#showArchived = shown;
    await vscode.commands.executeCommand('setContext', 'codexBridge.archivedShown', shown);
    this.#tell();
  }

  dispose(): void {
    this.#store.dispose();
  }

  #shown(): readonly SessionSummary[] {
    if (this.#query !== '') {
      return this.#found.flatMap((id) => {
        const session = this.#window.session(id);
        return session === undefined || (session.archived && !this.#showArchived) ? [] : [session];
      });
    }
    return [...this.#window.sessions, ...(this.#showArchived ? this.#window.archived : [])];
  }

  #refresh(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, SETTLE_MS);
  }

  #tell(): void {
    try {
      const count = this.#query === '' ? 0 : this.#shown().length;
      const found = count === 1 ? vscode.l10n.t('1 session') : vscode.l10n.t('{0} sessions', count);
      this.#view.message = this.#query === '' ? '' : vscode.l10n.t('"{0}": {1} found', this.#query, found);
    } catch (error) {
      // The view may be closing with its window.
      this.#onError(error);
    }
    this.#changed.fire(undefined);
  }
}
