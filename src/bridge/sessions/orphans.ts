import type { SessionId } from '../../shared/session.ts';
import type { HistoryStore } from '../ports.ts';
import type { LiveSession } from './liveSession.ts';

/** Turns that a dead bridge left have their end now: nothing runs that could still end them. */
export function endOrphans(
  history: Pick<HistoryStore, 'unfinished'>,
  sessionOf: (id: SessionId) => LiveSession,
): void {
  for (const { session, turn } of history.unfinished()) {
    const sent = turn.status !== 'queued';
    sessionOf(session).endTurn(turn.id, 'interrupted', {
      code: 'BRIDGE_STOPPING',
      message: sent
        ? 'The bridge ended while this turn ran. What it had is kept; send a prompt to go on from here.'
        : 'The bridge ended before this prompt was sent to Codex. Send it again.',
    });
  }
}
