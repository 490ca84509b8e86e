import type { ServerNotification } from '../codex/generated/ServerNotification.ts';

/** Codex's turn that a notification belongs to, where it names one. */
export function turnIdOf(notification: ServerNotification): string | undefined {
  const params: object = notification.params;
  if ('turnId' in params && typeof params.turnId === 'string') return params.turnId;
  const turn = 'turn' in params ? params.turn : undefined;
  if (typeof turn === 'object' && turn !== null && 'id' in turn && typeof turn.id === 'string')
    return turn.id;
  return undefined;
}

/**
 * A turn that Codex began inside another one of the same thread: a review has one of its own, and only by its id
 * it can be interrupted, while all else names the outer one (seen with 0.169).
 */
export function innerTurnOf(
  notification: ServerNotification,
): { readonly id: string; readonly root: string } | undefined {
  if (notification.method !== 'turn/started') return undefined;
  const { id, rootTurnId } = notification.params.turn;
  return typeof rootTurnId === 'string' && rootTurnId !== id ? { id, root: rootTurnId } : undefined;
}

/** Whether a turn that nobody here knows begins with it. A review says first that it is one. */
export function beginsTurn(notification: ServerNotification): boolean {
  const { method, params } = notification;
  if (method === 'item/started') return params.item.type === 'enteredReviewMode';
  return method === 'turn/started';
}

/** The thread that a notification belongs to, where it names one. */
export function threadIdOf(notification: { readonly params: object }): string | undefined {
  const { params } = notification;
  return 'threadId' in params && typeof params.threadId === 'string' ? params.threadId : undefined;
}
