import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { CodexStatus } from '../../shared/faces.ts';
import type { AppServer } from '../codex/appServer.ts';
import { CodexClient } from '../codex/client.ts';
import type { CodexBinary } from '../codex/findCodex.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { ServerRequest } from '../codex/generated/ServerRequest.ts';
import type { Clock, Logger } from '../ports.ts';
import { RestartPolicy } from '../sessions/restartPolicy.ts';
import type { Attachment } from '../terminal/command.ts';

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
}

/**
 * Keeps one Codex for a folder: starts it at first use, notices its end, and starts it again at the next use
 * within the limits of the restart policy.
 */
export class CodexHost {
  readonly #deps: CodexHostDeps;
  readonly #policy: RestartPolicy;
  #starting: Promise<CodexLink> | undefined;
  #server: AppServer | undefined;
  #generation = 0;
  /** Earliest moment of the next start, by the monotonic clock. */
  #notBefore = 0;
  #status: CodexStatus = { state: 'not_started', restarts: 0 };

  constructor(deps: CodexHostDeps) {
    this.#deps = deps;
    this.#policy = new RestartPolicy(deps.clock);
  }

  get status(): CodexStatus {
    return this.#status;
  }

  /** Process id of the app-server, while there is one. */
  get pid(): number | undefined {
    return this.#server?.pid;
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
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      this.#set({ state: 'failed', error: toErrorInfo(error) });
      throw error;
    });
    return this.#starting;
  }

  /** @throws BridgeError `CODEX_LOGGED_OUT` when the model provider wants a login and there is none. */
  async requireLogin(): Promise<void> {
    const { client } = await this.link();
    if (this.#status.loggedIn !== true) await this.#readAccount(client);
    if (this.#status.loggedIn === true) return;
    throw new BridgeError(
      'CODEX_LOGGED_OUT',
      'Codex is not logged in. Run "codex login" in a terminal, or set a model provider in its config.toml, and ask again.',
    );
  }

  /** Somebody asked for a restart: also out of a crash loop. */
  async restart(): Promise<void> {
    await this.stop();
    this.#policy.reset();
    this.#notBefore = 0;
    await this.link();
  }

  /** Ends Codex and everything that it started. */
  async stop(): Promise<void> {
    const server = this.#server;
    // A start that is on its way is awaited, so that it does not come up after the stop.
    await this.#starting?.catch(() => undefined);
    const late = this.#server;
    this.#server = undefined;
    this.#starting = undefined;
    await server?.stop();
    if (late !== server) await late?.stop();
    this.#set({ state: 'not_started' });
  }

  async #start(): Promise<CodexLink> {
    if (this.#policy.stopped) {
      throw new BridgeError(
        'CODEX_START_FAILED',
        `Codex crashed five times within three minutes and is not started again by itself. ${this.#status.error?.message ?? ''} Use "restart" to try again.`,
      );
    }
    const wait = this.#notBefore - this.#deps.clock.monotonic();
    if (wait > 0) await new Promise<void>((resolve) => this.#deps.clock.after(wait, resolve));
    this.#set({ state: 'starting' });
    const binary = await this.#deps.find();
    const server = await this.#deps.start(binary);
    try {
      const client = await this.#connect(server);
      this.#server = server;
      this.#generation += 1;
      this.#watch(server, client);
      await this.#readAccount(client);
      this.#set({ state: 'ready', path: binary.path, version: binary.version });
      void this.#readModels(client);
      return { client, generation: this.#generation };
    } catch (error) {
      this.#server = undefined;
      await server.stop();
      throw error;
    }
  }

  async #connect(server: AppServer): Promise<CodexClient> {
    const client = await CodexClient.connect(await server.connect(), { logger: this.#deps.logger });
    client.onNotification((notification) => this.#deps.onNotification(notification));
    client.onRequest((request) => this.#deps.onRequest(request));
    return client;
  }

  #watch(server: AppServer, client: CodexClient): void {
    const down = (why: string) => {
      if (this.#server !== server) return;
      this.#server = undefined;
      this.#starting = undefined;
      const error = new BridgeError(
        'CODEX_EXITED',
        `Codex ended while it was in use (${why}). Send the prompt again: a new Codex takes over.`,
      );
      this.#crashed(error);
      void server.stop();
      this.#deps.onDown(error);
    };
    void server.exited.then((exit) => down(exit.signal ?? `exit status ${exit.code}`));
    client.onClose(() => down('its connection was closed'));
  }

  #crashed(error: BridgeError): void {
    const decision = this.#policy.crashed();
    this.#deps.logger.warn('codex ended by itself', { error, decision: decision.action });
    if (decision.action === 'restart') this.#notBefore = this.#deps.clock.monotonic() + decision.delayMs;
    this.#set({ state: 'failed', error: toErrorInfo(error), restarts: this.#status.restarts + 1 });
  }

  /** `account/read`: whether the provider wants OpenAI's login, and whether there is one. */
  async #readAccount(client: CodexClient): Promise<void> {
    const { account, requiresOpenaiAuth } = await client.call('account/read', {});
    this.#set({
      loggedIn: account !== null || !requiresOpenaiAuth,
      ...(account === null ? {} : { account: account.type }),
    });
  }

  async #readModels(client: CodexClient): Promise<void> {
    try {
      const { data } = await client.call('model/list', {});
      const models = data
        .filter((model) => !model.hidden)
        .map((model) => ({
          id: model.model,
          name: model.displayName,
          efforts: model.supportedReasoningEfforts.map((option) => option.reasoningEffort),
        }));
      this.#set({ models });
    } catch (error) {
      this.#deps.logger.warn('the list of models can not be read', { error });
    }
  }

  #set(change: Partial<CodexStatus>): void {
    const { error: _old, ...rest } = this.#status;
    this.#status = { ...rest, ...change };
    this.#deps.onStatus();
  }
}
