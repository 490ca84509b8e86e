import type { Disposable } from './disposables.ts';
import { BridgeError, type ErrorInfo, messageOf, toErrorInfo } from './errors.ts';

/** A contract: what one side may ask (`requests`) and what the other may tell (`events`). */
export interface Contract {
  requests: Record<string, { params: unknown; result: unknown }>;
  events: Record<string, unknown>;
}

export type RequestName<C extends Contract> = keyof C['requests'] & string;
export type EventName<C extends Contract> = keyof C['events'] & string;
export type Params<C extends Contract, M extends RequestName<C>> = C['requests'][M]['params'];
export type Result<C extends Contract, M extends RequestName<C>> = C['requests'][M]['result'];

/** A message between bridge and face, or host and webview. */
export type Message =
  | { readonly id: number; readonly method: string; readonly params: unknown }
  /** Wants no answer; that it failed is told with the id 0. */
  | { readonly method: string; readonly params: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ErrorInfo }
  | { readonly event: string; readonly data: unknown };

/** Carries whole messages in order. Closing is final. */
export interface MessagePort {
  send(message: Message): void;
  onMessage(listener: (message: unknown) => void): Disposable;
  onClose(listener: () => void): Disposable;
}

/** A port of its own on one that others use too: its messages travel as the data of the event `name`. */
export function envelopedPort(port: MessagePort, name: string): MessagePort {
  return {
    send: (message) => port.send({ event: name, data: message }),
    onMessage: (listener) =>
      port.onMessage((message) => {
        if (!isRecord(message)) return;
        if (message['event'] === name && 'data' in message) listener(message['data']);
      }),
    onClose: (listener) => port.onClose(listener),
  };
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: BridgeError): void;
}

/** The asking side of a contract. A closed port settles every pending request with `CONNECTION_CLOSED`. */
export class RpcClient<C extends Contract> implements Disposable {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Set<(data: never) => void>>();
  readonly #subscriptions: Disposable[];
  readonly #failures = new Set<(error: BridgeError) => void>();
  #nextId = 1;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#subscriptions = [
      port.onMessage((message) => this.#receive(message)),
      port.onClose(() => this.#close()),
    ];
  }

  get closed(): boolean {
    return this.#closed;
  }

  request<M extends RequestName<C>>(method: M, params: Params<C, M>): Promise<Result<C, M>> {
    if (this.#closed) return Promise.reject(connectionClosed());
    const id = this.#nextId++;
    return new Promise<Result<C, M>>((resolve, reject) => {
      // The contract says what a method's result is; the other side checks its own words.
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#port.send({ id, method, params });
    });
  }

  /** Asks without waiting for an answer: half the messages, where order is all that matters. */
  tell<M extends RequestName<C>>(method: M, params: Params<C, M>): void {
    if (!this.#closed) this.#port.send({ method, params });
  }

  /** Something that was told could not be done. */
  onFailure(listener: (error: BridgeError) => void): Disposable {
    this.#failures.add(listener);
    return { dispose: () => void this.#failures.delete(listener) };
  }

  on<E extends EventName<C>>(event: E, listener: (data: C['events'][E]) => void): Disposable {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return { dispose: () => void listeners.delete(listener) };
  }

  dispose(): void {
    this.#close();
  }

  #receive(message: unknown): void {
    if (!isRecord(message)) return;
    if (typeof message.event === 'string') {
      for (const listener of [...(this.#listeners.get(message.event) ?? [])]) listener(message.data as never);
      return;
    }
    const id = message.id;
    if (typeof id !== 'number') return;
    if (id === 0 && 'error' in message) {
      const error = BridgeError.from(message.error as ErrorInfo);
      for (const listener of [...this.#failures]) listener(error);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if ('error' in message) pending.reject(BridgeError.from(message.error as ErrorInfo));
    else pending.resolve(message.result);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const pending of this.#pending.values()) pending.reject(connectionClosed());
    this.#pending.clear();
    this.#listeners.clear();
    this.#failures.clear();
  }
}

function connectionClosed(): BridgeError {
  return new BridgeError('CONNECTION_CLOSED', 'The connection was closed. Try again.');
}

/** Checks the parameters of each request at the border. */
export type ParamSchemas<C extends Contract> = {
  readonly [M in RequestName<C>]: {
    safeParse(value: unknown): { success: true; data: unknown } | { success: false; error: unknown };
  };
};

export type Handlers<C extends Contract> = {
  readonly [M in RequestName<C>]: (params: Params<C, M>) => Promise<Result<C, M>> | Result<C, M>;
};

/** The answering side of a contract: parses parameters, answers, and tells events. */
export class RpcServer<C extends Contract> implements Disposable {
  readonly #port: MessagePort;
  readonly #schemas: ParamSchemas<C>;
  readonly #handlers: Handlers<C>;
  readonly #subscription: Disposable;

  constructor(port: MessagePort, schemas: ParamSchemas<C>, handlers: Handlers<C>) {
    this.#port = port;
    this.#schemas = schemas;
    this.#handlers = handlers;
    this.#subscription = port.onMessage((message) => void this.#receive(message));
  }

  emit<E extends EventName<C>>(event: E, data: C['events'][E]): void {
    this.#port.send({ event, data });
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  async #receive(message: unknown): Promise<void> {
    if (!isRecord(message)) return;
    const { id, method } = message;
    if (typeof method !== 'string' || !(id === undefined || typeof id === 'number')) return;
    try {
      const result = (await this.#handle(method, message.params)) ?? null;
      if (id !== undefined) this.#port.send({ id, result });
    } catch (error) {
      this.#port.send({ id: id ?? 0, error: toErrorInfo(error) });
    }
  }

  #handle(method: string, params: unknown): unknown {
    if (!Object.hasOwn(this.#handlers, method)) {
      throw new BridgeError(
        'BRIDGE_CONTRACT',
        `"${method}" is not known here. Update Codex Bridge on both sides.`,
      );
    }
    const name = method as RequestName<C>;
    const parsed = this.#schemas[name].safeParse(params);
    if (!parsed.success) {
      throw new BridgeError('INVALID_INPUT', `Wrong parameters for "${method}": ${messageOf(parsed.error)}`);
    }
    return this.#handlers[name](parsed.data as Params<C, RequestName<C>>);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
