import Anser from 'anser';

/** A run of output in one style. */
export interface StyledText {
  readonly text: string;
  /** Classes of chat.css; '' where nothing is said. */
  readonly style: string;
  /** `r, g, b` of colours that have no class. */
  readonly color?: string;
  readonly background?: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]+[0-~]|[0-~])/g;
/** Sequences that colour, as anser reads them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const COLOUR = /^\u001b\[[0-9;]*m$/;

/**
 * Output of a command as a terminal would leave it: what a carriage return overwrote is gone, and so is every
 * sequence but those that colour.
 */
export function terminalText(output: string): string {
  return output
    .replaceAll(ESCAPES, (sequence) => (COLOUR.test(sequence) ? sequence : ''))
    .replaceAll(/\r+\n/g, '\n')
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r', line.length - 2) + 1))
    .join('\n');
}

/** The last so many lines of a text, and how many come before them. */
export function lastLines(text: string, count: number): { text: string; before: number } {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  let at = body.length;
  for (let n = 0; n < count; n++) {
    at = body.lastIndexOf('\n', at - 1);
    if (at < 0) return { text: body, before: 0 };
  }
  return { text: body.slice(at + 1), before: body.slice(0, at).split('\n').length };
}

/** {@link terminalText} cut into its styles. */
export function styledText(text: string): StyledText[] {
  return Anser.ansiToJson(text, { json: true, use_classes: true, remove_empty: true }).map((part) => ({
    text: part.content,
    style: [
      ...[part.fg, part.bg === null ? null : `${part.bg}-background`]
        .filter((name) => name !== null && /^ansi-(bright-)?[a-z]+(-background)?$/.test(name))
        .filter((name) => !String(name).includes('truecolor')),
      ...part.decorations.map((name) => `ansi-${name}`),
    ].join(' '),
    ...rgb('color', part.fg, part.fg_truecolor),
    ...rgb('background', part.bg, part.bg_truecolor),
  }));
}

function rgb<K extends 'color' | 'background'>(
  key: K,
  name: string | null,
  truecolor: string | null,
): { [P in K]?: string } {
  const palette = /^ansi-palette-(\d+)$/.exec(name ?? '')?.[1];
  const value = palette === undefined ? truecolor : paletteColor(Number(palette));
  // One key of the two that the result may have.
  return value === null || value === '' ? {} : ({ [key]: value } as { [P in K]?: string });
}

/** xterm's 256 colours from 16 on: a cube of 6 × 6 × 6, then greys. */
function paletteColor(index: number): string {
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return `${grey}, ${grey}, ${grey}`;
  }
  const place = index - 16;
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  return [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(level).join(', ');
}
