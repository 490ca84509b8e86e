import { type Disposable, DisposableStore, Emitter } from '../../shared/disposables.ts';
import { BridgeError, type ErrorCode } from '../../shared/errors.ts';
import type { FolderInfo, FolderStatus, Statistics } from '../../shared/faces.ts';
import {
  hasEnded,
  type SessionId,
  type SessionSettings,
  type SessionSnapshot,
  type SessionSummary,
  summaryOf,
  type TurnId,
} from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import { FolderChanges } from '../changes/folderChanges.ts';
import { turnDiff, turnsDiff } from '../changes/turnDiff.ts';
import { writeExport } from '../history/exchange.ts';
import { toMarkdown } from '../history/markdown.ts';
import type { HistoryStore, SessionQuery } from '../ports.ts';
import { ApprovalBroker } from '../sessions/approvalBroker.ts';
import { EventWriter } from '../sessions/eventWriter.ts';
import { forkOf } from '../sessions/fork.ts';
import { LiveSession } from '../sessions/liveSession.ts';
import { settleOrphans } from '../sessions/orphans.ts';
import { isStreamed, type Session, type SessionChange } from '../sessions/session.ts';
import { SessionMap } from '../sessions/sessionMap.ts';
import { SessionWork } from '../sessions/sessionWork.ts';
import { newSnapshot } from '../sessions/snapshots.ts';
import { Threads } from '../sessions/threads.ts';
import { checkMayApply } from '../sessions/turnModes.ts';
import { Terminals } from '../terminal/terminals.ts';
import { attachThread } from './attachThread.ts';
import { CodexHost } from './codexHost.ts';
import { FolderAccount } from './folderAccount.ts';
import type { FolderRuntimeDeps } from './folderRuntimeDeps.ts';
import { FolderTrust } from './folderTrust.ts';
import { ForeignThreads } from './foreignThreads.ts';
import { Housekeeping } from './housekeeping.ts';

const MINUTE_MS = 60_000;

/** What is alive for one folder: its Codex, its sessions, its queue. */
export class FolderRuntime implements FolderApi {
  readonly info: FolderInfo;
  readonly #deps: FolderRuntimeDeps;
  readonly #history: HistoryStore;
  readonly #store = new DisposableStore();
  readonly #live = new SessionMap();
  readonly #writer: EventWriter;
  readonly #broker: ApprovalBroker;
  readonly #codex: CodexHost;
  readonly #threads: Threads;
  readonly #work: SessionWork;
  readonly #foreign: ForeignThreads;
  readonly #housekeeping: Housekeeping;
  /** Not part of {@link FolderApi}: only faces log in and out. */
  readonly account: FolderAccount;
  /** Not part of {@link FolderApi}: only faces say what of the repository may run. */
  readonly trust: FolderTrust;
  /** Not part of {@link FolderApi}: only faces revert. */
  readonly changes: FolderChanges;
  /** Not part of {@link FolderApi}: only faces come to a terminal. */
  readonly terminals: Terminals;
  readonly #summaries: Emitter<SessionSummary>;
  readonly #removed: Emitter<SessionId>;
  readonly #statuses: Emitter<FolderStatus>;
  readonly #screens: Emitter<SessionId>;

