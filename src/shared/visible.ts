/**
 * What hides, reorders, overwrites or imitates what stands beside it: controls (escape codes), bidi marks, zero
 * widths, tags, fillers, blanks that are no space, halves of characters. And padding, which pushes what follows
 * out of sight: line breaks and blanks in a long row.
 */
const HIDDEN =
  /\n(?:[ \t]*\n){8,}|[ \t]{64,}|(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/** A piece of a text; `code` is of a character that would not be seen, `times` how often it is there in a row. */
export type VisiblePart =
  | { readonly text: string; readonly hidden: false }
  | { readonly text: string; readonly hidden: true; readonly code: number; readonly times: number };

/** Text cut into what is shown as it is and what is made visible; tabs, line breaks and single blanks stay. */
export function visibleParts(text: string): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), hidden: false });
    parts.push(hiddenPart(match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), hidden: false });
  return parts;
}

function hiddenPart(found: string): VisiblePart {
  const isLines = found.startsWith('\n');
  const code = found.codePointAt(0) ?? 0;
  // One character may be two units; what is longer is padding.
  const times = isLines ? found.split('\n').length - 1 : found.length <= 2 ? 1 : found.length;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return { text: times === 1 ? name : `${name} ×${times}`, hidden: true, code, times };
}

/** {@link visibleParts} as plain text: for notifications, forms of MCP clients, the command line. */
export function makeVisible(text: string): string {
  return visibleParts(text)
    .map((part) => {
      if (!part.hidden) return part.text;
      const shown = `\\u{${part.code.toString(16)}}`;
      return part.times === 1 ? shown : `${shown}×${part.times}`;
    })
    .join('');
}

/** {@link makeVisible} for what people write: an emoji may be put together by characters that are not seen. */
export function visibleProse(text: string): string {
  return text
    .split(/(\p{RGI_Emoji})/v)
    .map((piece, place) => (place % 2 === 1 ? piece : makeVisible(piece)))
    .join('');
}

/** {@link visibleProse} in one line: for titles, names and steps. */
export function visibleLine(text: string): string {
  return visibleProse(text.replace(/\s+/g, ' ').trim());
}
