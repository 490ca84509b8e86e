import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_BYTES, pageOf } from '../../src/bridge/mcp/paging.ts';

function pages(text: string, about: string, maxBytes?: number): string[] {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = pageOf(text, about, cursor, maxBytes);
    found.push(page.text);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.constantFrom('line\n', 'ä', '漢字', '😀', '\r\n', 'x'), { maxLength: 300 })
    .map((a) => a.join('')),
);

describe('pageOf', () => {
  it('gives pages that put together are the whole text, each within its size and between characters', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 4, max: 60 }), (text, maxBytes) => {
        const found = pages(text, 't_1', maxBytes);
        expect(found.join('')).toBe(text);
        for (const page of found) {
          expect(Buffer.byteLength(page.toWellFormed())).toBeLessThanOrEqual(maxBytes);
          if (text.isWellFormed()) expect(page.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it('gives a short text whole, without a cursor', () => {
    expect(pageOf('short', 't_1')).toEqual({ text: 'short' });
    expect(pageOf('', 't_1')).toEqual({ text: '' });
    expect(pageOf('x'.repeat(PAGE_BYTES), 't_1').cursor).toBeUndefined();
    expect(pageOf('x'.repeat(PAGE_BYTES + 1), 't_1').cursor).toBeDefined();
  });

  it('prefers to end a page at a line end', () => {
    const text = `${'a'.repeat(6)}\n${'b'.repeat(10)}`;
    expect(pages(text, 't_1', 10)).toEqual(['aaaaaa\n', 'bbbbbbbbbb']);
  });

  it('refuses a cursor of another text, of a changed one, and nonsense', () => {
    const text = 'one two three four';
    const { cursor } = pageOf(text, 't_1', undefined, 8);
    expect(pageOf(text, 't_1', cursor, 100).text).toBe(text.slice(8));
    const grown = `${text} five`;
    expect(pageOf(grown, 't_1', cursor, 100).text).toBe(grown.slice(8));
    const invalid = (about: string, changed: string, given: string): void => {
      expect(() => pageOf(changed, about, given, 8)).toThrow(
        expect.objectContaining({ code: 'CURSOR_INVALID' }),
      );
    };
    invalid('t_2', text, cursor ?? '');
    invalid('t_1', 'other words altogether', cursor ?? '');
    fc.assert(fc.property(fc.string(), (nonsense) => invalid('t_1', text, nonsense)));
  });
});
