import type { McpMessage } from '../../shared/mcpChannel.ts';
import { isRecord } from './messages.ts';

const NEWLINE = 10;

/** What one line of the input was. */
export type Line =
  | { readonly kind: 'message'; readonly message: McpMessage; readonly bytes: number }
  | { readonly kind: 'not_json' | 'not_object' | 'too_long' };

/**
 * Cuts the input into messages, one a line (MCP, transport "stdio"). A broken line is told and passed over: the
 * next one may be good. Of one that is too long nothing is kept.
 */
export class InputLines {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;
  #skipping = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      const line = this.#take();
      if (line !== undefined) yield line;
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): void {
    if (this.#skipping || part.length === 0) return;
    this.#size += part.length;
    if (this.#size > this.#maxBytes) {
      this.#skipping = true;
      this.#parts = [];
    } else {
      this.#parts.push(part);
    }
  }

  /** The line that has just ended; undefined for an empty one. */
  #take(): Line | undefined {
    const [first] = this.#parts;
    const bytes = this.#size;
    const tooLong = this.#skipping;
    const text = (this.#parts.length > 1 ? Buffer.concat(this.#parts) : first)?.toString('utf8') ?? '';
    this.#parts = [];
    this.#size = 0;
    this.#skipping = false;
    if (tooLong) return { kind: 'too_long' };
    if (text.trim() === '') return undefined;
    try {
      const message: unknown = JSON.parse(text);
      return isRecord(message) ? { kind: 'message', message, bytes } : { kind: 'not_object' };
    } catch {
      // What exactly is wrong with it, its writer knows best.
      return { kind: 'not_json' };
    }
  }
}
