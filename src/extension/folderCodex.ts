import { DisposableStore, Emitter } from '../shared/disposables.ts';
import type { ErrorInfo } from '../shared/errors.ts';
import type { CodexStatus, FolderStatus } from '../shared/faces.ts';
import type { LoginState } from '../shared/login.ts';
import type { FolderKey } from '../shared/session.ts';
import type { BridgeLink } from './bridgeLink.ts';

type StatusLink = Pick<BridgeLink, 'onFolderStatus' | 'onFolders' | 'onState' | 'request'>;

/** What the bridge has told of the Codex of each folder, of other windows' folders, too. */
export class FolderCodex {
  readonly #link: StatusLink;
  readonly #onError: (error: unknown) => void;
  readonly #store = new DisposableStore();
  readonly #changed: Emitter<void>;
  readonly #known = new Map<FolderKey, FolderStatus>();
  /** Of each answer that is on its way: the folders of which something newer has been told meanwhile. */
  readonly #pulls = new Set<Set<FolderKey>>();

  constructor(link: StatusLink, onError: (error: unknown) => void) {
    this.#link = link;
    this.#onError = onError;
    this.#changed = this.#store.add(new Emitter(onError));
    this.#store.add(
      link.onFolderStatus((status) => {
        for (const newer of this.#pulls) newer.add(status.key);
        this.#known.set(status.key, status);
        this.#changed.fire();
      }),
    );
    // A bridge that ran already has told its status before this window came.
    this.#store.add(link.onFolders(() => void this.#pull().catch(onError)));
    this.#store.add(
      link.onState(({ kind }) => {
        if (kind !== 'connected') this.#known.clear();
      }),
    );
  }

  get onChanged() {
    return this.#changed.on;
  }

  of(folder: FolderKey | null): CodexStatus | undefined {
    return folder === null ? undefined : this.#known.get(folder)?.codex;
  }

  /** What is wrong with the history of a folder. */
  historyOf(folder: FolderKey | null): ErrorInfo | undefined {
    return folder === null ? undefined : this.#known.get(folder)?.history;
  }

  /** The login that waits or has failed, in whichever folder: there is one for all. */
  get login(): { readonly folder: FolderKey; readonly state: LoginState } | undefined {
    for (const [folder, { codex }] of this.#known)
      if (codex.login !== undefined) return { folder, state: codex.login };
    return undefined;
  }

  /**
   * Has Codex say who is logged in where nobody has asked it yet, and looks again for one that was not there;
   * starts it for that.
   */
  async ask(folder: FolderKey): Promise<void> {
    await this.#pull();
    const known = this.of(folder);
    const unasked = known?.state === 'not_started' && known.loggedIn === undefined;
    if (!unasked && !isMissing(known)) return;
    try {
      await this.#link.request('account.read', { folder });
    } catch (error) {
      // Nobody waits for it: the status tells what is wrong with Codex.
      this.#onError(error);
    }
  }

  dispose(): void {
    this.#store.dispose();
  }

  async #pull(): Promise<void> {
    const newer = new Set<FolderKey>();
    this.#pulls.add(newer);
    try {
      const { folders } = await this.#link.request('status', {});
      for (const status of folders) if (!newer.has(status.key)) this.#known.set(status.key, status);
    } finally {
      this.#pulls.delete(newer);
    }
    this.#changed.fire();
  }
}

/** There is no Codex, or none that is new enough. */
export function isMissing(codex: CodexStatus | undefined): boolean {
  return codex?.error?.code === 'CODEX_NOT_FOUND' || codex?.error?.code === 'CODEX_TOO_OLD';
}
