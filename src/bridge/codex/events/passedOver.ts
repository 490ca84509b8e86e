import type { ServerNotification } from '../generated/ServerNotification.ts';

export type NotificationMethod = ServerNotification['method'];

/**
 * Notifications of Codex's that say nothing about a turn's transcript, each with the reason. The switch in
 * `map.ts` handles the others; when Codex adds one, the compiler asks for a line here or a case there.
 */
export const PASSED_OVER = {
  'thread/started': 'the answer of thread/start says the same',
  'thread/status/changed': 'follows from the events of the turn',
  'thread/readState/changed': 'what was read is kept by each face',
  'thread/archived': 'the session archives its thread itself',
  'thread/deleted': 'the session deletes its thread itself',
  'thread/unarchived': 'the session restores its thread itself',
  'thread/closed': 'the session sees it at its next turn',
  'thread/reverted': 'never asked for',
  'thread/name/updated': 'the title is ours',
  'thread/section/changed': 'sections of another client',
  'thread/attachment/updated': 'attachments are in the prompt',
  'thread/goal/updated': 'goals are not used',
  'thread/goal/cleared': 'goals are not used',
  'thread/prediction/updated': 'a guess at the next prompt',
  'thread/queue/changed': 'the queue is ours',
  'thread/project/updated': 'projects of another client',
  'thread/environment/connected': 'remote environments are not used',
  'thread/environment/disconnected': 'remote environments are not used',
  'thread/settings/updated': 'the rights of the threads listen to it',
  'thread/compacted': 'replaced by the contextCompaction item',
  'thread/realtime/started': 'voice is not used',
  'thread/realtime/itemAdded': 'voice is not used',
  'thread/realtime/item/started': 'voice is not used',
  'thread/realtime/item/transcript/delta': 'voice is not used',
  'thread/realtime/item/completed': 'voice is not used',
  'thread/realtime/transcript/delta': 'voice is not used',
  'thread/realtime/transcript/done': 'voice is not used',
  'thread/realtime/outputAudio/delta': 'voice is not used',
  'thread/realtime/sdp': 'voice is not used',
  'thread/realtime/error': 'voice is not used',
  'thread/realtime/closed': 'voice is not used',
  'skills/changed': 'a list of the TUI',
  'project/changed': 'projects of another client',
  'hook/started': 'hooks are the own business of the person',
  'hook/completed': 'hooks are the own business of the person',
  'item/autoApprovalReview/started': 'unstable; approvals are answered by people',
  'item/autoApprovalReview/completed': 'unstable; approvals are answered by people',
  'autoApprovalReview/strictReviewRequired': 'unstable; approvals are answered by people',
  'rawResponseItem/completed': 'the items say the same',
  'rawResponse/completed': 'the items say the same',
  'command/exec/outputDelta': 'command/exec is never called',
  'process/outputDelta': 'process/spawn is never called',
  'process/exited': 'process/spawn is never called',
  'item/commandExecution/terminalInteraction': 'the command echoes what matters',
  'item/fileChange/outputDelta': 'Codex sends it no more',
  'item/mcpToolCall/progress': 'shown as running until it is done',
  'serverRequest/resolved': 'the approvals of the session listen to it',
  'mcpServer/oauthLogin/completed': 'logins of the servers are done in Codex',
  'mcpServer/startupStatus/updated': 'before the turn, and a failed call tells',
  'mcpServer/event/stream/notification': 'meant for the model',
  'account/updated': 'the client of the app-server listens to it',
  'account/login/completed': 'the client of the app-server listens to it',
  'account/gatewayOAuth/changed': 'logins of gateways are done in Codex',
  'account/rateLimits/updated': 'not about a turn',
  'app/list/updated': 'apps are not used',
  'remoteControl/status/changed': 'remote control is not used',
  'externalAgentConfig/import/progress': 'never asked for',
  'externalAgentConfig/import/completed': 'never asked for',
  'fs/changed': 'fs/watch is never called',
  'model/verification': 'nothing to do for a person here',
  'modelProvider/authRecoveryCompleted': 'the turn simply goes on',
  'turn/moderationMetadata': 'meant for the operator of the model',
  'model/safetyBuffering/updated': 'the answer comes later, nothing else changes',
  deprecationNotice: 'for those who configure Codex, not for the reader of an answer',
  'fuzzyFileSearch/sessionUpdated': 'never asked for',
  'fuzzyFileSearch/sessionCompleted': 'never asked for',
  'windows/worldWritableWarning': 'the set-up of the sandbox is done in Codex',
  'windowsSandbox/setupCompleted': 'the set-up of the sandbox is done in Codex',
} as const satisfies Partial<Record<NotificationMethod, string>>;

export type PassedOver = keyof typeof PASSED_OVER;

/** Not about a turn, yet somebody here listens. */
const HEARD: ReadonlySet<string> = new Set<PassedOver>([
  'serverRequest/resolved',
  'account/updated',
  'account/login/completed',
  'thread/settings/updated',
]);

/** What Codex need not even send (`initialize`, `optOutNotificationMethods`). */
export const UNHEARD: readonly string[] = Object.keys(PASSED_OVER).filter((method) => !HEARD.has(method));
