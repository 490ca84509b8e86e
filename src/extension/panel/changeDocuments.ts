import * as vscode from 'vscode';
import type { ChangeContent, FileSide, MarkedFile } from '../../shared/changes.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import type { BridgeLink } from '../bridgeLink.ts';

/** Files as they were around a turn: `before`, `after`; `none` is an empty one, where there is no file. */
export const CHANGE_SCHEME = 'codex-bridge-change';

interface ChangeSide {
  readonly session: SessionId;
  readonly turn: TurnId;
  readonly path: string;
  readonly side: 'before' | 'after' | 'none';
}

/** Reads the sides of a changed file through the bridge, for VS Code's diff editors. */
export class ChangeDocuments implements vscode.TextDocumentContentProvider {
  readonly #link: BridgeLink;

  constructor(link: BridgeLink) {
    this.#link = link;
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { session, turn, path, side } = JSON.parse(uri.query) as ChangeSide; // made by sideUri alone
    if (side === 'none') return '';
    const content = await this.#link.request('changes.read', { session, turn, path });
    return textOf(content[side]);
  }
}

/** The path is the file's own, so that VS Code knows its language, and does not take a change for a move. */
function sideUri(folder: string, part: ChangeSide): vscode.Uri {
  const { path } = vscode.Uri.joinPath(vscode.Uri.file(folder), part.path);
  return vscode.Uri.from({ scheme: CHANGE_SCHEME, path, query: JSON.stringify(part) });
}

function textOf(side: FileSide | undefined): string {
  return side === undefined || side.encoding === 'base64' ? '' : side.data;
}

export interface ChangePlace {
  readonly session: SessionId;
  readonly turn: TurnId;
  /** Where the session's folder is on the disk. */
  readonly folder: string;
}

/**
 * Shows one changed file against what is on the disk now, which can be edited there.
 *
 * @throws BridgeError `CHANGE_NOT_FOUND`, `CHANGE_NOT_REVERTIBLE` as `changes.read` does
 */
export async function openDiff(link: BridgeLink, place: ChangePlace, path: string): Promise<void> {
  const { session, turn } = place;
  // Also the proof that the path is one of the turn's.
  const content: ChangeContent = await link.request('changes.read', { session, turn, path });
  const { file } = content;
  if (file.binary) {
    throw new BridgeError(
      'INVALID_INPUT',
      vscode.l10n.t('"{0}" is binary: it has no lines to compare.', path),
      { translated: true },
    );
  }
  const { before, after } = await sides(place, file);
  await vscode.commands.executeCommand(
    'vscode.diff',
    before,
    after,
    vscode.l10n.t('{0} (before the turn ↔ now)', file.movedTo ?? path),
  );
}

/** Shows all text files of a turn in one editor. */
export async function openAll(link: BridgeLink, place: ChangePlace): Promise<void> {
  const { session, turn } = place;
  const { files } = await link.request('changes.list', { session, turn });
  const resources = await Promise.all(
    files
      .filter(({ binary }) => !binary)
      .map(async (file) => {
        const { before, after } = await sides(place, file);
        return [onDisk(place, file), file.kind === 'add' ? undefined : before, after];
      }),
  );
  await vscode.commands.executeCommand('vscode.changes', vscode.l10n.t('Changes of the Turn'), resources);
}

async function sides(
  { session, turn, folder }: ChangePlace,
  file: MarkedFile,
): Promise<{ before: vscode.Uri; after: vscode.Uri }> {
  const part = { session, turn, path: file.path };
  const now = onDisk({ session, turn, folder }, file);
  const before = sideUri(folder, { ...part, side: file.kind === 'add' ? 'none' : 'before' });
  // A link's content is its target, which the editor would follow.
  if (file.type === 'link') return { before, after: sideUri(folder, { ...part, side: 'after' }) };
  return { before, after: (await exists(now)) ? now : sideUri(folder, { ...part, side: 'none' }) };
}

function onDisk({ folder }: ChangePlace, { path, movedTo }: MarkedFile): vscode.Uri {
  return vscode.Uri.joinPath(vscode.Uri.file(folder), movedTo ?? path);
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return false;
    throw error;
  }
}
