import type { SessionId } from '../../shared/session.ts';
import type { LiveSession } from './liveSession.ts';

/**
 * The sessions in memory, one object for each: whoever still holds an object that was let go gets the same one
 * again, so that two never disagree about one session.
 */
export class SessionMap {
  readonly #kept = new Map<SessionId, LiveSession>();
  readonly #released = new Map<SessionId, WeakRef<LiveSession>>();

  get(id: SessionId): LiveSession | undefined {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    const session = this.#released.get(id)?.deref();
    if (session !== undefined) this.keep(session);
    return session;
  }

  keep(session: LiveSession): void {
    this.#released.delete(session.id);
    this.#kept.set(session.id, session);
  }

  /** May be freed as soon as nobody holds it. */
  release(session: LiveSession): void {
    this.#kept.delete(session.id);
    this.#released.set(session.id, new WeakRef(session));
  }

  /** The session is no more. */
  delete(id: SessionId): void {
    this.#kept.delete(id);
    this.#released.delete(id);
  }

  /** Those that are kept in memory. */
  values(): LiveSession[] {
    return [...this.#kept.values()];
  }

  /** Forgets what was freed. */
  prune(): void {
    for (const [id, session] of this.#released) if (session.deref() === undefined) this.#released.delete(id);
  }
}
