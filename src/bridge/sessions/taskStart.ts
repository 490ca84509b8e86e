import { BridgeError } from '../../shared/errors.ts';
import type { SessionSettings } from '../../shared/session.ts';
import { type BridgeSettings, confinedRights } from '../../shared/settings.ts';
import type { CodexClient } from '../codex/client.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { ReviewTarget } from '../codex/generated/v2/ReviewTarget.ts';
import { turnIdOf } from './notificationIds.ts';
import { type TurnChoice, turnRights } from './threads.ts';

/** A task as Codex is told it. */
export type TaskStart =
  | { readonly kind: 'review'; readonly target: ReviewTarget }
  | { readonly kind: 'compact' };

/** How long Codex may take to begin a compaction, in ms: it answers before it does. */
export const TASK_BEGIN_MS = 30_000;

/**
 * Starts a task on a thread. Neither `review/start` nor `thread/compact/start` takes rights: a review would have
 * those of the turn before it, so the thread is confined first (`thread/settings/update`). The next prompt says
 * its own again.
 *
 * @returns Codex's id of the turn; undefined for a compaction, where only notifications tell it
 * @throws BridgeError `CODEX_REFUSED`, `CODEX_TIMEOUT`, `CODEX_EXITED`
 */
export async function startTask(
  client: CodexClient,
  task: TaskStart,
  how: {
    readonly thread: string;
    readonly folder: string;
    readonly settings: BridgeSettings;
    readonly asked: SessionSettings;
    readonly choice: TurnChoice;
  },
): Promise<string | undefined> {
  const threadId = how.thread;
  await client.call('thread/settings/update', {
    threadId,
    cwd: how.folder,
    ...turnRights(confinedRights(how.settings, how.asked, 'read-only')),
    ...how.choice,
  });
  if (task.kind === 'compact') {
    await client.call('thread/compact/start', { threadId });
    return undefined;
  }
  return (await client.call('review/start', { threadId, target: task.target })).turn.id;
}

/** A new thread stands in for one that Codex has lost, and was told nothing yet. */
export function nothingLeft(): BridgeError {
  return new BridgeError(
    'NOTHING_TO_DO',
    'Codex does not have this conversation, so there is nothing to compact: the next prompt tells it the earlier turns.',
  );
}

/** The turn of a compaction that was asked for: the one that begins with it, or that ended with nothing at all. */
export function compactionIn(notifications: readonly ServerNotification[]): string | undefined {
  const busy = new Set<string>();
  for (const notification of notifications) {
    const id = turnIdOf(notification);
    if (id === undefined || busy.has(id)) continue;
    if (notification.method === 'turn/completed') return id;
    if (notification.method !== 'item/started') continue;
    if (notification.params.item.type === 'contextCompaction') return id;
    busy.add(id);
  }
  return undefined;
}
