import type { TurnId } from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import type { Session } from '../sessions/session.ts';

/** A turn that was asked for, and where it is. */
export interface TurnHandle {
  readonly folder: FolderApi;
  readonly session: Session;
  readonly turn: TurnId;
}

/** Runs the work for a key once while it is under way: whoever comes meanwhile gets the same promise. */
export class Once<T> {
  readonly #running = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = work().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}
