import type { ThreadItem } from '../generated/v2/ThreadItem.ts';

const PREFIX = 'why_';

/**
 * Id of the message by which Codex is told why a person said no (`clientUserMessageId` of `turn/steer`): it comes
 * back with the message's item.
 */
export function reasonId(approval: string): string {
  return `${PREFIX}${approval}`;
}

/** The reason is in the transcript already, with the decision that it belongs to. */
export function isReason(item: ThreadItem): boolean {
  return item.type === 'userMessage' && item.clientId?.startsWith(PREFIX) === true;
}
