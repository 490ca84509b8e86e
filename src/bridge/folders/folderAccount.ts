import { type Disposable, DisposableStore, Emitter } from '../../shared/disposables.ts';
import type { AccountInfo, LoginMethod, LoginState } from '../../shared/login.ts';
import type { FolderKey } from '../../shared/session.ts';
import type { Logger } from '../ports.ts';
import type { CodexHost } from './codexHost.ts';

/**
 * What the private socket can do with the login of Codex. Apart from `BridgeApi`, which MCP has too: who is
 * logged in is the person's own business.
 */
export interface AccountDoor {
  /** @throws BridgeError `FOLDER_UNKNOWN` */
  accountOf(folder: FolderKey): AccountApi;
}

/** Errors: those of a start of Codex, and `CODEX_REFUSED`, `CODEX_EXITED`, `CODEX_TIMEOUT` of its answers. */
export interface AccountApi {
  read(): Promise<{ loggedIn?: boolean; account?: AccountInfo }>;
  /** @returns what waits for the person; undefined where it is done. */
  login(method: LoginMethod): Promise<LoginState | undefined>;
  cancelLogin(): Promise<void>;
  logout(): Promise<void>;
}

interface FolderAccountDeps {
  readonly codex: Pick<
    CodexHost,
    'status' | 'readAccount' | 'startLogin' | 'cancelLogin' | 'logout' | 'forgetAccount'
  >;
  readonly logger: Logger;
  /** Something runs or is shown that a new Codex would end. */
  busy(): boolean;
  /** Ends Codex and starts a new one; sessions come back on use. */
  renew(): Promise<void>;
}

/**
 * The login as one folder's Codex sees it. All folders have the same `CODEX_HOME`, but a Codex that runs reads
 * the file with the login only as long as it has never had one: after a login elsewhere, and after any logout, it
 * is replaced as soon as nothing runs in it.
 */
export class FolderAccount implements AccountApi, Disposable {
  readonly #deps: FolderAccountDeps;
  readonly #starting: Emitter<void>;
  readonly #changed: Emitter<void>;
  /** Codex has, or will not notice, another login than the file's. */
  #stale = false;
  /** Requests that this Codex has not answered yet. */
  #asked = 0;

  constructor(deps: FolderAccountDeps) {
    this.#deps = deps;
    const failed = (error: unknown) => deps.logger.error('a listener failed', { error });
    this.#starting = new Emitter(failed);
    this.#changed = new Emitter(failed);
  }

  /** One login for all: what is done here is told the others. */
  share(all: () => readonly FolderAccount[]): Disposable {
    const others = () => all().filter((account) => account !== this);
    const store = new DisposableStore();
    store.add(
      this.#starting.on(() => {
        // There is one port for the browser to call back to.
        for (const other of others()) {
          other
            .cancelLogin()
            .catch((error: unknown) =>
              this.#deps.logger.warn('a login elsewhere was not cancelled', { error }),
            );
        }
      }),
    );
    store.add(
      this.#changed.on(() => {
        for (const other of others()) other.renewWhenIdle();
      }),
    );
    return store;
  }

  async read(): Promise<{ loggedIn?: boolean; account?: AccountInfo }> {
    const { codex } = this.#deps;
    await this.#asking(codex.readAccount());
    const { loggedIn, account } = codex.status;
    return {
      ...(loggedIn === undefined ? {} : { loggedIn }),
      ...(account === undefined ? {} : { account }),
    };
  }

  async login(method: LoginMethod): Promise<LoginState | undefined> {
    this.#starting.fire();
    await this.#asking(this.#deps.codex.startLogin(method));
    return this.#deps.codex.status.login;
  }

  cancelLogin(): Promise<void> {
    return this.#deps.codex.cancelLogin();
  }

  logout(): Promise<void> {
    return this.#asking(this.#deps.codex.logout());
  }

  /** This folder's Codex has another login now, or none. */
  changedHere(loggedIn: boolean): void {
    this.#stale = !loggedIn;
    this.#changed.fire();
    this.settle();
  }

  /** The Codex that runs has read another login or configuration than the files': another folder has changed it. */
  renewWhenIdle(): void {
    this.#stale = true;
    this.settle();
  }

  /** Asked whenever something has ended: replaces a Codex that has another login than the file. */
  settle(): void {
    const { codex, logger } = this.#deps;
    const { state, login } = codex.status;
    const asked = this.#asked > 0 || login?.state === 'waiting' || this.#deps.busy();
    // One that starts has perhaps read the old file: it is looked at when it is ready.
    if (!this.#stale || asked || state === 'starting') return;
    this.#stale = false;
    if (state !== 'ready') {
      codex.forgetAccount();
      return;
    }
    this.#deps.renew().catch((error: unknown) => {
      logger.warn('Codex could not be started again after a login elsewhere', { error });
    });
  }

  async #asking(answer: Promise<void>): Promise<void> {
    this.#asked += 1;
    try {
      await answer;
    } finally {
      this.#asked -= 1;
      this.settle();
    }
  }

  dispose(): void {
    this.#starting.dispose();
    this.#changed.dispose();
  }
}
