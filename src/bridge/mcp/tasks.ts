import {
  type CallToolResult,
  type ClientCapabilities,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { BridgeError } from '../../shared/errors.ts';
import { type Approval, hasEnded, type TurnId, type TurnSnapshot } from '../../shared/session.ts';
import type { Session } from '../sessions/session.ts';
import type { TurnHandle } from './once.ts';
import { standOf } from './progress.ts';
import { digestOf, formOf, giveAnswer, questionOf } from './questions.ts';

/** The extension by which a call of 2026-07-28 becomes a task (SEP-2663). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** The tools whose calls become tasks: what they give back can be said again from the turn alone. */
const TASK_TOOLS: ReadonlySet<string> = new Set(['ask', 'chat_start', 'chat_msg', 'plan', 'review', 'patch']);
/** How often a client should ask, in ms. */
const POLL_MS = 1_000;
/** Calls whose tool and arguments are remembered; a task is found without them too. */
const MAX_CALLS = 1_000;

const ofTask = z.object({ taskId: z.string() });
const ofUpdate = ofTask.extend({ inputResponses: z.record(z.string(), z.unknown()).optional() });

/** Ends a call whose client takes a task for it: the prompt is on its way. */
export class BecomesTask extends Error {
  readonly handle: TurnHandle;

  constructor(handle: TurnHandle) {
    super('the call goes on as a task');
    this.handle = handle;
  }
}

/** What serving tasks needs beside the bridge. */
export interface TaskDeps {
  /** Throws for a turn that the caller may not see. */
  find(turn: TurnId): Omit<TurnHandle, 'turn'>;
  /** Whether approvals may be asked at this client. */
  mayAsk(ctx: ServerContext): boolean;
  /** The client's own name, where it told one. */
  client(): string | undefined;
  /** What the tool gives back for a turn that has ended. */
  result(call: TaskCall | undefined, handle: TurnHandle, ctx: ServerContext): Promise<CallToolResult>;
}

/** The call that became a task. */
export interface TaskCall {
  readonly tool: string;
  readonly args: unknown;
}

/** Whether the call of a tool may become a task: its client said that it takes one. */
export function becomesTask(tool: string, capabilities: ClientCapabilities | undefined): boolean {
  return TASK_TOOLS.has(tool) && takesTasks(capabilities);
}

function takesTasks(capabilities: ClientCapabilities | undefined): boolean {
  const extensions: Readonly<Record<string, unknown>> = capabilities?.extensions ?? {};
  return extensions[TASKS_EXTENSION] !== undefined;
}

/**
 * Calls as tasks. A task is its turn, by the same id: it is in the history before the client hears of it, it
 * outlives call, client and bridge, and there is no second truth about it.
 */
export class TaskCalls {
  readonly #calls = new Map<TurnId, TaskCall>();

  /** The result that tells the client of its task. */
  created({ session, turn }: TurnHandle, call: TaskCall): CallToolResult {
    this.#calls.delete(turn);
    this.#calls.set(turn, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > MAX_CALLS && oldest !== undefined) this.#calls.delete(oldest);
    return { content: [], ...taskOf(session, session.turn(turn)), resultType: 'task' };
  }

  /** Answers `tasks/get`, `tasks/update` and `tasks/cancel`. */
  serve(server: Server, deps: TaskDeps): void {
    const declared = () => {
      if (takesTasks(server.getClientCapabilities())) return;
      throw new MissingRequiredClientCapabilityError({
        requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
      });
    };
    server.setRequestHandler('tasks/get', { params: ofTask }, ({ taskId }, ctx) => {
      declared();
      return this.#get(taskId, deps, ctx);
    });
    server.setRequestHandler('tasks/update', { params: ofUpdate }, ({ taskId, inputResponses }, ctx) => {
      declared();
      const { session } = find(deps, taskId);
      const responses = inputResponses ?? ctx.mcpReq.inputResponses ?? {};
      if (deps.mayAsk(ctx)) update(session, taskId, responses, deps.client());
      return {};
    });
    server.setRequestHandler('tasks/cancel', { params: ofTask }, async ({ taskId }) => {
      declared();
      const { session } = find(deps, taskId);
      await session.cancel(taskId).catch((error: unknown) => {
        // It ended just before: then there is nothing to cancel.
        if (!(error instanceof BridgeError && error.code === 'TURN_NOT_RUNNING')) throw error;
      });
      return {};
    });
  }

  async #get(taskId: string, deps: TaskDeps, ctx: ServerContext): Promise<Record<string, unknown>> {
    const found = find(deps, taskId);
    const turn = found.session.turn(taskId);
    const task = taskOf(found.session, turn);
    if (hasEnded(turn.status)) {
      if (turn.status === 'cancelled') return { ...task, status: 'cancelled' };
      const call = this.#calls.get(taskId) ?? callOf(turn);
      const result = await deps.result(call, { ...found, turn: taskId }, ctx);
      return { ...task, status: 'completed', result: { ...result, resultType: 'complete' } };
    }
    const asked = deps.mayAsk(ctx) ? requestsOf(found.session, taskId) : {};
    return Object.keys(asked).length === 0
      ? task
      : { ...task, status: 'input_required', inputRequests: asked };
  }
}

function find(deps: TaskDeps, taskId: string): Omit<TurnHandle, 'turn'> {
  try {
    return deps.find(taskId);
  } catch (error) {
    if (!(error instanceof BridgeError && error.code === 'TURN_NOT_FOUND')) throw error;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no task "${taskId.slice(0, 200)}".`);
  }
}

/** The call that reads the same result, where one is known that gives more than the turn itself. */
function callOf({ id, changes }: TurnSnapshot): TaskCall | undefined {
  return changes?.preview === true ? { tool: 'patch', args: { turn: id } } : undefined;
}

/** What every state of a task shows. */
function taskOf(session: Session, turn: TurnSnapshot) {
  const { turns, approvals, updatedAt } = session.snapshot;
  const at = turns.findIndex((one) => one.id === turn.id);
  const ahead = turns.slice(0, at).filter((one) => !hasEnded(one.status)).length;
  return {
    taskId: turn.id,
    status: 'working',
    statusMessage: standOf(turn, approvals, ahead),
    createdAt: new Date(turn.createdAt).toISOString(),
    lastUpdatedAt: new Date(turn.endedAt ?? updatedAt).toISOString(),
    // As long as its session is kept.
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

/** Names a question together with all that it shows: an answer to what has changed since is none. */
function questionKey(approval: Approval): string {
  return `${approval.id}.${digestOf(approval).slice(0, 16)}`;
}

/** The turn's approvals that the client may answer. */
function requestsOf(session: Session, turn: TurnId) {
  return Object.fromEntries(
    session.snapshot.approvals.flatMap((approval) => {
      const question = approval.turn === turn ? questionOf(approval) : undefined;
      return question === undefined ? [] : [[questionKey(approval), inputRequired.elicit(formOf(question))]];
    }),
  );
}

/** Answers to what is no longer asked are passed over. */
function update(
  session: Session,
  turn: TurnId,
  responses: Readonly<Record<string, unknown>>,
  client: string | undefined,
): void {
  for (const approval of session.snapshot.approvals) {
    const answer = inputResponse({ ...responses }, questionKey(approval));
    if (approval.turn !== turn || questionOf(approval) === undefined || answer.kind !== 'elicit') continue;
    giveAnswer(session, { approval: approval.id, digest: digestOf(approval) }, answer, client);
  }
}
