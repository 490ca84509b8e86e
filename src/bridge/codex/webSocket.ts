import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
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

/** Codex's server takes frames of 16 MiB at the most, and hangs at larger ones: longer messages go in parts. */
const FRAME_BYTES = 8 * 1024 * 1024;
const HANDSHAKE_MS = 5000;

/**
 * The loopback WebSocket of `codex app-server --listen ws://127.0.0.1:0 --ws-auth capability-token`, for
 * systems without Unix sockets. The token is read from the 0600 file that Codex was given.
 *
 * @throws BridgeError `CODEX_START_FAILED`
 */
export async function connectWebSocket(
  url: string,
  tokenFile: string,
  logger: Logger,
): Promise<CodexTransport> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  return openWebSocket({ url, headers: { authorization: `Bearer ${token}` }, logger });
}

/** Opens a WebSocket to an app-server, over `connection` where one is given. Also the Unix socket's. */
export function openWebSocket(options: {
  url: string;
  headers?: Record<string, string>;
  connection?: () => Duplex;
  logger: Logger;
}): Promise<CodexTransport> {
  const { connection } = options;
  const socket = new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
    // See textOf: ws would end the connection.
    skipUTF8Validation: true,
    headers: options.headers ?? {},
    ...(connection === undefined ? {} : { createConnection: connection }),
  });
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(
        new BridgeError(
          'CODEX_START_FAILED',
          `Codex does not accept a connection: ${error.message}. Restart it.`,
          {
            cause: error,
          },
        ),
      );
    socket.once('error', failed);
    socket.once('open', () => {
      socket.off('error', failed);
      resolve(new WebSocketTransport(socket, options.logger));
    });
  });
}

class WebSocketTransport implements CodexTransport {
  readonly #socket: WebSocket;
  readonly #events: TransportEvents;
  readonly onMessage: CodexTransport['onMessage'];
  readonly onClose: CodexTransport['onClose'];

  constructor(socket: WebSocket, logger: Logger) {
    this.#socket = socket;
    this.#events = new TransportEvents((error) =>
      logger.error('a listener of Codex messages failed', { error }),
    );
    this.onMessage = this.#events.onMessage;
    this.onClose = this.#events.onClose;
    // ws hands text frames over as buffers unless told otherwise; its type allows more.
    socket.on('message', (data) => this.#events.message(textOf(data as Buffer, logger)));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', (code) =>
      this.#events.close(
        new BridgeError('CODEX_EXITED', `Codex closed the connection (${code}). Send the prompt again.`),
      ),
    );
  }

  send(text: string): void {
    const bytes = this.#events.encode(text);
    for (let at = 0; at === 0 || at < bytes.length; at += FRAME_BYTES) {
      const end = at + FRAME_BYTES;
      this.#socket.send(bytes.subarray(at, end), { binary: false, fin: end >= bytes.length });
    }
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#fail(notReading());
  }

  close(): void {
    this.#events.close(undefined);
    this.#socket.close();
  }

  #fail(error: Error): void {
    this.#events.close(error);
    this.#socket.terminate();
  }
}
