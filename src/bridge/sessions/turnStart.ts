import type { SessionEvent } from '../../shared/events.ts';
import type { SessionSettings, TurnId } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { CodexClient } from '../codex/client.ts';
import type { UserInput } from '../codex/generated/v2/UserInput.ts';
import type { Clock } from '../ports.ts';
import { nothingLeft, startTask, type TaskStart } from './taskStart.ts';
import type { ThreadRights } from './threadRights.ts';
import type { TurnChoice } from './threads.ts';
import type { modeParams } from './turnModes.ts';

/** Must be on disk before Codex is asked: after a crash it tells a prompt that was sent from one that was not. */
export function startedEvent(
  turn: TurnId,
  settings: SessionSettings,
  { defaults }: BridgeSettings,
  clock: Pick<Clock, 'now'>,
): SessionEvent {
  const { model } = askedOf(settings, defaults);
  return { type: 'turn.started', turn, at: clock.now(), ...(model === undefined ? {} : { model }) };
}

/** Model and effort that somebody asked for: the caller, the session, or the person's defaults. */
export function askedOf(settings: SessionSettings, defaults: BridgeSettings['defaults']): TurnChoice {
  const model = settings.model ?? defaults.model;
  const effort = settings.effort ?? defaults.effort;
  return { ...(model === undefined ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
}

/** The earlier conversation is told to a thread that does not know it with the first prompt. @throws BridgeError */
export function requireConversation(restored: string | undefined, task: TaskStart | undefined): void {
  if (restored !== undefined && task?.kind === 'compact') throw nothingLeft();
}

/**
 * Starts a turn, whatever it is.
 *
 * @returns Codex's id of it; undefined where only notifications tell it
 * @throws BridgeError `CODEX_REFUSED`, `CODEX_TIMEOUT`, `CODEX_EXITED`
 */
export async function startAtCodex(
  client: CodexClient,
  how: {
    readonly thread: string;
    readonly turn: TurnId;
    readonly folder: string;
    readonly settings: BridgeSettings;
    readonly asked: SessionSettings;
    readonly input: readonly UserInput[];
    /** The earlier conversation, for a thread that was not told it. */
    readonly restored: string | undefined;
    readonly params: ReturnType<typeof modeParams>;
    readonly choice: TurnChoice;
    readonly task: TaskStart | undefined;
    readonly rights: ThreadRights;
  },
): Promise<string | undefined> {
  const { thread, restored, input, task, rights } = how;
  if (task !== undefined) {
    rights.forget(thread);
    return startTask(client, task, how);
  }
  const { turn } = await client.call('turn/start', {
    threadId: thread,
    clientUserMessageId: how.turn,
    input:
      restored === undefined ? [...input] : [{ type: 'text', text: restored, text_elements: [] }, ...input],
    ...rights.toName(thread, how.params),
    ...how.choice,
  });
  return turn.id;
}
