import { BridgeError } from '../../shared/errors.ts';
import type { McpMessage } from '../../shared/mcpChannel.ts';
import { field, idKey, type RequestId } from './messages.ts';

/** Requests without an answer, at once; more are refused. */
const MAX_REQUESTS = 1_000;
/** All of them together, in bytes: they are kept to be sent again. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A request of the client's that has no answer yet. */
export interface OpenRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly message: McpMessage;
  /** Names it to every bridge that it is sent to. */
  readonly key: string;
  readonly bytes: number;
  /** To how many bridges it went; all but the last are gone. */
  sent: number;
  /** The last progress that the client has seen, and what the present bridge's is counted from. */
  progress: number;
  progressFrom: number;
  /** `subscriptions/listen` (2026-07-28) stays open; the client knows that it holds. */
  acknowledged: boolean;
}

/** What the client waits for, in the order in which it asked. */
export class OpenRequests {
  readonly #byId = new Map<string, OpenRequest>();
  readonly #byToken = new Map<string, OpenRequest>();
  #bytes = 0;
  #next = 1;

  /** @throws BridgeError `INVALID_INPUT`, `QUEUE_FULL` */
  add(id: RequestId, method: string, message: McpMessage, bytes: number): OpenRequest {
    if (this.#byId.has(idKey(id))) {
      throw new BridgeError('INVALID_INPUT', `The request id ${JSON.stringify(id)} is in use. Take another.`);
    }
    if (this.#byId.size >= MAX_REQUESTS || this.#bytes + bytes > MAX_BYTES) {
      throw new BridgeError('QUEUE_FULL', 'Too many requests have no answer yet. Wait for some of them.');
    }
    const request: OpenRequest = {
      id,
      method,
      message,
      key: String(this.#next++),
      bytes,
      sent: 0,
      progress: 0,
      progressFrom: 0,
      acknowledged: false,
    };
    this.#byId.set(idKey(id), request);
    this.#bytes += bytes;
    const token = tokenOf(message);
    if (token !== undefined) this.#byToken.set(token, request);
    return request;
  }

  get(id: unknown): OpenRequest | undefined {
    return this.#byId.get(idKey(id));
  }

  byToken(token: unknown): OpenRequest | undefined {
    return this.#byToken.get(idKey(token));
  }

  take(id: unknown): OpenRequest | undefined {
    const request = this.#byId.get(idKey(id));
    if (request === undefined) return undefined;
    this.#byId.delete(idKey(id));
    this.#bytes -= request.bytes;
    const token = tokenOf(request.message);
    if (token !== undefined) this.#byToken.delete(token);
    return request;
  }

  /** Whether somebody waits; a subscription only listens. */
  get waiting(): boolean {
    for (const { method } of this.#byId.values()) if (!isListening(method)) return true;
    return false;
  }

  all(): OpenRequest[] {
    return [...this.#byId.values()];
  }
}

export function isListening(method: string): boolean {
  return method === 'subscriptions/listen';
}

/** The key of its progress token. */
function tokenOf(message: McpMessage): string | undefined {
  const key = idKey(field(field(message['params'], '_meta'), 'progressToken'));
  return key === '' ? undefined : key;
}
