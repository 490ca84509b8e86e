import { BridgeError } from '../../shared/errors.ts';
import type { SessionSnapshot } from '../../shared/session.ts';
import type { CodexHost } from '../folders/codexHost.ts';
import { newSessionId } from '../ids.ts';
import type { Clock, Logger } from '../ports.ts';
import type { LiveSession } from './liveSession.ts';
import { forkSnapshot } from './snapshots.ts';
import type { Threads } from './threads.ts';

interface ForkDeps {
  readonly codex: Pick<CodexHost, 'link'>;
  readonly threads: Pick<Threads, 'fork' | 'forget'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
}

/**
 * What a fork of the session begins with, its thread in Codex forked too.
 *
 * @throws BridgeError `SESSION_BUSY` where a turn runs, or came while Codex forked: nobody can say then whether the
 * fork has it
 */
export async function forkOf(session: LiveSession, deps: ForkDeps): Promise<SessionSnapshot> {
  const { codex, threads, clock, logger } = deps;
  const { thread, turns } = session.head;
  if (session.busy) throw busy();
  const id = newSessionId();
  // A session without a thread has nothing in Codex that could be forked.
  if (thread === undefined) return forkSnapshot(session.head, id, undefined, clock.now());
  const link = await codex.link();
  const forked = await threads.fork(session, link, id);
  if (!session.busy && session.head.turns.length === turns.length)
    return forkSnapshot(session.head, id, forked, clock.now());
  threads.forget(id);
  if (forked !== undefined) {
    await link.client.call('thread/delete', { threadId: forked }).catch((error: unknown) => {
      logger.warn('Codex keeps the thread of a fork that was not made', { session: session.id, error });
    });
  }
  throw busy();
}

function busy(): BridgeError {
  return new BridgeError('SESSION_BUSY', 'The session has a running turn. Wait for its end, then fork.');
}
