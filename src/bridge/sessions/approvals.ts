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
import type { Clock } from '../ports.ts';
import type { ApprovalBroker } from './approvalBroker.ts';
import type { LiveSession } from './liveSession.ts';
import type { TurnRun } from './turnRun.ts';

interface RunningTurn {
  readonly session: LiveSession;
  readonly run: TurnRun;
}

/**
 * Brings a request of Codex's to the human of its session, and the answer back. A question of a thread or a
 * turn that is not the one that runs there is never shown, and gets a no. Undefined for what is no question.
 */
export function answerRequest(
  request: ServerRequest,
  running: (thread: string) => RunningTurn | undefined,
  deps: { clock: Clock; broker: ApprovalBroker; folder: string },
): Promise<unknown> | undefined {
  return isApproval(request) ? answerApproval(request, running, deps) : undefined;
}

async function answerApproval(
  request: ApprovalRequest,
  running: (thread: string) => RunningTurn | undefined,
  deps: { clock: Clock; broker: ApprovalBroker; folder: string },
): Promise<unknown> {
  const { thread, codexTurn } = boundTo(request);
  const found = running(thread);
  if (found === undefined || (codexTurn !== undefined && codexTurn !== found.run.codexTurn))
    return failClosed(request);
  const { session, run } = found;
  const approval = toApproval(request, {
    id: randomUUID(),
    turn: run.turn,
    now: deps.clock.now(),
    folder: deps.folder,
    changesOf: (item) => run.changesOf(item),
  });
  const decision = await deps.broker.ask(session, approval, String(request.id));
  return toResponse(request, decision);
}
