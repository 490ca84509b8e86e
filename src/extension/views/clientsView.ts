import * as vscode from 'vscode';
import { DisposableStore, Emitter } from '../../shared/disposables.ts';
import type { ClientInfo } from '../../shared/faces.ts';
import { displayLocale } from '../displayLocale.ts';
import type { WindowFace } from '../windowFace.ts';
import { relativeTime, type SessionsNode } from './sessionNodes.ts';

export type ClientsNode =
  | { readonly node: 'client'; readonly client: ClientInfo }
  | {
      readonly node: 'running';
      readonly title: string;
      readonly status: string;
      readonly session: SessionsNode;
    };

/** Changes within this time are shown together, in ms. */
const SETTLE_MS = 150;
/** How often the times are told anew, in ms. */
const CLOCK_MS = 30_000;

/** Who is connected over MCP to this window's folders, and what they have running. */
export class ClientsView implements vscode.TreeDataProvider<ClientsNode> {
  readonly #window: WindowFace;
  readonly #view: vscode.TreeView<ClientsNode>;
  readonly #store = new DisposableStore();
  readonly #changed: Emitter<undefined>;
  #timer: NodeJS.Timeout | undefined;

  constructor(window: WindowFace, view: vscode.TreeView<ClientsNode>, onError: (error: unknown) => void) {
    this.#window = window;
    this.#view = view;
    this.#changed = this.#store.add(new Emitter<undefined>(onError));
    const soon = () => this.#soon();
    for (const on of [window.link.onClients, window.link.onState]) this.#store.add(on(soon));
    this.#store.add(window.link.onSummary(soon));
    this.#store.add(view.onDidChangeVisibility(soon));
    const clock = setInterval(soon, CLOCK_MS);
    clock.unref();
    this.#store.add({ dispose: () => clearInterval(clock) });
    this.#store.add({ dispose: () => clearTimeout(this.#timer) });
  }

  get onDidChangeTreeData(): vscode.Event<undefined> {
    return (listener) => this.#changed.on(listener);
  }

  async getChildren(node?: ClientsNode): Promise<ClientsNode[]> {
    if (node?.node === 'running') return [];
    if (node?.node === 'client') {
      return node.client.turns.map(({ session, folder, title, status }) => ({
        node: 'running',
        title,
        status: status.replaceAll('_', ' '),
        session: { node: 'session', id: session, folder },
      }));
    }
    const { link } = this.#window;
    if (link.state.kind !== 'connected') return [];
    const own = new Set(link.folders.map(({ key }) => key));
    const { clients } = await link.request('clients', {});
    return clients
      .filter(({ folder }) => folder === null || own.has(folder))
      .map((client) => ({ node: 'client', client }));
  }

  getTreeItem(node: ClientsNode): vscode.TreeItem {
    if (node.node === 'running') {
      const item = new vscode.TreeItem(node.title);
      item.description = node.status;
      item.iconPath = new vscode.ThemeIcon('comment');
      item.command = { command: 'codexBridge.showSession', title: 'Show Session', arguments: [node.session] };
      return item;
    }
    const { name, version, era, transport, folder, since, lastSeen, turns } = node.client;
    const { None, Expanded } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(name, turns.length > 0 ? Expanded : None);
    const now = Date.now();
    // VS Code remembers by the id whether it is folded: with turns it is another item, which is not.
    item.id = `${name} ${era} ${folder ?? 'all'} ${since} ${turns.length > 0}`;
    item.iconPath =
      turns.length > 0
        ? new vscode.ThemeIcon('sync~spin', new vscode.ThemeColor('charts.blue'))
        : new vscode.ThemeIcon('plug');
    const running =
      turns.length === 0 ? vscode.l10n.t('nothing running') : vscode.l10n.t('{0} running', turns.length);
    const time = new Date(since).toLocaleTimeString(displayLocale(), { timeStyle: 'short' });
    // Protocol names are not translated.
    const way = transport === 'stdio' ? 'stdio' : 'HTTP';
    item.description = `${running} · ${way} · ${vscode.l10n.t('since {0}', time)}`;
    const where =
      folder === null
        ? vscode.l10n.t('all folders')
        : (this.#window.link.folders.find(({ key }) => key === folder)?.name ?? vscode.l10n.t('one folder'));
    const seen = vscode.l10n.t('Last seen: {0}', relativeTime(lastSeen, now, vscode.l10n.t));
    const tooltip = new vscode.MarkdownString();
    // As text: a client names itself.
    tooltip.appendText(`${name} ${version ?? ''}\nMCP ${era}, ${where}\n${seen}`);
    item.tooltip = tooltip;
    item.accessibilityInformation = { label: `${name}, ${item.description}` };
    return item;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #soon(): void {
    if (!this.#view.visible) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire(undefined);
    }, SETTLE_MS);
  }
}
