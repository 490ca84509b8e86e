import { BridgeError } from '../../shared/errors.ts';
import type { SessionEvent } from '../../shared/events.ts';
import { taskText } from '../../shared/review.ts';
import type { SessionId, SessionSettings, TurnError, TurnId, TurnSnapshot } from '../../shared/session.ts';
import { type BridgeSettings, effectiveRights } from '../../shared/settings.ts';
import type { TurnCopies } from '../changes/folderCopies.ts';
import type { Previews } from '../changes/previews.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { ServerRequest } from '../codex/generated/ServerRequest.ts';
import type { CodexHost } from '../folders/codexHost.ts';
import { newTurnId } from '../ids.ts';
import type { Clock, HistoryStore, Logger } from '../ports.ts';
import { checkOpen, checkQueue } from './accepting.ts';
import type { ApprovalBroker } from './approvalBroker.ts';
import { answerRequest } from './approvals.ts';
import { prepareInput } from './attachments.ts';
import type { EventWriter } from './eventWriter.ts';
import { ForeignTurns } from './foreignTurns.ts';
import { releaseHeld } from './heldTurns.ts';
import type { LiveSession, SessionHost } from './liveSession.ts';
import { beginsTurn, threadIdOf, turnIdOf } from './notificationIds.ts';
import { prepareTask } from './prepareTask.ts';
import type { PromptRequest } from './session.ts';
import { queuedTurn } from './snapshots.ts';
import type { Threads } from './threads.ts';
import { titleOf } from './titles.ts';
import { rightsOf } from './turnModes.ts';
import { TurnRun } from './turnRun.ts';
import { JOINED, type TurnInput, type TurnRunDeps } from './turnRunDeps.ts';
import { TurnScheduler } from './turnScheduler.ts';
import { startedEvent } from './turnStart.ts';

interface SessionWorkDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly history: HistoryStore;
  readonly writer: EventWriter;
  readonly codex: CodexHost;
  readonly threads: Threads;
  readonly copies: TurnCopies;
  readonly previews: Previews;
  readonly broker: ApprovalBroker;
  readonly settings: () => BridgeSettings;
  /** Real path. */
  readonly folder: string;
  /** A session in memory, loaded from the history where needed. */
  session(id: SessionId): LiveSession;
  /** Called before the session's thread is loaded, so that the limit on loaded sessions holds. */
  makeRoom(session: SessionId): Promise<void>;
  /** Whether a person's terminal is attached to Codex. */
  terminalOpen(): boolean;
  onStatus(): void;
}

