import { BridgeError } from '../../shared/errors.ts';
import type { SessionSnapshot } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';

/** @throws BridgeError `BRIDGE_STOPPING`, `SESSION_ARCHIVED` */
export function checkOpen(session: SessionSnapshot, stopping: boolean): void {
  if (stopping)
    throw new BridgeError('BRIDGE_STOPPING', 'The bridge is about to end. Try again in a moment.');
  if (session.archived) {
    throw new BridgeError(
      'SESSION_ARCHIVED',
      `The session ${session.id} is archived. Unarchive it, or start a new one.`,
    );
  }
}

/** Whether one more prompt may wait. Held ones are in nobody's way. @throws BridgeError `QUEUE_FULL` */
export function checkQueue(session: SessionSnapshot, { queuedTurns }: BridgeSettings['limits']): void {
  const queued = session.turns.filter((turn) => turn.status === 'queued' && turn.held !== true);
  if (queued.length < queuedTurns) return;
  throw new BridgeError(
    'QUEUE_FULL',
    `${queuedTurns} prompts already wait in this session. Wait for some, or cancel them.`,
  );
}
