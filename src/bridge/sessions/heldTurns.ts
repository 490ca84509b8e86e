import { heldTurns, type TurnId } from '../../shared/session.ts';
import type { HistoryStore } from '../ports.ts';
import type { LiveSession } from './liveSession.ts';
import type { TurnInput } from './turnRunDeps.ts';

interface ReleaseDeps {
  readonly history: Pick<HistoryStore, 'append' | 'inputOf'>;
  /** Throws where the session takes no prompt now. */
  checkAccepting(): void;
  /** Throws where a turn would only fail. */
  requireLogin(): Promise<void>;
  queue(turn: TurnId, input: TurnInput): void;
}

/**
 * Queues held prompts, behind what is queued already: one, or all of the session in their order. Each is sent
 * once, however many ask for it at the same time; its rights are looked at anew when it starts.
 *
 * @returns those that were released; one that is not held (any more) is not among them
 * @throws BridgeError `HISTORY_UNAVAILABLE`, and what `checkAccepting` and `requireLogin` throw
 */
export async function releaseHeld(
  session: LiveSession,
  wanted: TurnId | undefined,
  { history, checkAccepting, requireLogin, queue }: ReleaseDeps,
): Promise<TurnId[]> {
  const held = () => heldTurns(session.head).filter(({ id }) => wanted === undefined || id === wanted);
  if (held().length === 0) return [];
  await requireLogin();
  // From here on nothing waits: another may have released or cancelled some meanwhile.
  checkAccepting();
  const turns = held().map(({ id }) => id);
  if (turns.length === 0) return [];
  session.emitDurably(
    turns.map((turn) => ({ type: 'turn.released', turn })),
    (snapshot, numbered) => history.append(snapshot, numbered),
  );
  // What SessionWork stored with the prompt; the history keeps it as it was.
  for (const turn of turns) queue(turn, history.inputOf(turn) as TurnInput);
  return turns;
}
