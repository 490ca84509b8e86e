import * as vscode from 'vscode';
import type { Face } from './face.ts';

type LoadFace = () => Promise<Face>;

/** The light bulb's "Fix with Codex", where a compiler or a linter has found something. */
export function registerFixes(context: vscode.ExtensionContext): void {
  const kind = vscode.CodeActionKind.QuickFix;
  const provider: vscode.CodeActionProvider = {
    provideCodeActions({ uri }, _range, { diagnostics }) {
      if (diagnostics.length === 0 || !vscode.workspace.isTrusted) return [];
      const title = vscode.l10n.t('Fix with Codex');
      const action = new vscode.CodeAction(title, kind);
      action.diagnostics = [...diagnostics];
      action.command = { command: 'codexBridge.fixProblem', title, arguments: [{ uri, diagnostics }] };
      return [action];
    },
  };
  context.subscriptions.push(
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, provider, {
      providedCodeActionKinds: [kind],
    }),
  );
}

/** `@codex` in VS Code's own chat, where this VS Code has one. */
export function registerParticipant(context: vscode.ExtensionContext, face: LoadFace): void {
  if (typeof vscode.chat?.createChatParticipant !== 'function') return;
  const participant = vscode.chat.createChatParticipant(
    'codexBridge.codex',
    async (request, chat, response, token) => (await face()).answerInChat(request, chat, response, token),
  );
  participant.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'icon.svg');
  context.subscriptions.push(participant);
}

/**
 * Offers the bridge to VS Code's own MCP clients, where this VS Code has any. To list it starts nothing: the
 * address and its token are asked for when a client starts the server.
 */
export function registerMcpServer(context: vscode.ExtensionContext, face: LoadFace): void {
  if (typeof vscode.lm?.registerMcpServerDefinitionProvider !== 'function') return;
  const provider: vscode.McpServerDefinitionProvider<vscode.McpHttpServerDefinition> = {
    provideMcpServerDefinitions() {
      if (!vscode.workspace.isTrusted) return [];
      return (vscode.workspace.workspaceFolders ?? [])
        .filter(({ uri }) => uri.scheme === 'file')
        .map(({ name, uri }) => {
          // A place holder until it is resolved: the port is the bridge's to choose.
          const address = vscode.Uri.parse('http://127.0.0.1/mcp').with({ fragment: uri.fsPath });
          return new vscode.McpHttpServerDefinition(`Codex Bridge: ${name}`, address);
        });
    },
    async resolveMcpServerDefinition(server) {
      const { url, token } = await (await face()).endpoint(server.uri.fragment);
      server.uri = vscode.Uri.parse(url, true);
      server.headers = { Authorization: `Bearer ${token}` };
      return server;
    },
  };
  context.subscriptions.push(vscode.lm.registerMcpServerDefinitionProvider('codexBridge.mcp', provider));
}
