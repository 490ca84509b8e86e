import type { Readable, Writable } from 'node:stream';
import { BridgeError } from '../../shared/errors.ts';
import type { Logger } from '../ports.ts';
import {
  type CodexTransport,
  MAX_BUFFERED_BYTES,
  MAX_MESSAGE_BYTES,
  notReading,
  TransportEvents,
  textOf,
} from './transport.ts';

const NEWLINE = 10;

/**
 * `codex app-server` on its standard streams: one JSON text per line. The last resort, without the terminal
 * face: only one client fits, and the process ends with its input.
 */
export class StdioTransport implements CodexTransport {
  readonly #input: Writable;
  readonly #events: TransportEvents;
  readonly #logger: Logger;
  readonly onMessage: CodexTransport['onMessage'];
  readonly onClose: CodexTransport['onClose'];
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] = [];
  #partBytes = 0;

  /** `input` is Codex's standard input, `output` its standard output. */
  constructor(input: Writable, output: Readable, logger: Logger) {
    this.#input = input;
    this.#logger = logger;
    this.#events = new TransportEvents((error) =>
      logger.error('a listener of Codex messages failed', { error }),
    );
    this.onMessage = this.#events.onMessage;
    this.onClose = this.#events.onClose;
    output.on('data', (chunk: Buffer) => this.#receive(chunk));
    output.on('error', (error) => this.#events.close(error));
    output.on('close', () =>
      this.#events.close(new BridgeError('CODEX_EXITED', 'Codex closed its output. Send the prompt again.')),
    );
    input.on('error', (error) => this.#events.close(error));
  }

  send(text: string): void {
    // JSON.stringify leaves no bare line break in a text, so a line is a message.
    this.#input.write(Buffer.concat([this.#events.encode(text), Buffer.of(NEWLINE)]));
    if (this.#input.writableLength > MAX_BUFFERED_BYTES) this.#fail(notReading());
  }

  close(): void {
    this.#events.close(undefined);
    this.#input.end();
  }

  #receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#partBytes = 0;
      start = end + 1;
      if (line.length > 0) this.#events.message(textOf(line, this.#logger));
    }
    if (start === chunk.length || this.#events.closed) return;
    this.#parts.push(chunk.subarray(start));
    this.#partBytes += chunk.length - start;
    if (this.#partBytes <= MAX_MESSAGE_BYTES) return;
    this.#parts = [];
    this.#fail(
      new BridgeError('CODEX_PROTOCOL', 'Codex sent a line of more than 64 MB. Send the prompt again.'),
    );
  }

  #fail(error: Error): void {
    this.#events.close(error);
    this.#input.destroy();
  }
}
