import type { ClientInfo } from '../../shared/faces.ts';
import { hasEnded } from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import type { ConnectedClient } from './clientList.ts';

/**
 * Connected clients with what each has running. A turn belongs to whoever has the name that its prompt came
 * under and may see its folder: two clients of the same name in the same scope are shown with the same turns.
 */
export function clientInfos(
  clients: readonly ConnectedClient[],
  folders: readonly FolderApi[],
): ClientInfo[] {
  const turns = folders.flatMap((folder) =>
    folder.pendingTurns().map(({ session, turn }) => ({
      source: turn.source,
      shown: {
        session: session.id,
        folder: folder.info.key,
        title: session.snapshot.title,
        turn: turn.id,
        status: turn.status,
      },
    })),
  );
  return clients.map(({ name, version, era, transport, scope, since, lastSeen }) => ({
    name,
    ...(version === undefined ? {} : { version }),
    era,
    ...(transport === undefined ? {} : { transport }),
    folder: scope.kind === 'all' ? null : scope.folder,
    since,
    lastSeen,
    turns: turns
      .filter(
        ({ source, shown }) =>
          source.kind === 'mcp' &&
          source.name === name &&
          !hasEnded(shown.status) &&
          (scope.kind === 'all' || scope.folder === shown.folder),
      )
      .map(({ shown }) => shown),
  }));
}
