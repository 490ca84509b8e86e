import type { ChangesEvents } from '../../shared/changes.ts';
import type { Disposable } from '../../shared/disposables.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import type { ChangesApi } from './folderChanges.ts';

/**
 * What the private socket can do with changes. Apart from `BridgeApi`, which MCP has too: reverting is the
 * person's own act.
 */
export interface ChangesDoor {
  /** The changes of the session's folder. @throws BridgeError `SESSION_NOT_FOUND`, `TURN_NOT_FOUND` */
  changesOf(session: SessionId, turn: TurnId): ChangesApi;
  onChanges(listener: (event: ChangesEvents['changes.changed']) => void): Disposable;
}
