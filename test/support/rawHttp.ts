import { connect } from 'node:net';

/** A request as lines, so that nothing on our side mends it. */
export interface RawRequest {
  readonly method?: string;
  readonly target?: string;
  /** Whole lines, `Name: value`. */
  readonly headers: readonly string[];
  readonly body?: string;
}

/** The bytes of a request; a body gets no length by itself. */
export function requestText({ method = 'POST', target = '/mcp', headers, body = '' }: RawRequest): string {
  return `${[`${method} ${target} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

export interface RawAnswer {
  /** Of the first answer; 0 where the connection was closed without one. */
  readonly status: number;
  readonly text: string;
}

/** Writes bytes to a local port, and resolves with all that has come back when the other side closes. */
export function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    // Closed while we still wrote: what came before that is the answer.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ status: statusOf(text), text }));
  });
}

/** As {@link sendRaw}, but the first answer is enough: the connection is ended from here. */
export function askRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
      if (isWhole(text)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ status: statusOf(text), text }));
  });
}

function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0);
}

/** With `Content-Length`, or in chunks with the last one there. */
function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) return text.endsWith('\r\n0\r\n\r\n');
  return text.length >= head + 4 + Number(length);
}
