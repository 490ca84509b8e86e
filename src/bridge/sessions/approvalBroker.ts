import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { ApprovalResolver } from '../../shared/events.ts';
import type { Approval, ApprovalDecision, TurnId } from '../../shared/session.ts';
import type { Clock } from '../ports.ts';
import type { LiveSession } from './liveSession.ts';

interface Pending {
  /** Codex's own id of the request, by which it says that it is resolved elsewhere. */
  readonly request: string;
  readonly session: LiveSession;
  readonly approval: Approval;
  /** Of the time until it is declined; absent while somebody is there who can answer. */
  cancelTimer?: (() => void) | undefined;
  resolve(decision: ApprovalDecision | undefined): void;
}

/**
 * Brings Codex's questions to a human and the answer back, once. Nobody's silence is a yes: a question that
 * for some time no face could have answered is declined.
 */
export class ApprovalBroker implements Disposable {
  readonly #clock: Clock;
  readonly #aloneMs: () => number;
  readonly #pending = new Map<string, Pending>();
  #attended = false;

  constructor(deps: { clock: Clock; aloneMs: () => number }) {
    this.#clock = deps.clock;
    this.#aloneMs = deps.aloneMs;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Resolves with the decision: a human's, or a no; undefined when it was given to Codex elsewhere. */
  ask(session: LiveSession, approval: Approval, request: string): Promise<ApprovalDecision | undefined> {
    return new Promise((resolve) => {
      const pending: Pending = { request, session, approval, resolve };
      this.#pending.set(approval.id, pending);
      this.#arm(pending);
      session.emit({ type: 'approval.requested', approval });
    });
  }

  /** @throws BridgeError `APPROVAL_NOT_FOUND`, `INVALID_INPUT` for a decision that was not offered. */
  answer(session: LiveSession, id: string, decision: ApprovalDecision): void {
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
    this.#settle(pending, decision, 'face');
  }

  /** Codex closed the question itself (`serverRequest/resolved`): another client answered it. */
  resolvedElsewhere(request: string): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.request === request) this.#settle(pending, 'cancel', 'codex');
    }
  }

  /** The turn has ended, or Codex is gone: its questions are void. */
  void(turn?: TurnId): void {
    for (const pending of [...this.#pending.values()]) {
      if (turn === undefined || pending.approval.turn === turn) this.#settle(pending, 'cancel', 'turn_ended');
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

  #settle(pending: Pending, decision: ApprovalDecision, by: ApprovalResolver): void {
    this.#pending.delete(pending.approval.id);
    pending.cancelTimer?.();
    pending.session.emit({
      type: 'approval.resolved',
      approval: pending.approval.id,
      decision,
      by,
      at: this.#clock.now(),
    });
    pending.resolve(by === 'codex' ? undefined : decision);
  }

  /** Each question has its whole time: one that comes late does not share the end of an earlier one's. */
  #arm(pending: Pending): void {
    if (this.#attended) {
      pending.cancelTimer?.();
      pending.cancelTimer = undefined;
    } else {
      pending.cancelTimer ??= this.#clock.after(this.#aloneMs(), () =>
        this.#settle(pending, 'decline', 'timeout'),
      );
    }
  }
}
