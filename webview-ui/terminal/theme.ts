import type { ITheme } from '@xterm/xterm';
import type { TerminalColors } from '../../src/shared/terminal.ts';

/** xterm.js' names for the ANSI colours, and VS Code's. */
const ANSI = [
  ['black', 'ansiBlack'],
  ['red', 'ansiRed'],
  ['green', 'ansiGreen'],
  ['yellow', 'ansiYellow'],
  ['blue', 'ansiBlue'],
  ['magenta', 'ansiMagenta'],
  ['cyan', 'ansiCyan'],
  ['white', 'ansiWhite'],
  ['brightBlack', 'ansiBrightBlack'],
  ['brightRed', 'ansiBrightRed'],
  ['brightGreen', 'ansiBrightGreen'],
  ['brightYellow', 'ansiBrightYellow'],
  ['brightBlue', 'ansiBrightBlue'],
  ['brightMagenta', 'ansiBrightMagenta'],
  ['brightCyan', 'ansiBrightCyan'],
  ['brightWhite', 'ansiBrightWhite'],
] as const;

/** Reads a variable of the theme's, `#rrggbb` or `#rrggbbaa`; undefined where the theme has none. */
export type ReadColor = (...names: string[]) => string | undefined;

/** The terminal's colours by the theme that is shown now. */
export function themeOf(read: ReadColor): ITheme {
  const background = read('terminal-background', 'editor-background') ?? '#000000';
  const foreground = read('terminal-foreground', 'foreground') ?? '#cccccc';
  const theme: ITheme = {
    background,
    foreground,
    cursor: read('terminalCursor-foreground') ?? foreground,
    cursorAccent: read('terminalCursor-background') ?? background,
  };
  const selection = read('terminal-selectionBackground', 'editor-selectionBackground');
  if (selection !== undefined) theme.selectionBackground = selection;
  const inactive = read('terminal-inactiveSelectionBackground');
  if (inactive !== undefined) theme.selectionInactiveBackground = inactive;
  const selected = read('terminal-selectionForeground');
  if (selected !== undefined) theme.selectionForeground = selected;
  for (const [ours, theirs] of ANSI) {
    const color = read(`terminal-${theirs}`);
    if (color !== undefined) theme[ours] = color;
  }
  return theme;
}

/** What a program is told that asks for the colours, without transparency. */
export function colorsOf({ foreground, background }: ITheme): TerminalColors {
  return {
    foreground: (foreground ?? '#cccccc').slice(0, 7),
    background: (background ?? '#000000').slice(0, 7),
  };
}

/** `rgb(…)` or `rgba(…)`, as browsers tell a computed colour; undefined where it is none. */
export function hexOf(computed: string): string | undefined {
  const parts = /^rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)(?:[, /]+([\d.]+))?\)$/.exec(computed);
  if (parts === null) return undefined;
  const [red, green, blue] = parts.slice(1, 4).map(Number);
  const alpha = parts[4] === undefined ? 1 : Number(parts[4]);
  const two = (value: number) => Math.round(value).toString(16).padStart(2, '0');
  const rgb = `#${[red, green, blue].map((value) => two(value ?? 0)).join('')}`;
  return alpha >= 1 ? rgb : `${rgb}${two(alpha * 255)}`;
}

/** Reads the document's own variables, whatever way the theme has written a colour. */
export function readFrom(element: HTMLElement): ReadColor {
  const styles = getComputedStyle(document.documentElement);
  return (...names) => {
    for (const name of names) {
      const value = styles.getPropertyValue(`--vscode-${name}`).trim();
      if (value === '') continue;
      element.style.color = '';
      element.style.color = value;
      const color = hexOf(getComputedStyle(element).color);
      if (color !== undefined) return color;
    }
    return undefined;
  };
}
