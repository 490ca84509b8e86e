import type { SessionId } from '../../shared/session.ts';
import type { HistoryStore } from '../ports.ts';
import type { LiveSession } from './liveSession.ts';

/**
 * What a bridge that ended has left. A turn that ran has its end now, because nothing runs that could still end it.
 * A prompt that was never sent is held: whoever sent it may not be there any more, or may have sent it elsewhere.
 */
export function settleOrphans(
  history: Pick<HistoryStore, 'unfinished'>,
  sessionOf: (id: SessionId) => LiveSession,
): void {
  for (const { session, turn, hasInput } of history.unfinished()) {
    if (turn.held === true && hasInput) continue;
    if (turn.status === 'queued' && hasInput) {
      sessionOf(session).emit({ type: 'turn.held', turn: turn.id });
      continue;
    }
    sessionOf(session).endTurn(turn.id, 'interrupted', {
      code: 'BRIDGE_STOPPING',
      message:
        turn.status === 'queued'
          ? 'The bridge ended before this prompt was sent to Codex. Send it again.'
          : 'The bridge ended while this turn ran. What it had is kept; send a prompt to go on from here.',
    });
  }
}
