import * as vscode from 'vscode';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalCommandId } from '../commandIds.ts';
import type { SessionPanels } from '../panel/sessionPanels.ts';
import { sessionOf } from '../views/sessionNodes.ts';
import type { SessionsView } from '../views/sessionsView.ts';
import type { WindowFace } from '../windowFace.ts';
import type { SessionTerminals } from './sessionTerminals.ts';

interface TerminalActionDeps {
  readonly window: WindowFace;
  readonly terminals: SessionTerminals;
  readonly panels: SessionPanels;
  sessions(): SessionsView;
}

/** Commands that show a session's terminal: of the node they are given, else of the open session. */
export function createTerminalActions({ window, terminals, panels, sessions }: TerminalActionDeps): {
  readonly [id in TerminalCommandId]: (argument?: unknown) => Promise<void>;
} {
  /** @throws BridgeError `SESSION_NOT_FOUND` */
  const chosen = async (argument: unknown): Promise<SessionId> => {
    // Also starts the bridge and lets it know the folders.
    await window.connectedFolders();
    const id = sessionOf(argument) ?? window.selected ?? sessions().focused;
    if (id !== null && id !== undefined) return id;
    throw new BridgeError(
      'SESSION_NOT_FOUND',
      vscode.l10n.t('No session is open. Choose one in the list, or ask something first.'),
      { translated: true },
    );
  };
  return {
    'codexBridge.openTerminal': async (argument) => {
      const session = await chosen(argument);
      await panels.open(
        session,
        window.session(session)?.title || vscode.l10n.t('Codex Session'),
        'terminal',
      );
    },
    'codexBridge.openIntegratedTerminal': async (argument) =>
      terminals.openIntegrated(await chosen(argument)),
  };
}
