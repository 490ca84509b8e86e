import { hasEnded, type TurnId } from '../../shared/session.ts';
import type { Session } from '../sessions/session.ts';
import type { ProgressSink, ToolCall } from './call.ts';
import { ProgressReporter } from './progressReporter.ts';
import { waitForTurn } from './waiting.ts';

export interface AwaitedTurn {
  readonly session: Session;
  readonly turn: TurnId;
}

/**
 * Waits until all of the turns have ended, or one of them, or the time is over. Progress says which turn it is
 * about.
 *
 * @throws BridgeError `CANCELLED` when the caller is gone
 */
export async function waitForTurns(
  call: ToolCall,
  turns: readonly AwaitedTurn[],
  until: 'all' | 'any',
  seconds: number | undefined,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, over.signal]);
  const reporter = call.progress === undefined ? undefined : new ProgressReporter(call.progress, call.clock);
  const waitFor = async ({ session, turn }: AwaitedTurn, index: number): Promise<void> => {
    const progress = reporter === undefined ? undefined : labelled(reporter, `${index + 1}/${turns.length} `);
    try {
      const { status } = await waitForTurn({ ...call, signal, progress }, session, turn, seconds);
      if (until === 'any' && hasEnded(status)) over.abort();
    } catch (error) {
      // Another turn has ended, which was all that was wanted.
      if (over.signal.aborted && !call.signal.aborted) return;
      over.abort();
      throw error;
    }
  };
  try {
    await Promise.all(turns.map(waitFor));
  } finally {
    reporter?.dispose();
  }
}

/** The pace, and what a client that does not read means, are the reporter's, for all turns together. */
function labelled(reporter: ProgressReporter, label: string): ProgressSink {
  return {
    congested: () => false,
    send: (message) => reporter.offer(() => label + message),
  };
}
