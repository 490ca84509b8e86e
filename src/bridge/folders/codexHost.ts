import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { CodexStatus } from '../../shared/faces.ts';
import type { LoginMethod } from '../../shared/login.ts';
import type { AppServer } from '../codex/appServer.ts';
import { CodexClient } from '../codex/client.ts';
import type { CodexBinary } from '../codex/findCodex.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { ServerRequest } from '../codex/generated/ServerRequest.ts';
import type { Clock, Logger } from '../ports.ts';
import { type RestartDecision, RestartPolicy } from '../sessions/restartPolicy.ts';
import type { Attachment } from '../terminal/command.ts';
import { readAccount, readModels } from './codexFacts.ts';
import { Login } from './login.ts';
import { Nonsense } from './nonsense.ts';

/** A connected Codex. Threads that were loaded in an earlier generation must be resumed in this one. */
export interface CodexLink {
  readonly client: CodexClient;
  readonly generation: number;
}

interface CodexHostDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Finds the binary and checks its version. */
  find(): Promise<CodexBinary>;
  start(binary: CodexBinary): Promise<AppServer>;
  onNotification(notification: ServerNotification): void;
  /** Answers what Codex asks of us; undefined for what is not known here. */
  onRequest(request: ServerRequest): Promise<unknown> | undefined;
  /** The process or the connection ended without being asked to. */
  onDown(error: BridgeError): void;
  onStatus(): void;
  /** Nothing runs in Codex or shows it, so that it can be another one from now on. */
  idle(): boolean;
  /** It was let go for another one: nothing is loaded any more. */
  onReplaced(): void;
  /** A new Codex is connected. */
  onReady?(): void;
  /** Somebody has logged in or out here: another Codex of the same `CODEX_HOME` does not notice by itself. */
  onAccount(loggedIn: boolean): void;
}

/**
 * Keeps one Codex for a folder: starts it at first use, notices its end, and starts it again at the next use
 * within the limits of the restart policy.
 */
export class CodexHost {
  readonly #deps: CodexHostDeps;
  readonly #policy: RestartPolicy;
  readonly #login: Login;
  /** The Codex that there is, or that is on its way. */
  #link: Promise<CodexLink> | undefined;
  /** Gives up what {@link #link} waits for. */
  #abort: AbortController | undefined;
  #server: AppServer | undefined;
  #connected: CodexLink | undefined;
  /** What {@link #server} was started from. */
  #binary: CodexBinary | undefined;
  /** Resolves when every Codex before is gone: a thread has one writer. */
  #gone: Promise<unknown> = Promise.resolve();
  #generation = 0;
  #usedAt: number;
  #lastCrash = '';
  /** Earliest moment of the next start, by the monotonic clock. */
  #notBefore = 0;
  readonly #defaultEfforts = new Map<string, string>();
  #status: CodexStatus = { state: 'not_started', restarts: 0 };

