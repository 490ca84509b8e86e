import { createHash } from 'node:crypto';
import { BridgeError } from '../../shared/errors.ts';

/**
 * Bytes of UTF-8 in one page: about 18,000 tokens at four bytes a token, so that a page with what is said
 * around it stays below the 25,000 tokens that MCP clients take from one call.
 */
export const PAGE_BYTES = 72_000;

export interface Page {
  readonly text: string;
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

/**
 * One page of a text. Pages put together are the whole text, and no page ends inside a character. A cursor
 * names its text (`about`) and carries a check of all that came before it: it is refused when the text is
 * another one, or has changed before that place, instead of giving a wrong part.
 *
 * @throws BridgeError `CURSOR_INVALID`
 */
export function pageOf(text: string, about: string, cursor?: string, maxBytes = PAGE_BYTES): Page {
  const start = cursor === undefined ? 0 : parseCursor(text, about, cursor);
  const end = endOfPage(text, start, maxBytes);
  const page = text.slice(start, end);
  return end >= text.length ? { text: page } : { text: page, cursor: makeCursor(text, about, end) };
}

/** The last line end in the later half of the page, else the last place between two characters. */
function endOfPage(text: string, start: number, maxBytes: number): number {
  const hard = hardEnd(text, start, maxBytes);
  if (hard >= text.length) return text.length;
  const line = text.lastIndexOf('\n', hard - 1) + 1;
  return line > start + (hard - start) / 2 ? line : hard;
}

function hardEnd(text: string, start: number, maxBytes: number): number {
  let bytes = 0;
  let at = start;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes + size > maxBytes && at > start) return at;
    bytes += size;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

function makeCursor(text: string, about: string, offset: number): string {
  return Buffer.from(`${about} ${offset} ${check(text, offset)}`).toString('base64url');
}

function parseCursor(text: string, about: string, cursor: string): number {
  const offset = Number(Buffer.from(cursor, 'base64url').toString().split(' ')[1]);
  const inside = Number.isInteger(offset) && offset > 0 && offset < text.length;
  // Exactly what was given: what only decodes to the same is a changed one, too.
  if (inside && cursor === makeCursor(text, about, offset)) return offset;
  throw new BridgeError(
    'CURSOR_INVALID',
    'This cursor belongs to another answer, or the answer has changed. Ask again without "cursor".',
  );
}

function check(text: string, offset: number): string {
  return createHash('sha256').update(text.slice(0, offset)).digest('base64url').slice(0, 12);
}
