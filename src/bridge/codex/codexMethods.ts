import type { ClientRequest } from './generated/ClientRequest.ts';
import type { InitializeResponse } from './generated/InitializeResponse.ts';
import type { CancelLoginAccountResponse } from './generated/v2/CancelLoginAccountResponse.ts';
import type { GetAccountResponse } from './generated/v2/GetAccountResponse.ts';
import type { LoginAccountResponse } from './generated/v2/LoginAccountResponse.ts';
import type { LogoutAccountResponse } from './generated/v2/LogoutAccountResponse.ts';
import type { ModelListResponse } from './generated/v2/ModelListResponse.ts';
import type { ReviewStartResponse } from './generated/v2/ReviewStartResponse.ts';
import type { ThreadArchiveResponse } from './generated/v2/ThreadArchiveResponse.ts';
import type { ThreadCompactStartResponse } from './generated/v2/ThreadCompactStartResponse.ts';
import type { ThreadDeleteResponse } from './generated/v2/ThreadDeleteResponse.ts';
import type { ThreadForkResponse } from './generated/v2/ThreadForkResponse.ts';
import type { ThreadListResponse } from './generated/v2/ThreadListResponse.ts';
import type { ThreadReadResponse } from './generated/v2/ThreadReadResponse.ts';
import type { ThreadResumeResponse } from './generated/v2/ThreadResumeResponse.ts';
import type { ThreadSetNameResponse } from './generated/v2/ThreadSetNameResponse.ts';
import type { ThreadSettingsUpdateResponse } from './generated/v2/ThreadSettingsUpdateResponse.ts';
import type { ThreadStartResponse } from './generated/v2/ThreadStartResponse.ts';
import type { ThreadUnarchiveResponse } from './generated/v2/ThreadUnarchiveResponse.ts';
import type { ThreadUnsubscribeResponse } from './generated/v2/ThreadUnsubscribeResponse.ts';
import type { TurnInterruptResponse } from './generated/v2/TurnInterruptResponse.ts';
import type { TurnStartResponse } from './generated/v2/TurnStartResponse.ts';
import type { TurnSteerResponse } from './generated/v2/TurnSteerResponse.ts';

/**
 * The answers of every method that the bridge calls. The list is closed: `thread/shellCommand`, `fs/*`,
 * `command/*`, `process/*` and `config/*` pass by the sandbox or write the person's configuration, and are
 * never on it; `CodexClient.writeTrust` writes the one key that it may.
 */
interface Results {
  initialize: InitializeResponse;
  'thread/start': ThreadStartResponse;
  'thread/resume': ThreadResumeResponse;
  'thread/fork': ThreadForkResponse;
  'thread/list': ThreadListResponse;
  'thread/read': ThreadReadResponse;
  'thread/name/set': ThreadSetNameResponse;
  'thread/archive': ThreadArchiveResponse;
  'thread/unarchive': ThreadUnarchiveResponse;
  'thread/delete': ThreadDeleteResponse;
  'thread/unsubscribe': ThreadUnsubscribeResponse;
  'thread/compact/start': ThreadCompactStartResponse;
  'thread/settings/update': ThreadSettingsUpdateResponse;
  'turn/start': TurnStartResponse;
  'turn/steer': TurnSteerResponse;
  'turn/interrupt': TurnInterruptResponse;
  'review/start': ReviewStartResponse;
  'model/list': ModelListResponse;
  'account/read': GetAccountResponse;
  'account/login/start': LoginAccountResponse;
  'account/login/cancel': CancelLoginAccountResponse;
  'account/logout': LogoutAccountResponse;
}

export type CodexMethod = keyof Results;
export type CodexParams<M extends CodexMethod> = Extract<ClientRequest, { method: M }>['params'];
export type CodexResult<M extends CodexMethod> = Results[M];

const QUICK = 15_000;
/** Loads a thread from disk, or starts the MCP servers of the person's configuration. */
const LOADS = 60_000;
/** Asks a server of OpenAI's. */
const REMOTE = 30_000;

/** How long Codex has for the answer, ms. `turn/start` answers when the turn has begun, not when it is done. */
const DEADLINES: Readonly<Record<CodexMethod, number>> = {
  initialize: QUICK,
  'thread/start': LOADS,
  'thread/resume': LOADS,
  'thread/fork': LOADS,
  'thread/list': LOADS,
  'thread/read': LOADS,
  'thread/name/set': QUICK,
  'thread/archive': QUICK,
  'thread/unarchive': QUICK,
  'thread/delete': QUICK,
  'thread/unsubscribe': QUICK,
  'thread/compact/start': QUICK,
  'thread/settings/update': QUICK,
  'turn/start': LOADS,
  'turn/steer': QUICK,
  'turn/interrupt': QUICK,
  'review/start': LOADS,
  'model/list': REMOTE,
  'account/read': REMOTE,
  'account/login/start': REMOTE,
  'account/login/cancel': QUICK,
  'account/logout': REMOTE,
};

const THREAD = ['cwd', 'model', 'sandbox', 'approvalPolicy', 'developerInstructions'] as const;
const RIGHTS = ['sandboxPolicy', 'approvalPolicy', 'approvalsReviewer'] as const;

/** `keyof` what may be undefined as a whole. */
type NamesOf<T> = T extends object ? keyof T : never;

/**
 * The parameters that the bridge sends, and no others: `config`, `permissions`, `environments`,
 * `runtimeWorkspaceRoots`, `modelProvider`, `dynamicTools` and their kin would be more rights by another door.
 */
const PARAMS: { readonly [M in CodexMethod]: readonly NamesOf<CodexParams<M>>[] } = {
  initialize: ['clientInfo', 'capabilities'],
  'thread/start': THREAD,
  'thread/resume': ['threadId', 'excludeTurns', ...THREAD],
  'thread/fork': ['threadId', 'excludeTurns', ...THREAD],
  'thread/list': ['cwd', 'archived', 'cursor', 'limit', 'modelProviders', 'sourceKinds'],
  'thread/read': ['threadId', 'includeTurns'],
  'thread/name/set': ['threadId', 'name'],
  'thread/archive': ['threadId'],
  'thread/unarchive': ['threadId'],
  'thread/delete': ['threadId'],
  'thread/unsubscribe': ['threadId'],
  'thread/compact/start': ['threadId'],
  'thread/settings/update': ['threadId', 'cwd', 'model', 'effort', ...RIGHTS],
  'turn/start': [
    'threadId',
    'clientUserMessageId',
    'input',
    'cwd',
    'model',
    'effort',
    'outputSchema',
    'additionalContext',
    ...RIGHTS,
  ],
  'turn/steer': ['threadId', 'expectedTurnId', 'clientUserMessageId', 'input'],
  'turn/interrupt': ['threadId', 'turnId'],
  'review/start': ['threadId', 'target'],
  'model/list': [],
  'account/read': [],
  'account/login/start': ['type', 'apiKey'],
  'account/login/cancel': ['loginId'],
  'account/logout': [],
};

export function isCodexParam(method: CodexMethod, name: string): boolean {
  const known: readonly string[] = PARAMS[method];
  return known.includes(name);
}

export function isCodexMethod(method: string): method is CodexMethod {
  return Object.hasOwn(DEADLINES, method);
}

export function deadlineOf(method: CodexMethod): number {
  return DEADLINES[method];
}
