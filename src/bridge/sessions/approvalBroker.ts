import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import { givenAnswers, problemsOf } from '../../shared/questions.ts';
import type {
  AnswerDetails,
  Approval,
  ApprovalDecision,
  ApprovalResolver,
  TurnId,
  TurnSource,
} from '../../shared/session.ts';
import type { Clock } from '../ports.ts';
import { decisionItem } from './decisionItem.ts';
import type { LiveSession } from './liveSession.ts';

/** How a question was decided. */
export interface Answered extends AnswerDetails {
  readonly decision: ApprovalDecision;
  /** Never `codex`: then it is no answer of ours. */
  readonly by: Exclude<ApprovalResolver, 'codex'>;
  readonly who?: TurnSource;
}

/** How a question came to its end, for the history. */
interface Settled extends AnswerDetails {
  readonly decision: ApprovalDecision;
  readonly by: ApprovalResolver;
  readonly who?: TurnSource;
}

interface Pending {
  /** Codex's own id of the request, by which it says that it is resolved elsewhere. */
  readonly request: string;
  readonly session: LiveSession;
  readonly approval: Approval;
  /** Of the time until it is declined; absent while somebody is there who can answer. */
  cancelTimer?: (() => void) | undefined;
  /** Of the time until it is declined although somebody is there; absent where the person wants none. */
  cancelDeadline?: (() => void) | undefined;
  resolve(answered: Answered | undefined): void;
}

/**
 * Brings Codex's questions to a human and the answer back, once. Nobody's silence is a yes: a question that
 * for some time no face could have answered is declined.
 */
export class ApprovalBroker implements Disposable {
  readonly #clock: Clock;
  readonly #aloneMs: () => number;
  readonly #answerMs: () => number;
  readonly #pending = new Map<string, Pending>();
  #attended = false;

  /**
   * @param deps.aloneMs how long a question waits, in ms, while nobody is there who could answer
   * @param deps.answerMs how long it waits at all, in ms; 0: as long as somebody is there
   */
  constructor(deps: { clock: Clock; aloneMs: () => number; answerMs: () => number }) {
    this.#clock = deps.clock;
    this.#aloneMs = deps.aloneMs;
    this.#answerMs = deps.answerMs;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Resolves with the decision: a human's, or a no; undefined when it was given to Codex elsewhere. */
  ask(session: LiveSession, approval: Approval, request: string): Promise<Answered | undefined> {
    return new Promise((resolve) => {
      const pending: Pending = { request, session, approval, resolve };
      this.#pending.set(approval.id, pending);
      this.#arm(pending);
      const wholeMs = this.#answerMs();
      if (wholeMs > 0) pending.cancelDeadline = this.#clock.after(wholeMs, () => this.#tooLate(pending));
      session.emit({ type: 'approval.requested', approval });
    });
  }

  /**
   * Takes the answer of a person, once.
   *
   * @throws BridgeError `APPROVAL_NOT_FOUND`, `INVALID_INPUT` for a decision that was not offered, and for a
   * reason or answers that do not fit to it
   */
  answer(
    session: LiveSession,
    id: string,
    decision: ApprovalDecision,
    who: TurnSource,
    details: AnswerDetails = {},
  ): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.session !== session) {
      throw new BridgeError(
        'APPROVAL_NOT_FOUND',
        'This question is no longer open: it was answered elsewhere, or its turn has ended.',
      );
    }
    if (!pending.approval.decisions.includes(decision)) {
      throw new BridgeError(
        'INVALID_INPUT',
        `"${decision}" was not offered. Choose one of: ${pending.approval.decisions.join(', ')}.`,
      );
    }
    this.#settle(pending, { decision, by: 'face', who, ...checked(pending.approval, decision, details) });
  }

  /**
   * Codex closed the question itself (`serverRequest/resolved`): another client answered it, or its turn was
   * told to end (`stopping`).
   */
  resolvedElsewhere(request: string, stopping: (turn: TurnId) => boolean = () => false): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.request !== request) continue;
      const by = stopping(pending.approval.turn) ? 'turn_ended' : 'codex';
      this.#settle(pending, { decision: 'cancel', by }, false);
    }
  }

  /** The turn has ended, or Codex is gone: its questions are void. */
  void(turn?: TurnId): void {
    for (const pending of [...this.#pending.values()]) {
      if (turn === undefined || pending.approval.turn === turn)
        this.#settle(pending, { decision: 'cancel', by: 'turn_ended' });
    }
  }

  /** Whether somebody is there who can answer. */
  setAttended(attended: boolean): void {
    this.#attended = attended;
    for (const pending of this.#pending.values()) this.#arm(pending);
  }

  dispose(): void {
    this.void();
  }

  #tooLate(pending: Pending): void {
    this.#settle(pending, { decision: 'decline', by: 'timeout' });
  }

  /** @param open Codex still waits for the answer */
  #settle(pending: Pending, settled: Settled, open = true): void {
    const { approval, session } = pending;
    this.#pending.delete(approval.id);
    pending.cancelTimer?.();
    pending.cancelDeadline?.();
    const at = this.#clock.now();
    const { decision, by } = settled;
    // How Codex was answered elsewhere it does not tell.
    const item = decisionItem(approval, by === 'codex' ? { by } : settled, at);
    session.emit({ type: 'item.completed', turn: approval.turn, item });
    session.emit({ type: 'approval.resolved', approval: approval.id, decision, by, at });
    pending.resolve(open && by !== 'codex' ? { ...settled, by } : undefined);
  }

  /** Each question has its whole time: one that comes late does not share the end of an earlier one's. */
  #arm(pending: Pending): void {
    if (this.#attended) {
      pending.cancelTimer?.();
      pending.cancelTimer = undefined;
    } else {
      pending.cancelTimer ??= this.#clock.after(this.#aloneMs(), () => this.#tooLate(pending));
    }
  }
}

/** What comes along with a decision, as far as it says something. */
function checked(approval: Approval, decision: ApprovalDecision, details: AnswerDetails): AnswerDetails {
  const reason = details.reason?.trim() ?? '';
  const { request } = approval;
  const fields = (request.kind === 'question' ? request.fields : undefined) ?? [];
  if (decision === 'decline' || decision === 'cancel') return reason === '' ? {} : { reason };
  if (reason !== '') {
    throw new BridgeError('INVALID_INPUT', 'A reason goes with a no. Leave it out, or decline.');
  }
  const answers = details.answers ?? [];
  const problems = problemsOf(fields, answers);
  if (problems.length > 0) {
    const list = problems.map(({ id, problem }) => `"${id}": ${problem}`).join(' ');
    throw new BridgeError('INVALID_INPUT', `The answer does not fit to the question. ${list}`);
  }
  return fields.length === 0 ? {} : { answers: givenAnswers(fields, answers) };
}
