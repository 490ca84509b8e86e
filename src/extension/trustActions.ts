import * as vscode from 'vscode';
import type { TrustCommandId } from './commandIds.ts';
import { pickFolder } from './pickFolder.ts';
import type { WindowFace } from './windowFace.ts';

/** So many files are named before the person decides; the others are counted. */
const MAX_NAMED = 15;

/** Codex's own trust in a folder: apart from VS Code's, and never given but here. */
export function createTrustActions({ window }: { readonly window: WindowFace }): {
  readonly [id in TrustCommandId]: (argument?: unknown) => Promise<unknown>;
} {
  return {
    'codexBridge.trustFolder': (argument) => trust(window, argument),
    'codexBridge.untrustFolder': (argument) => stopTrusting(window, argument),
  };
}

async function trust(window: WindowFace, argument: unknown): Promise<void> {
  const folder = await pickFolder(window, vscode.l10n.t('Trust which folder in Codex?'), argument);
  if (folder === undefined) return;
  const { trust, files } = await window.link.request('trust.read', { folder: folder.key });
  if (trust.level === 'trusted') {
    await vscode.window.showInformationMessage(vscode.l10n.t('Codex already trusts {0}.', folder.name));
    return;
  }
  const named = files.slice(0, MAX_NAMED);
  const found =
    files.length === 0
      ? vscode.l10n.t('There is nothing in its .codex directory now; what gets there later runs, too.')
      : [
          vscode.l10n.t('What is there now:'),
          ...named,
          ...(files.length > named.length
            ? [vscode.l10n.t('and {0} more', files.length - named.length)]
            : []),
        ].join('\n');
  const yes = vscode.l10n.t('Trust in Codex');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Let Codex run what the folder {0} configures?', folder.name),
    {
      modal: true,
      detail: `${vscode.l10n.t(
        "Codex then starts the MCP servers and follows the settings, hooks and command rules of the folder's .codex directory, outside the sandbox and without asking, also after they change. This is written to your Codex configuration ({0}), so it also holds for Codex elsewhere.",
        'config.toml',
      )}\n\n${found}`,
    },
    yes,
  );
  if (answer !== yes) return;
  await window.link.request('trust.set', { folder: folder.key, trusted: true });
  await vscode.window.showInformationMessage(
    vscode.l10n.t('Codex trusts {0} as soon as nothing runs in it.', folder.name),
  );
}

async function stopTrusting(window: WindowFace, argument: unknown): Promise<void> {
  const folder = await pickFolder(window, vscode.l10n.t('Stop trusting which folder in Codex?'), argument);
  if (folder === undefined) return;
  const { trust } = await window.link.request('trust.set', { folder: folder.key, trusted: false });
  if (trust.inEffect.length === 0) {
    await vscode.window.showInformationMessage(
      vscode.l10n.t('Codex no longer trusts {0}, as soon as nothing runs in it.', folder.name),
    );
    return;
  }
  await vscode.window.showWarningMessage(
    vscode.l10n.t(
      'Codex still trusts what is around {0}: {1}. Open that folder to stop it, or change [projects] in config.toml.',
      folder.name,
      trust.inEffect.join(', '),
    ),
  );
}
