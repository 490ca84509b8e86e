import type { FieldAnswer } from '../../shared/questions.ts';
import type { Approval, ApprovalDecision, FileChange, TurnId } from '../../shared/session.ts';
import { legacyFileChanges } from './events/changes.ts';
import type { ApplyPatchApprovalResponse } from './generated/ApplyPatchApprovalResponse.ts';
import type { ReviewDecision } from './generated/ReviewDecision.ts';
import type { ServerRequest } from './generated/ServerRequest.ts';
import type { CommandExecutionApprovalDecision } from './generated/v2/CommandExecutionApprovalDecision.ts';
import type { CommandExecutionRequestApprovalParams } from './generated/v2/CommandExecutionRequestApprovalParams.ts';
import type { CommandExecutionRequestApprovalResponse } from './generated/v2/CommandExecutionRequestApprovalResponse.ts';
import type { FileChangeRequestApprovalResponse } from './generated/v2/FileChangeRequestApprovalResponse.ts';
import type { FileSystemSpecialPath } from './generated/v2/FileSystemSpecialPath.ts';
import type { McpServerElicitationRequestResponse } from './generated/v2/McpServerElicitationRequestResponse.ts';
import type { PermissionsRequestApprovalParams } from './generated/v2/PermissionsRequestApprovalParams.ts';
import type { PermissionsRequestApprovalResponse } from './generated/v2/PermissionsRequestApprovalResponse.ts';
import type { RequestPermissionProfile } from './generated/v2/RequestPermissionProfile.ts';
import type { ToolRequestUserInputResponse } from './generated/v2/ToolRequestUserInputResponse.ts';
import {
  elicitationForm,
  elicitationQuestion,
  elicitationResponse,
  userInputQuestion,
  userInputResponse,
} from './questions.ts';

/** Requests of Codex's that a person answers. All others are refused: see {@link refusalOf}. */
export type ApprovalRequest = Extract<
  ServerRequest,
  {
    method:
      | 'item/commandExecution/requestApproval'
      | 'item/fileChange/requestApproval'
      | 'item/permissions/requestApproval'
      | 'item/tool/requestUserInput'
      | 'mcpServer/elicitation/request'
      | 'applyPatchApproval'
      | 'execCommandApproval';
  }
>;

export type ApprovalResponse =
  | CommandExecutionRequestApprovalResponse
  | FileChangeRequestApprovalResponse
  | PermissionsRequestApprovalResponse
  | ToolRequestUserInputResponse
  | McpServerElicitationRequestResponse
  | ApplyPatchApprovalResponse;

export interface ApprovalContext {
  /** Id of the approval, ours. */
  readonly id: string;
  readonly turn: TurnId;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Real path. */
  readonly folder: string;
  /** The changes of a `fileChange` item seen before: its approval request names only the item. */
  readonly changesOf: (item: string) => readonly FileChange[] | undefined;
}

const ALL: readonly ApprovalDecision[] = ['accept', 'accept_for_session', 'decline', 'cancel'];
const ANSWER: readonly ApprovalDecision[] = ['accept', 'decline', 'cancel'];
const NO_ONLY: readonly ApprovalDecision[] = ['decline', 'cancel'];

/** Whether a person is to answer this request. */
export function isApproval(request: ServerRequest): request is ApprovalRequest {
  switch (request.method) {
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
    case 'item/permissions/requestApproval':
    case 'item/tool/requestUserInput':
    case 'mcpServer/elicitation/request':
    case 'applyPatchApproval':
    case 'execCommandApproval':
      return true;
    default:
      return false;
  }
}

/** The thread and, where it says, the turn of Codex's that a request belongs to. */
export function boundTo(request: ApprovalRequest): { thread: string; codexTurn?: string } {
  const { params } = request;
  if ('conversationId' in params) return { thread: params.conversationId };
  return {
    thread: params.threadId,
    ...(params.turnId === null ? {} : { codexTurn: params.turnId }),
  };
}

/**
 * The question as a person sees it: the exact command, the whole diff, all that is asked for beside it. A
 * patch whose changes are not known can't be shown, so it can only be declined.
 */
