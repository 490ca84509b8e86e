import { isDeepStrictEqual } from 'node:util';
import type { ThreadSettings } from '../codex/generated/v2/ThreadSettings.ts';
import type { TurnStartParams } from '../codex/generated/v2/TurnStartParams.ts';

const RIGHTS = ['cwd', 'sandboxPolicy', 'approvalPolicy', 'approvalsReviewer'] as const;

/** What a turn may do, and where it runs. */
export type NamedRights = Pick<TurnStartParams, (typeof RIGHTS)[number]>;

/**
 * What Codex itself last said that a thread's next turn runs with. A turn whose rights are just those need not
 * name them, which saves Codex some ms; every other turn does.
 *
 * `thread/settings/updated` comes whenever the settings of a thread become others, before the turn that they
 * are for, and with all of them (seen with Codex 0.169). Where none came, nothing is known.
 */
export class ThreadRights {
  readonly #told = new Map<string, ThreadSettings>();
  #shared = false;

  /** `thread/settings/updated` */
  told(thread: string, settings: ThreadSettings): void {
    this.#told.set(thread, settings);
  }

  /** The thread is given other settings now, or Codex lets go of it. */
  forget(thread: string): void {
    this.#told.delete(thread);
  }

  /** A new Codex has other threads. */
  forgetAll(): void {
    this.#told.clear();
  }

  /**
   * A terminal can give every thread of this Codex other rights, in the very moment in which a turn starts: from
   * now on every turn names its own.
   */
  share(): void {
    this.#shared = true;
  }

  /** The part of a turn's parameters that `turn/start` must name. */
  toName<P extends NamedRights>(thread: string, params: P): P | Omit<P, keyof NamedRights> {
    if (this.#holds(thread, params)) {
      const { cwd, sandboxPolicy, approvalPolicy, approvalsReviewer, ...rest } = params;
      return rest;
    }
    this.forget(thread);
    return params;
  }

  #holds(thread: string, params: NamedRights): boolean {
    const told = this.#told.get(thread);
    // A profile of permissions is more than the policy says.
    if (this.#shared || told === undefined || told.activePermissionProfile !== null) return false;
    return RIGHTS.every((name) => isDeepStrictEqual(told[name], params[name]));
  }
}
