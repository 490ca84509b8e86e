import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import type { SessionId } from '../shared/session.ts';
import type { SessionCommandId } from './commandIds.ts';
import { noticeText } from './noticeText.ts';
import { pickFolder } from './pickFolder.ts';
import { sessionOf } from './views/sessionNodes.ts';
import type { SessionsView } from './views/sessionsView.ts';
import type { WindowFace } from './windowFace.ts';

/** How long a deleted session stays where it is, in ms: until then an undo brings it back untouched. */
const UNDO_MS = 6_000;

interface SessionActionDeps {
  readonly window: WindowFace;
  sessions(): SessionsView;
  showChat(): Promise<void>;
  onError(error: unknown): void;
}

export type SessionActions = { readonly [id in SessionCommandId]: (argument?: unknown) => Promise<unknown> };

/** What the sessions view's menus do. Each works on the node it is given, else on the one with the focus. */
export function createSessionActions(deps: SessionActionDeps): SessionActions {
  const { window, sessions } = deps;
  const request = window.link.request.bind(window.link);
  /** @throws BridgeError `SESSION_NOT_FOUND` */
  const chosen = (argument: unknown): SessionId => {
    const id = sessionOf(argument) ?? sessions().focused ?? window.selected;
    if (id !== null && id !== undefined) return id;
    throw new BridgeError(
      'SESSION_NOT_FOUND',
      vscode.l10n.t('No session is chosen. Choose one in the list first.'),
      { translated: true },
    );
  };
  const archive = (archived: boolean) => async (argument?: unknown) => {
    const session = chosen(argument);
    await request('session.archive', { session, archived });
    if (archived && window.selected === session) await window.select(null);
  };
  return {
    'codexBridge.renameSession': async (argument) => {
      const session = chosen(argument);
      const title = await vscode.window.showInputBox({
        title: vscode.l10n.t('Rename Session'),
        value: window.session(session)?.title ?? '',
        validateInput: (text) =>
          text.trim() === '' ? vscode.l10n.t('A title has at least one character.') : undefined,
      });
      if (title !== undefined)
        await request('session.rename', { session, title: title.trim().slice(0, 500) });
    },
    'codexBridge.forkSession': async (argument) => {
      const fork = await request('session.fork', { session: chosen(argument) });
      await window.select(fork.id);
      await deps.showChat();
      return fork.id;
    },
    'codexBridge.archiveSession': archive(true),
    'codexBridge.unarchiveSession': archive(false),
    'codexBridge.deleteSession': (argument) => deleteSession(deps, chosen(argument)),
    'codexBridge.importSessions': (argument) => importSessions(deps, argument),
    'codexBridge.filterSessions': async (argument) => {
      const query =
        typeof argument === 'string'
          ? argument
          : await vscode.window.showInputBox({
              title: vscode.l10n.t('Find Sessions'),
              prompt: vscode.l10n.t('Words of a title, a prompt or an answer'),
              value: sessions().query,
            });
      if (query !== undefined) await sessions().filter(query);
    },
    'codexBridge.clearSessionFilter': () => sessions().filter(''),
    'codexBridge.showArchivedSessions': () => sessions().showArchived(true),
    'codexBridge.hideArchivedSessions': () => sessions().showArchived(false),
  };
}

/**
 * Deletes after a while in which it can be undone. Until then nothing has happened to the session: a window
 * that dies meanwhile loses nothing. Where its undo is still on the screen later, an export brings it back.
 */
async function deleteSession({ window, onError }: SessionActionDeps, session: SessionId): Promise<void> {
  const summary = window.session(session);
  if (summary === undefined) return;
  await window.connectedFolders();
  await window.hideSession(session, true);
  let kept: string | undefined;
  const remove = async () => {
    try {
      kept = (await window.link.request('session.export', { session, format: 'json' })).data;
      await window.deleteSession(session);
    } catch (error) {
      await window.hideSession(session, false);
      throw error;
    }
  };
  const undo = vscode.l10n.t('Undo');
  const timer = setTimeout(() => {
    deleting = remove();
    deleting.catch(onError);
  }, UNDO_MS);
  let deleting: Promise<void> | undefined;
  void vscode.window
    .showInformationMessage(noticeText(vscode.l10n.t('Deleted "{0}".', summary.title)), undo)
    .then(async (answer) => {
      if (answer !== undo) return;
      clearTimeout(timer);
      await deleting;
      if (kept === undefined) await window.hideSession(session, false);
      else await window.link.request('session.import', { folder: summary.folder, data: kept });
    })
    .then(undefined, onError);
}

async function importSessions({ window, showChat }: SessionActionDeps, argument: unknown): Promise<unknown> {
  const folder = await pickFolder(window, vscode.l10n.t('Import into which folder?'), argument);
  if (folder === undefined) return undefined;
  const file =
    argument instanceof vscode.Uri
      ? argument
      : (
          await vscode.window.showOpenDialog({
            title: vscode.l10n.t('Import Sessions'),
            openLabel: vscode.l10n.t('Import'),
            filters: { JSON: ['json'] },
          })
        )?.[0];
  if (file === undefined) return undefined;
  const data = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const { sessions } = await window.link.request('session.import', { folder: folder.key, data });
  const [first] = sessions;
  if (first !== undefined) await window.select(first);
  await showChat();
  return sessions;
}
