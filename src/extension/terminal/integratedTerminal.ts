import * as vscode from 'vscode';
import { DisposableStore } from '../../shared/disposables.ts';
import { errorText } from '../../shared/errorSentences.ts';
import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalSize } from '../../shared/terminal.ts';
import type { BridgeLink } from '../bridgeLink.ts';
import { isAnswer } from './answers.ts';
import { HarmlessOutput } from './harmless.ts';
import { Pace } from './pace.ts';
import { TerminalLine } from './terminalLine.ts';

/** What a terminal has before VS Code has laid it out. */
const FIRST_SIZE: TerminalSize = { cols: 80, rows: 24 };

interface IntegratedDeps {
  readonly link: BridgeLink;
  title(session: SessionId): string;
  onError(error: unknown): void;
}

/** Sessions' terminals in VS Code's own: one for each session, shown again where it is there. */
export class IntegratedTerminals {
  readonly #deps: IntegratedDeps;
  readonly #store = new DisposableStore();
  readonly #open = new Map<SessionId, vscode.Terminal>();

  constructor(deps: IntegratedDeps) {
    this.#deps = deps;
    this.#store.add(
      vscode.window.onDidCloseTerminal((closed) => {
        for (const [session, terminal] of this.#open) if (terminal === closed) this.#open.delete(session);
      }),
    );
  }

  /** @throws BridgeError as `terminal.command` does, where the bridge can have no PTY */
  async open(session: SessionId): Promise<void> {
    const before = this.#open.get(session);
    if (before !== undefined) {
      before.show();
      return;
    }
    const pty = new SharedPty(this.#deps, session);
    const terminal = vscode.window.createTerminal({
      name: this.#nameOf(session),
      iconPath: new vscode.ThemeIcon('comment-discussion'),
      pty,
      // A reloaded window would bring back a picture of it: the bridge has the real one.
      isTransient: true,
    });
    this.#open.set(session, terminal);
    terminal.show();
    try {
      await pty.opened;
    } catch (error) {
      terminal.dispose();
      this.#open.delete(session);
      if (!(error instanceof BridgeError) || error.code !== 'TERMINAL_UNAVAILABLE') throw error;
      await this.#openOwn(session);
    }
  }

  /** The closed terminals' programs go on; only this window's places at them end. */
  dispose(): void {
    this.#store.dispose();
    for (const terminal of this.#open.values()) terminal.dispose();
    this.#open.clear();
  }

  /** Where the bridge can have no PTY: the same TUI as a program of VS Code's, on the same thread. */
  async #openOwn(session: SessionId): Promise<void> {
    const { file, args, cwd, env } = await this.#deps.link.request('terminal.command', { session });
    const terminal = vscode.window.createTerminal({
      name: this.#nameOf(session),
      iconPath: new vscode.ThemeIcon('comment-discussion'),
      shellPath: file,
      shellArgs: [...args],
      cwd,
      env: { ...env },
      isTransient: true,
    });
    this.#open.set(session, terminal);
    terminal.show();
  }

  #nameOf(session: SessionId): string {
    return vscode.l10n.t('Codex: {0}', this.#deps.title(session));
  }
}

/** The bridge's PTY as VS Code's own terminal shows it. */
class SharedPty implements vscode.Pseudoterminal {
  /** Settles when the terminal was joined, or could not be. */
  readonly opened: Promise<void>;
  readonly #write = new vscode.EventEmitter<string>();
  readonly #dimensions = new vscode.EventEmitter<vscode.TerminalDimensions | undefined>();
  readonly #close = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.#write.event;
  readonly onDidOverrideDimensions = this.#dimensions.event;
  readonly onDidClose = this.#close.event;
  readonly #line: TerminalLine;
  readonly #pace: Pace;
  readonly #onError: (error: unknown) => void;
  readonly #settle: { resolve(): void; reject(error: unknown): void };
  /** The panel's own size. */
  #wanted: TerminalSize = FIRST_SIZE;

  constructor({ link, onError }: IntegratedDeps, session: SessionId) {
    this.#onError = onError;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#settle = { resolve, reject };
    this.#pace = new Pace((chars) => this.#line.ack(chars));
    let harmless = new HarmlessOutput();
    this.#line = new TerminalLine({
      link,
      session,
      onError,
      listener: {
        opened: ({ screen, cols, rows }) => {
          this.#pace.reset();
          this.#resized({ cols, rows });
          harmless = new HarmlessOutput();
          this.#write.fire(harmless.take(screen));
        },
        data: (text) => {
          this.#write.fire(harmless.take(text));
          this.#pace.given(text.length);
        },
        resized: (size) => this.#resized(size),
        exited: ({ exitCode }) => this.#close.fire(exitCode),
        lost: () => this.#write.fire('\r\n[The bridge went away. Connecting again.]\r\n'),
        back: () => void this.#join(),
      },
    });
  }

  open(size: vscode.TerminalDimensions | undefined): void {
    if (size !== undefined) this.#wanted = sizeOf(size);
    void this.#join();
  }

  close(): void {
    this.#pace.dispose();
    this.#line.dispose();
    for (const emitter of [this.#write, this.#dimensions, this.#close]) emitter.dispose();
  }

  handleInput(data: string): void {
    if (isAnswer(data)) return;
    // Who types here looks here: VS Code does not tell when its terminal gets the keyboard. Said each time:
    // that another viewer has just set the size may not be known here yet.
    this.#line.resize(this.#wanted, true);
    this.#line.input(data).catch(this.#onError);
  }

  setDimensions(size: vscode.TerminalDimensions): void {
    this.#wanted = sizeOf(size);
    this.#line.resize(this.#wanted, false);
  }

  async #join(): Promise<void> {
    try {
      await this.#line.open(this.#wanted);
      // It was opened by a click just now.
      this.#line.resize(this.#wanted, true);
      this.#settle.resolve();
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'CANCELLED') return;
      this.#settle.reject(error);
      this.#write.fire(`\r\n${errorText(toErrorInfo(error), vscode.l10n.t)}\r\n`);
    }
  }

  /** A size that another viewer has set is letterboxed; VS Code can't make a terminal larger than its panel. */
  #resized(size: TerminalSize): void {
    this.#dimensions.fire(same(size, this.#wanted) ? undefined : { columns: size.cols, rows: size.rows });
  }
}

function sizeOf({ columns, rows }: vscode.TerminalDimensions): TerminalSize {
  return { cols: columns, rows };
}

function same(a: TerminalSize, b: TerminalSize): boolean {
  return a.cols === b.cols && a.rows === b.rows;
}
