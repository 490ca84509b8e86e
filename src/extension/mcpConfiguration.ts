import * as vscode from 'vscode';
import type { WindowFace } from './windowFace.ts';

interface Endpoint {
  readonly url: string;
  readonly token: string;
}

/** The person's own choice: what is copied lets its reader use Codex in these folders. */
export async function copyMcpConfiguration(window: WindowFace): Promise<void> {
  const picked = await pickEndpoint(window, vscode.l10n.t('Copy MCP configuration (with its token)'));
  if (picked === undefined) return;
  const { url, token } = picked;
  const configuration = {
    mcpServers: { 'codex-bridge': { type: 'http', url, headers: { Authorization: `Bearer ${token}` } } },
  };
  await copy(
    JSON.stringify(configuration, null, 2),
    vscode.l10n.t(
      'Copied. The configuration has a token in it: give it only to clients that may use Codex here. It is valid until the bridge ends.',
    ),
  );
}

/** The line that registers this bridge with Claude Code. */
export async function connectClaudeCode(window: WindowFace): Promise<void> {
  const picked = await pickEndpoint(window, vscode.l10n.t('Connect Claude Code (with a token)'));
  if (picked === undefined) return;
  await copy(
    claudeLine(picked),
    vscode.l10n.t(
      'Copied. Paste the line into a terminal in this folder: it registers Codex with Claude Code ("claude mcp add …"). It has a token in it and is valid until the bridge ends.',
    ),
  );
}

/** Local scope, Claude Code's default: the registration is the person's own and not written to the project. */
export function claudeLine({ url, token }: Endpoint): string {
  return `claude mcp add --transport http codex-bridge ${url} --header "Authorization: Bearer ${token}"`;
}

/** @returns undefined when the person went back */
async function pickEndpoint(window: WindowFace, title: string): Promise<Endpoint | undefined> {
  const own = await window.connectedFolders();
  const endpoints = await window.link.request('endpoints', {});
  const choices = endpoints.folders
    .filter(({ key }) => own.some((folder) => folder.key === key))
    .map(({ name, path, url, token }) => ({ label: name, description: path, url, token }));
  const all = {
    label: vscode.l10n.t('All folders'),
    description: vscode.l10n.t('of this bridge'),
    url: endpoints.url,
    token: endpoints.token,
  };
  return vscode.window.showQuickPick([...choices, all], {
    title,
    placeHolder: vscode.l10n.t('Which folder may the client use?'),
  });
}

async function copy(text: string, message: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  // Not awaited: the command is done, whenever the message is closed.
  void vscode.window.showInformationMessage(message);
}
