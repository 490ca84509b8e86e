import type { McpMessage } from '../../shared/mcpChannel.ts';
import { field } from './messages.ts';

/**
 * What a client of 2025-11-25 has arranged with its server and will not say again: who it is, its log level,
 * what it has subscribed to. The next bridge hears it from here. In 2026-07-28 every request says all of it.
 */
export class Handshake {
  #initialize: McpMessage | undefined;
  #initialized: McpMessage | undefined;
  #logLevel: McpMessage | undefined;
  readonly #subscriptions = new Map<string, McpMessage>();

  /** `initialize` was answered. */
  get done(): boolean {
    return this.#initialize !== undefined;
  }

  /** A request that the bridge has answered without an error. */
  answered(method: string, message: McpMessage): void {
    const uri = field(message['params'], 'uri');
    if (method === 'initialize') this.#initialize = message;
    else if (method === 'logging/setLevel') this.#logLevel = message;
    else if (method === 'resources/subscribe' && typeof uri === 'string')
      this.#subscriptions.set(uri, message);
    else if (method === 'resources/unsubscribe' && typeof uri === 'string') this.#subscriptions.delete(uri);
  }

  notified(method: string, message: McpMessage): void {
    if (method === 'notifications/initialized') this.#initialized = message;
  }

  /** To be answered before anything else is sent. */
  get first(): McpMessage | undefined {
    return this.#initialize;
  }

  /** What follows on that. */
  rest(): McpMessage[] {
    return [this.#initialized, this.#logLevel, ...this.#subscriptions.values()].filter(
      (message) => message !== undefined,
    );
  }
}
