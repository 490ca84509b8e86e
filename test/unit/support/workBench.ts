import type { Previews } from '../../../src/bridge/changes/previews.ts';
import { systemClock } from '../../../src/bridge/clock.ts';
import type { CodexClient } from '../../../src/bridge/codex/client.ts';
import type { ServerNotification } from '../../../src/bridge/codex/generated/ServerNotification.ts';
import type { CodexHost, CodexLink } from '../../../src/bridge/folders/codexHost.ts';
import type { Clock, HistoryStore } from '../../../src/bridge/ports.ts';
import { ApprovalBroker } from '../../../src/bridge/sessions/approvalBroker.ts';
import { EventWriter } from '../../../src/bridge/sessions/eventWriter.ts';
import { LiveSession } from '../../../src/bridge/sessions/liveSession.ts';
import { SessionWork } from '../../../src/bridge/sessions/sessionWork.ts';
import { Threads } from '../../../src/bridge/sessions/threads.ts';
import { BridgeError } from '../../../src/shared/errors.ts';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings.ts';
import { MemoryLogger } from '../../support/appServers.ts';
import { sessionWith } from './sessions.ts';

/** The thread of the one session. */
export const THREAD = 'thread-1';

/** What the bridge asks of Codex; the test is the Codex. */
export interface Call {
  readonly method: string;
  readonly params: Record<string, unknown>;
  answer(result: unknown): void;
  refuse(error: Error): void;
}

/**
 * The work of one folder with one session, where the test is Codex: the order in which Codex answers and tells
 * can't be arranged with the real one.
 */
export class WorkBench {
  readonly work: SessionWork;
  readonly session: LiveSession;
  readonly calls: Call[] = [];
  terminalOpen = false;
  /** Before-turn copies are made until then. */
  copying: Promise<void> = Promise.resolve();
  /** The next Codex is on its way until then. */
  starting: Promise<void> = Promise.resolve();
  /** The disk has what was written when this resolves. */
  syncing: Promise<void> = Promise.resolve();
  readonly #holdsInterrupts: boolean;
  #wake: (() => void)[] = [];
  #generation = 1;

  /** @param options.holdsInterrupts the test answers `turn/interrupt`; else that is taken at once */
  constructor(options: { clock?: Clock; holdsInterrupts?: boolean } = {}) {
    const { clock = systemClock } = options;
    this.#holdsInterrupts = options.holdsInterrupts === true;
    const logger = new MemoryLogger();
    // Of each only what a turn needs.
    const codex = {
      link: async () => {
        await this.starting;
        return this.#link();
      },
      requireLogin: async () => {},
    } as unknown as CodexHost;
    const history = {
      append: () => {},
      transaction: (run: () => unknown) => run(),
      sync: () => this.syncing,
      turnByKey: () => undefined,
    } as unknown as HistoryStore;
    const settings = () => DEFAULT_SETTINGS;
    const copies = {
      prepare: () => {},
      before: () => this.copying,
      after: async () => undefined,
      abandon: () => {},
    };
    this.work = new SessionWork({
      ...{ clock, logger, history, settings, codex, copies },
      writer: new EventWriter({ history, clock, logger }),
      // Only the place of a copy is needed, not the copy.
      previews: { of: () => ({ ...copies, cwd: '/copies/t/folder' }) } as unknown as Previews,
      threads: new Threads({ folder: process.cwd(), settings }),
      broker: new ApprovalBroker({ clock, aloneMs: () => 60_000, answerMs: () => 0 }),
      folder: process.cwd(),
      session: () => this.session,
      makeRoom: async () => {},
      terminalOpen: () => this.terminalOpen,
      onStatus: () => {},
    });
    this.session = new LiveSession(this.work, sessionWith(), () => {});
  }

  /** The n-th call of that method, as soon as it is there. */
  async called(method: string, n = 1): Promise<Call> {
    for (;;) {
      const found = this.calls.filter((call) => call.method === method)[n - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Codex tells something about the session's thread. */
  tell(method: string, params: object): void {
    // Only what is read of a notification.
    this.work.accept({ method, params: { threadId: THREAD, ...params } } as unknown as ServerNotification);
  }

  /** Codex is gone, with all that it was asked; what is asked next starts another one. */
  lose(error: BridgeError): void {
    this.#generation++;
    for (const call of this.calls) call.refuse(error);
    this.work.codexLost(error);
  }

  #link(): CodexLink {
    const generation = this.#generation;
    const call = (method: string, params: Record<string, unknown>) =>
      generation === this.#generation
        ? this.#call(method, params)
        : Promise.reject(new BridgeError('CODEX_EXITED', 'That Codex is gone.'));
    return { generation, client: { call } as unknown as CodexClient };
  }

  #call(method: string, params: Record<string, unknown>): Promise<unknown> {
    return new Promise((answer, refuse) => {
      this.calls.push({ method, params, answer, refuse });
      if (method === 'thread/start' || method === 'thread/resume') answer({ thread: { id: THREAD } });
      if (method === 'thread/name/set') answer({});
      if (method === 'turn/interrupt' && !this.#holdsInterrupts) answer({});
      for (const one of this.#wake.splice(0)) one();
    });
  }
}
