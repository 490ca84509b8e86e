import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { type ITheme, Terminal } from '@xterm/xterm';
import type { RpcClient } from '../../src/shared/rpc.ts';
import { clampSize, type TerminalSize } from '../../src/shared/terminal.ts';
import { inputParts, type TerminalLook, type TerminalViewContract } from '../../src/shared/terminalView.ts';
import { t } from '../l10n.ts';
import { DrawnCount } from './drawnCount.ts';
import { FileLinks } from './fileLinks.ts';
import { useOf } from './keys.ts';
import { mute } from './muted.ts';
import { colorsOf, readFrom, themeOf } from './theme.ts';

const MAC = navigator.platform.startsWith('Mac');
/** Classes that VS Code gives every webview's body. */
const SCREEN_READER = 'vscode-using-screen-reader';

interface ViewDeps {
  readonly host: RpcClient<TerminalViewContract>;
  readonly look: TerminalLook;
  /** Where the terminal is drawn; it fills what it is given, or less. */
  readonly place: HTMLElement;
  onFind(): void;
  /** The keyboard goes to what is above the terminal. */
  onLeave(): void;
  /** The size is another viewer's, or this one's again. */
  onLetterbox(letterboxed: boolean): void;
  onError(error: unknown): void;
}

/** xterm.js as a viewer of the bridge's terminal: it draws, types, and says its size; it answers nothing. */
export class TerminalView {
  readonly search = new SearchAddon();
  readonly #deps: ViewDeps;
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #drawn: DrawnCount;
  readonly #probe = document.createElement('span');
  #look: TerminalLook;
  /** What fits here; the terminal's own size may be another viewer's. */
  #wanted: TerminalSize = { cols: 80, rows: 24 };
  /** A screen has come: before that there is nobody else who could set the size. */
  #joined = false;
  /** While a screen is drawn that others have seen before, nothing is said about it. */
  #replaying = false;

