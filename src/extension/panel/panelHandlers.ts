import * as vscode from 'vscode';
import { BridgeError } from '../../shared/errors.ts';
import type { PanelContract } from '../../shared/panel.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import type { BridgeLink } from '../bridgeLink.ts';
import { type ChangePlace, openAll, openDiff } from './changeDocuments.ts';

type ChangesHandlers = Omit<Handlers<PanelContract>, 'panel.ready' | 'panel.tab'>;

/** What the changes tab asks: the bridge answers, and VS Code shows. */
export function changesHandlers(link: BridgeLink): ChangesHandlers {
  return {
    copy: async ({ text }) => {
      await vscode.env.clipboard.writeText(text);
      return null;
    },
    'changes.list': (params) => link.request('changes.list', params),
    'changes.read': (params) => link.request('changes.read', params),
    'changes.revert': (params) => link.request('changes.revert', params),
    'changes.keep': (params) => link.request('changes.keep', params),
    'changes.openDiff': async ({ session, turn, path }) => {
      await openDiff(link, placeOf(link, session, turn), path);
      return null;
    },
    'changes.openAll': async ({ session, turn }) => {
      await openAll(link, placeOf(link, session, turn));
      return null;
    },
  };
}

function placeOf(link: BridgeLink, session: SessionId, turn: TurnId): ChangePlace {
  const open = link.session;
  const folder = link.folders.find(({ key }) => key === open?.folder)?.path;
  if (open?.id === session && folder !== undefined) return { session, turn, folder };
  throw new BridgeError(
    'FOLDER_UNKNOWN',
    vscode.l10n.t("The session's folder is not open in this window. Open it, then try again."),
    { translated: true },
  );
}
