import * as vscode from 'vscode';
import { redact } from '../shared/redact.ts';
import { registerFixes, registerMcpServer, registerParticipant } from './citizens.ts';
import {
  CHAT_VIEW,
  CLIENTS_VIEW,
  COMMAND_IDS,
  type CommandId,
  SESSION_PANEL,
  SESSIONS_VIEW,
} from './commandIds.ts';
import type { Face, Views } from './face.ts';
import { isFromMenu } from './menuArgument.ts';
import { noticeText } from './noticeText.ts';
import { lazyTree } from './views/lazyTree.ts';

/** The commands of every window: the chat says what is missing where nothing can be done yet. */
const EVERYWHERE: readonly CommandId[] = ['codexBridge.showChat', 'codexBridge.showLog'];

/** What the extension exports: for the tests of this project. */
export interface ExtensionApi {
  /** Time that `activate` took, in ms. */
  readonly activationMs: number;
  /** Loads the parts that first use loads. */
  face(): Promise<Face>;
}

/**
 * Registers and returns. Everything with weight is in `face.ts`, a bundle of its own that is loaded at first
 * use; a contribution that fails is logged and leaves the others alive.
 */
export function activate(context: vscode.ExtensionContext): ExtensionApi {
  const started = performance.now();
  const log = vscode.window.createOutputChannel('Codex Bridge', { log: true });
  context.subscriptions.push(log);

  let loading: Promise<Face> | undefined;
  const face = () => {
    loading ??= import('./face.ts').then(({ createFace }) => {
      const created = createFace({ context, log, views });
      context.subscriptions.push(created);
      return created;
    });
    return loading;
  };
  const views = createViews(context, face);
  const contributions: Record<string, () => void> = {
    commands: () => registerCommands(context, log, face),
    chat: () => registerChat(context, log, face),
    panels: () => registerPanels(context, log, face),
    fixes: () => registerFixes(context),
    participant: () => registerParticipant(context, face),
    mcpServer: () => registerMcpServer(context, face),
    start: () => startWithWindow(log, face),
  };
  for (const [name, contribute] of Object.entries(contributions)) {
    try {
      contribute();
    } catch (error) {
      log.error(`${name} could not be set up: ${textOf(error)}`);
    }
  }
  const activationMs = performance.now() - started;
  log.info(`activated in ${activationMs.toFixed(1)} ms`);
  return { activationMs, face };
}

type LoadFace = () => Promise<Face>;

/** VS Code wants to know of its views before anything is loaded that fills them. */
function createViews(context: vscode.ExtensionContext, face: LoadFace): Views {
  const sessions = vscode.window.createTreeView(SESSIONS_VIEW, {
    treeDataProvider: lazyTree(async () => (await face()).sessions),
    showCollapseAll: false,
  });
  const clients = vscode.window.createTreeView(CLIENTS_VIEW, {
    treeDataProvider: lazyTree(async () => (await face()).clients),
    showCollapseAll: false,
  });
  const status = vscode.window.createStatusBarItem('codexBridge.status', vscode.StatusBarAlignment.Left, 0);
  status.name = 'Codex Bridge';
  status.text = '$(comment-discussion) Codex';
  status.command = 'codexBridge.showChat';
  if (vscode.workspace.workspaceFolders !== undefined) status.show();
  context.subscriptions.push(sessions, clients, status);
  return { sessions, clients, status };
}

function registerCommands(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  face: LoadFace,
): void {
  for (const id of COMMAND_IDS) {
    context.subscriptions.push(
      vscode.commands.registerCommand(id, (argument?: unknown) => runCommand(id, argument, log, face)),
    );
  }
}

/** A command's error is shown to the person, and passed on to whoever called it from code. */
async function runCommand(
  id: CommandId,
  argument: unknown,
  log: vscode.LogOutputChannel,
  face: LoadFace,
): Promise<unknown> {
  if (!EVERYWHERE.includes(id) && !(await isUsable())) return undefined;
  try {
    return await (await face()).actions[id](argument);
  } catch (error) {
    log.error(`${id}: ${textOf(error)}`);
    void vscode.window
      .showErrorMessage(noticeText(await shownText(error, face)), vscode.l10n.t('Show Log'))
      .then((answer) => {
        if (answer !== undefined) log.show();
      });
    // Called with an argument it was called by code, which wants to know; palette and menus have been told above.
    if (argument !== undefined && !isFromMenu(argument)) throw error;
    return undefined;
  }
}

/** The entry has no texts of errors: where the part with them can't be loaded, that is the error. */
async function shownText(error: unknown, face: LoadFace): Promise<string> {
  const plain = error instanceof Error ? error.message : String(error);
  return face().then(
    ({ errorText }) => errorText(error),
    () => plain,
  );
}

async function isUsable(): Promise<boolean> {
  if (vscode.workspace.workspaceFolders === undefined) {
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Codex works in a folder. Open one first.'),
      vscode.l10n.t('Open Folder'),
    );
    if (answer !== undefined) await vscode.commands.executeCommand('vscode.openFolder');
    return false;
  }
  if (vscode.workspace.isTrusted) return true;
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Codex Bridge does nothing in a folder that you do not trust.'),
    vscode.l10n.t('Manage Trust'),
  );
  if (answer !== undefined) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}

function registerChat(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, face: LoadFace): void {
  context.subscriptions.push(
    vscode.window.registerWebviewViewProvider(CHAT_VIEW, {
      async resolveWebviewView(view) {
        try {
          (await face()).showChat(view);
        } catch (error) {
          log.error(`the chat could not be shown: ${textOf(error)}`);
          throw error;
        }
      },
    }),
  );
}

/** VS Code brings back the panels that were open when the window closed. */
function registerPanels(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  face: LoadFace,
): void {
  context.subscriptions.push(
    vscode.window.registerWebviewPanelSerializer(SESSION_PANEL, {
      async deserializeWebviewPanel(panel, state) {
        try {
          await (await face()).panels.restore(panel, state);
        } catch (error) {
          log.error(`a session's panel could not be restored: ${textOf(error)}`);
          throw error;
        }
      },
    }),
  );
}

/** By setting the bridge is there before anyone asks, so that MCP clients find it. */
function startWithWindow(log: vscode.LogOutputChannel, face: LoadFace): void {
  const wanted = vscode.workspace.getConfiguration('codexBridge').get('startWhen') === 'windowOpens';
  if (!wanted || vscode.workspace.workspaceFolders === undefined) return;
  // In an untrusted window `start` does nothing, and the face starts when trust is granted.
  face()
    .then((loaded) => loaded.start())
    .catch((error: unknown) => log.error(`the bridge could not be started: ${textOf(error)}`));
}

function textOf(error: unknown): string {
  return redact(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
