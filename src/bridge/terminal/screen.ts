import serialize from '@xterm/addon-serialize';
import xterm from '@xterm/headless';
import type { Disposable } from '../../shared/disposables.ts';
import { clampSize, type TerminalColors, type TerminalSize } from '../../shared/terminal.ts';

/** Lines kept above the normal screen; the alternate screen, where the TUI lives, has none. */
const SCROLLBACK = 1_000;

/**
 * Private modes (DECSET) that the serializer leaves out and a viewer would get wrong without: whether the
 * cursor is shown (25), and how the mouse is encoded (1006, 1016). With what a fresh terminal has.
 */
const MODES: ReadonlyMap<number, boolean> = new Map([
  [25, true],
  [1006, false],
  [1016, false],
]);

/** Resets a terminal wholly (RIS), so that what follows does not depend on what it showed. */
export const RESET = '\x1bc';

/**
 * What a PTY has drawn, so that whoever comes later gets the screen and not the history. It also answers the
 * questions that programs ask their terminal.
 */
export class Screen implements Disposable {
  readonly #terminal: xterm.Terminal;
  readonly #serializer = new serialize.SerializeAddon();
  readonly #modes = new Map(MODES);
  #colors: TerminalColors | undefined;
  /** As asked for last; the parser has it when all is parsed that was written before. */
  #size: TerminalSize;
  #title = '';
  #disposed = false;
  /** Characters that were written and are not parsed yet. */
  #pending = 0;

  constructor(options: {
    size: TerminalSize;
    colors?: TerminalColors;
    /** Text for the program: an answer to its question. */
    onAnswer(text: string): void;
    onTitle(title: string): void;
  }) {
    this.#colors = options.colors;
    this.#size = clampSize(options.size);
    this.#terminal = new xterm.Terminal({
      ...this.#size,
      scrollback: SCROLLBACK,
      allowProposedApi: true,
      logLevel: 'off',
    });
    this.#terminal.loadAddon(this.#serializer);
    this.#terminal.onData(options.onAnswer);
    this.#terminal.onTitleChange((title) => {
      this.#title = title;
      options.onTitle(title);
    });
    this.#watchModes();
    this.#answerColors(options.onAnswer);
  }

  get pending(): number {
    return this.#pending;
  }

  get title(): string {
    return this.#title;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  /** Takes output; `parsed` is called when it is on the screen. */
  write(text: string, parsed: () => void): void {
    this.#pending += text.length;
    this.#terminal.write(text, () => {
      this.#pending -= text.length;
      parsed();
    });
  }

  /** What was written before was drawn for the size before, and is parsed in it. */
  resize(size: TerminalSize): void {
    const { cols, rows } = clampSize(size);
    this.#size = { cols, rows };
    this.#terminal.write('', () => {
      if (!this.#disposed) this.#terminal.resize(cols, rows);
    });
  }

  /** What a program is told that asks from now on. */
  setColors(colors: TerminalColors): void {
    this.#colors = colors;
  }

  /** All that was written before this call, as text that draws it on a terminal of the same size. */
  state(): Promise<string> {
    // The serializer runs in the parser's own callback, when exactly that has been parsed and nothing more.
    return this.#when(() => `${RESET}${this.#serializer.serialize()}${this.#modeText()}`);
  }

  /** The visible lines as plain text, trailing blanks removed. */
  text(): Promise<string> {
    return this.#when(() => {
      const buffer = this.#terminal.buffer.active;
      const lines = Array.from(
        { length: this.#terminal.rows },
        (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '',
      );
      return lines.join('\n').trimEnd();
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#terminal.dispose();
  }

  #when(read: () => string): Promise<string> {
    return new Promise((resolve) => this.#terminal.write('', () => resolve(read())));
  }

  #watchModes(): void {
    const { parser } = this.#terminal;
    const watch = (on: boolean) => (params: (number | number[])[]) => {
      for (const mode of params.flat()) if (MODES.has(mode)) this.#modes.set(mode, on);
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, watch(true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, watch(false));
    parser.registerEscHandler({ final: 'c' }, () => {
      for (const [mode, on] of MODES) this.#modes.set(mode, on);
      return false;
    });
  }

  #modeText(): string {
    return [...this.#modes]
      .filter(([mode, on]) => MODES.get(mode) !== on)
      .map(([mode, on]) => `\x1b[?${mode}${on ? 'h' : 'l'}`)
      .join('');
  }

  /** OSC 10 and 11: by these the TUI tells a light theme from a dark one. */
  #answerColors(answer: (text: string) => void): void {
    for (const [code, which] of [
      [10, 'foreground'],
      [11, 'background'],
    ] as const) {
      this.#terminal.parser.registerOscHandler(code, (data) => {
        if (data !== '?' || this.#colors === undefined) return false;
        const [red, green, blue] = [1, 3, 5].map((at) => this.#colors?.[which].slice(at, at + 2).repeat(2));
        answer(`\x1b]${code};rgb:${red}/${green}/${blue}\x1b\\`);
        return true;
      });
    }
  }
}
