import { isAbsolute, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import type { ChosenAttachment, ContextEntry } from '../shared/webview.ts';
import { rank } from './composerRank.ts';

/** Files that are looked through for a query; VS Code's own search finds them, there is no index of ours. */
const MAX_FILES = 20_000;
const MAX_ENTRIES = 30;
/** Typing a word asks several times: the list of files is taken anew only after this time, in ms. */
const FRESH_MS = 5_000;
const MAX_PROBLEMS = 200;
const MAX_LISTED = 500;

/** What of a window can be attached to a prompt. */
export class ComposerContext {
  #files: { folder: string; at: number; paths: Promise<string[]> } | undefined;

  async find(folder: string, query: string): Promise<ContextEntry[]> {
    const special = this.#special(folder).filter(({ label, kind }) =>
      `${kind} ${label}`.toLowerCase().includes(query.toLowerCase()),
    );
    const files = await this.#paths(folder);
    const open = openFiles(folder);
    // Without a query: what is open, then the rest. With one, what is open wins among equals.
    const paths = [...new Set([...open, ...files])];
    const folders = query === '' ? [] : foldersOf(files);
    const found = rank([...paths, ...folders], query, MAX_ENTRIES).map(
      (label): ContextEntry => ({ kind: label.endsWith('/') ? 'folder' : 'file', label }),
    );
    return [...special, ...found];
  }

  /** @throws BridgeError `ATTACHMENT_NOT_FOUND`, `ATTACHMENT_OUTSIDE_FOLDER` */
  async file(folder: string, path: string): Promise<ChosenAttachment> {
    const open = vscode.workspace.textDocuments.find(({ uri }) => inside(folder, uri) === path);
    // Codex is given what the person sees, and the disk does not have that yet.
    if (open?.isDirty === true) {
      return {
        attachment: { kind: 'text', name: `${path} (unsaved)`, text: open.getText() },
        label: path,
        icon: 'file',
      };
    }
    return { attachment: { kind: 'file', path }, label: path, icon: 'file' };
  }

  /** The names of the files below it: Codex reads what it wants to. */
  async folder(folder: string, path: string): Promise<ChosenAttachment> {
    const below = (await this.#paths(folder)).filter((file) => file.startsWith(path));
    const more = below.length > MAX_LISTED ? `\n… and ${below.length - MAX_LISTED} more` : '';
    const text = `Files below ${path}\n\n${below.slice(0, MAX_LISTED).join('\n')}${more}`;
    return { attachment: { kind: 'text', name: path, text }, label: path, icon: 'folder' };
  }

  selection(folder: string): ChosenAttachment {
    const found = selected(folder);
    if (found === undefined) {
      throw new BridgeError(
        'ATTACHMENT_NOT_FOUND',
        vscode.l10n.t('Nothing is selected in an editor. Select some lines first.'),
        { translated: true },
      );
    }
    const { editor, path, label, startLine, endLine } = found;
    const attachment = editor.document.isDirty
      ? { kind: 'text' as const, name: `${label} (unsaved)`, text: editor.document.getText(editor.selection) }
      : { kind: 'file' as const, path, startLine, endLine };
    return { attachment, label, icon: 'selection' };
  }

  problems(folder: string): ChosenAttachment {
    const all = problemsOf(folder);
    const lines = all.slice(0, MAX_PROBLEMS);
    if (all.length > MAX_PROBLEMS) lines.push(`… and ${all.length - MAX_PROBLEMS} more`);
    if (all.length === 0) lines.push('None.');
    return {
      attachment: { kind: 'text', name: 'Problems', text: lines.join('\n') },
      label: problemsLabel(all.length),
      icon: 'problems',
    };
  }

  /**
   * Files that were dropped from a view of VS Code's.
   *
   * @throws BridgeError `ATTACHMENT_OUTSIDE_FOLDER`
   */
  async dropped(folder: string, uris: readonly string[]): Promise<ChosenAttachment[]> {
    return Promise.all(
      uris.map(async (text) => {
        const uri = vscode.Uri.parse(text);
        const path = inside(folder, uri);
        if (path === undefined) {
          throw new BridgeError(
            'ATTACHMENT_OUTSIDE_FOLDER',
            vscode.l10n.t(
              '"{0}" is not in the session\'s folder. Copy it into the folder, or open a session in its own.',
              text,
            ),
            { translated: true },
          );
        }
        const { type } = await vscode.workspace.fs.stat(uri);
        return (type & vscode.FileType.Directory) === 0
          ? this.file(folder, path)
          : this.folder(folder, `${path}/`);
      }),
    );
  }

  #special(folder: string): ContextEntry[] {
    const selection = selected(folder);
    const problems = problemsOf(folder).length;
    return [
      ...(selection === undefined ? [] : [{ kind: 'selection' as const, label: selection.label }]),
      ...(problems === 0 ? [] : [{ kind: 'problems' as const, label: problemsLabel(problems) }]),
    ];
  }

  #paths(folder: string): Promise<string[]> {
    const known = this.#files;
    if (known?.folder === folder && performance.now() - known.at < FRESH_MS) return known.paths;
    const paths = listFiles(folder);
    this.#files = { folder, at: performance.now(), paths };
    return paths;
  }
}

