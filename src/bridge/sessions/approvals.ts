import { randomUUID } from 'node:crypto';
import { messageOf } from '../../shared/errors.ts';
import type { Approval } from '../../shared/session.ts';
import {
  type ApprovalRequest,
  boundTo,
  cancelEndsTurn,
  failClosed,
  isApproval,
  isYes,
  toApproval,
  toResponse,
} from '../codex/approvals.ts';
import { reasonId } from '../codex/events/reasons.ts';
import type { ServerRequest } from '../codex/generated/ServerRequest.ts';
import { NO_ANSWER } from '../codex/jsonRpc.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Answered, ApprovalBroker } from './approvalBroker.ts';
import type { LiveSession } from './liveSession.ts';
import type { TurnRun } from './turnRun.ts';

interface RunningTurn {
  readonly session: LiveSession;
  readonly run: TurnRun;
}

interface AnswerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly broker: ApprovalBroker;
  readonly folder: string;
  /** Whether the person lets a yes hold for the rest of the session. */
  readonly forSession: boolean;
  /** The turn that runs there; without Codex's id the only one of that thread. */
  running(thread: string, codexTurn: string | undefined): Promise<RunningTurn | undefined>;
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
  const found = await deps.running(thread, codexTurn);
  if (found === undefined) return deps.isTerminals(thread) ? NO_ANSWER : failClosed(request);
  const { session, run } = found;
  let approval = question(request, run, deps);
  let answered = await deps.broker.ask(session, approval, String(request.id));
  // What Codex would do is another thing now than what was shown: the answer was not to that.
  while (answered !== undefined && isYes(answered.decision) && hasChanged(request, approval, run, deps)) {
    approval = question(request, run, deps);
    answered = await deps.broker.ask(session, approval, String(request.id));
  }
  if (answered === undefined) return NO_ANSWER;
  // Before the answer: Codex takes it up with its next step, so that the model reads both together.
  await tellReason(found, approval.id, answered, deps.logger);
  if (answered.decision === 'cancel' && answered.by === 'face' && !cancelEndsTurn(request)) {
    await run.stop('cancelled');
  }
  return toResponse(request, answered.decision, answered.answers);
}

/** What is asked now, under an id of its own. */
function question(
  request: ApprovalRequest,
  run: TurnRun,
  { clock, folder, forSession }: AnswerDeps,
): Approval {
  const approval = toApproval(request, {
    id: randomUUID(),
    turn: run.turn,
    now: clock.now(),
    folder,
    changesOf: (item) => run.changesOf(item),
  });
  const decisions = approval.decisions.filter((one) => forSession || one !== 'accept_for_session');
  return { ...approval, decisions };
}

function hasChanged(request: ApprovalRequest, shown: Approval, run: TurnRun, deps: AnswerDeps): boolean {
  const now = question(request, run, deps);
  return JSON.stringify(now.request) !== JSON.stringify(shown.request);
}

/**
 * Why a person said no: added to the running turn, or, where that is stopped or takes nothing more, the next
 * prompt. The reason is in the transcript already; a failure is said there, too.
 */
async function tellReason(
  { session, run }: RunningTurn,
  approval: string,
  { decision, reason }: Answered,
  logger: Logger,
): Promise<void> {
  if (reason === undefined) return;
  if (decision === 'decline') {
    try {
      await run.steer(reason, reasonId(approval));
      return;
    } catch (error) {
      logger.info('a reason can not be added to its turn and becomes a prompt', { turn: run.turn, error });
    }
  }
  try {
    await session.prompt({ prompt: reason, source: { kind: 'window' } });
  } catch (error) {
    logger.warn('a reason could not be sent', { turn: run.turn, error });
    const text = `Codex was not told why: ${messageOf(error)}`;
    session.emit({ type: 'turn.notice', turn: run.turn, notice: { kind: 'warning', text } });
  }
}
