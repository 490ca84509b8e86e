import { isUtf8 } from 'node:buffer';
import { type Disposable, Emitter } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { Logger } from '../ports.ts';

/**
 * The largest message in either direction, in bytes. Codex's own WebSocket server takes 64 MiB and stops
 * reading, without a word, at anything larger.
 */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** So much may wait for a Codex that does not read; then the connection is given up. Bytes. */
export const MAX_BUFFERED_BYTES = 2 * MAX_MESSAGE_BYTES;

/** Carries whole JSON texts to and from one app-server, in order. Closing is final. */
export interface CodexTransport {
  /**
   * Queues one message. Nothing is ever dropped: a Codex that does not read fills the queue to
   * {@link MAX_BUFFERED_BYTES}, which closes the transport.
   *
   * @throws BridgeError `CODEX_EXITED` when closed, `INVALID_INPUT` when larger than {@link MAX_MESSAGE_BYTES}
   */
  send(text: string): void;
  onMessage(listener: (text: string) => void): Disposable;
  /** Fires once; at once where it has closed already. Without a reason it was closed by {@link close}. */
  onClose(listener: (reason?: Error) => void): Disposable;
  close(): void;
}

/** What the three transports have in common: their listeners, their end, and the limits on what is sent. */
export class TransportEvents {
  readonly #messages: Emitter<string>;
  readonly #closes: Emitter<Error | undefined>;
  #end: { readonly reason: Error | undefined } | undefined;

  /** `onError` hears of listeners that throw. */
  constructor(onError: (error: unknown) => void) {
    this.#messages = new Emitter(onError);
    this.#closes = new Emitter(onError);
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  readonly onMessage = (listener: (text: string) => void): Disposable => this.#messages.on(listener);

  readonly onClose = (listener: (reason?: Error) => void): Disposable => {
    const subscription = this.#closes.on(listener);
    if (this.#end !== undefined) {
      const { reason } = this.#end;
      // Not within the caller's own call: it may not be ready for the answer yet.
      queueMicrotask(() => listener(reason));
    }
    return subscription;
  };

  message(text: string): void {
    if (!this.closed) this.#messages.fire(text);
  }

  close(reason: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#closes.fire(reason);
    this.#messages.dispose();
    this.#closes.dispose();
  }

  /** The bytes of a message that may be sent. @throws BridgeError, see {@link CodexTransport.send} */
  encode(text: string): Buffer {
    if (this.#end !== undefined) {
      throw new BridgeError('CODEX_EXITED', 'The connection to Codex is closed. Send the prompt again.', {
        cause: this.#end.reason,
      });
    }
    const bytes = Buffer.from(text);
    if (bytes.length > MAX_MESSAGE_BYTES) {
      const size = Math.ceil(bytes.length / (1024 * 1024));
      throw new BridgeError(
        'INVALID_INPUT',
        `A message of ${size} MB is more than Codex takes (64 MB). Send a shorter prompt or fewer attachments.`,
      );
    }
    return bytes;
  }
}

/** What Codex sent, as text. A broken character is no reason to end every turn: it becomes U+FFFD, and is logged. */
export function textOf(bytes: Buffer, logger: Logger): string {
  if (!isUtf8(bytes)) logger.warn('codex sent what is no UTF-8', { length: bytes.length });
  return bytes.toString();
}

/** Why a transport closed itself: the other side does not read. */
export function notReading(): BridgeError {
  return new BridgeError(
    'CODEX_EXITED',
    'Codex stopped reading its messages. Send the prompt again: it is restarted.',
  );
}
