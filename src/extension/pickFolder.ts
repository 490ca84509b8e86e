import * as vscode from 'vscode';
import type { FolderInfo } from '../shared/faces.ts';
import { isNode } from './views/sessionNodes.ts';
import type { WindowFace } from './windowFace.ts';

/**
 * The folder of a node that a menu was opened on, the only one there is, or the one that the person picks.
 *
 * @returns undefined when the person went back
 */
export async function pickFolder(
  window: WindowFace,
  title: string,
  node?: unknown,
): Promise<FolderInfo | undefined> {
  const folders = await window.connectedFolders();
  const named =
    isNode(node) && node.node === 'folder' ? folders.find(({ key }) => key === node.key) : undefined;
  if (named !== undefined || folders.length < 2) return named ?? folders[0];
  const picked = await vscode.window.showQuickPick(
    folders.map((folder) => ({ label: folder.name, description: folder.path, folder })),
    { title },
  );
  return picked?.folder;
}
