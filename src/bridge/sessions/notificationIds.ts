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

/** The thread that a notification belongs to, where it names one. */
export function threadIdOf(notification: { readonly params: object }): string | undefined {
  const { params } = notification;
  return 'threadId' in params && typeof params.threadId === 'string' ? params.threadId : undefined;
}
