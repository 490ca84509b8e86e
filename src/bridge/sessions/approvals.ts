import { randomUUID } from 'node:crypto';
import {
  type ApprovalRequest,
  boundTo,
  failClosed,
  isApproval,
  toApproval,
  toResponse,
} from '../codex/approvals.ts';
import type { ServerRequest } from '../codex/generated/ServerRequest.ts';
import { NO_ANSWER } from '../codex/jsonRpc.ts';
import type { Clock } from '../ports.ts';
import type { ApprovalBroker } from './approvalBroker.ts';
import type { LiveSession } from './liveSession.ts';
import type { TurnRun } from './turnRun.ts';

interface RunningTurn {
  readonly session: LiveSession;
  readonly run: TurnRun;
}

interface AnswerDeps {
  readonly clock: Clock;
  readonly broker: ApprovalBroker;
  readonly folder: string;
  /** The turn that runs there; without Codex's id the only one of that thread. */
  running(thread: string, codexTurn: string | undefined): RunningTurn | undefined;
  /** Whether a terminal is open, and the thread none of ours: then whoever sits there answers. */
  isTerminals(thread: string): boolean;
}

/**
 * Brings a request of Codex's to the human of its session, and the answer back. A question of a thread or a
 * turn that is not the one that runs there is never shown, and gets a no. Undefined for what is no question.
 */
export function answerRequest(request: ServerRequest, deps: AnswerDeps): Promise<unknown> | undefined {
  return isApproval(request) ? answerApproval(request, deps) : undefined;
}

async function answerApproval(request: ApprovalRequest, deps: AnswerDeps): Promise<unknown> {
  const { thread, codexTurn } = boundTo(request);
  const found = deps.running(thread, codexTurn);
  if (found === undefined) return deps.isTerminals(thread) ? NO_ANSWER : failClosed(request);
  const { session, run } = found;
  const approval = toApproval(request, {
    id: randomUUID(),
    turn: run.turn,
    now: deps.clock.now(),
    folder: deps.folder,
    changesOf: (item) => run.changesOf(item),
  });
  const decision = await deps.broker.ask(session, approval, String(request.id));
  return decision === undefined ? NO_ANSWER : toResponse(request, decision);
}
