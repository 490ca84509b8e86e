import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import { systemClock } from '../clock.ts';
import type { Clock, Logger } from '../ports.ts';
import {
  type CodexMethod,
  type CodexParams,
  type CodexResult,
  deadlineOf,
  isCodexMethod,
  isCodexParam,
} from './codexMethods.ts';
import { CodexRefusedError } from './codexRefused.ts';
import { UNHEARD } from './events/passedOver.ts';
import type { InitializeResponse } from './generated/InitializeResponse.ts';
import type { ServerNotification } from './generated/ServerNotification.ts';
import type { ServerRequest } from './generated/ServerRequest.ts';
import type { ConfigReadParams } from './generated/v2/ConfigReadParams.ts';
import type { ConfigReadResponse } from './generated/v2/ConfigReadResponse.ts';
import type { ConfigValueWriteParams } from './generated/v2/ConfigValueWriteParams.ts';
import { JsonRpcConnection, JsonRpcError } from './jsonRpc.ts';
import type { CodexTransport } from './transport.ts';

/** Codex's queue for a connection is full; the request was not looked at. Asked again a few times. */
const OVERLOADED = -32001;
const OVERLOAD_WAITS_MS = [50, 200, 800];
/** How long Codex has to read or write its configuration. */
const CONFIG_MS = 15_000;

/** Codex keeps it with each thread that is begun by us, as its `originator`. */
export const CLIENT_NAME = 'codex-bridge';

export interface CodexClientDeps {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Our version, as Codex's log and the model provider see it. */
  readonly version?: string;
}

/**
 * Typed calls to one app-server. Only the methods of `codexMethods.ts` can be called: what passes by the
 * sandbox or writes the person's configuration is not among them; one key of it has a call of its own.
 */
export class CodexClient implements Disposable {
  readonly #rpc: JsonRpcConnection;
  readonly #clock: Clock;
  #about: InitializeResponse | undefined;

  /**
   * Introduces us (`initialize`, then `initialized`) over a fresh transport. It is closed where that fails.
   *
   * @throws BridgeError `CODEX_REFUSED`, `CODEX_TIMEOUT`, `CODEX_EXITED`
   */
  static async connect(transport: CodexTransport, deps: CodexClientDeps): Promise<CodexClient> {
    const client = new CodexClient(transport, deps);
    try {
      client.#about = await client.call('initialize', {
        clientInfo: { name: CLIENT_NAME, title: 'Codex Bridge', version: deps.version ?? '0' },
        capabilities: {
          experimentalApi: true,
          requestAttestation: false,
          optOutNotificationMethods: [...UNHEARD],
        },
      });
      client.#rpc.notify('initialized');
      return client;
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  private constructor(transport: CodexTransport, deps: CodexClientDeps) {
    this.#clock = deps.clock ?? systemClock;
    this.#rpc = new JsonRpcConnection(transport, { logger: deps.logger, clock: this.#clock });
    this.onNonsense = this.#rpc.onNonsense;
  }

  /** What Codex said of itself: its user agent, its home, its platform. */
  get about(): InitializeResponse | undefined {
    return this.#about;
  }

  get closed(): boolean {
    return this.#rpc.closed;
  }

  /** Calls without an answer yet. */
  get pending(): number {
    return this.#rpc.pending;
  }

  /** See {@link JsonRpcConnection.onNonsense}. */
  readonly onNonsense: (listener: (count: number) => void) => Disposable;

  /**
   * Subscribe before you send: the first notifications of a turn may come before the answer to `turn/start`.
   * A newer Codex may send methods that the type does not know; pass over those.
   */
  onNotification(listener: (notification: ServerNotification) => void): Disposable {
    // The shape is Codex's own promise, from the types of the pinned version.
    return this.#rpc.onNotification((notification) => listener(notification as ServerNotification));
  }

  /**
   * Answers what Codex asks. Undefined: not known, which Codex is told; a rejection refuses it; `NO_ANSWER`
   * says nothing. Set it before the first `thread/resume`, which repeats pending approvals.
   */
  onRequest(handler: (request: ServerRequest) => Promise<unknown> | undefined): Disposable {
    return this.#rpc.setRequestHandler((request) => handler(request as ServerRequest)); // as above
  }

  onClose(listener: (reason?: Error) => void): Disposable {
    return this.#rpc.onClose(listener);
  }

  /**
   * One call; its answer's type follows from the method. `timeoutMs` replaces the method's own deadline.
   *
   * @throws CodexRefusedError (a BridgeError `CODEX_REFUSED`); BridgeError `CODEX_TIMEOUT`, `CODEX_EXITED`,
   * `CODEX_PROTOCOL`, `INVALID_INPUT`
   */
  async call<M extends CodexMethod>(
    method: M,
    params: CodexParams<M>,
    options: { timeoutMs?: number } = {},
  ): Promise<CodexResult<M>> {
    // Types end where a caller's text begins: the list is closed at run time, too.
    if (!isCodexMethod(method)) {
      throw new BridgeError('INVALID_INPUT', `"${method}" is not among the methods that the bridge uses.`);
    }
    const foreign = Object.keys(params ?? {}).filter((name) => !isCodexParam(method, name));
    if (foreign.length > 0) {
      throw new BridgeError('INVALID_INPUT', `"${method}" is never sent with ${foreign.join(', ')}.`);
    }
    // The result's shape is Codex's own promise, from the types of the pinned version.
    return (await this.#ask(method, params, options.timeoutMs ?? deadlineOf(method))) as CodexResult<M>;
  }

  /** The configuration as it holds in the folder, with its layers (`config/read`). Errors as those of {@link call}. */
  async readConfig(folder: string): Promise<ConfigReadResponse> {
    const params: ConfigReadParams = { cwd: folder, includeLayers: true };
    return (await this.#ask('config/read', params, CONFIG_MS)) as ConfigReadResponse; // as above
  }

  /**
   * The only thing that is ever written to the person's configuration: Codex's trust in one folder
   * (`config/value/write`). Apart from {@link call}, so that no other key can be. `forget`: all that
   * `[projects]` says of the folder. Errors as those of {@link call}.
   */
  async writeTrust(folder: string, what: 'trusted' | 'forget level' | 'forget'): Promise<void> {
    const project = `projects.${JSON.stringify(folder)}`;
    const params: ConfigValueWriteParams = {
      keyPath: what === 'forget' ? project : `${project}.trust_level`,
      value: what === 'trusted' ? 'trusted' : null,
      mergeStrategy: 'replace',
    };
    await this.#ask('config/value/write', params, CONFIG_MS);
  }

  async #ask(method: string, params: unknown, timeoutMs: number): Promise<object> {
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.#rpc.request(method, params, { timeoutMs });
        if (typeof result !== 'object' || result === null) throw noAnswer(method);
        return result;
      } catch (error) {
        if (!(error instanceof JsonRpcError)) throw error;
        const wait = OVERLOAD_WAITS_MS[attempt];
        if (error.code !== OVERLOADED || wait === undefined) throw new CodexRefusedError(method, error);
        await new Promise<void>((resolve) => this.#clock.after(wait, resolve));
      }
    }
  }

  /** Closes the connection; pending calls fail with `CODEX_EXITED`. The app-server goes on. */
  dispose(): void {
    this.#rpc.dispose();
  }
}

function noAnswer(method: string): BridgeError {
  return new BridgeError(
    'CODEX_PROTOCOL',
    `Codex answered "${method}" with what is no answer. Try again; where it repeats, restart Codex.`,
  );
}
