import { DisposableStore } from '../../shared/disposables.ts';
import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { SessionEvent } from '../../shared/events.ts';
import type { TurnTask } from '../../shared/review.ts';
import type { FileChange, TurnEnd, TurnError, TurnId } from '../../shared/session.ts';
import type { CodexClient } from '../codex/client.ts';
import { diffPrefix } from '../codex/events/diffRoot.ts';
import { TurnEventMapper } from '../codex/events/map.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import { requireSameFolder } from '../folders/containment.ts';
import type { LiveSession } from './liveSession.ts';
import { ModelReach } from './modelReach.ts';
import { innerTurnOf, turnIdOf } from './notificationIds.ts';
import { compactionIn, TASK_BEGIN_MS } from './taskStart.ts';
import { TurnInterrupt } from './turnInterrupt.ts';
import { leaveCopy, modeParams, shaperOf } from './turnModes.ts';
import { JOINED, type TurnInput, type TurnRunDeps } from './turnRunDeps.ts';
import { askedOf, requireConversation, startAtCodex, startedEvent } from './turnStart.ts';

/** One turn while it runs: from the start at Codex to its one end. Used once. */
export class TurnRun {
  readonly #deps: TurnRunDeps;
  readonly #session: LiveSession;
  readonly #turn: TurnId;
  readonly #store = new DisposableStore();
  readonly #done = Promise.withResolvers<void>();
  readonly #begun = Promise.withResolvers<void>();
  /** What came before Codex told us the turn's id. */
  #early: ServerNotification[] = [];
  #mapper: TurnEventMapper | undefined;
  #client: CodexClient | undefined;
  #thread: string | undefined;
  #codexTurn: string | undefined;
  /** The turn inside it that Codex works on, where there is one. */
  #inner: string | undefined;
  /** Set when we ended it ourselves: what its end is called then. */
  #stopped: { status: 'cancelled' | 'interrupted'; error?: TurnError } | undefined;
  /** How it ended. The first one counts; it is told once the changes are known. */
  #outcome: { status: TurnEnd; error: TurnError | undefined } | undefined;
  /** `turn/start` is on its way or answered. */
  #sent = false;
  /** Whether the turn was started here; else it was typed in a terminal. */
  #own = true;
  #sawPrompt = false;
  /** Looks whether the turn that is waited for has come. */
  #awaited: (() => void) | undefined;
  readonly #stopAsked = Promise.withResolvers<undefined>();
  readonly #reach: ModelReach;
  readonly #interruption: TurnInterrupt;
  #shape = shaperOf(undefined);

