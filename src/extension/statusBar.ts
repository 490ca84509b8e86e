import * as vscode from 'vscode';
import { DisposableStore } from '../shared/disposables.ts';
import type { ApprovalWatch } from './approvalWatch.ts';
import { statusText } from './statusText.ts';
import type { WindowFace } from './windowFace.ts';

interface StatusBarDeps {
  readonly item: vscode.StatusBarItem;
  readonly window: WindowFace;
  readonly approvals: ApprovalWatch;
  hasFolder(): boolean;
}

/** Keeps the item of the status bar at what is so: the bridge, Codex, what runs, and what is asked of whom. */
export function keepStatusBar({ item, window, approvals, hasFolder }: StatusBarDeps): DisposableStore {
  const { link } = window;
  const store = new DisposableStore();
  const show = () => {
    const { sessions } = window;
    const counted = (...states: string[]) => sessions.filter(({ state }) => states.includes(state)).length;
    const of = link.folders.flatMap(({ key }) => window.codex.of(key) ?? []);
    const worst = of.find(({ state, loggedIn }) => state === 'failed' || loggedIn === false) ?? of[0];
    const status = statusText(
      {
        hasFolder: hasFolder(),
        trusted: vscode.workspace.isTrusted,
        link: link.state,
        ...(worst === undefined ? {} : { codex: worst }),
        running: counted('running', 'waiting_for_approval'),
        queued: counted('queued'),
        asked: approvals.asked,
      },
      vscode.l10n.t,
    );
    if (status === undefined) return item.hide();
    item.text = status.text;
    item.accessibilityInformation = {
      label: `${status.text.replace(/^\$\([^)]*\) /, '')}. ${status.details.join(' ')}`,
    };
    item.tooltip = tooltipOf(status.details);
    item.backgroundColor =
      status.level === 'plain' ? undefined : new vscode.ThemeColor(`statusBarItem.${status.level}Background`);
    item.show();
  };
  store.add(window.onChanged(show));
  store.add(approvals.onChanged(show));
  show();
  return store;
}

/** As text, never as Markdown: commands and titles are not ours, and no link of theirs is to work. */
function tooltipOf(details: readonly string[]): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString();
  for (const detail of details) {
    tooltip.appendText(detail);
    tooltip.appendMarkdown('\n\n');
  }
  tooltip.appendText(vscode.l10n.t('Click to open the chat.'));
  return tooltip;
}
