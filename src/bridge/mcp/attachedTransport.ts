import type { JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from '@modelcontextprotocol/server';
import type { McpMessage } from '../../shared/mcpChannel.ts';
import type { RequestMark } from './attached.ts';

/** JSON-RPC 2.0, "Error object". */
const INVALID_REQUEST = -32_600;

/** The SDK's transport on a channel: whole messages in order, as on stdio. Remembers the marks of open requests. */
export class AttachedTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: (<T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void) | undefined;
  readonly #send: (message: McpMessage) => void;
  readonly #marks = new Map<RequestId, RequestMark>();
  #closed = false;

  constructor(send: (message: McpMessage) => void) {
    this.#send = send;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return;
    if (!('method' in message) && message.id !== undefined) this.#marks.delete(message.id);
    // A parsed or built message of the SDK's is a plain JSON object.
    this.#send(message as McpMessage);
  }

  /** From now on nothing goes to the client: that the server ends is no answer to what it has asked. */
  mute(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.mute();
    const { onclose } = this;
    this.onclose = undefined;
    onclose?.();
  }

  receive(raw: McpMessage, mark: RequestMark): void {
    if (this.#closed) return;
    const message = toMessage(raw);
    if (message === undefined) {
      this.onerror?.(new Error('a message is no valid JSON-RPC'));
      this.#refuse(raw);
      return;
    }
    if ('method' in message) {
      if ('id' in message) this.#marks.set(message.id, mark);
      else if (message.method === 'notifications/cancelled') this.#cancelled(message.params);
    }
    this.onmessage?.(message);
  }

  /** Of a request that has not been answered. */
  markOf(id: RequestId): RequestMark {
    return this.#marks.get(id) ?? {};
  }

  #cancelled(params: Readonly<Record<string, unknown>> | undefined): void {
    const id = params?.['requestId'];
    if (typeof id === 'string' || typeof id === 'number') this.#marks.delete(id);
  }

  #refuse({ id, method }: McpMessage): void {
    if (method === undefined || !(typeof id === 'string' || typeof id === 'number')) return;
    this.#send({
      jsonrpc: '2.0',
      id,
      error: { code: INVALID_REQUEST, message: 'This is no valid MCP request.' },
    });
  }
}

/**
 * The message, where it has the form of one (JSON-RPC 2.0; MCP, "Base protocol"). The SDK checks what is in it
 * by its method; its own check of the form costs as much as a call of `status`.
 */
function toMessage(raw: McpMessage): JSONRPCMessage | undefined {
  const { jsonrpc, id, method, params, result, error } = raw;
  if (jsonrpc !== '2.0') return undefined;
  const named = typeof id === 'string' || Number.isInteger(id);
  const request = typeof method === 'string' && (params === undefined || isObject(params));
  const response = named && method === undefined && (isObject(result) || isObject(error));
  if (!(request ? named || id === undefined : response)) return undefined;
  // Just checked.
  return raw as JSONRPCMessage;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
