import { isAbsolute, relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import { linkTarget } from './links.ts';
import { noticeText } from './noticeText.ts';

/** Opens what a person clicked in an answer: the web through VS Code, files of this window in an editor. */
export async function openLink(href: string): Promise<void> {
  const target = linkTarget(href);
  if (target.kind === 'web') {
    await vscode.env.openExternal(vscode.Uri.parse(target.href, true));
    return;
  }
  const file = target.kind === 'file' ? await findFile(target.path) : undefined;
  if (target.kind === 'refused' || file === undefined) {
    await vscode.window.showInformationMessage(
      noticeText(vscode.l10n.t('Nothing in this window\'s folders is at "{0}".', href)),
    );
    return;
  }
  const line = Math.max(0, (target.line ?? 1) - 1);
  await vscode.window.showTextDocument(file, {
    selection: new vscode.Range(line, 0, line, 0),
    preview: true,
  });
}

async function findFile(path: string): Promise<vscode.Uri | undefined> {
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
    const file = resolve(uri.fsPath, path);
    const inside = relative(uri.fsPath, file);
    if (uri.scheme !== 'file' || inside.startsWith('..') || isAbsolute(inside)) continue;
    const candidate = vscode.Uri.file(file);
    try {
      const { type } = await vscode.workspace.fs.stat(candidate);
      if ((type & vscode.FileType.File) !== 0) return candidate;
    } catch (error) {
      if (!(error instanceof vscode.FileSystemError)) throw error;
    }
  }
  return undefined;
}