export function toApproval(request: ApprovalRequest, context: ApprovalContext): Approval {
  const base = { id: context.id, turn: context.turn, createdAt: context.now };
  switch (request.method) {
    case 'item/commandExecution/requestApproval':
      return { ...base, item: request.params.itemId, ...commandQuestion(request.params) };
    case 'item/fileChange/requestApproval': {
      const { itemId, reason, grantRoot } = request.params;
      return { ...base, item: itemId, ...patchQuestion(context.changesOf(itemId), reason, grantRoot) };
    }
    case 'item/permissions/requestApproval':
      return {
        ...base,
        item: request.params.itemId,
        ...reasonOf(request.params.reason),
        decisions: ALL,
        request: { kind: 'permissions', text: permissionsText(request.params.permissions) },
      };
    case 'item/tool/requestUserInput':
      return {
        ...base,
        item: request.params.itemId,
        decisions: ANSWER,
        request: userInputQuestion(request.params),
      };
    case 'mcpServer/elicitation/request':
      return {
        ...base,
        item: '',
        decisions: elicitationForm(request.params) === undefined ? NO_ONLY : ANSWER,
        request: elicitationQuestion(request.params),
      };
    case 'applyPatchApproval': {
      const { callId, fileChanges, reason, grantRoot } = request.params;
      const changes = legacyFileChanges(context.folder, fileChanges);
      return { ...base, item: callId, ...patchQuestion(changes, reason, grantRoot) };
    }
    case 'execCommandApproval': {
      const { callId, command, cwd, reason } = request.params;
      return {
        ...base,
        item: callId,
        ...reasonOf(reason),
        decisions: ALL,
        request: { kind: 'command', command: command.map(shellWord).join(' '), cwd },
      };
    }
  }
}

/**
 * Codex's answer to a decision. Whatever was not offered is a no.
 *
 * @param answers to the fields of the question, checked already; of other requests they are not read
 */
export function toResponse(
  request: ApprovalRequest,
  decision: ApprovalDecision,
  answers: readonly FieldAnswer[] = [],
): ApprovalResponse {
  switch (request.method) {
    case 'item/commandExecution/requestApproval': {
      const offered = commandDecisions(request.params).includes(decision);
      return { decision: offered ? PLAIN[decision] : 'decline' };
    }
    case 'item/fileChange/requestApproval':
      return { decision: PLAIN[decision] };
    case 'item/permissions/requestApproval':
      return permissionsResponse(request.params, decision);
    case 'item/tool/requestUserInput':
      return userInputResponse(isYes(decision) ? answers : []);
    case 'mcpServer/elicitation/request': {
      const { params } = request;
      if (!isYes(decision)) return elicitationResponse(params, decision, []);
      const possible = elicitationForm(params) !== undefined;
      return elicitationResponse(params, possible ? 'accept' : 'decline', answers);
    }
    case 'applyPatchApproval':
    case 'execCommandApproval':
      return { decision: LEGACY[decision] };
  }
}

/** Whether Codex's own answer to `cancel` ends the turn. Where it has none, the turn is to be interrupted beside it. */
export function cancelEndsTurn({ method }: ApprovalRequest): boolean {
  switch (method) {
    case 'item/permissions/requestApproval':
    case 'item/tool/requestUserInput':
    case 'mcpServer/elicitation/request':
      return false;
    default:
      return true;
  }
}

/** The answer when nobody can give one: silence is a no, and the turn goes on without. */
export function failClosed(request: ApprovalRequest): ApprovalResponse {
  return toResponse(request, 'decline');
}

/** The JSON-RPC error for requests that nobody here answers. */
export function refusalOf(request: { readonly method: string }): { code: number; message: string } {
  return { code: -32601, message: `"${request.method}" is not offered by this client` };
}

const PLAIN = {
  accept: 'accept',
  accept_for_session: 'acceptForSession',
  decline: 'decline',
  cancel: 'cancel',
} as const satisfies Record<ApprovalDecision, CommandExecutionApprovalDecision>;

const LEGACY: Readonly<Record<ApprovalDecision, ReviewDecision>> = {
  accept: 'approved',
  accept_for_session: 'approved_for_session',
  decline: { denied: { rejection: 'The user declined.' } },
  cancel: 'abort',
};

