import { DisposableStore, Emitter } from '../shared/disposables.ts';
import type { Translate } from '../shared/l10n.ts';
import type { Approval, SessionId, SessionSummary } from '../shared/session.ts';
import { makeVisible } from '../shared/visible.ts';
import type { WindowFace } from './windowFace.ts';

/** A question of Codex's that is waiting for the person at this window. */
export interface Asked {
  readonly session: SessionId;
  /** The session's. */
  readonly title: string;
  readonly approval: Approval;
}

/** A chat that was hidden is there within this time, in ms. */
const REVIEW_MS = 5_000;

/** Knows what is being asked in this window's folders, also in sessions that nobody has open. */
export class ApprovalWatch {
  readonly #window: WindowFace;
  readonly #onError: (error: unknown) => void;
  readonly #store = new DisposableStore();
  readonly #changed: Emitter<void>;
  readonly #review: Emitter<void>;
  /** `performance.now()` when somebody last wanted to answer. */
  #reviewedAt = Number.NEGATIVE_INFINITY;
  readonly #asked = new Map<SessionId, readonly Approval[]>();
  /** The number of the last question to the bridge for each waiting session: older answers are stale. */
  readonly #asking = new Map<SessionId, number>();
  #number = 0;

  constructor(window: WindowFace, onError: (error: unknown) => void) {
    this.#window = window;
    this.#onError = onError;
    this.#changed = this.#store.add(new Emitter<void>(onError));
    this.#review = this.#store.add(new Emitter<void>(onError));
    this.#store.add(window.link.onSummary((summary) => this.#look(summary)));
    this.#store.add(window.link.onRemoved((session) => this.#forget(session)));
    this.#store.add(
      window.link.onState(({ kind }) => {
        if (kind === 'connected') return;
        for (const session of [...this.#asking.keys()]) this.#forget(session);
      }),
    );
    // Those that were waiting already when this window joined are only in its list.
    this.#store.add(
      window.onChanged(() => {
        for (const summary of window.sessions) if (!this.#asking.has(summary.id)) this.#look(summary);
      }),
    );
  }

  /** Oldest first. */
  get asked(): readonly Asked[] {
    return [...this.#asked]
      .flatMap(([session, approvals]) =>
        approvals.map((approval) => ({
          session,
          title: this.#window.session(session)?.title ?? '',
          approval,
        })),
      )
      .sort((a, b) => a.approval.createdAt - b.approval.createdAt);
  }

  get onChanged() {
    return this.#changed.on;
  }

  /** The person wants to answer: the chat brings the keyboard to the card. */
  review(): void {
    this.#reviewedAt = performance.now();
    this.#review.fire();
  }

  get onReview() {
    return this.#review.on;
  }

  /** Whether it was just now: a chat that had to be loaded first takes it up, too. */
  get reviewing(): boolean {
    return performance.now() - this.#reviewedAt < REVIEW_MS;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #look({ id, state }: SessionSummary): void {
    if (state !== 'waiting_for_approval') {
      this.#forget(id);
      return;
    }
    // Sessions of other windows' folders are theirs to answer.
    if (this.#window.session(id) === undefined || this.#window.link.state.kind !== 'connected') return;
    this.#ask(id).catch(this.#onError);
  }

  async #ask(session: SessionId): Promise<void> {
    const number = ++this.#number;
    this.#asking.set(session, number);
    const { approvals } = await this.#window.link.request('session.approvals', { session });
    if (this.#asking.get(session) !== number) return;
    this.#asked.set(session, approvals);
    this.#changed.fire();
  }

  #forget(session: SessionId): void {
    this.#asking.delete(session);
    if (this.#asked.delete(session)) this.#changed.fire();
  }
}

/** What Codex wants, in one phrase after "Codex asks to". Nothing in it is hidden or reordered. */
export function questionOf({ request }: Approval, t: Translate): string {
  switch (request.kind) {
    case 'command':
      return t('run {0}', makeVisible(request.command));
    case 'file_change':
      return t('change {0}', request.changes.map(({ path }) => makeVisible(path)).join(', '));
    case 'permissions':
      return t('have more rights: {0}', makeVisible(request.text));
    case 'question':
      return t('know: {0}', makeVisible(request.text));
  }
}

/** Longer ones are cut by VS Code's notifications. */
const NOTICE_LENGTH = 300;

/**
 * The text of a notification, which VS Code shows as one line and in which it turns `[a](command:b)` into a
 * link: what would not be shown exactly is not shown at all there, and read in the chat.
 */
export function noticeOf({ title, approval }: Asked, t: Translate): string {
  const question = questionOf(approval, t);
  const exact = question.length <= NOTICE_LENGTH && !/\n|\]\(/.test(question);
  const where = makeVisible(title)
    .replaceAll(/[[\]\n]/g, ' ')
    .slice(0, 80);
  return exact
    ? t('Codex asks in "{0}" to {1}', where, question)
    : t('Codex asks in "{0}" for something that has to be read in the chat', where);
}
