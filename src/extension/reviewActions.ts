import { isAbsolute, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import type { FolderInfo } from '../shared/faces.ts';
import type { ReviewTarget } from '../shared/review.ts';
import type { ReviewCommandId } from './commandIds.ts';
import { branchesOf, commitsOf } from './gitLists.ts';
import { pickFolder } from './pickFolder.ts';
import type { WindowFace } from './windowFace.ts';

interface ReviewActionDeps {
  readonly window: WindowFace;
  showChat(): Promise<void>;
}

export type ReviewActions = { readonly [id in ReviewCommandId]: (argument?: unknown) => Promise<unknown> };

/**
 * Reviews by Codex. A menu of the Source Control view names its repository; code may name the branch or the
 * commit.
 */
export function createReviewActions(deps: ReviewActionDeps): ReviewActions {
  const { window } = deps;
  return {
    'codexBridge.reviewChanges': (argument) =>
      inFolder(deps, argument, async () => ({ kind: 'uncommitted' })),
    'codexBridge.reviewBranch': (argument) =>
      inFolder(deps, argument, async ({ path }) => {
        const branch = typeof argument === 'string' ? argument : await pickBranch(path);
        return branch === undefined ? undefined : { kind: 'branch', branch };
      }),
    'codexBridge.reviewCommit': (argument) =>
      inFolder(deps, argument, async ({ path }) => {
        const commit = typeof argument === 'string' ? argument : await pickCommit(path);
        return commit === undefined ? undefined : { kind: 'commit', commit };
      }),
    'codexBridge.compact': async () => {
      const session = window.selected;
      if (session === null) {
        throw new BridgeError(
          'SESSION_NOT_FOUND',
          vscode.l10n.t('No session is open. Choose one in the chat, then compact it.'),
          { translated: true },
        );
      }
      const sent = await window.startTask({
        session,
        task: { kind: 'compact' },
        source: { kind: 'palette' },
      });
      await deps.showChat();
      return sent;
    },
  };
}

async function inFolder(
  { window, showChat }: ReviewActionDeps,
  argument: unknown,
  target: (folder: FolderInfo) => Promise<ReviewTarget | undefined>,
): Promise<unknown> {
  const folder = await folderOf(window, argument);
  const wanted = folder === undefined ? undefined : await target(folder);
  if (folder === undefined || wanted === undefined) return undefined;
  // Where the conversation about this folder is, so that the findings can be talked about.
  const here = window.link.session?.folder === folder.key;
  const sent = await window.startTask({
    session: here ? window.selected : null,
    folder: folder.key,
    task: { kind: 'review', target: wanted },
    source: { kind: 'palette' },
  });
  await showChat();
  return sent;
}

/** The folder of the repository that a menu belongs to, that of the open session, or one that is picked. */
async function folderOf(window: WindowFace, argument: unknown): Promise<FolderInfo | undefined> {
  const folders = await window.connectedFolders();
  const root = rootOf(argument);
  if (root !== undefined) {
    const found =
      folders.find(({ path }) => isInside(root, path)) ?? folders.find(({ path }) => isInside(path, root));
    if (found !== undefined) return found;
  }
  const open = window.link.session?.folder;
  return (
    folders.find(({ key }) => key === open) ??
    (await pickFolder(window, vscode.l10n.t('Review the changes of which folder?')))
  );
}

/** What VS Code gives to commands of the Source Control view's title: a source control with its root. */
function rootOf(argument: unknown): string | undefined {
  if (typeof argument !== 'object' || argument === null || !('rootUri' in argument)) return undefined;
  const { rootUri } = argument;
  return rootUri instanceof vscode.Uri && rootUri.scheme === 'file' ? rootUri.fsPath : undefined;
}

function isInside(outer: string, inner: string): boolean {
  const rest = relative(outer, inner);
  return rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest);
}

async function pickBranch(folder: string): Promise<string | undefined> {
  const branches = branchesOf(folder).then((list) =>
    list
      .filter(({ current }) => !current)
      .map(({ name, remote, when, subject }) => ({
        label: name,
        iconPath: new vscode.ThemeIcon(remote ? 'cloud' : 'git-branch'),
        description: when,
        detail: subject,
      })),
  );
  const picked = await vscode.window.showQuickPick(
    notEmpty(branches, vscode.l10n.t('There is no other branch.')),
    {
      title: vscode.l10n.t('Review Changes Against a Branch'),
      placeHolder: vscode.l10n.t('The branch that your work goes into'),
      matchOnDetail: true,
    },
  );
  return picked?.label;
}

async function pickCommit(folder: string): Promise<string | undefined> {
  const commits = commitsOf(folder).then((list) =>
    list.map(({ id, short, author, when, subject }) => ({
      label: subject,
      iconPath: new vscode.ThemeIcon('git-commit'),
      description: `${short} · ${author}, ${when}`,
      id,
    })),
  );
  const picked = await vscode.window.showQuickPick(
    notEmpty(commits, vscode.l10n.t('There is no commit yet.')),
    {
      title: vscode.l10n.t('Review a Commit'),
      placeHolder: vscode.l10n.t('Which commit?'),
      matchOnDescription: true,
    },
  );
  return picked?.id;
}

async function notEmpty<T>(list: Promise<T[]>, why: string): Promise<T[]> {
  const found = await list;
  if (found.length > 0) return found;
  throw new BridgeError('NOTHING_TO_DO', why, { translated: true });
}
