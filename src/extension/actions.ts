import * as vscode from 'vscode';
import type { Surroundings } from '../client/registrations/registration.ts';
import { BridgeError } from '../shared/errors.ts';
import type { SessionId } from '../shared/session.ts';
import type { ApprovalWatch } from './approvalWatch.ts';
import type { CommandId } from './commandIds.ts';
import { connectClaudeCode, connectClient } from './connectClients.ts';
import { displayLocale } from './displayLocale.ts';
import { createDoctorActions, type StatusDocument } from './doctorActions.ts';
import { createEditorActions } from './editorActions.ts';
import type { LoginActions } from './loginActions.ts';
import { copyHttpConfiguration, copyMcpConfiguration } from './mcpConfiguration.ts';
import { noticeText } from './noticeText.ts';
import type { SessionPanels } from './panel/sessionPanels.ts';
import { pickFolder } from './pickFolder.ts';
import { createReviewActions } from './reviewActions.ts';
import { createSessionActions } from './sessionActions.ts';
import type { SessionTerminals } from './terminal/sessionTerminals.ts';
import { createTerminalActions } from './terminal/terminalActions.ts';
import { createTrustActions } from './trustActions.ts';
import { isNode, sessionOf, stateWords } from './views/sessionNodes.ts';
import type { SessionsView } from './views/sessionsView.ts';
import type { WindowFace } from './windowFace.ts';

export interface ActionDeps {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  /** Of the extension. */
  readonly version: string;
  readonly status: StatusDocument;
  readonly terminals: SessionTerminals;
  readonly window: WindowFace;
  readonly approvals: ApprovalWatch;
  /** For registrations with other clients. */
  readonly around: Surroundings;
  sessions(): SessionsView;
  readonly panels: SessionPanels;
  readonly login: LoginActions;
  /** Brings the chat into view; `keepFocus` leaves the keyboard where it is. */
  showChat(keepFocus?: boolean): Promise<void>;
  onError(error: unknown): void;
}

/** What each command does. Arguments come from other extensions and tests: they are checked. */
export type Actions = { readonly [id in CommandId]: (argument?: unknown) => Promise<unknown> };

export function createActions(deps: ActionDeps): Actions {
  const { window, log } = deps;
  return {
    ...createSessionActions(deps),
    ...createEditorActions(deps),
    ...createReviewActions(deps),
    ...createTerminalActions(deps),
    ...createDoctorActions(deps),
    ...deps.login.commands,
    ...createTrustActions(deps),
    'codexBridge.showChat': () => showAsked(deps),
    'codexBridge.reviewApproval': async (argument) => {
      await showAsked(deps, argument);
      deps.approvals.review();
    },
    'codexBridge.connectClaudeCode': () => connectClaudeCode(deps),
    'codexBridge.connectClient': () => connectClient(deps),
    'codexBridge.newSession': async (argument) => {
      // From the row of a folder it goes there.
      await window.newSession(isNode(argument) && argument.node === 'folder' ? argument.key : undefined);
      await deps.showChat();
    },
    'codexBridge.ask': (argument) => ask(deps, argument),
    'codexBridge.cancel': async () => {
      const session = window.selected;
      if (session === null) return undefined;
      return (await window.link.request('session.cancel', { session })).cancelled;
    },
    'codexBridge.showSession': (argument) => showSession(deps, argument),
    'codexBridge.openInEditor': async (argument) => {
      const session = sessionOf(argument) ?? window.selected;
      if (session === null) {
        throw new BridgeError(
          'SESSION_NOT_FOUND',
          vscode.l10n.t('No session is open. Choose one in the chat, then open it in the editor.'),
          { translated: true },
        );
      }
      await deps.panels.open(session, window.session(session)?.title || vscode.l10n.t('Codex Session'));
    },
    'codexBridge.restartCodex': async () => {
      const folder = await pickFolder(window, vscode.l10n.t('Restart Codex of which folder?'));
      if (folder === undefined) return;
      await vscode.window.withProgress(
        {
          location: vscode.ProgressLocation.Notification,
          title: noticeText(vscode.l10n.t('Restarting Codex for {0}', folder.name)),
        },
        async () => window.link.request('restart', { folder: folder.key }),
      );
    },
    'codexBridge.exportSession': (argument) => exportSession(window, argument),
    'codexBridge.copyMcpConfiguration': () => copyMcpConfiguration(deps.around),
    'codexBridge.copyHttpConfiguration': () => copyHttpConfiguration(window),
    'codexBridge.showLog': async () => log.show(),
    'codexBridge.stopBridge': () => stopBridge(window),
  };
}

async function ask({ window, showChat }: ActionDeps, argument: unknown): Promise<unknown> {
  const prompt =
    typeof argument === 'string'
      ? argument
      : await vscode.window.showInputBox({
          title: vscode.l10n.t('Ask Codex'),
          prompt: vscode.l10n.t('The answer appears in the Codex Bridge chat.'),
          placeHolder: vscode.l10n.t('What should Codex do?'),
          ignoreFocusOut: true,
        });
  if (prompt === undefined) return undefined;
  const sent = await window.prompt({ session: window.selected, prompt, source: { kind: 'palette' } });
  await showChat();
  return sent;
}

