import type { FileSide } from './changes.ts';

/**
 * Lines with their ends ("\n" or "\r\n"); the last one may have none. Joined they are the text again, so that a
 * change of line ends or of the last line's end is a change of lines.
 */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    lines.push(text.slice(start, end + 1));
    start = end + 1;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** The lines of a side; none where there was no file, or where it is binary. */
export function sideLines(side: FileSide | undefined): string[] {
  return side === undefined || side.encoding === 'base64' ? [] : splitLines(side.data);
}
