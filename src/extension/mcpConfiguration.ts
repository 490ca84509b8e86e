import * as vscode from 'vscode';
import { genericConfiguration } from '../client/registrations/clients.ts';
import type { Surroundings } from '../client/registrations/registration.ts';
import type { WindowFace } from './windowFace.ts';

/** What any client wants to have that starts a server by itself. It names the launcher and has no token in it. */
export async function copyMcpConfiguration(around: Surroundings): Promise<void> {
  await copy(
    genericConfiguration(around),
    vscode.l10n.t(
      'Copied. The client starts "codex-bridge attach" by it and works in the folder that it was started in; no token is in it.',
    ),
  );
}

/** The person's own choice: what is copied lets its reader use Codex in these folders. */
export async function copyHttpConfiguration(window: WindowFace): Promise<void> {
  const picked = await pickEndpoint(window, vscode.l10n.t('Copy HTTP configuration (with its token)'));
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

/** @returns undefined when the person went back */
async function pickEndpoint(
  window: WindowFace,
  title: string,
): Promise<{ readonly url: string; readonly token: string } | undefined> {
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