async function showSession({ window, showChat }: ActionDeps, argument: unknown): Promise<void> {
  await window.connectedFolders();
  const picked =
    sessionOf(argument) ??
    (
      await vscode.window.showQuickPick(
        window.sessions.map(({ id, title, state, updatedAt }) => ({
          id,
          label: title,
          description: state === 'idle' ? '' : stateWords(state, vscode.l10n.t),
          detail: new Date(updatedAt).toLocaleString(displayLocale()),
        })),
        {
          title: vscode.l10n.t('Codex sessions'),
          placeHolder: vscode.l10n.t('Which session?'),
          matchOnDetail: true,
        },
      )
    )?.id;
  if (picked === undefined) return;
  await window.select(picked);
  // Chosen in the tree: there the keyboard stays, for the next one, to rename or to delete.
  await showChat(isNode(argument));
}

/** Opens the chat; where Codex asks something, with the session that asks, so that the card is in view. */
async function showAsked({ window, approvals, showChat }: ActionDeps, argument?: unknown): Promise<void> {
  const { asked } = approvals;
  const wanted = typeof argument === 'string' ? argument : undefined;
  const here = asked.some(({ session }) => session === window.selected);
  const session = wanted ?? (here ? undefined : asked[0]?.session);
  if (session !== undefined && session !== window.selected) await window.select(session);
  await showChat();
}

interface ExportTarget {
  readonly session: string;
  readonly format: 'json' | 'markdown';
  readonly target: vscode.Uri;
}

async function exportSession(window: WindowFace, argument: unknown): Promise<void> {
  const wanted = isExportTarget(argument)
    ? argument
    : await askExportTarget(window, sessionOf(argument) ?? window.selected);
  if (wanted === undefined) return;
  const { data } = await window.link.request('session.export', {
    session: wanted.session,
    format: wanted.format,
  });
  await vscode.workspace.fs.writeFile(wanted.target, Buffer.from(data));
  // Whoever named the target knows where it is.
  if (wanted === argument) return;
  const open = vscode.l10n.t('Open');
  const said = vscode.l10n.t('Exported to {0}.', vscode.workspace.asRelativePath(wanted.target));
  void vscode.window.showInformationMessage(noticeText(said), open).then((answer) => {
    if (answer === open) void vscode.commands.executeCommand('vscode.open', wanted.target);
  });
}

function isExportTarget(argument: unknown): argument is ExportTarget {
  if (typeof argument !== 'object' || argument === null) return false;
  const { session, format, target } = argument as Partial<Record<keyof ExportTarget, unknown>>; // read and checked here
  return (
    typeof session === 'string' &&
    (format === 'json' || format === 'markdown') &&
    target instanceof vscode.Uri
  );
}

async function askExportTarget(
  window: WindowFace,
  session: SessionId | null,
): Promise<ExportTarget | undefined> {
  if (session === null) {
    throw new BridgeError(
      'SESSION_NOT_FOUND',
      vscode.l10n.t('No session is open. Choose one in the chat, then export it.'),
      { translated: true },
    );
  }
  const summary = window.session(session);
  const title = summary?.title ?? 'session';
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: 'Markdown',
        description: vscode.l10n.t('to read'),
        format: 'markdown' as const,
        extension: 'md',
      },
      {
        label: 'JSON',
        description: vscode.l10n.t('complete; can be imported again'),
        format: 'json' as const,
        extension: 'json',
      },
    ],
    { title: vscode.l10n.t('Export "{0}"', title) },
  );
  if (picked === undefined) return undefined;
  const name = `${
    title
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .slice(0, 60)
      .replaceAll(/^-|-$/g, '') || 'session'
  }.${picked.extension}`;
  const folder = window.folderPath(summary?.folder ?? null);
  const target = await vscode.window.showSaveDialog({
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(vscode.Uri.file(folder), name) }),
    filters: { [picked.label]: [picked.extension] },
  });
  return target === undefined ? undefined : { session, format: picked.format, target };
}

async function stopBridge(window: WindowFace): Promise<void> {
  const { link } = window;
  if (link.state.kind !== 'connected') {
    await vscode.window.showInformationMessage(vscode.l10n.t('This window is not connected to a bridge.'));
    return;
  }
  const status = await link.request('status', {});
  const busy = status.folders.reduce((sum, { running, queued }) => sum + running + queued, 0);
  let now = true;
  if (busy > 0) {
    const after = vscode.l10n.t('When They Are Done');
    const answer = await vscode.window.showWarningMessage(
      busy === 1
        ? vscode.l10n.t('1 turn has not ended. Stop the bridge now, and interrupt it?')
        : vscode.l10n.t('{0} turns have not ended. Stop the bridge now, and interrupt them?', busy),
      { modal: true },
      vscode.l10n.t('Stop Now'),
      after,
    );
    if (answer === undefined) return;
    now = answer !== after;
  }
  await link.request('stop', { now });
  if (now) link.release();
}
