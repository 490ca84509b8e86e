import type { Disposable } from '../../shared/disposables.ts';
import {
  clampSize,
  TERMINAL_FLOW,
  type TerminalColors,
  type TerminalExit,
  type TerminalScreen,
  type TerminalSize,
} from '../../shared/terminal.ts';
import type { Clock, Logger } from '../ports.ts';
import { Flow } from './flow.ts';
import { notOpen } from './notOpen.ts';
import { OutputBatch } from './outputBatch.ts';
import type { Pty } from './pty.ts';
import { Screen } from './screen.ts';

/** How long the program waits for viewers that do not draw, in ms; then they are on their own. */
const SILENT_MS = 5_000;
/** What a program has after SIGHUP before it is killed, in ms. */
const HANGUP_MS = 1_000;

export interface TerminalListener {
  data(text: string): void;
  resized(size: TerminalSize): void;
  titled(title: string): void;
  /** The last thing that it hears. */
  exited(exit: TerminalExit): void;
}

export interface ViewOptions extends TerminalSize {
  readonly colors?: TerminalColors;
}

/** One viewer's place at a terminal. */
export interface TerminalView extends Disposable {
  /** What it begins with. */
  readonly start: TerminalScreen;
  input(text: string): void;
  /** What this viewer is like now; it counts while the viewer is the one that last had the focus. */
  resize(look: ViewOptions, focused: boolean): void;
  ack(chars: number): void;
}

interface Viewer {
  readonly listener: TerminalListener;
  size: TerminalSize;
  colors: TerminalColors | undefined;
  /** Output since its screen was asked for, while that is on its way. */
  joining: string[] | undefined;
}

interface TerminalDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly size: TerminalSize;
  readonly colors?: TerminalColors;
  spawn(size: TerminalSize): Pty;
  /** The number of viewers has changed. */
  onViewers(count: number): void;
  /** Something was drawn, some ms worth of it at once. */
  onOutput(): void;
}

/** A program in a PTY with its screen and its viewers. It does not know that the program is Codex. */
export class Terminal {
  /** Resolves when the program has ended. */
  readonly exited: Promise<TerminalExit>;
  readonly #deps: TerminalDeps;
  readonly #pty: Pty;
  readonly #screen: Screen;
  readonly #batch: OutputBatch;
  readonly #flow = new Flow<Viewer>();
  readonly #viewers = new Set<Viewer>();
  /** Whose size and colours count: the viewer that last had the focus. */
  #leader: Viewer | undefined;
  #exit: TerminalExit | undefined;
  #paused = false;
  #cancelSilence: (() => void) | undefined;

