import { isAbsolute, relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../../shared/errors.ts';

/** The files of a folder by the paths that a program prints, which are relative to it or absolute. */
export class FolderFiles {
  readonly #folder: () => string | undefined;

  /** @param folder where it is on the disk; undefined while it is not open in this window */
  constructor(folder: () => string | undefined) {
    this.#folder = folder;
  }

  async has(path: string): Promise<boolean> {
    return (await this.#find(path)) !== undefined;
  }

  /**
   * Shows the file at a place in it. Lines and columns count from 1.
   *
   * @throws BridgeError `INVALID_INPUT` where the folder has no such file
   */
  async open(path: string, line = 1, column = 1): Promise<void> {
    const file = await this.#find(path);
    if (file === undefined) {
      throw new BridgeError(
        'INVALID_INPUT',
        vscode.l10n.t('There is no file "{0}" in the session\'s folder.', path),
        { translated: true },
      );
    }
    const place = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
    // Not as a text document: it may be a picture.
    await vscode.commands.executeCommand('vscode.open', file, {
      selection: new vscode.Range(place, place),
      preview: true,
    } satisfies vscode.TextDocumentShowOptions);
  }

  async #find(path: string): Promise<vscode.Uri | undefined> {
    const folder = this.#folder();
    if (folder === undefined || path.includes('\0')) return undefined;
    const file = resolve(folder, path);
    const inside = relative(folder, file);
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) return undefined;
    const uri = vscode.Uri.file(file);
    try {
      const { type } = await vscode.workspace.fs.stat(uri);
      return (type & vscode.FileType.File) === 0 ? undefined : uri;
    } catch (error) {
      if (error instanceof vscode.FileSystemError) return undefined;
      throw error;
    }
  }
}