async function listFiles(folder: string): Promise<string[]> {
  const root = vscode.Uri.file(folder);
  const found = await vscode.workspace.findFiles(
    new vscode.RelativePattern(root, '**/*'),
    excluded(root),
    MAX_FILES,
  );
  return found.flatMap((uri) => inside(folder, uri) ?? []).sort();
}

/** What the person hides from the explorer and from searches. */
function excluded(root: vscode.Uri): string {
  const globs = ['files.exclude', 'search.exclude'].flatMap((name) =>
    Object.entries(
      vscode.workspace.getConfiguration(undefined, root).get<Record<string, unknown>>(name) ?? {},
    )
      .filter(([, value]) => value === true)
      .map(([glob]) => glob),
  );
  return `{${[...new Set([...globs, '**/.git'])].join(',')}}`;
}

function foldersOf(files: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const file of files) {
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) {
      folders.add(file.slice(0, at + 1));
    }
  }
  return [...folders];
}

/** In tabs, the active one first. */
function openFiles(folder: string): string[] {
  const active = vscode.window.activeTextEditor?.document.uri;
  const tabs = vscode.window.tabGroups.all.flatMap(({ tabs: list }) =>
    list.flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : [])),
  );
  return [...(active === undefined ? [] : [active]), ...tabs].flatMap((uri) => inside(folder, uri) ?? []);
}

function selected(folder: string) {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || editor.selection.isEmpty) return undefined;
  const path = inside(folder, editor.document.uri);
  if (path === undefined) return undefined;
  const { start, end } = editor.selection;
  const startLine = start.line + 1;
  // A selection that ends before the first character of a line does not mean that line.
  const endLine = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  const label = startLine === endLine ? `${path}:${startLine}` : `${path}:${startLine}-${endLine}`;
  return { editor, path, label, startLine, endLine };
}

const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const;

function problemsOf(folder: string): string[] {
  return vscode.languages.getDiagnostics().flatMap(([uri, list]) => {
    const path = inside(folder, uri);
    if (path === undefined) return [];
    return list
      .filter(({ severity }) => severity <= vscode.DiagnosticSeverity.Warning)
      .map(({ range, severity, message, source }) => {
        const where = `${path}:${range.start.line + 1}:${range.start.character + 1}`;
        return `${where}: ${SEVERITIES[severity]}: ${message}${source === undefined ? '' : ` (${source})`}`;
      });
  });
}

function problemsLabel(count: number): string {
  return count === 1 ? '1 problem' : `${count} problems`;
}

/** The path relative to the folder with `/`, where it lies in it. */
function inside(folder: string, uri: vscode.Uri): string | undefined {
  if (uri.scheme !== 'file') return undefined;
  const path = relative(folder, uri.fsPath);
  if (path === '' || path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) return undefined;
  return path.split(sep).join('/');
}
