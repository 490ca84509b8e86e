import type { FileSide } from '../../shared/changes.ts';

/** Bytes of one side of a file that are handed out at once. */
const MAX_SIDE = 2 * 1024 * 1024;

/** What git looks at to tell text from binary. Bytes. */
const PROBE = 8000;

/** As git tells: a NUL byte in the first 8,000. */
export function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, PROBE).includes(0);
}

/** One character per byte: lines can be cut and joined without losing a byte, whatever the encoding is. */
export function textOf(bytes: Buffer | undefined): string {
  return bytes?.toString('latin1') ?? '';
}

export function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(''), 'latin1');
}

/** Content as a diff view takes it. Cut at the end of a line, where it is long. */
export function sideOf(bytes: Buffer, binary: boolean): FileSide {
  const whole = bytes.length <= MAX_SIDE;
  const newline = whole || binary ? -1 : bytes.lastIndexOf(0x0a, MAX_SIDE);
  const end = whole ? bytes.length : newline < 0 ? MAX_SIDE : newline + 1;
  const shown = bytes.subarray(0, end);
  const omitted = bytes.length - end;
  if (binary) return { encoding: 'base64', data: shown.toString('base64'), omitted };
  try {
    const data = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(shown);
    return { encoding: 'utf8', data, omitted };
  } catch {
    return { encoding: 'latin1', data: shown.toString('latin1'), omitted };
  }
}
