import { heldTurns, type SessionId } from '../shared/session.ts';
import type { BridgeLink } from './bridgeLink.ts';

/** Has the session's held prompts sent, or discards them: those that the window shows, and no other turn. */
export async function decideHeld(link: BridgeLink, session: SessionId, send: boolean): Promise<void> {
  if (send) {
    await link.request('session.release', { session });
    return;
  }
  const shown = link.session?.id === session ? heldTurns(link.session) : [];
  for (const { id: turn } of shown) await link.request('session.cancel', { session, turn });
}