/** What the sessions of one folder do: their queue, their turns, and the questions on the way. */
export class SessionWork implements SessionHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: EventWriter;
  readonly #deps: SessionWorkDeps;
  readonly #scheduler: TurnScheduler;
  readonly #inputs = new Map<TurnId, TurnInput>();
  readonly #runs = new Map<SessionId, TurnRun>();
  readonly #foreign: ForeignTurns;
  #stopping = false;

  constructor(deps: SessionWorkDeps) {
    this.#deps = deps;
    this.clock = deps.clock;
    this.logger = deps.logger;
    this.writer = deps.writer;
    this.#scheduler = new TurnScheduler({
      limit: deps.settings().limits.runningTurns,
      start: (session, turn) => this.#execute(deps.session(session), turn),
    });
    this.#foreign = new ForeignTurns({
      runDeps: (session) => this.#runDeps(session),
      begun: (session, turn, ended) => {
        this.#scheduler.occupy(session.id, turn);
        this.#await(ended);
        deps.onStatus();
      },
      recorded: (session, prompt) => this.#title(session, prompt),
      over: (session, turn) => this.#over(session, turn),
    });
  }

  get running(): number {
    return this.#scheduler.running;
  }

  get queued(): number {
    return this.#scheduler.queued;
  }

  settingsChanged(): void {
    this.#scheduler.setLimit(this.#deps.settings().limits.runningTurns);
  }

  checkRights(settings: SessionSettings): void {
    effectiveRights(this.#deps.settings(), settings);
  }

  async prompt(session: LiveSession, request: PromptRequest): Promise<{ turn: TurnId }> {
    const taken = await this.#take(session, request);
    // Now the disk has it, and whoever asked is told.
    await this.writer.sync();
    return taken;
  }

  async #take(session: LiveSession, request: PromptRequest): Promise<{ turn: TurnId }> {
    const known = this.#known(request);
    if (known !== undefined) return known;
    this.#checkAccepting(session);
    const settings = {
      ...session.head.settings,
      ...request.settings,
      ...(request.task === undefined ? {} : { sandbox: 'read-only' as const }),
    };
    rightsOf(this.#deps.settings(), settings, request.mode);
    const { folder } = this.#deps;
    const work =
      request.task === undefined ? undefined : await prepareTask(folder, session.head, request.task);
    const prompt = work === undefined ? request.prompt : taskText(work.task);
    const prepared = await prepareInput(folder, prompt, request.attachments ?? []);
    await this.#deps.codex.requireLogin();
    // From here on nothing waits: what was checked still holds when the prompt is written.
    const meanwhile = this.#known(request);
    if (meanwhile !== undefined) return meanwhile;
    this.#checkAccepting(session);
    const turn = queuedTurn({
      source: request.source,
      task: work?.task,
      prompt,
      attachments: prepared.infos,
      createdAt: this.clock.now(),
    });
    const { idempotencyKey } = request;
    const title = session.head.title === '' ? titleOf(prompt) : undefined;
    // One commit for all of it, also for the start where nothing is ahead.
    const events: SessionEvent[] = [{ type: 'turn.queued', turn }];
    if (title !== undefined) events.push({ type: 'session.titled', title });
    const mode = request.mode === undefined ? {} : { mode: request.mode };
    const task = work === undefined ? {} : { task: work.start };
    const input: TurnInput = { input: prepared.input, settings, ...mode, ...task };
    const atOnce = this.#scheduler.hasRoom(session.id);
    if (atOnce) events.push(startedEvent(turn.id, settings, this.#deps.settings(), this.clock));
    session.emitDurably(events, (snapshot, numbered) =>
      this.#deps.history.append(snapshot, numbered, {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        // What has to wait may outlive this bridge. What starts at once does not wait for the disk: a power cut
        // before the sync leaves nothing of it, and nobody was told that it was taken.
        ...(atOnce ? { durability: 'written' as const } : { input }),
      }),
    );
    if (title !== undefined) this.#nameThread(session, title);
    this.#queue(session, turn.id, input);
    return { turn: turn.id };
  }

  release(session: LiveSession, turn: TurnId | undefined): Promise<TurnId[]> {
    return releaseHeld(session, turn, {
      history: this.#deps.history,
      checkAccepting: () => checkOpen(session.head, this.#stopping),
      requireLogin: () => this.#deps.codex.requireLogin(),
      queue: (id, input) => this.#queue(session, id, input),
    });
  }

  #queue(session: LiveSession, turn: TurnId, input: TurnInput): void {
    this.#inputs.set(turn, input);
    this.#scheduler.request(session.id, turn);
    this.#deps.onStatus();
  }

  async steer(session: LiveSession, turn: TurnSnapshot, text: string): Promise<void> {
    const run = this.#runOf(session, turn.id);
    if (run === undefined) {
      throw new BridgeError(
        'TURN_NOT_RUNNING',
        `The turn ${turn.id} is not running. Send a new prompt instead.`,
      );
    }
    await run.steer(text, newTurnId());
  }

  cancel(session: LiveSession, turns: readonly TurnSnapshot[]): void {
    const runs: TurnRun[] = [];
    for (const { id } of turns) {
      const run = this.#runOf(session, id);
      if (run !== undefined) runs.push(run);
      else {
        // It waits, or is held.
        this.#scheduler.remove(id);
        this.#inputs.delete(id);
        session.endTurn(id, 'cancelled');
      }
    }
    // What waits is out of the queue before: else it would begin when the one ahead of it ends.
    for (const run of runs) void run.stop('cancelled');
    this.#deps.onStatus();
  }

  answer(...answer: Parameters<ApprovalBroker['answer']>): void {
    this.#deps.broker.answer(...answer);
  }

  async renamed(session: LiveSession, title: string): Promise<void> {
    await this.#tellCodex(session, 'thread/name/set', (threadId, client) =>
      client.call('thread/name/set', { threadId, name: title }),
    );
  }

  async archived(session: LiveSession, archived: boolean): Promise<void> {
    this.#deps.threads.forget(session.id);
    await this.#tellCodex(session, archived ? 'thread/archive' : 'thread/unarchive', (threadId, client) =>
      archived ? client.call('thread/archive', { threadId }) : client.call('thread/unarchive', { threadId }),
    );
  }

  accept(notification: ServerNotification): void {
    const thread = threadIdOf(notification);
    if (notification.method === 'serverRequest/resolved') {
      const stopping = (turn: TurnId) =>
        [...this.#runs.values()].some((run) => run.turn === turn && run.stopping);
      this.#deps.broker.resolvedElsewhere(String(notification.params.requestId), stopping);
      return;
    }
    // Notifications without a thread concern no session; threads that are not ours are the terminal's helpers.
    if (thread === undefined) return;
    const { threads } = this.#deps;
    const id = threads.sessionOf(thread);
    if (id === undefined) return;
    if (notification.method === 'thread/settings/updated')
      threads.rights.told(thread, notification.params.threadSettings);
    this.#route(id, thread, notification);
  }

  /** Codex asks something: it goes to the session's human. Threads that are not ours get a no. */
  request(request: ServerRequest): Promise<unknown> | undefined {
    const { clock, broker, folder, settings } = this.#deps;
    return answerRequest(request, {
      clock,
      logger: this.logger,
      broker,
      folder,
      forSession: settings().ceiling.acceptForSession === true,
      running: (thread, codexTurn) => this.#runningTurn(thread, codexTurn),
      isTerminals: (thread) =>
        this.#deps.terminalOpen() && this.#deps.threads.sessionOf(thread) === undefined,
    });
  }

  /** Codex is gone: everything that ran ends with what it had. */
  codexLost(error: BridgeError): void {
    this.#deps.threads.forgetAll();
    this.#deps.broker.void();
    this.#foreign.lost(error);
    for (const run of [...this.#runs.values()]) run.lost(error);
  }

  /** Interrupts everything; resolves when all turns have their end. Queued prompts stay in the history. */
  async stop(why: TurnError): Promise<void> {
    this.#stopping = true;
    await this.interruptAll(why);
  }

  async interruptAll(error: TurnError): Promise<void> {
    const runs = [...this.#runs.values()];
    await Promise.all([
      this.#foreign.interruptAll(error),
      ...runs.map((run) => run.stop('interrupted', error)),
    ]);
    await Promise.all([...this.#finishing]);
  }

  readonly #finishing = new Set<Promise<void>>();

  #execute(session: LiveSession, turn: TurnId): void {
    const input = this.#inputs.get(turn);
    if (input === undefined || this.#stopping) {
      this.#scheduler.done(turn);
      return;
    }
    this.#inputs.delete(turn);
    const preview = input.mode === 'preview' ? this.#deps.previews.of(turn) : undefined;
    const place = preview === undefined ? {} : { copies: preview, cwd: preview.cwd };
    const run = new TurnRun(session, turn, { ...this.#runDeps(session), ...place });
    this.#runs.set(session.id, run);
    this.#await(this.#finish(session, run, input));
  }

  /** A stop waits for it. */
  #await(finished: Promise<void>): void {
    this.#finishing.add(finished);
    void finished.finally(() => this.#finishing.delete(finished));
  }

  async #finish(session: LiveSession, run: TurnRun, input: TurnInput): Promise<void> {
    try {
      await this.#deps.makeRoom(session.id);
    } catch (error) {
      this.logger.warn('idle sessions can not be unloaded', { error });
    }
    await run.run(input);
    this.#runs.delete(session.id);
    this.#over(session, run.turn);
  }

  #over(session: LiveSession, turn: TurnId): void {
    this.#deps.broker.void(turn);
    session.touch();
    this.#scheduler.done(turn);
    this.#deps.onStatus();
  }

  #runDeps(session: LiveSession): TurnRunDeps {
    const { codex, threads, copies, folder } = this.#deps;
    return {
      clock: this.clock,
      logger: this.logger,
      codex,
      threads,
      copies,
      settings: this.#deps.settings(),
      folder,
      idle: () => this.#foreign.idle(session.id),
      notOurs: (notifications) => {
        for (const notification of notifications) this.accept(notification);
      },
      joined: (thread, codexTurn, notifications) => {
        this.logger.warn('a prompt met one from the terminal; both are stopped', { session: session.id });
        void this.#foreign.stopJoined(session, thread, codexTurn, notifications, JOINED);
      },
    };
  }

  /** A prompt typed in a terminal names a session that has no title yet. */
  #title(session: LiveSession, prompt: string): void {
    if (session.head.title !== '') return;
    const title = titleOf(prompt);
    session.emit({ type: 'session.titled', title });
    this.#nameThread(session, title);
  }

  /** Codex too, where a terminal shows the thread already. */
  #nameThread(session: LiveSession, title: string): void {
    if (session.head.thread !== undefined) void this.renamed(session, title);
  }

  /** To our own turn, or to one that was typed in a terminal. */
  #route(id: SessionId, thread: string, notification: ServerNotification): void {
    const run = this.#runs.get(id);
    const codexTurn = turnIdOf(notification);
    const foreign = this.#foreign.codexTurn(id);
    const ours = codexTurn === undefined || codexTurn !== foreign;
    if (ours && run?.takes(notification) === true) run.accept(notification);
    else if (foreign !== undefined || beginsTurn(notification))
      this.#foreign.accept(this.#deps.session(id), thread, notification);
  }

  #known({ idempotencyKey }: PromptRequest): { turn: TurnId } | undefined {
    const found = idempotencyKey === undefined ? undefined : this.#deps.history.turnByKey(idempotencyKey);
    return found === undefined ? undefined : { turn: found.turn };
  }

  #checkAccepting(session: LiveSession): void {
    checkOpen(session.head, this.#stopping);
    checkQueue(session.head, this.#deps.settings().limits);
  }

  #runOf(session: LiveSession, turn: TurnId): TurnRun | undefined {
    const runs = [this.#runs.get(session.id), this.#foreign.run(session.id)];
    return runs.find((run) => run?.turn === turn);
  }

  /** Codex may ask before the answer to `turn/start` was taken up here: then it is waited for. */
  async #runningTurn(
    thread: string,
    codexTurn: string | undefined,
  ): Promise<{ session: LiveSession; run: TurnRun } | undefined> {
    const id = this.#deps.threads.sessionOf(thread);
    if (id === undefined) return undefined;
    const runs = [this.#runs.get(id), this.#foreign.run(id)];
    await Promise.all(runs.map((run) => run?.beginning));
    const run = runs.find((one) => one !== undefined && (codexTurn ?? one.codexTurn) === one.codexTurn);
    return run === undefined ? undefined : { session: this.#deps.session(id), run };
  }

  /** Best effort: titles and archive marks in Codex's own lists never hold up ours. */
  async #tellCodex(
    session: LiveSession,
    what: string,
    tell: (thread: string, client: Awaited<ReturnType<CodexHost['link']>>['client']) => Promise<unknown>,
  ): Promise<void> {
    const { thread } = session.head;
    if (thread === undefined) return;
    try {
      await tell(thread, (await this.#deps.codex.link()).client);
    } catch (error) {
      this.logger.warn('Codex was not told', { what, session: session.id, error });
    }
  }
}