  constructor(deps: FolderRuntimeDeps) {
    const { clock, history, logger, settings } = deps;
    this.#deps = deps;
    this.info = deps.info;
    this.#history = history;
    const failed = (error: unknown) => logger.error('a listener failed', { error });
    this.#summaries = new Emitter(failed);
    this.#removed = new Emitter(failed);
    this.#statuses = new Emitter(failed);
    this.#screens = new Emitter(failed);
    this.#writer = new EventWriter({ history, clock, logger, onFailure: () => this.#tellStatus() });
    this.#broker = new ApprovalBroker({
      clock,
      aloneMs: () => settings().limits.approvalMinutesAlone * MINUTE_MS,
      answerMs: () => (settings().limits.approvalMinutes ?? 0) * MINUTE_MS,
    });
    this.#codex = new CodexHost({
      clock,
      logger,
      find: () => deps.findCodex(),
      start: (binary) => deps.startCodex(binary),
      onNotification: (notification) => this.#work.accept(notification),
      onRequest: (request) => this.#work.request(request),
      onDown: (error) => {
        this.#work.codexLost(error);
        void this.terminals.endAll();
      },
      onStatus: () => this.#tellStatus(),
      idle: () => this.activeTurns === 0 && this.terminals.count === 0,
      onReplaced: () => this.#threads.forgetAll(),
      onReady: () => void this.trust.look(),
      onAccount: (loggedIn) => this.account.changedHere(loggedIn),
    });
    this.account = this.#store.add(
      new FolderAccount({
        codex: this.#codex,
        logger,
        busy: () => this.activeTurns > 0 || this.terminals.count > 0,
        renew: async () => {
          this.#threads.forgetAll();
          await this.#codex.stop();
          await this.#codex.link();
        },
      }),
    );
    this.trust = new FolderTrust({
      folder: deps.info.path,
      codex: this.#codex,
      logger,
      onChange: () => this.#tellStatus(),
      onStale: () => this.account.renewWhenIdle(),
    });
    this.changes = this.#store.add(
      new FolderChanges({ folder: deps.info.path, copies: deps.copies, logger }),
    );
    this.#threads = new Threads({ folder: deps.info.path, settings });
    this.#housekeeping = this.#store.add(
      new Housekeeping({
        clock,
        logger,
        settings,
        history,
        live: this.#live,
        codex: this.#codex,
        threads: this.#threads,
        session: (id) => this.session(id),
        hasTerminal: (id) => this.terminals.has(id),
        activeTurns: () => this.activeTurns,
        delete: (id) => this.deleteSession(id),
      }),
    );
    this.#work = new SessionWork({
      clock,
      logger,
      history,
      settings,
      writer: this.#writer,
      codex: this.#codex,
      threads: this.#threads,
      copies: deps.copies,
      previews: deps.previews,
      broker: this.#broker,
      folder: deps.info.path,
      session: (id) => this.session(id),
      makeRoom: (session) => this.#housekeeping.makeRoom(session),
      terminalOpen: () => this.terminals.count > 0,
      onStatus: () => this.#tellStatus(),
    });
    this.#foreign = new ForeignThreads({
      info: this.info,
      history,
      codex: this.#codex,
      clock,
      session: (id) => this.session(id),
      add: (snapshot) => this.#add(snapshot),
    });
    this.terminals = new Terminals({
      clock,
      logger,
      env: deps.env,
      named: () => settings().codex?.environment ?? [],
      loadPty: () => deps.loadPty(),
      attach: async (id) => {
        await this.#housekeeping.makeRoom(id);
        return attachThread(this.session(id), this.#codex, this.#threads, deps.info.path);
      },
      onChange: () => this.#tellStatus(),
      onScreen: (session) => this.#screens.fire(session),
    });
    this.#store.add(history.onTrouble(() => this.#tellStatus()));
    settleOrphans(history, (id) => this.session(id));
    this.#housekeeping.start();
    if (history.trouble?.code === 'HISTORY_CORRUPT') void this.#bringBack();
  }

  readonly onSession = (listener: (summary: SessionSummary) => void): Disposable =>
    this.#summaries.on(listener);
  readonly onRemoved = (listener: (session: SessionId) => void): Disposable => this.#removed.on(listener);
  readonly onStatus = (listener: (status: FolderStatus) => void): Disposable => this.#statuses.on(listener);
  readonly onScreen = (listener: (session: SessionId) => void): Disposable => this.#screens.on(listener);

  get history(): HistoryStore {
    return this.#history;
  }

  /** Turns that run or wait. */
  get activeTurns(): number {
    return this.#work.running + this.#work.queued;
  }

  status(): FolderStatus {
    const trouble = this.#writer.failure ?? this.#history.trouble;
    return {
      ...this.info,
      codex: this.#codex.status,
      running: this.#work.running,
      queued: this.#work.queued,
      waitingForApproval: this.#broker.size,
      loaded: this.#threads.loaded().length,
      ...(trouble === undefined ? {} : { history: trouble }),
      ...(this.trust.known === undefined ? {} : { codexTrust: this.trust.known }),
    };
  }

  createSession(options: { title?: string; settings?: SessionSettings }): Session {
    this.#work.checkRights(options.settings ?? {});
    const now = this.#deps.clock.now();
    return this.#add(newSnapshot(this.info.key, options, now));
  }

  session(id: SessionId): LiveSession {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const stored = this.#history.read(id);
    if (stored === undefined) throw sessionNotFound(id);
    return this.#adopt(stored);
  }

  has(id: SessionId): boolean {
    return this.#live.get(id) !== undefined || this.#history.summary(id) !== undefined;
  }

  sessionOfTurn(turn: TurnId): Session {
    const id = this.#history.sessionOfTurn(turn);
    if (id === undefined) {
      throw new BridgeError(
        'TURN_NOT_FOUND',
        `There is no turn ${turn} in this folder. "history" lists sessions and their turns.`,
      );
    }
    return this.session(id);
  }

  sessionOfThread(thread: string): Promise<Session> {
    return this.#foreign.session(thread);
  }

  turnByKey(idempotencyKey: string) {
    return this.#history.turnByKey(idempotencyKey);
  }

  pendingTurns() {
    return this.#live
      .values()
      .flatMap((session) =>
        session.snapshot.turns.filter(({ status }) => !hasEnded(status)).map((turn) => ({ session, turn })),
      );
  }

  list(query: SessionQuery) {
    return this.#history.list(query);
  }

  async fork(id: SessionId): Promise<Session> {
    const { clock, logger } = this.#deps;
    const deps = { codex: this.#codex, threads: this.#threads, clock, logger };
    return this.#add(await forkOf(this.session(id), deps));
  }

  async deleteSession(id: SessionId): Promise<void> {
    const session = this.session(id);
    if (this.terminals.has(id)) await this.terminals.end(id);
    if (session.busy) await session.cancel();
    const { thread, turns } = session.head;
    this.#writer.flush(session);
    this.#history.deleteSession(id);
    session.detach();
    this.#threads.forget(id);
    this.#live.delete(id);
    this.#removed.fire(id);
    await this.#deps.copies.forget(turns.map((turn) => turn.id));
    if (thread === undefined) return;
    try {
      const { client } = await this.#codex.link();
      await client.call('thread/delete', { threadId: thread });
    } catch (error) {
      this.#deps.logger.warn('Codex keeps the thread of a deleted session', { session: id, error });
    }
  }

  exportSession(id: SessionId, format: 'json' | 'markdown'): string {
    const live = this.#live.get(id);
    if (live !== undefined) this.#writer.flush(live);
    const { snapshot } = this.session(id);
    return format === 'json' ? writeExport(snapshot) : toMarkdown(snapshot);
  }

  diff(id: SessionId): Promise<string> {
    return turnsDiff(this.session(id).snapshot.turns, this.changes);
  }

  async turnDiff(turn: TurnId): Promise<string> {
    return turnDiff(this.sessionOfTurn(turn).turn(turn), this.changes);
  }

  async applyPreview(turn: TurnId): Promise<void> {
    checkMayApply(this.#deps.settings());
    // Throws where the turn is not of this folder.
    this.sessionOfTurn(turn);
    await this.changes.applyPreview(turn);
  }

  screen(id: SessionId): Promise<string | undefined> {
    return this.terminals.text(id);
  }

  importSessions(data: string): SessionId[] {
    const ids = this.#history.importJson(data, this.info.key);
    for (const id of ids) this.#summaries.fire(summaryOf(this.session(id).snapshot));
    return ids;
  }

  statistics(): Statistics {
    const { prices, currency } = this.#deps.settings();
    return this.#history.statistics({ prices, currency });
  }

  async restart(): Promise<void> {
    const message = 'Codex was restarted while this turn ran. Send a prompt to go on from here.';
    await this.#work.interruptAll({ code: 'BRIDGE_STOPPING', message });
    await this.terminals.endAll();
    this.#threads.forgetAll();
    await this.#codex.restart();
  }

  settingsChanged(): void {
    this.#work.settingsChanged();
    this.#tellStatus();
  }

  /** Whether a face is there that can answer approvals. */
  setAttended(attended: boolean): void {
    this.#broker.setAttended(attended);
  }

  /** `code`: of the turns that are interrupted by it. */
  async stop(reason: string, code: ErrorCode = 'BRIDGE_STOPPING'): Promise<void> {
    this.#store.dispose();
    await this.#work.stop({ code, message: reason });
    this.#deps.copies.dispose();
    await this.#deps.copies.idle();
    await this.terminals.stop();
    await this.#codex.stop();
    this.#broker.dispose();
    this.#writer.dispose();
    this.#history.close();
  }

  /** What a damaged history has lost, as far as Codex has it. */
  async #bringBack(): Promise<void> {
    const { logger } = this.#deps;
    try {
      logger.info('sessions were brought back from Codex', { count: await this.#foreign.bringBack() });
    } catch (error) {
      logger.warn('sessions can not be brought back from Codex', { error });
    }
  }

  #add(snapshot: SessionSnapshot): LiveSession {
    this.#history.createSession(snapshot);
    const session = this.#adopt(snapshot);
    this.#summaries.fire(summaryOf(snapshot));
    return session;
  }

  #adopt(snapshot: SessionSnapshot): LiveSession {
    const session = new LiveSession(this.#work, snapshot, (change) => this.#changed(change));
    this.#live.keep(session);
    return session;
  }

  /** Lists hear of everything but streamed content. */
  #changed({ event, snapshot }: SessionChange): void {
    const { type } = event;
    this.#deps.onEvent?.(event, snapshot.id);
    if (isStreamed(type)) return;
    this.#summaries.fire(summaryOf(snapshot));
    if (type.startsWith('approval.')) this.#tellStatus();
    if (type === 'session.archived' && snapshot.archived) void this.terminals.end(snapshot.id);
  }

  #tellStatus(): void {
    this.account.settle();
    this.#statuses.fire(this.status());
  }
}

function sessionNotFound(id: SessionId): BridgeError {
  return new BridgeError(
    'SESSION_NOT_FOUND',
    `There is no session ${id} in this folder. "history" lists those that there are.`,
  );
}
