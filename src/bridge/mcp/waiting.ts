import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import type { Approval, TurnId, TurnSnapshot } from '../../shared/session.ts';
import { hasEnded } from '../../shared/session.ts';
import type { Session } from '../sessions/session.ts';
import type { ToolCall } from './call.ts';
import { type Step, standOf, stepOf, textSoFar } from './progress.ts';
import { ProgressReporter } from './progressReporter.ts';
import { AnswerNeeded } from './questions.ts';

/**
 * Seconds that a call waits: clients that follow progress bear minutes (Claude Code ends an HTTP call that is
 * silent for 300 s, users report 350 s at most), others may give up after a minute.
 */
export const WAIT_SECONDS = 45;
export const WAIT_SECONDS_WITH_PROGRESS = 240;

/**
 * Waits until the turn has ended or the time is over, telling progress, and gives the turn as it is then.
 * Nothing that happens to the call ends the turn.
 *
 * @throws BridgeError `CANCELLED` when the caller is gone
 */
export async function waitForTurn(
  call: ToolCall,
  session: Session,
  turn: TurnId,
  wanted: number | undefined,
): Promise<TurnSnapshot> {
  const first = session.turn(turn);
  const limit = call.progress === undefined ? WAIT_SECONDS : WAIT_SECONDS_WITH_PROGRESS;
  const seconds = Math.min(wanted ?? limit, limit);
  // A held prompt goes on when somebody releases it, perhaps never.
  if (hasEnded(first.status) || first.held === true || seconds <= 0) return first;

  const deadline = new AbortController();
  const cancelTimer = call.clock.after(seconds * 1000, () => deadline.abort());
  const stopReporting = report(call, session, first);
  const asking = new Asking(call, session, turn);
  const signal = AbortSignal.any([call.signal, deadline.signal]);
  try {
    return await Promise.race([session.ended(turn, signal), asking.failed]);
  } catch (error) {
    if (!deadline.signal.aborted || call.signal.aborted) throw error;
    return session.turn(turn);
  } finally {
    cancelTimer();
    stopReporting();
    asking.dispose();
  }
}

/** Brings the turn's approvals to the client while its call waits; each once, and away when it was answered. */
class Asking implements Disposable {
  /** Rejects when asking ends the call, or fails; never resolves. */
  readonly failed: Promise<never>;
  readonly #questions: ToolCall['questions'];
  readonly #session: Session;
  readonly #asked = new Map<string, AbortController>();
  readonly #store = new DisposableStore();
  readonly #fail: (error: unknown) => void;

  constructor(call: ToolCall, session: Session, turn: TurnId) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    // Nobody waits any more when the call is over.
    this.failed.catch(() => undefined);
    this.#fail = reject;
    this.#session = session;
    this.#questions = call.questions;
    if (this.#questions === undefined) return;
    this.#store.add(
      session.onChange(({ event }) => {
        if (event.type === 'approval.requested' && event.approval.turn === turn) this.#ask(event.approval);
        if (event.type === 'approval.resolved') this.#asked.get(event.approval)?.abort();
      }),
    );
    for (const approval of session.snapshot.approvals) if (approval.turn === turn) this.#ask(approval);
  }

  dispose(): void {
    this.#store.dispose();
    for (const controller of this.#asked.values()) controller.abort();
  }

  #ask(approval: Approval): void {
    if (this.#questions === undefined || this.#asked.has(approval.id)) return;
    const controller = new AbortController();
    this.#asked.set(approval.id, controller);
    this.#questions.ask(this.#session, approval, controller.signal).catch((error: unknown) => {
      // A client that can't be asked leaves the answer to VS Code.
      if (error instanceof AnswerNeeded) this.#fail(error);
    });
  }
}

function report(call: ToolCall, session: Session, turn: TurnSnapshot): () => void {
  if (call.progress === undefined) return () => undefined;
  const reporter = new ProgressReporter(call.progress, call.clock);
  let sawText = false;
  const offer = (step: Step, current: TurnSnapshot) => {
    if (typeof step === 'string') return reporter.offer(() => step);
    // The first words are what people wait for.
    const now = !sawText;
    sawText = true;
    // Read when it is sent: deltas between two messages cost nothing.
    reporter.offer(() => textSoFar(now ? current : session.turn(turn.id)), now);
  };
  const subscription = session.onChange(({ event, snapshot }) => {
    if (!concerns(event, turn.id)) return;
    const current = snapshot.turns.findLast((one) => one.id === turn.id);
    const step = current === undefined ? undefined : stepOf(event, current);
    if (current !== undefined && step !== undefined) offer(step, current);
  });
  const { turns, approvals } = session.snapshot;
  const at = turns.findIndex((one) => one.id === turn.id);
  const ahead = turns.slice(0, at).filter((one) => !hasEnded(one.status)).length;
  // What is queued alone starts in a moment and then has something better to tell.
  if (turn.status !== 'queued' || ahead > 0) reporter.offer(() => standOf(turn, approvals, ahead));
  return () => {
    subscription.dispose();
    reporter.dispose();
  };
}

function concerns(event: Parameters<typeof stepOf>[0], turn: TurnId): boolean {
  if (event.type === 'approval.requested') return event.approval.turn === turn;
  // Its event does not name the turn; a session has one running turn at a time.
  if (event.type === 'approval.resolved') return true;
  return 'turn' in event && event.turn === turn;
}
