import type { BridgeError } from '../../shared/errors.ts';
import type { TurnTask } from '../../shared/review.ts';
import type { SessionId, TurnId } from '../../shared/session.ts';
import { userText } from '../codex/events/items.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { ThreadItem } from '../codex/generated/v2/ThreadItem.ts';
import { newTurnId } from '../ids.ts';
import type { LiveSession } from './liveSession.ts';
import { beginsTurn, innerTurnOf, turnIdOf } from './notificationIds.ts';
import { queuedTurn } from './snapshots.ts';
import { TurnRun } from './turnRun.ts';
import type { TurnRunDeps } from './turnRunDeps.ts';

interface ForeignTurn {
  readonly id: TurnId;
  readonly codexTurn: string;
  readonly thread: string;
  /** What came before its prompt was known; undefined from then on, and for what is not recorded. */
  early: ServerNotification[] | undefined;
  /** Set with the prompt: it is in the history. */
  run: TurnRun | undefined;
  /** Why it is to be stopped as soon as it can be. */
  stop: { readonly code: string; readonly message: string } | undefined;
  readonly ended: PromiseWithResolvers<void>;
}

interface ForeignTurnsDeps {
  runDeps(session: LiveSession): TurnRunDeps;
  /** The session is busy from now on, until `ended`. */
  begun(session: LiveSession, turn: TurnId, ended: Promise<void>): void;
  /** Its prompt is in the history. */
  recorded(session: LiveSession, prompt: string): void;
  /** It has its end. */
  over(session: LiveSession, turn: TurnId): void;
}

/**
 * Turns on our threads that we did not start: somebody typed in the terminal. They are recorded like ours, with
 * the terminal as their source: the prompt comes with Codex's first item of the turn.
 */
export class ForeignTurns {
  readonly #deps: ForeignTurnsDeps;
  readonly #turns = new Map<SessionId, ForeignTurn>();

  constructor(deps: ForeignTurnsDeps) {
    this.#deps = deps;
  }

  /** The run of the session's foreign turn, once its prompt is known. */
  run(session: SessionId): TurnRun | undefined {
    return this.#turns.get(session)?.run;
  }

  /** Interrupts all; see the `ended` of each for their ends. */
  async interruptAll(error: { code: string; message: string }): Promise<void> {
    await Promise.all(
      [...this.#turns.values()].map((turn) =>
        turn.run === undefined ? turn.ended.resolve() : turn.run.stop('interrupted', error),
      ),
    );
  }

  /** Codex's id of the session's foreign turn, where there is one. */
  codexTurn(session: SessionId): string | undefined {
    return this.#turns.get(session)?.codexTurn;
  }

  /** Resolves when the session has no foreign turn. */
  async idle(session: SessionId): Promise<void> {
    for (let turn = this.#turns.get(session); turn !== undefined; turn = this.#turns.get(session)) {
      await turn.ended.promise;
    }
  }

  /** A notification of the session's thread that is about no turn of ours. */
  accept(session: LiveSession, thread: string, notification: ServerNotification): void {
    const codexTurn = turnIdOf(notification);
    let turn = this.#turns.get(session.id);
    if (turn === undefined && codexTurn !== undefined && beginsTurn(notification)) {
      turn = this.#begin(session, thread, codexTurn);
    }
    const isTurns = codexTurn === undefined || codexTurn === turn?.codexTurn;
    if (turn === undefined || !(isTurns || innerTurnOf(notification)?.root === turn.codexTurn)) return;
    if (turn.run !== undefined) turn.run.accept(notification);
    else this.#early(session, turn, notification);
  }

  /** Our prompt fell into this turn: it is recorded as theirs, and stopped. */
  async stopJoined(
    session: LiveSession,
    thread: string,
    codexTurn: string,
    notifications: readonly ServerNotification[],
    why: { code: string; message: string },
  ): Promise<void> {
    const turn = this.#turns.get(session.id) ?? this.#begin(session, thread, codexTurn);
    turn.stop = why;
    for (const notification of notifications) this.accept(session, thread, notification);
    await turn.run?.stop('interrupted', why);
  }

  /** Codex is gone. */
  lost(error: BridgeError): void {
    for (const turn of [...this.#turns.values()]) {
      if (turn.run !== undefined) turn.run.lost(error);
      else turn.ended.resolve();
    }
  }

  #begin(session: LiveSession, thread: string, codexTurn: string): ForeignTurn {
    const turn: ForeignTurn = {
      id: newTurnId(),
      codexTurn,
      thread,
      early: [],
      run: undefined,
      stop: undefined,
      ended: Promise.withResolvers(),
    };
    this.#turns.set(session.id, turn);
    const ended = turn.ended.promise.then(() => {
      this.#turns.delete(session.id);
      this.#deps.over(session, turn.id);
    });
    this.#deps.begun(session, turn.id, ended);
    return turn;
  }

  /** Waits for the first item: it is the prompt, or tells what else the person did. */
  #early(session: LiveSession, turn: ForeignTurn, notification: ServerNotification): void {
    turn.early?.push(notification);
    if (notification.method === 'item/started') {
      const { item } = notification.params;
      // A prompt of ours whose start Codex answered too late: its turn has had its end here.
      if (isOurs(session, item)) turn.early = undefined;
      else if (turn.early !== undefined) void this.#record(session, turn, item);
    } else if (notification.method === 'turn/completed') {
      // Without a single item nothing was said and nothing done.
      turn.ended.resolve();
    }
  }

  async #record(session: LiveSession, turn: ForeignTurn, first: ThreadItem): Promise<void> {
    const { early } = turn;
    const prompt = promptOf(first);
    const task = taskOf(first);
    const deps = this.#deps.runDeps(session);
    const { id, codexTurn } = turn;
    const run = new TurnRun(session, id, deps);
    turn.run = run;
    turn.early = undefined;
    session.emit({
      type: 'turn.queued',
      turn: queuedTurn({
        id,
        source: { kind: 'terminal' },
        task,
        prompt,
        attachments: [],
        createdAt: deps.clock.now(),
      }),
    });
    this.#deps.recorded(session, prompt);
    for (const notification of early ?? []) run.accept(notification);
    if (turn.stop !== undefined) void run.stop('interrupted', turn.stop);
    await run.follow(codexTurn, turn.thread);
    turn.ended.resolve();
  }
}

function isOurs(session: LiveSession, item: ThreadItem): boolean {
  return item.type === 'userMessage' && session.head.turns.some(({ id }) => id === item.clientId);
}

/** Of the target of a review only Codex's words for it are known. */
function taskOf(item: ThreadItem): TurnTask | undefined {
  if (item.type === 'contextCompaction') return { kind: 'compact' };
  if (item.type !== 'enteredReviewMode') return undefined;
  const instructions = item.review.trim();
  const uncommitted = instructions === '' || instructions === 'current changes';
  return {
    kind: 'review',
    target: uncommitted ? { kind: 'uncommitted' } : { kind: 'custom', instructions },
  };
}

/** What the person did, by the first item of the turn. */
function promptOf(item: ThreadItem): string {
  switch (item.type) {
    case 'userMessage':
      return userText(item.content);
    case 'commandExecution': {
      // `!cmd` runs a command outside of any sandbox, as the person's own shell would.
      const [action] = item.commandActions;
      return `!${item.commandActions.length === 1 && action !== undefined ? action.command : item.command}`;
    }
    case 'contextCompaction':
      return '/compact';
    case 'enteredReviewMode':
      return `/review ${item.review === 'current changes' ? '' : item.review}`.trim();
    default:
      return '';
  }
}
