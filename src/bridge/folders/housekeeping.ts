import type { Disposable } from '../../shared/disposables.ts';
import { messageOf } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { Clock, HistoryStore, Logger } from '../ports.ts';
import type { LiveSession } from '../sessions/liveSession.ts';
import type { SessionMap } from '../sessions/sessionMap.ts';
import type { Threads } from '../sessions/threads.ts';
import type { CodexHost } from './codexHost.ts';

/** How often idle and expired sessions are looked for, in ms. */
const HOUSEKEEPING_MS = 60_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

interface HousekeepingDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: () => BridgeSettings;
  readonly history: HistoryStore;
  readonly live: SessionMap;
  readonly codex: CodexHost;
  readonly threads: Threads;
  session(id: SessionId): LiveSession;
  /** What a terminal shows must stay loaded: else we would not hear of the turns that are typed there. */
  hasTerminal(id: SessionId): boolean;
  /** Turns that run or wait. */
  activeTurns(): number;
  delete(id: SessionId): Promise<void>;
}

/** Keeps a folder small: unloads idle sessions, ends an idle Codex, and deletes sessions that have expired. */
export class Housekeeping implements Disposable {
  readonly #deps: HousekeepingDeps;
  #cancel: () => void = () => {};
  /** Wall clock less monotonic clock, at the start. */
  readonly #offset: number;

  constructor(deps: HousekeepingDeps) {
    this.#deps = deps;
    this.#offset = deps.clock.now() - deps.clock.monotonic();
  }

  start(): void {
    this.#expire();
    this.#next();
  }

  /** Makes sure that the session fits among the loaded ones. */
  async makeRoom(session: SessionId): Promise<void> {
    const more = this.#deps.threads.loaded().includes(session) ? 0 : 1;
    await this.#unloadBeyond(this.#deps.settings().limits.loadedSessions - more);
  }

  dispose(): void {
    this.#cancel();
  }

  #next(): void {
    this.#cancel = this.#deps.clock.after(HOUSEKEEPING_MS, () => {
      this.#unloadIdle().catch((error: unknown) =>
        this.#deps.logger.warn('housekeeping failed', { error: messageOf(error) }),
      );
      this.#next();
    });
  }

  async #unloadIdle(): Promise<void> {
    this.#expire();
    const { clock, codex, live, threads } = this.#deps;
    const { idleUnloadMinutes, loadedSessions } = this.#deps.settings().limits;
    // More may run at once than may stay, and the limit may have been lowered.
    await this.#unloadBeyond(loadedSessions);
    this.#freeBeyond(loadedSessions);
    if (idleUnloadMinutes === 0) return;
    const idleMs = idleUnloadMinutes * MINUTE_MS;
    const before = clock.monotonic() - idleMs;
    for (const session of live.values()) {
      if (!this.#inUse(session) && session.usedAt < before) await this.#unload(session);
    }
    // With nothing loaded Codex itself is only a cost; it comes back on use. A prompt that is on its way has
    // used it just now, and is not counted as a turn yet.
    const unused = threads.loaded().length === 0 && this.#deps.activeTurns() === 0;
    if (unused && codex.connected !== undefined && codex.unusedFor >= idleMs) await codex.stop();
  }

  /** Unloads those idle sessions that were used longest ago until no more than so many are loaded. */
  async #unloadBeyond(limit: number): Promise<void> {
    const loaded = this.#deps.threads.loaded();
    let excess = loaded.length - limit;
    if (excess <= 0) return;
    const idle = loaded
      .map((id) => this.#deps.session(id))
      .filter((session) => !this.#inUse(session))
      .sort((a, b) => a.usedAt - b.usedAt);
    for (const session of idle) {
      if (excess-- <= 0) return;
      await this.#unload(session);
    }
  }

  /**
   * Sessions that were only looked at, that are archived, or that made room for others at Codex are in the
   * history: no more are kept in memory than may be loaded.
   */
  #freeBeyond(limit: number): void {
    const { live, threads } = this.#deps;
    live.prune();
    const loaded = new Set(threads.loaded());
    const unused = live
      .values()
      .filter((session) => !loaded.has(session.id) && !session.watched && !this.#inUse(session))
      .sort((a, b) => b.usedAt - a.usedAt);
    for (const session of unused.slice(Math.max(0, limit - loaded.size))) live.release(session);
  }

  #inUse(session: LiveSession): boolean {
    return session.busy || this.#deps.hasTerminal(session.id);
  }

  async #unload(session: LiveSession): Promise<void> {
    const { codex, live, threads } = this.#deps;
    const link = codex.connected;
    if (link === undefined) threads.forget(session.id);
    else await threads.unload(session.id, link);
    if (!session.busy && !session.watched) live.release(session);
  }

  /**
   * The wall clock went further than time has passed here: it was wrong or is wrong now, or the machine slept. What
   * has been unused for how long is not known then, and what was deleted would not come back.
   */
  get #clockJumped(): boolean {
    const { clock } = this.#deps;
    return clock.now() - clock.monotonic() - this.#offset > DAY_MS;
  }

  /** Deletes sessions that nobody has used for the time that the person has set; never one in use. */
  #expire(): void {
    const { clock, history, live, logger } = this.#deps;
    const { sessionExpiryDays } = this.#deps.settings().limits;
    if (sessionExpiryDays === 0 || this.#clockJumped) return;
    const expiryMs = sessionExpiryDays * DAY_MS;
    for (const id of history.unusedSince(clock.now() - expiryMs)) {
      const session = live.get(id);
      // Whoever has just renamed it, or is about to prompt it, has not changed what the history says.
      const usedSince = session !== undefined && clock.monotonic() - session.usedAt < expiryMs;
      if (usedSince || (session !== undefined && (this.#inUse(session) || session.watched))) continue;
      logger.info('an unused session has expired', { session: id });
      this.#deps.delete(id).catch((error: unknown) => logger.warn('expiry failed', { session: id, error }));
    }
  }
}