type Question = Pick<Approval, 'decisions' | 'request' | 'reason'>;

function commandQuestion(params: CommandExecutionRequestApprovalParams): Question {
  const { kind, command, cwd, networkApprovalContext: network, additionalPermissions: more } = params;
  const reason = [
    kind === 'writeStdin' ? 'Input for a command that runs already.' : '',
    params.reason ?? '',
    network ? `Network access: ${network.protocol} to ${network.host}` : '',
    more ? permissionsText(more) : '',
  ].filter((line) => line !== '');
  const decisions = commandDecisions(params);
  if (typeof command !== 'string') {
    const text = reason.length > 0 ? reason.join('\n') : 'Codex asks to go on, without saying what for.';
    return { decisions, request: { kind: 'permissions', text } };
  }
  return {
    ...reasonOf(reason.join('\n')),
    decisions,
    request: { kind: 'command', command, cwd: cwd ?? '' },
  };
}

/**
 * What may be answered. Codex lists what fits (`availableDecisions`); declining is always possible, also where
 * the list has only `cancel` (seen with 0.169), and lasting rules are made in Codex itself.
 */
function commandDecisions(params: CommandExecutionRequestApprovalParams): readonly ApprovalDecision[] {
  const available = params.availableDecisions;
  if (available === null || available === undefined) return ALL;
  return ALL.filter((decision) => !isYes(decision) || available.includes(PLAIN[decision]));
}

function patchQuestion(
  changes: readonly FileChange[] | undefined,
  reason: string | null | undefined,
  grantRoot: string | null | undefined,
): Question {
  return {
    ...reasonOf(reason),
    decisions: changes === undefined ? NO_ONLY : ALL,
    request: {
      kind: 'file_change',
      changes: changes ?? [],
      ...(typeof grantRoot === 'string' ? { grantRoot } : {}),
    },
  };
}

function permissionsResponse(
  params: PermissionsRequestApprovalParams,
  decision: ApprovalDecision,
): PermissionsRequestApprovalResponse {
  if (!isYes(decision)) return { permissions: {}, scope: 'turn' };
  const { network, fileSystem } = params.permissions;
  return {
    permissions: {
      ...(network === null ? {} : { network }),
      ...(fileSystem === null ? {} : { fileSystem }),
    },
    scope: decision === 'accept_for_session' ? 'session' : 'turn',
  };
}

/** Everything that is asked for, one line each: nothing may be granted that was not shown. */
function permissionsText({ network, fileSystem }: RequestPermissionProfile): string {
  const lines: string[] = [];
  if (network !== null) {
    lines.push(network.enabled === false ? 'No network access' : 'Network access to any host');
  }
  for (const path of fileSystem?.read ?? []) lines.push(`Read ${path}`);
  for (const path of fileSystem?.write ?? []) lines.push(`Write ${path}`);
  for (const { path, access } of fileSystem?.entries ?? []) {
    const name =
      path.type === 'path'
        ? path.path
        : path.type === 'glob_pattern'
          ? `what fits ${path.pattern}`
          : specialPlace(path.value);
    lines.push(`${access === 'deny' ? 'Deny' : access === 'write' ? 'Write' : 'Read'} ${name}`);
  }
  return lines.length > 0 ? [...new Set(lines)].join('\n') : 'No more rights than now';
}

function specialPlace(place: FileSystemSpecialPath): string {
  switch (place.kind) {
    case 'root':
      return 'everything on this machine';
    case 'minimal':
      return 'what programs need to start';
    case 'project_roots':
      return place.subpath === null ? 'the folder' : `${place.subpath} in the folder`;
    case 'tmpdir':
      return 'the folder for temporary files ($TMPDIR)';
    case 'slash_tmp':
      return '/tmp';
    default:
      // One that a newer Codex knows: as it says it.
      return JSON.stringify(place);
  }
}

export function isYes(decision: ApprovalDecision): decision is 'accept' | 'accept_for_session' {
  return decision === 'accept' || decision === 'accept_for_session';
}

function reasonOf(reason: string | null | undefined): { reason?: string } {
  return reason ? { reason } : {};
}

/** One argument as a shell would need it written, so that where it ends can be seen. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
