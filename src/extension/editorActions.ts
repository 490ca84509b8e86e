import { relative } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import type { Attachment } from '../shared/faces.ts';
import type { SessionSettings } from '../shared/session.ts';
import type { EditorCommandId } from './commandIds.ts';
import {
  attachmentOf,
  EXPLAIN,
  fixPrompt,
  GENERATE_TESTS,
  type Piece,
  type Problem,
  planPrompt,
} from './editorPrompts.ts';
import type { WindowFace } from './windowFace.ts';

interface EditorActionDeps {
  readonly window: WindowFace;
  showChat(): Promise<void>;
}

export type EditorActions = { readonly [id in EditorCommandId]: (argument?: unknown) => Promise<unknown> };

/** What the editor's menu and the light bulb offer: a prompt with what the cursor is on. */
export function createEditorActions(deps: EditorActionDeps): EditorActions {
  const about = async (prompt: string) => {
    const { document, piece } = current();
    return send(deps, document.uri, prompt, [attachmentOf(piece)]);
  };
  return {
    'codexBridge.askAboutSelection': async (argument) => {
      // What is selected when the command is called, not when the question is written.
      const { document, piece } = current();
      const prompt =
        typeof argument === 'string'
          ? argument
          : await vscode.window.showInputBox({
              title: vscode.l10n.t('Ask Codex About {0}', place(piece)),
              placeHolder: vscode.l10n.t('What do you want to know, or to have done?'),
              ignoreFocusOut: true,
            });
      if (prompt === undefined || prompt.trim() === '') return undefined;
      return send(deps, document.uri, prompt, [attachmentOf(piece)]);
    },
    'codexBridge.explain': () => about(EXPLAIN),
    'codexBridge.generateTests': () => about(GENERATE_TESTS),
    'codexBridge.fixProblem': (argument) => fix(deps, argument),
    'codexBridge.plan': async (argument) => {
      const goal =
        typeof argument === 'string'
          ? argument
          : await vscode.window.showInputBox({
              title: vscode.l10n.t('Plan With Codex'),
              prompt: vscode.l10n.t('Codex looks and thinks, and changes nothing.'),
              placeHolder: vscode.l10n.t('What is to be done?'),
              ignoreFocusOut: true,
            });
      if (goal === undefined || goal.trim() === '') return undefined;
      const uri = vscode.window.activeTextEditor?.document.uri;
      return send(deps, uri, planPrompt(goal), [], { sandbox: 'read-only' });
    },
  };
}

/** In the open session where that is of the document's folder, else in a new one of that folder. */
async function send(
  { window, showChat }: EditorActionDeps,
  uri: vscode.Uri | undefined,
  prompt: string,
  attachments: readonly Attachment[],
  settings?: SessionSettings,
): Promise<unknown> {
  await window.connectedFolders();
  const path = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath;
  const folder = path === undefined ? undefined : window.link.folderAt(path)?.key;
  const open = window.link.session;
  const session = folder === undefined || open?.folder === folder ? window.selected : null;
  const sent = await window.prompt({
    session,
    prompt,
    attachments,
    source: { kind: 'palette' },
    ...(folder === undefined ? {} : { folder }),
    ...(settings === undefined ? {} : { settings }),
  });
  await showChat();
  return sent;
}

/** The selection, else the whole document. @throws BridgeError `INVALID_INPUT` without an editor */
function current(): { document: vscode.TextDocument; piece: Piece } {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    throw new BridgeError(
      'INVALID_INPUT',
      vscode.l10n.t('No file is open. Open one, select what it is about, and ask again.'),
      { translated: true },
    );
  }
  const { document, selection } = editor;
  const all = new vscode.Range(0, 0, document.lineCount, 0);
  return { document, piece: pieceOf(document, selection.isEmpty ? all : selection) };
}

function pieceOf(document: vscode.TextDocument, wanted: vscode.Range): Piece {
  const range = document.validateRange(wanted);
  // A selection that ends before the first character of a line does not have that line.
  const endsAtStart = range.end.character === 0 && range.end.line > range.start.line;
  return {
    path: pathOf(document.uri),
    startLine: range.start.line + 1,
    endLine: range.end.line + (endsAtStart ? 0 : 1),
    text: document.getText(range),
  };
}

function pathOf(uri: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder === undefined || uri.scheme !== 'file') return uri.path;
  return relative(folder.uri.fsPath, uri.fsPath).replaceAll('\\', '/');
}

function place({ path, startLine, endLine }: Piece): string {
  return `${path}:${startLine}-${endLine}`;
}

/** Lines around a problem that Codex is shown, as they are in the editor. */
const AROUND = 10;

async function fix(deps: EditorActionDeps, argument: unknown): Promise<unknown> {
  const editor = vscode.window.activeTextEditor;
  const given = isProblems(argument) ? argument : undefined;
  const uri = given?.uri ?? editor?.document.uri;
  if (uri === undefined)
    throw new BridgeError('INVALID_INPUT', vscode.l10n.t('No file is open. Open the one with the problem.'), {
      translated: true,
    });
  const document = await vscode.workspace.openTextDocument(uri);
  const diagnostics = given?.diagnostics ?? problemsAt(uri, editor?.selection);
  if (diagnostics.length === 0) {
    throw new BridgeError(
      'INVALID_INPUT',
      vscode.l10n.t('There is no problem here. Put the cursor on one, or open a file that has some.'),
      { translated: true },
    );
  }
  const lines = diagnostics.flatMap(({ range }) => [range.start.line, range.end.line]);
  const [first, last] = [Math.min(...lines), Math.max(...lines)];
  const piece = pieceOf(document, new vscode.Range(Math.max(0, first - AROUND), 0, last + AROUND + 1, 0));
  return send(deps, uri, fixPrompt(piece.path, diagnostics.map(problemOf)), [attachmentOf(piece)]);
}

/** Those that the cursor or the selection touches, else all of the file. */
function problemsAt(uri: vscode.Uri, selection: vscode.Selection | undefined): vscode.Diagnostic[] {
  const all = vscode.languages.getDiagnostics(uri);
  const touched = all.filter(
    ({ range }) => selection !== undefined && range.intersection(selection) !== undefined,
  );
  return touched.length > 0 ? touched : all;
}

const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const;

function problemOf({ range, message, severity, source }: vscode.Diagnostic): Problem {
  return {
    line: range.start.line + 1,
    message,
    severity: SEVERITIES[severity] ?? 'information',
    ...(source === undefined ? {} : { source }),
  };
}

function isProblems(
  argument: unknown,
): argument is { uri: vscode.Uri; diagnostics: readonly vscode.Diagnostic[] } {
  if (typeof argument !== 'object' || argument === null) return false;
  return (
    'uri' in argument &&
    argument.uri instanceof vscode.Uri &&
    'diagnostics' in argument &&
    Array.isArray(argument.diagnostics) &&
    argument.diagnostics.every((one) => one instanceof vscode.Diagnostic)
  );
}
