import { type Disposable, Emitter, toDisposable } from '../../shared/disposables.ts';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { systemClock } from '../clock.ts';
import type { Clock, Logger } from '../ports.ts';
import type { CodexTransport } from './transport.ts';

/** Codex's ids for what it asks of us. */
export type RpcId = string | number;

export interface RpcNotification {
  readonly method: string;
  readonly params: unknown;
}

export interface RpcRequest {
  readonly id: RpcId;
  readonly method: string;
  readonly params: unknown;
}

/** Answers what the other side asks; undefined: the method is not known here. */
export type RpcRequestHandler = (request: RpcRequest) => Promise<unknown> | undefined;

/** What a handler resolves to when somebody else has answered already (`serverRequest/resolved`). */
export const NO_ANSWER: unique symbol = Symbol('no answer');

const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

/** An error object of the other side's: its number and its words. */
export class JsonRpcError extends Error {
  override readonly name = 'JsonRpcError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Pending {
  readonly method: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
  cancelDeadline(): void;
}

/**
 * JSON-RPC as `codex app-server` speaks it: without the `jsonrpc` field, both sides may ask. A close settles
 * every pending call. What is no message is logged, counted and passed over.
 */
export class JsonRpcConnection implements Disposable {
  readonly #transport: CodexTransport;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  readonly #notifications: Emitter<RpcNotification>;
  readonly #nonsense: Emitter<number>;
  readonly #subscriptions: Disposable[];
  #handler: RpcRequestHandler | undefined;
  #nextId = 1;
  #nonsenseCount = 0;
  #closed: Error | undefined;

  constructor(transport: CodexTransport, deps: { logger: Logger; clock?: Clock }) {
    const failed = (error: unknown) =>
      deps.logger.error('a listener of Codex notifications failed', { error });
    this.#transport = transport;
    this.#logger = deps.logger;
    this.#clock = deps.clock ?? systemClock;
    this.#notifications = new Emitter(failed);
    this.#nonsense = new Emitter(failed);
    this.onNotification = this.#notifications.on;
    this.onNonsense = this.#nonsense.on;
    this.#subscriptions = [
      transport.onMessage((text) => this.#receive(text)),
      transport.onClose((reason) => this.#close(reason)),
    ];
  }

  readonly onNotification: (listener: (notification: RpcNotification) => void) => Disposable;

  /** Each message that could not be understood, with how many there were: restart when it repeats. */
  readonly onNonsense: (listener: (count: number) => void) => Disposable;

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Requests without an answer yet. */
  get pending(): number {
    return this.#pending.size;
  }

  onClose(listener: (reason?: Error) => void): Disposable {
    return this.#transport.onClose(listener);
  }

  /** The one who answers what the other side asks. A new one replaces the old. */
  setRequestHandler(handler: RpcRequestHandler): Disposable {
    this.#handler = handler;
    return toDisposable(() => {
      if (this.#handler === handler) this.#handler = undefined;
    });
  }

  /**
   * Asks and waits for the answer, `timeoutMs` at the most.
   *
   * @throws JsonRpcError as the other side sends it; BridgeError `CODEX_TIMEOUT`, `CODEX_EXITED`,
   * `INVALID_INPUT` (too large)
   */
  request(method: string, params: unknown, options: { timeoutMs: number }): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(exited(this.#closed));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancelDeadline = this.#clock.after(options.timeoutMs, () => {
        this.#pending.delete(id);
        const seconds = Math.round(options.timeoutMs / 1000);
        reject(
          new BridgeError(
            'CODEX_TIMEOUT',
            `Codex did not answer "${method}" within ${seconds} s. Try again, or restart Codex.`,
          ),
        );
      });
      this.#pending.set(id, { method, resolve, reject, cancelDeadline });
      try {
        this.#transport.send(encode({ id, method, params }));
      } catch (error) {
        this.#take(id);
        reject(error);
      }
    });
  }

  /** @throws BridgeError `CODEX_EXITED`, `INVALID_INPUT` */
  notify(method: string, params?: unknown): void {
    this.#transport.send(encode({ method, params }));
  }

  dispose(): void {
    this.#transport.close();
    // A transport tells its listeners; ours must be settled also where it had closed before.
    this.#close(undefined);
  }

  #receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      // The parser's own words quote the text.
      this.#passOver('no JSON', text.length);
      return;
    }
    if (!isRecord(message)) {
      this.#passOver('no object', text.length);
      return;
    }
    const { id, method } = message;
    const hasId = typeof id === 'number' || typeof id === 'string';
    if (typeof method === 'string') {
      if (hasId) void this.#answer({ id, method, params: message['params'] });
      else this.#notifications.fire({ method, params: message['params'] });
    } else if (hasId && ('result' in message || 'error' in message)) {
      this.#settle(id, message);
    } else {
      this.#passOver('neither request, answer nor notification', text.length);
    }
  }

  #settle(id: RpcId, message: Record<string, unknown>): void {
    const pending = typeof id === 'number' ? this.#take(id) : undefined;
    if (pending === undefined) {
      // A call whose deadline has passed.
      this.#logger.debug('codex answered what nobody waits for', { id });
    } else if (!('error' in message)) {
      pending.resolve(message['result']);
    } else {
      const error = isRecord(message['error']) ? message['error'] : {};
      const code = typeof error['code'] === 'number' ? error['code'] : INTERNAL_ERROR;
      const words = typeof error['message'] === 'string' ? error['message'] : 'no reason given';
      pending.reject(new JsonRpcError(code, words));
    }
  }

  async #answer(request: RpcRequest): Promise<void> {
    const { id, method } = request;
    let answer: unknown;
    try {
      const result = this.#handler?.(request);
      if (result === undefined) {
        this.#logger.warn('codex asks what is not known here', { method });
        answer = { id, error: { code: METHOD_NOT_FOUND, message: `"${method}" is not known here` } };
      } else {
        const value = await result;
        if (value === NO_ANSWER) return;
        answer = { id, result: value ?? {} };
      }
    } catch (error) {
      this.#logger.warn('a request of Codex is refused', { method, error });
      answer = { id, error: { code: INTERNAL_ERROR, message: messageOf(error) } };
    }
    if (this.#closed !== undefined) return;
    try {
      this.#transport.send(encode(answer));
    } catch (error) {
      this.#logger.error('an answer to Codex could not be sent', { method, error });
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.cancelDeadline();
    return pending;
  }

  /** Never with its text: it may hold a prompt or an answer. */
  #passOver(why: string, length: number): void {
    this.#nonsenseCount += 1;
    this.#logger.warn('codex sent what is no message', { why, length, count: this.#nonsenseCount });
    this.#nonsense.fire(this.#nonsenseCount);
  }

  #close(reason: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason ?? new Error('closed by the bridge');
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(exited(this.#closed));
    this.#notifications.dispose();
    this.#nonsense.dispose();
  }
}

/**
 * As JSON. Half of a surrogate pair (a text that was cut by its length) becomes U+FFFD: Codex drops a message
 * with one, without a word.
 */
function encode(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
}

function exited(cause: Error): BridgeError {
  return new BridgeError('CODEX_EXITED', 'The connection to Codex ended before it answered. Try again.', {
    cause,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