  constructor(deps: ViewDeps) {
    const { host, look, place } = deps;
    this.#deps = deps;
    this.#look = look;
    this.#probe.hidden = true;
    document.body.append(this.#probe);
    this.#drawn = new DrawnCount((chars) => this.#ask('ack', { chars }));
    this.#terminal = new Terminal({
      // The TUI lives in the alternate screen; what a person scrolls there is the program's.
      scrollback: 1_000,
      allowTransparency: false,
      // Else nothing could be selected while the program takes the mouse; elsewhere it is Shift.
      macOptionClickForcesSelection: true,
      linkHandler: { activate: (event, href) => this.#openLink(event, href) },
    });
    mute(this.#terminal);
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.search);
    this.#terminal.loadAddon(new WebLinksAddon((event, href) => this.#openLink(event, href)));
    this.#terminal.registerLinkProvider(
      new FileLinks({
        terminal: this.#terminal,
        known: async (paths) => (await host.request('files.known', { paths: [...paths] })).known,
        open: (event, { path, line, column }) => {
          if (!wantsLink(event)) return;
          const at = { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
          this.#ask('file.open', { path, ...at });
        },
        onError: deps.onError,
      }),
    );
    this.#terminal.attachCustomKeyEventHandler((event) => this.#takeKey(event));
    this.#terminal.onData((data) => {
      if (this.#replaying) return;
      if (this.#letterboxed) this.#tellSize(true);
      for (const part of inputParts(data)) this.#ask('input', { data: part });
    });
    this.#terminal.onBinary((data) => this.#ask('input', { data }));
    this.show(look);
    this.#terminal.open(place);
    this.#terminal.textarea?.setAttribute('aria-description', t('F6 leads to the tabs and buttons above.'));
    // Whoever gets the keyboard sets the size; whoever had it before and clicks or types, too.
    this.#terminal.textarea?.addEventListener('focus', () => this.#tellSize(true));
    place.addEventListener('pointerdown', () => this.#letterboxed && this.#tellSize(true));
    new ResizeObserver(() => this.#fitted()).observe(place);
    // VS Code changes the theme by these attributes.
    const watcher = new MutationObserver(() => {
      this.show(this.#look);
      this.#tellSize(this.focused);
    });
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
    watcher.observe(document.body, { attributes: true, attributeFilter: ['class'] });

    host.on('screen', ({ screen, cols, rows }) => this.#start(screen, { cols, rows }));
    host.on('data', ({ data }) => this.#terminal.write(data, this.#drawn.given(data.length)));
    host.on('resized', (size) => this.#resized(size));
    host.on('look', (changed) => this.show(changed));
    this.#measure();
  }

  /** Joins the terminal, or starts it anew. */
  async open(how: 'open' | 'restart'): Promise<void> {
    this.#measure();
    await this.#deps.host.request(how, { ...this.#wanted, colors: colorsOf(this.#theme()) });
    this.#tellSize(this.focused);
  }

  get focused(): boolean {
    return document.hasFocus() && document.activeElement === this.#terminal.textarea;
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** Takes over the person's settings and the theme. */
  show(look: TerminalLook): void {
    this.#look = look;
    const { title: _, screenReader, ...options } = look;
    Object.assign(this.#terminal.options, options, {
      theme: this.#theme(),
      screenReaderMode: screenReader || document.body.classList.contains(SCREEN_READER),
    });
    if (this.#terminal.element !== undefined) this.#fitted();
  }

  #theme(): ITheme {
    return themeOf(readFrom(this.#probe));
  }

  #start(screen: string, size: TerminalSize): void {
    this.#drawn.reset();
    this.#joined = true;
    this.#terminal.resize(size.cols, size.rows);
    this.#letterbox();
    this.#replaying = true;
    this.#terminal.write(screen, () => {
      this.#replaying = false;
    });
  }

  /** What came before was drawn for the size before, and is drawn in it. */
  #resized(size: TerminalSize): void {
    this.#terminal.write('', () => {
      this.#terminal.resize(size.cols, size.rows);
      this.#letterbox();
    });
  }

  /** The place has another size, or the letters have. */
  #fitted(): void {
    const before = this.#wanted;
    this.#measure();
    if (before.cols !== this.#wanted.cols || before.rows !== this.#wanted.rows) this.#tellSize(this.focused);
    this.#letterbox();
  }

  #measure(): void {
    const proposed = this.#fit.proposeDimensions();
    // A hidden place has no size.
    if (proposed === undefined || !(proposed.cols > 0) || !(proposed.rows > 0)) return;
    this.#wanted = clampSize(proposed);
  }

  get #letterboxed(): boolean {
    const { cols, rows } = this.#terminal;
    if (!this.#joined) return false;
    return cols !== this.#wanted.cols || rows !== this.#wanted.rows;
  }

  #letterbox(): void {
    this.#deps.onLetterbox(this.#letterboxed);
  }

  #tellSize(focused: boolean): void {
    this.#ask('resize', { ...this.#wanted, focused, colors: colorsOf(this.#theme()) });
  }

  #takeKey(event: KeyboardEvent): boolean {
    const use = useOf(event, { selection: this.#terminal.hasSelection(), mac: MAC });
    if (use === 'terminal') return true;
    if (event.type !== 'keydown') return false;
    if (use === 'copy') {
      event.preventDefault();
      event.stopPropagation();
      this.#ask('copy', { text: this.#terminal.getSelection() });
      this.#terminal.clearSelection();
    } else if (use === 'find' || use === 'leave') {
      event.preventDefault();
      event.stopPropagation();
      if (use === 'find') this.#deps.onFind();
      else this.#deps.onLeave();
    }
    return false;
  }

  #openLink(event: MouseEvent, href: string): void {
    if (wantsLink(event)) this.#ask('link.open', { href });
  }

  #ask<M extends 'ack' | 'input' | 'resize' | 'copy' | 'link.open' | 'file.open'>(
    method: M,
    params: TerminalViewContract['requests'][M]['params'],
  ): void {
    this.#deps.host.request(method, params).catch((error: unknown) => this.#deps.onError(error));
  }
}

/** As in VS Code's own terminal: with Ctrl or Cmd, so that a click to place the focus opens nothing. */
function wantsLink(event: MouseEvent): boolean {
  return MAC ? event.metaKey : event.ctrlKey;
}