  /** Whatever starting the program throws. */
  constructor(deps: TerminalDeps) {
    this.#deps = deps;
    const size = clampSize(deps.size);
    this.#screen = new Screen({
      size,
      ...(deps.colors === undefined ? {} : { colors: deps.colors }),
      onAnswer: (text) => this.#write(text),
      onTitle: (title) => this.#tell((listener) => listener.titled(title)),
    });
    this.#batch = new OutputBatch(deps.clock, (text) => this.#output(text));
    this.#pty = deps.spawn(size);
    this.#pty.onData((text) => this.#batch.add(text));
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        // node-pty says 0 where there was no signal.
        const exit = { exitCode, ...(signal === undefined || signal === 0 ? {} : { signal }) };
        this.#ended(exit);
        resolve(exit);
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Joins: the screen as it is now, and from there on every change. The first viewer sets the size. */
  async view(options: ViewOptions, listener: TerminalListener): Promise<TerminalView> {
    const viewer: Viewer = {
      listener,
      size: clampSize(options),
      colors: options.colors,
      joining: undefined,
    };
    this.#viewers.add(viewer);
    this.#flow.add(viewer);
    this.#deps.onViewers(this.#viewers.size);
    if (this.#leader === undefined) this.#lead(viewer);
    const screen = await this.#join(viewer);
    if (this.#exit !== undefined) throw notOpen();
    const start = { screen, ...this.#screen.size, pid: this.pid, title: this.#screen.title };
    return {
      start,
      input: (text) => this.input(text),
      resize: (look, focused) => this.#resizeBy(viewer, look, focused),
      ack: (chars) => this.#ack(viewer, chars),
      dispose: () => this.#leave(viewer),
    };
  }

  /** Types for the person; a text that is not well formed would end the TUI. */
  input(text: string): void {
    this.#write(text.toWellFormed());
  }

  /** The screen as plain text. */
  text(): Promise<string> {
    return this.#screen.text();
  }

  /** Ends the program: hang-up, then kill. Resolves when it has ended. */
  async end(): Promise<void> {
    if (this.#exit !== undefined) return;
    // A program that is held up could not even read that it shall end.
    this.#pty.resume();
    this.#pty.kill();
    const cancel = this.#deps.clock.after(HANGUP_MS, () => {
      if (this.#exit === undefined) this.#pty.kill(process.platform === 'win32' ? undefined : 'SIGKILL');
    });
    await this.exited;
    cancel();
  }

  #write(text: string): void {
    if (this.#exit === undefined) this.#pty.write(text);
  }

  #output(text: string): void {
    this.#deps.onOutput();
    this.#screen.write(text, () => this.#regulate());
    const blocked = this.#flow.blocked;
    for (const viewer of [...this.#viewers]) {
      if (viewer.joining !== undefined) viewer.joining.push(text);
      else if (this.#flow.deliver(viewer, text.length, blocked) === 'send') viewer.listener.data(text);
    }
    this.#regulate();
  }

  /** Holds the program up while the screen or all viewers have too much before them. */
  #regulate(): void {
    if (this.#exit !== undefined) return;
    const blocked = this.#flow.blocked;
    const wait = blocked || this.#screen.pending > TERMINAL_FLOW.high;
    if (wait !== this.#paused) {
      this.#paused = wait;
      if (wait) this.#pty.pause();
      else this.#pty.resume();
    }
    if (!blocked) {
      this.#cancelSilence?.();
      this.#cancelSilence = undefined;
    } else if (this.#cancelSilence === undefined) this.#armSilence();
  }

  #armSilence(): void {
    this.#cancelSilence = this.#deps.clock.after(SILENT_MS, () => {
      this.#cancelSilence = undefined;
      this.#deps.logger.debug('viewers of a terminal do not draw; it goes on without them');
      this.#flow.dropBehind();
      this.#regulate();
    });
  }

  #ack(viewer: Viewer, chars: number): void {
    // Somebody draws, if slowly: the wait for silence begins anew.
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
    const stale = this.#flow.ack(viewer, chars);
    if (stale && viewer.joining === undefined) void this.#refresh(viewer);
    this.#regulate();
  }

  /** A viewer that missed output gets the screen as it is now, in place of all that it missed. */
  async #refresh(viewer: Viewer): Promise<void> {
    const screen = await this.#join(viewer);
    if (!this.#viewers.has(viewer)) return;
    this.#flow.refreshed(viewer, screen.length);
    viewer.listener.data(screen);
    this.#regulate();
  }

  /** The screen at this moment, with what came while it was made: all of it for the size that it has then. */
  async #join(viewer: Viewer): Promise<string> {
    for (;;) {
      // What waits is neither on the screen nor told yet.
      this.#batch.flush();
      viewer.joining = [];
      const { size } = this.#screen;
      const state = await this.#screen.state();
      // A program that has ended gets no other size.
      if (size !== this.#screen.size && this.#exit === undefined) continue;
      const since = viewer.joining.join('');
      viewer.joining = undefined;
      return state + since;
    }
  }

  #resizeBy(viewer: Viewer, look: ViewOptions, focused: boolean): void {
    viewer.size = clampSize(look);
    viewer.colors = look.colors ?? viewer.colors;
    if (focused || viewer === this.#leader) this.#lead(viewer);
  }

  #lead(viewer: Viewer): void {
    this.#leader = viewer;
    if (viewer.colors !== undefined) this.#screen.setColors(viewer.colors);
    const { cols, rows } = viewer.size;
    const now = this.#screen.size;
    if (this.#exit !== undefined || (now.cols === cols && now.rows === rows)) return;
    // What was drawn for the old size belongs before the change.
    this.#batch.flush();
    this.#pty.resize(cols, rows);
    this.#screen.resize(viewer.size);
    this.#tell((listener) => listener.resized({ cols, rows }));
  }

  #leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#flow.remove(viewer);
    if (this.#leader === viewer) {
      this.#leader = undefined;
      const next = [...this.#viewers].at(-1);
      if (next !== undefined) this.#lead(next);
    }
    this.#regulate();
    this.#deps.onViewers(this.#viewers.size);
  }

  #ended(exit: TerminalExit): void {
    this.#batch.flush();
    this.#exit = exit;
    this.#cancelSilence?.();
    this.#batch.dispose();
    this.#tell((listener) => listener.exited(exit));
    this.#viewers.clear();
    // Whoever still waits for its text or screen gets it before.
    void this.#screen.text().then(() => this.#screen.dispose());
  }

  #tell(say: (listener: TerminalListener) => void): void {
    for (const viewer of [...this.#viewers]) say(viewer.listener);
  }
}
