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
} from './codexMethods.ts';
import { CodexRefusedError } from './codexRefused.ts';
import { UNHEARD } from './events/passedOver.ts';
import type { InitializeResponse } from './generated/InitializeResponse.ts';
import type { ServerNotification } from './generated/ServerNotification.ts';
import type { ServerRequest } from './generated/ServerRequest.ts';
import { JsonRpcConnection, JsonRpcError } from './jsonRpc.ts';
import type { CodexTransport } from './transport.ts';

/** Codex's queue for a connection is full; the request was not looked at. Asked again a few times. */
const OVERLOADED = -32001;
const OVERLOAD_WAITS_MS = [50, 200, 800];

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
 * sandbox or writes the person's configuration is not among them.
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
    const timeoutMs = options.timeoutMs ?? deadlineOf(method);
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.#rpc.request(method, params, { timeoutMs });
        if (typeof result !== 'object' || result === null) throw noAnswer(method);
        // Its shape is Codex's own promise, from the types of the pinned version.
        return result as CodexResult<M>;
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
