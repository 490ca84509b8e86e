import { type Disposable, toDisposable } from './disposables.ts';
import type { Message, MessagePort } from './rpc.ts';

const NEWLINE = 10;

/** The part of a socket that framing needs, so that this file knows no Node. */
export interface ByteStream {
  write(text: string): void;
  destroy(): void;
  onData(listener: (bytes: Uint8Array) => void): void;
  onClose(listener: () => void): void;
  /** UTF-8 to text. */
  decode(bytes: Uint8Array): string;
}

/** Whether a line is taken as it is; `decode` is the stream's own. */
export type TakeLine = (line: Uint8Array, decode: ByteStream['decode']) => boolean;

/** Cuts a byte stream into lines, without ever holding more than `maxBytes` of an unfinished one. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that are whole now. @throws RangeError when a line grows beyond the bound. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#size += part.length;
    if (this.#size > this.#maxBytes) throw new RangeError(`a message is longer than ${this.#maxBytes} bytes`);
    this.#parts.push(part);
  }

  #take(): Uint8Array {
    const [first] = this.#parts;
    let line = first ?? new Uint8Array(0);
    if (this.#parts.length > 1) {
      line = new Uint8Array(this.#size);
      let at = 0;
      for (const part of this.#parts) {
        line.set(part, at);
        at += part.length;
      }
    }
    this.#parts = [];
    this.#size = 0;
    return line;
  }
}

/**
 * Newline-delimited JSON over a byte stream. A line too long or not JSON closes the stream.
 *
 * @param take sees each line before it is parsed; true: it has taken it, and no listener hears of it
 */
export function linePort(stream: ByteStream, maxBytes: number, take: TakeLine = () => false): MessagePort {
  const splitter = new LineSplitter(maxBytes);
  const messages = new Set<(message: unknown) => void>();
  const closes = new Set<() => void>();
  let broken = false;
  let closed = false;

  /** Undefined where it is broken: nothing after that can be trusted, the other side sees the close and starts anew. */
  const unbroken = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      broken = true;
      stream.destroy();
      return undefined;
    }
  };

  stream.onData((chunk) => {
    if (broken) return;
    const errors: unknown[] = [];
    for (const line of unbroken(() => splitter.push(chunk)) ?? []) {
      if (take(line, stream.decode)) continue;
      const message = unbroken((): unknown => JSON.parse(stream.decode(line)));
      if (broken) break;
      for (const listener of [...messages]) {
        try {
          listener(message);
        } catch (error) {
          // A fault of ours, not of the other side: it is told, but no message is lost for it.
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw errors[0];
  });
  stream.onClose(() => {
    closed = true;
    for (const listener of [...closes]) listener();
    messages.clear();
    closes.clear();
  });

  return {
    send(message: Message) {
      if (!closed) stream.write(`${JSON.stringify(message)}\n`);
    },
    onMessage: (listener) => subscribe(messages, listener),
    onClose: (listener) => subscribe(closes, listener),
  };
}

function subscribe<T>(listeners: Set<T>, listener: T): Disposable {
  listeners.add(listener);
  return toDisposable(() => listeners.delete(listener));
}
