import type { Disposable } from '../../shared/disposables.ts';
import { type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import type { NumberedEvent } from '../../shared/events.ts';
import type { SessionSnapshot } from '../../shared/session.ts';
import type { Clock, Durability, HistoryStore, Logger } from '../ports.ts';

/** The least time between two commits of streamed text, in ms; the first text after a pause does not wait. */
const BATCH_MS = 15;
/** How long a step that nobody waits for may wait for what comes next, in ms: a commit less for most of them. */
const LATER_MS = 30;
/** Commits take at most this part of the time, however slow the disk is. */
const COMMIT_SHARE = 0.1;
/** Streamed events that wait at most, over all sessions of the folder; then they are written at once. */
const MAX_PENDING = 2_000;
/** How long after the end of a turn its commit is synced at the latest, in ms: the next prompt's sync has it too. */
const SYNC_MS = 20;
/** How long a disk that refused is left alone when nothing else is to be written, in ms. */
const RETRY_MS = 1_000;

/** What one session has not written yet. */
export interface PendingEvents {
  /** The snapshot after the last of the events. */
  readonly snapshot: SessionSnapshot;
  readonly events: readonly NumberedEvent[];
  /** The events are on disk (or the disk refuses, and they are kept for the next try). */
  published(): void;
}

/** What is written to. */
type Target = Pick<HistoryStore, 'append' | 'transaction' | 'sync'>;

interface Source {
  take(): PendingEvents | undefined;
  giveBack(pending: PendingEvents): void;
}

/**
 * Writes the events of one folder's sessions: many in one commit, and always before anyone is told, so that
 * what was shown is a prefix of what is stored. Streamed text and the steps around it wait for a few ms; what
 * decides something does not, and is synced to the disk.
 */
export class EventWriter implements Disposable {
  readonly #history: Target;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #dirty = new Set<Source>();
  #count = 0;
  #cancelTimer: (() => void) | undefined;
  /** When that is, monotonic. */
  #dueAt = 0;
  #cancelSync: (() => void) | undefined;
  #nextAt = 0;
  readonly #onFailure: () => void;
  #failure: ErrorInfo | undefined;
  #disposed = false;

  /** `onFailure`: {@link failure} has changed. */
  constructor(deps: { history: Target; clock: Clock; logger: Logger; onFailure?: () => void }) {
    this.#onFailure = deps.onFailure ?? (() => {});
    this.#history = deps.history;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** Set while the disk refuses: what is live can be read, new prompts are refused by the store itself. */
  get failure(): ErrorInfo | undefined {
    return this.#failure;
  }

  /** A source has streamed text: written at once after a pause, else with the next batch. */
  soon(source: Source): void {
    this.#dirty.add(source);
    this.#count += 1;
    const wait = this.#nextAt - this.#clock.monotonic();
    if (wait <= 0 || this.#count >= MAX_PENDING) this.#flushText();
    else this.#flushIn(wait, () => this.#flushText());
  }

  /** A source has something that nobody waits for: written with whatever comes next, or after a few ms. */
  later(source: Source): void {
    if (this.#disposed) return;
    this.#dirty.add(source);
    // Not a batch of text: the first text after it must not wait for another one.
    this.#flushIn(LATER_MS, () => void this.#flushAll('written'));
  }

  /**
   * Writes everything that waits. Errors of the disk are logged, and the events kept for the next try.
   * Answers whether all is on disk.
   */
  flush(source?: Source): boolean {
    if (source !== undefined) this.#dirty.add(source);
    return this.#flushAll('synced');
  }

  /** {@link flush} that does not wait for the disk: it is synced a moment later, when others were told. */
  flushAhead(source: Source): void {
    this.#dirty.add(source);
    this.#flushAll('written');
    if (!this.#disposed) this.#cancelSync ??= this.#clock.after(SYNC_MS, () => void this.sync());
  }

  /** Resolves when what was written so far survives a power cut. Errors of the disk are logged. */
  async sync(): Promise<void> {
    this.#cancelSync?.();
    this.#cancelSync = undefined;
    try {
      await this.#history.sync();
    } catch (error) {
      // It is written, and the next write meets the same disk: nothing is taken back.
      this.#logger.error('the history could not be synced to the disk', { error });
    }
  }

  /** One flush is for all who wait: the first that is due. */
  #flushIn(wait: number, flush: () => void): void {
    const dueAt = this.#clock.monotonic() + wait;
    if (this.#cancelTimer !== undefined && this.#dueAt <= dueAt) return;
    this.#cancelTimer?.();
    this.#dueAt = dueAt;
    this.#cancelTimer = this.#clock.after(wait, flush);
  }

  #flushAll(durability: Durability): boolean {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#count = 0;
    const taken: [Source, PendingEvents][] = [];
    for (const dirty of this.#dirty) {
      const pending = dirty.take();
      if (pending !== undefined) taken.push([dirty, pending]);
    }
    this.#dirty.clear();
    if (taken.length === 0) return this.#failure === undefined;
    // After a failure there is more than text in it.
    this.#write(taken, this.#failure !== undefined ? 'synced' : durability);
    // Also where nothing more happens: a turn that has ended must not wait for the next one to be kept.
    if (this.#failure !== undefined && !this.#disposed) this.#flushIn(RETRY_MS, () => void this.flush());
    for (const [, pending] of taken) pending.published();
    return this.#failure === undefined;
  }

  /** The session was deleted: what it may still say is not kept. */
  forget(source: Source): void {
    this.#dirty.delete(source);
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelSync?.();
    this.flush();
  }

  #write(taken: readonly [Source, PendingEvents][], durability: Durability): void {
    try {
      this.#history.transaction(() => {
        for (const [, pending] of taken) this.#history.append(pending.snapshot, pending.events);
      }, durability);
      if (this.#failure !== undefined) {
        this.#logger.info('the history can be written again');
        this.#failure = undefined;
        this.#onFailure();
      }
    } catch (error) {
      if (this.#failure === undefined)
        this.#logger.error('the history can not be written; events are kept in memory', { error });
      const first = this.#failure === undefined;
      this.#failure = toErrorInfo(error);
      for (const [source, pending] of taken) {
        source.giveBack(pending);
        this.#dirty.add(source);
      }
      if (first) this.#onFailure();
    }
  }

  /**
   * Only this sets when text is written next: what must not wait is written anyway, and the first text after
   * it (an item has just begun) is what a person waits for.
   */
  #flushText(): void {
    const start = this.#clock.monotonic();
    this.#flushAll('written');
    const end = this.#clock.monotonic();
    this.#nextAt = end + Math.max(BATCH_MS, (end - start) / COMMIT_SHARE);
  }
}
