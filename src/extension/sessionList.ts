import type { FolderInfo } from '../shared/faces.ts';
import type { FolderKey, SessionId, SessionSummary } from '../shared/session.ts';

/** A folder of the window; `info` is there once the bridge knows it. */
export interface WindowFolder {
  readonly path: string;
  readonly name: string;
  readonly info?: FolderInfo;
}

/**
 * The sessions of this window's folders, from the index at first and from the bridge as soon as it is there.
 * Summaries of other windows' folders pass through the same bridge and are left out.
 */
export class SessionList {
  #keys: ReadonlySet<FolderKey> = new Set();
  readonly #sessions = new Map<SessionId, SessionSummary>();
  /** About to be deleted, unless the person thinks better of it. */
  readonly #hidden = new Set<SessionId>();

  constructor(initial: readonly SessionSummary[]) {
    for (const summary of initial) this.#sessions.set(summary.id, summary);
    this.#keys = new Set(initial.map(({ folder }) => folder));
  }

  /** Most recently used first, without archived ones. */
  list(): SessionSummary[] {
    return this.#of(false);
  }

  /** The archived ones that are known, most recently used first. */
  archived(): SessionSummary[] {
    return this.#of(true);
  }

  /** @returns undefined for one that is hidden */
  get(id: SessionId): SessionSummary | undefined {
    return this.#hidden.has(id) ? undefined : this.#sessions.get(id);
  }

  /** Takes a session out of every list, or brings it back. */
  hide(id: SessionId, hidden: boolean): void {
    if (hidden) this.#hidden.add(id);
    else this.#hidden.delete(id);
  }

  /** Replaces all that is known: what the bridge says is the truth. */
  replace(keys: readonly FolderKey[], sessions: readonly SessionSummary[]): void {
    this.#keys = new Set(keys);
    this.#sessions.clear();
    for (const summary of sessions) this.#sessions.set(summary.id, summary);
  }

  /** True when a list would show the difference. */
  put(summary: SessionSummary): boolean {
    if (!this.#keys.has(summary.folder)) return false;
    this.#sessions.set(summary.id, summary);
    return true;
  }

  remove(id: SessionId): boolean {
    this.#hidden.delete(id);
    return this.#sessions.delete(id);
  }

  #of(archived: boolean): SessionSummary[] {
    return [...this.#sessions.values()]
      .filter((one) => one.archived === archived && this.#keys.has(one.folder) && !this.#hidden.has(one.id))
      .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1));
  }
}