  constructor(session: LiveSession, turn: TurnId, deps: TurnRunDeps) {
    this.#session = session;
    this.#turn = turn;
    this.#deps = deps;
    this.#reach = this.#store.add(
      new ModelReach(deps.clock, (error) => void this.stop('interrupted', error)),
    );
    this.#interruption = this.#store.add(new TurnInterrupt(turn, deps, () => this.#endStopped()));
  }

  get turn(): TurnId {
    return this.#turn;
  }

  get #task(): TurnTask['kind'] | undefined {
    return this.#session.head.turns.findLast(({ id }) => id === this.#turn)?.task?.kind;
  }

  get codexTurn(): string | undefined {
    return this.#codexTurn;
  }

  /** It was told to end. */
  get stopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** While Codex may have begun the turn already, and its id is not known here: until it is, or the turn is over. */
  get beginning(): Promise<void> | undefined {
    return this.#sent && this.#codexTurn === undefined
      ? Promise.race([this.#begun.promise, this.#done.promise])
      : undefined;
  }

  /** The whole changes of a file-change item; the transcript's may be cut. */
  changesOf(item: string): readonly FileChange[] | undefined {
    return this.#mapper?.changesOf(item);
  }

  /** Resolves when the turn has its end, whatever that is. Never rejects. */
  async run(input: TurnInput): Promise<void> {
    try {
      await this.#start(input);
      await this.#done.promise;
    } catch (error) {
      const { code, message } = toErrorInfo(error);
      if (!(error instanceof BridgeError))
        this.#deps.logger.error('a turn failed in the bridge', { turn: this.#turn, error });
      if (this.#stopped !== undefined) this.#endStopped();
      else this.#end('failed', { code, message });
    }
    await this.#close();
  }

  /**
   * Follows a turn that others started on the session's thread, from where it is to its end. Its prompt is in
   * the history already. Never rejects.
   */
  async follow(codexTurn: string, thread: string): Promise<void> {
    this.#own = false;
    this.#sent = true;
    this.#session.emit({ type: 'turn.started', turn: this.#turn, at: this.#deps.clock.now() });
    try {
      void this.#deps.copies.before(this.#turn, true);
      // Codex told of the turn over this very connection, so there is one.
      const { codex, folder } = this.#deps;
      this.#prepare((await codex.link()).client, thread, diffPrefix(folder));
      this.#accepted(codexTurn);
      await this.#done.promise;
    } catch (error) {
      this.#deps.logger.error('a turn of the terminal can not be followed', { turn: this.#turn, error });
      const { code, message } = toErrorInfo(error);
      this.#end('interrupted', { code, message });
    }
    await this.#close();
  }

  /** Whether a notification of the session's thread may be about this turn. */
  takes(notification: ServerNotification): boolean {
    const turnId = turnIdOf(notification);
    if (turnId === undefined) return true;
    if (this.#codexTurn === undefined) return this.#sent;
    return turnId === this.#codexTurn || innerTurnOf(notification)?.root === this.#codexTurn;
  }

  /** A notification of this session's thread. */
  accept(notification: ServerNotification): void {
    if (this.#outcome !== undefined) return;
    if (this.#codexTurn !== undefined) {
      this.#map(notification);
      return;
    }
    this.#early.push(notification);
    this.#awaited?.();
  }

  /** Ends the turn at Codex; its own `turn/completed` then ends it here. */
  async stop(status: 'cancelled' | 'interrupted', error?: TurnError): Promise<void> {
    this.#stopped ??= { status, ...(error === undefined ? {} : { error }) };
    this.#stopAsked.resolve(undefined);
    if (this.#codexTurn !== undefined) await this.#interrupt();
  }

  async steer(text: string, id: string): Promise<void> {
    if (this.#task !== undefined) {
      throw new BridgeError(
        'INVALID_INPUT',
        'A review or a compaction takes nothing in addition. Send a prompt: it runs when this is done.',
      );
    }
    if (this.#client === undefined || this.#thread === undefined || this.#codexTurn === undefined) {
      throw new BridgeError(
        'TURN_NOT_RUNNING',
        'The turn has not started at Codex yet. Try again in a moment.',
      );
    }
    await this.#client.call('turn/steer', {
      threadId: this.#thread,
      expectedTurnId: this.#codexTurn,
      clientUserMessageId: id,
      input: [{ type: 'text', text, text_elements: [] }],
    });
  }

  /** Codex is gone: the turn ends with what it had. */
  lost(error: BridgeError): void {
    if (this.#stopped !== undefined) this.#endStopped();
    else this.#end('interrupted', { code: error.code, message: error.message });
    // It may be waiting for the next Codex, which must not be sent the prompt of a turn that is over.
    this.#stopAsked.resolve(undefined);
  }

  async #start({ input, settings, mode, task }: TurnInput): Promise<void> {
    const { codex, threads, clock, folder, cwd = folder } = this.#deps;
    const params = modeParams(this.#deps.settings, settings, mode, { folder, cwd });
    this.#shape = shaperOf(mode);
    const asked = askedOf(settings, this.#deps.settings.defaults);
    if (this.#session.head.turns.findLast(({ id }) => id === this.#turn)?.status === 'queued')
      this.#session.emit(startedEvent(this.#turn, settings, this.#deps.settings, clock));
    this.#deps.copies.prepare();
    // Codex may be away for some seconds, after crashes: who stops the turn does not wait for that.
    const link = await Promise.race([codex.link(), this.#stopAsked.promise]);
    if (link === undefined) return this.#endStopped();
    const { thread, model, restored } = await threads.load(this.#session, link);
    await this.#unlessStopped(this.#deps.idle());
    requireSameFolder(folder);
    await this.#unlessStopped(this.#deps.copies.before(this.#turn));
    // Somebody may have typed meanwhile; between this and `turn/start` nothing waits.
    await this.#unlessStopped(this.#deps.idle());
    if (this.#stopped !== undefined || this.#outcome !== undefined) return this.#endStopped();
    this.#client = link.client;
    this.#thread = thread;
    requireConversation(restored, task);
    if (restored !== undefined && task === undefined) this.#sayRestored();
    const choice = threads.choice(this.#session.id, asked, (name) => codex.defaultEffort(name));
    this.#sent = true;
    const codexTurn = await startAtCodex(link.client, {
      ...{ thread, turn: this.#turn, folder, settings: this.#deps.settings, asked: settings },
      ...{ input, restored, params, choice, task, rights: threads.rights },
    });
    threads.accepted(this.#session.id, choice, task === undefined);
    this.#prepare(link.client, thread, diffPrefix(cwd));
    if (codexTurn === undefined) this.#awaitCompaction(choice.model ?? model);
    else this.#accepted(codexTurn, choice.model ?? model);
  }

  /** Codex says by notifications only that it has begun. */
  #awaitCompaction(model: string): void {
    const cancel = this.#deps.clock.after(TASK_BEGIN_MS, () => {
      this.#awaited = undefined;
      this.#end('failed', {
        code: 'CODEX_TIMEOUT',
        message: `Codex did not begin to compact within ${TASK_BEGIN_MS / 1000} s. Try again, or restart Codex.`,
      });
    });
    this.#store.add({ dispose: cancel });
    this.#awaited = () => {
      const codexTurn = compactionIn(this.#early);
      if (codexTurn === undefined) return;
      cancel();
      this.#awaited = undefined;
      this.#accepted(codexTurn, model);
    };
    this.#awaited();
  }

  /** Resolves with the promise, or as soon as somebody wants the turn stopped. */
  async #unlessStopped(promise: Promise<unknown>): Promise<void> {
    if (this.#stopped === undefined) await Promise.race([promise, this.#stopAsked.promise]);
  }

  #prepare(client: CodexClient, thread: string, diffPrefix: string): void {
    const { clock, folder, cwd = folder } = this.#deps;
    this.#client = client;
    this.#thread = thread;
    this.#mapper = new TurnEventMapper({
      turn: this.#turn,
      folder: cwd,
      now: () => clock.now(),
      diffPrefix,
      compacts: this.#task === 'compact',
      interruptedAs: () => this.#stopped ?? { status: 'cancelled' },
    });
  }

  #accepted(codexTurn: string, model?: string): void {
    this.#codexTurn = codexTurn;
    const others = this.#early.filter((one) => !this.takes(one));
    this.#early = this.#early.filter((one) => this.takes(one));
    if (others.length > 0) this.#deps.notOurs(others);
    if (this.#early.some((one) => this.#isAnothersPrompt(one))) {
      this.#handOver(this.#early);
      return;
    }
    this.#session.emit({
      type: 'turn.accepted',
      turn: this.#turn,
      codexTurn,
      ...(model === undefined ? {} : { model }),
    });
    this.#armDeadline();
    const early = this.#early;
    this.#early = [];
    for (const notification of early) this.#map(notification);
    this.#begun.resolve();
    if (this.#stopped !== undefined) void this.#interrupt();
  }

  #map(notification: ServerNotification): void {
    if (!this.takes(notification)) return;
    const inner = innerTurnOf(notification);
    if (inner !== undefined) {
      this.#inner = inner.id;
      if (this.#stopped !== undefined) void this.#interrupt();
      return;
    }
    if (this.#isAnothersPrompt(notification)) {
      this.#handOver([notification]);
      return;
    }
    // Who typed in a terminal sees there that Codex waits, and decides.
    if (this.#own) this.#reach.see(notification);
    for (const event of this.#events(notification)) {
      if (event.type === 'turn.ended') this.#end(event.status, event.error);
      // Codex says it twice: in its answer to `turn/start`, and as `turn/started`.
      else if (event.type !== 'turn.accepted') this.#session.emit(event);
    }
  }

  /** The message that began the turn, when it is not ours: then ours was only added to it. */
  #isAnothersPrompt(notification: ServerNotification): boolean {
    if (!this.#own || this.#sawPrompt || notification.method !== 'item/started') return false;
    const { item } = notification.params;
    if (item.type !== 'userMessage') return false;
    this.#sawPrompt = true;
    // A Codex that does not give our id back gives none at all.
    return typeof item.clientId === 'string' && item.clientId !== this.#turn;
  }

  #handOver(notifications: readonly ServerNotification[]): void {
    const codexTurn = this.#codexTurn;
    const thread = this.#thread;
    this.#early = [];
    this.#codexTurn = undefined;
    this.#sent = false;
    if (thread !== undefined && codexTurn !== undefined) this.#deps.joined(thread, codexTurn, notifications);
    this.#end('interrupted', JOINED);
  }

  #events(notification: ServerNotification): readonly SessionEvent[] {
    try {
      return (this.#mapper?.map(notification) ?? []).flatMap((event) => this.#shape(event));
    } catch (error) {
      // A newer Codex may say things in another shape: one of them must not end the turn.
      this.#deps.logger.warn('a notification is not understood', { method: notification.method, error });
      return [];
    }
  }

  #armDeadline(): void {
    const minutes = this.#deps.settings.limits.turnTimeoutMinutes;
    if (minutes === 0) return;
    const cancel = this.#deps.clock.after(minutes * 60_000, () => {
      void this.stop('interrupted', {
        code: 'TURN_TIMEOUT',
        message: `The turn was interrupted after ${minutes} minutes (setting limits.turnTimeoutMinutes). Send a prompt to go on from here.`,
      });
    });
    this.#store.add({ dispose: cancel });
  }

  async #interrupt(): Promise<void> {
    const turnId = this.#inner ?? this.#codexTurn;
    if (turnId === undefined || this.#client === undefined || this.#thread === undefined) return;
    await this.#interruption.send(this.#client, this.#thread, turnId);
  }

  #sayRestored(): void {
    this.#session.emit({
      type: 'turn.notice',
      turn: this.#turn,
      notice: {
        kind: 'thread_restored',
        text: 'Codex does not have this conversation. It goes on in a new thread that was given the earlier turns.',
      },
    });
  }

  /** The end that whoever stopped it has asked for. */
  #endStopped(): void {
    this.#end(this.#stopped?.status ?? 'interrupted', this.#stopped?.error);
  }

  #end(status: TurnEnd, error?: TurnError): void {
    this.#outcome ??= { status, error };
    this.#done.resolve();
  }

  async #leaveCopy(): Promise<void> {
    if (this.#client === undefined || this.#thread === undefined || this.#client.closed) return;
    try {
      this.#deps.threads.rights.forget(this.#thread);
      await leaveCopy(this.#client, this.#thread, this.#deps.folder);
    } catch (error) {
      this.#deps.logger.warn('a thread is still in the copy of a preview', { turn: this.#turn, error });
    }
  }

  /** The turn has its end when it is known what it changed: whoever waits for it gets both. */
  async #close(): Promise<void> {
    this.#store.dispose();
    if (!this.#sent) this.#deps.copies.abandon(this.#turn);
    else if (this.#deps.cwd !== undefined) await this.#leaveCopy();
    const changes = await this.#deps.copies.after(this.#turn);
    if (changes !== undefined) this.#session.emit({ type: 'turn.changes', turn: this.#turn, changes });
    const { status, error } = this.#outcome ?? { status: 'interrupted' };
    this.#session.endTurn(this.#turn, status, error);
  }
}