  constructor(deps: CodexHostDeps) {
    this.#deps = deps;
    this.#policy = new RestartPolicy(deps.clock);
    this.#login = new Login({
      clock: deps.clock,
      logger: deps.logger,
      onState: () => deps.onStatus(),
    });
    this.#usedAt = deps.clock.monotonic();
  }

  get status(): CodexStatus {
    const { state: login } = this.#login;
    return {
      ...this.#status,
      ...(login === undefined ? {} : { login }),
      ...(this.#policy.stopped ? { stopped: true } : {}),
    };
  }

  /** Process id of the app-server, while there is one. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** The Codex that is connected now; unlike {@link link} it starts none, and is no use of it. */
  get connected(): CodexLink | undefined {
    return this.#connected;
  }

  /** Since the last {@link link}, in ms. One that waits for a login is in use. */
  get unusedFor(): number {
    if (this.#login.state?.state === 'waiting') return 0;
    return this.#deps.clock.monotonic() - this.#usedAt;
  }

  /** The reasoning effort that a model has by itself, where Codex has told (`model/list`). */
  defaultEffort(model: string): string | undefined {
    return this.#defaultEfforts.get(model);
  }

  /** Where a terminal attaches to, while Codex runs. */
  get attachment(): Attachment | undefined {
    const codex = this.#status.path;
    if (this.#server === undefined || codex === undefined) return undefined;
    return { codex, remote: this.#server.remote, mark: this.#server.mark };
  }

  /**
   * A connected Codex, started where needed; concurrent callers share one start.
   *
   * @throws BridgeError `CODEX_NOT_FOUND`, `CODEX_TOO_OLD`, `CODEX_START_FAILED`
   */
  link(): Promise<CodexLink> {
    this.#usedAt = this.#deps.clock.monotonic();
    this.#link ??= this.#begin();
    return this.#link;
  }

  /**
   * Before Codex is used for something that begins: where its program is another one by now (an update, another
   * path in the settings) and nothing needs the one that runs, it is let go, so that the next is the new one.
   */
  async useNewest(): Promise<void> {
    const [link, binary] = [this.#connected, this.#binary];
    if (link === undefined || !this.#replaceable(link)) return;
    let found: CodexBinary;
    try {
      found = await this.#deps.find();
    } catch (error) {
      // In the middle of an update perhaps: the one that runs is still good.
      this.#deps.logger.warn('Codex is not found any more; the one that runs is used', { error });
      return;
    }
    const same = found.path === binary?.path && found.stamp === binary.stamp;
    if (same || this.#connected !== link || !this.#replaceable(link)) return;
    this.#deps.logger.info('codex was replaced', { was: binary?.version, is: found.version });
    this.#deps.onReplaced();
    await this.stop();
  }

  #replaceable({ client }: CodexLink): boolean {
    return client.pending === 0 && this.#login.state?.state !== 'waiting' && this.#deps.idle();
  }

  /** @throws BridgeError `CODEX_LOGGED_OUT` when the model provider wants a login and there is none. */
  async requireLogin(): Promise<void> {
    await this.useNewest();
    const { client } = await this.link();
    if (this.#status.loggedIn !== true) await this.#readAccount(client);
    // Where Codex can not tell, the turn will.
    if (this.#status.loggedIn !== false) return;
    throw new BridgeError(
      'CODEX_LOGGED_OUT',
      'Codex is not logged in. Sign in in VS Code ("Codex Bridge: Sign In"), run "codex login" in a terminal, or set a model provider in its config.toml, and ask again.',
    );
  }

  /** Asks Codex who is logged in, and brings the status up to date. */
  async readAccount(): Promise<void> {
    const { client } = await this.link();
    await this.#readAccount(client);
  }

  /** See {@link Login.start}. When it resolves after an API key, the status says that it is there. */
  async startLogin(method: LoginMethod): Promise<void> {
    const { client } = await this.link();
    await this.#login.start(client, method);
    if (method.kind === 'api_key') await this.#readAccount(client);
  }

  cancelLogin(): Promise<void> {
    return this.#login.cancel();
  }

  /** `account/logout`: Codex forgets the login on the disk, too. */
  async logout(): Promise<void> {
    await this.#login.cancel();
    const { client } = await this.link();
    await client.call('account/logout', undefined);
    await this.#readAccount(client);
  }

  /** Who is logged in is not known any more; the next start asks. */
  forgetAccount(): void {
    this.#setAccount({});
  }

  /** Somebody asked for a restart: also out of a crash loop. */
  async restart(): Promise<void> {
    this.#policy.reset();
    this.#notBefore = 0;
    await this.stop();
    await this.link();
  }

  /** Ends Codex and everything that it started. Whoever asks from now on gets a new one. */
  async stop(): Promise<void> {
    const gone = this.#letGo(
      new BridgeError('CODEX_EXITED', 'Codex was stopped before it was ready. Try again.'),
    );
    this.#set({ state: 'not_started' });
    await gone;
  }

  /** From here on nobody is given the Codex that there was; resolves when it has ended. */
  #letGo(why: BridgeError): Promise<void> {
    const [link, server] = [this.#link, this.#server];
    this.#login.lost();
    this.#abort?.abort(why);
    this.#abort = undefined;
    this.#link = undefined;
    this.#server = undefined;
    this.#connected = undefined;
    // A start that was given up ends what it has started; its error is told to those who wait for it.
    const started = link?.catch(() => undefined);
    const gone = Promise.all([this.#gone, started, server?.stop()]).then(() => undefined);
    this.#gone = gone.catch((error: unknown) =>
      this.#deps.logger.error('codex did not end cleanly', { error }),
    );
    return gone;
  }

  #begin(): Promise<CodexLink> {
    const abort = new AbortController();
    this.#abort = abort;
    const link = this.#start(abort.signal);
    link.catch((error: unknown) => {
      // Given up or lost: what the status says is no longer about this start.
      if (this.#abort !== abort) return;
      this.#link = undefined;
      this.#set({ state: 'failed', error: toErrorInfo(error) });
    });
    return link;
  }

  async #start(signal: AbortSignal): Promise<CodexLink> {
    await this.#gone;
    signal.throwIfAborted();
    if (this.#policy.stopped) throw crashLoop(this.#lastCrash);
    await this.#backOff(signal);
    this.#set({ state: 'starting' });
    const binary = await this.#deps.find();
    signal.throwIfAborted();
    const server = await this.#deps.start(binary);
    this.#binary = binary;
    try {
      signal.throwIfAborted();
      const client = await this.#connect(server);
      signal.throwIfAborted();
      this.#server = server;
      this.#generation += 1;
      this.#watch(server, client);
      await this.#readAccount(client);
      signal.throwIfAborted();
      const link = { client, generation: this.#generation };
      this.#connected = link;
      const home = client.about?.codexHome;
      const about = { path: binary.path, version: binary.version, ...(home === undefined ? {} : { home }) };
      this.#set({ state: 'ready', ...about });
      void this.#readModels(client);
      this.#deps.onReady?.();
      return link;
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      await server.stop();
      throw error;
    }
  }

  /** After a crash, until the moment that the policy has set. */
  #backOff(signal: AbortSignal): Promise<void> {
    const wait = this.#notBefore - this.#deps.clock.monotonic();
    if (wait <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.clock.after(wait, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });
  }

  async #connect(server: AppServer): Promise<CodexClient> {
    const client = await CodexClient.connect(await server.connect(), { logger: this.#deps.logger });
    client.onNotification((notification) => {
      this.#hearOfAccount(notification, client);
      this.#deps.onNotification(notification);
    });
    client.onRequest((request) => this.#deps.onRequest(request));
    return client;
  }

  #watch(server: AppServer, client: CodexClient): void {
    const down = (why: string) => {
      if (this.#server !== server) return;
      const decision = this.#policy.crashed();
      const error =
        decision.action === 'stop'
          ? crashLoop(why)
          : new BridgeError(
              'CODEX_EXITED',
              `Codex ended while it was in use (${why}). Send the prompt again: a new Codex takes over.`,
            );
      // A failure to end is logged; the next start waits for it.
      this.#letGo(error).catch(() => undefined);
      this.#crashed(error, why, decision);
      this.#deps.onDown(error);
    };
    const nonsense = new Nonsense(this.#deps.clock);
    client.onNonsense(() => {
      if (nonsense.repeats()) down('it said again and again what is no message');
    });
    void server.exited.then((exit) => down(exit.signal ?? `exit status ${exit.code}`));
    client.onClose(() => down('its connection was closed'));
  }

  #crashed(error: BridgeError, why: string, decision: RestartDecision): void {
    this.#lastCrash = why;
    this.#deps.logger.warn('codex ended by itself', { error, decision: decision.action });
    if (decision.action === 'restart') this.#notBefore = this.#deps.clock.monotonic() + decision.delayMs;
    this.#set({ state: 'failed', error: toErrorInfo(error), restarts: this.#status.restarts + 1 });
  }

  #hearOfAccount({ method, params }: ServerNotification, client: CodexClient): void {
    if (method !== 'account/login/completed' && method !== 'account/updated') return;
    const read = this.#readAccount(client).catch((error: unknown) =>
      this.#deps.logger.warn('who is logged in can not be read', { error }),
    );
    if (method === 'account/login/completed') {
      // First who it is: there is no moment without a login in between.
      void read.then(() => this.#login.completed(params));
      if (!params.success) return;
      this.#deps.onAccount(true);
      // Who has a login may have other models.
      void this.#readModels(client);
    } else if (params.authMode === null) {
      // A logout, in a terminal's Codex perhaps.
      void read.then(() => this.#deps.onAccount(false));
    }
  }

  async #readAccount(client: CodexClient): Promise<void> {
    this.#setAccount(await readAccount(client, this.#deps.logger));
  }

  #setAccount(change: Pick<CodexStatus, 'loggedIn' | 'account'>): void {
    const { loggedIn: _was, account: _who, ...rest } = this.#status;
    this.#status = rest;
    this.#set(change);
  }

  async #readModels(client: CodexClient): Promise<void> {
    try {
      const { models, efforts } = await readModels(client);
      for (const [model, effort] of efforts) this.#defaultEfforts.set(model, effort);
      this.#set({ models });
    } catch (error) {
      this.#deps.logger.warn('the list of models can not be read', { error });
    }
  }

  #set(change: Partial<CodexStatus>): void {
    const { error, ...rest } = this.#status;
    // An error belongs to its state: what else becomes known leaves it.
    const kept = change.state === undefined && error !== undefined ? { error } : {};
    this.#status = { ...rest, ...kept, ...change };
    this.#deps.onStatus();
  }
}

function crashLoop(last: string): BridgeError {
  return new BridgeError(
    'CODEX_START_FAILED',
    `Codex crashed five times within three minutes (the last time: ${last}) and is not started again by itself. Use "restart" to try again.`,
  );
}
