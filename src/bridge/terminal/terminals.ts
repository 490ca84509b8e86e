import { BridgeError } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalCommand } from '../../shared/terminal.ts';
import type { Clock, Logger } from '../ports.ts';
import { commandLine, terminalEnvironment } from './command.ts';
import type { SpawnPty } from './pty.ts';
import type { Terminal, TerminalListener, TerminalView, ViewOptions } from './terminal.ts';

/** A terminal that nobody has looked at for so long is ended, in ms. */
const IDLE_MS = 30 * 60_000;

/** The session's thread is loaded in a running Codex; how a TUI joins it there. */
export interface AttachedThread {
  readonly command: TerminalCommand;
  /** See `formatMark`. */
  readonly mark: string;
}

export interface TerminalsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: NodeJS.ProcessEnv;
  /** Variables that the person wants Codex to inherit beside the usual. */
  readonly named: () => readonly string[];
  /** Loads the PTY's binary. @throws BridgeError `TERMINAL_UNAVAILABLE` */
  loadPty(): Promise<SpawnPty>;
  attach(session: SessionId): Promise<AttachedThread>;
  /** The number of terminals has changed. */
  onChange(): void;
  /** The session's screen has changed. Called for every piece of output. */
  onScreen(session: SessionId): void;
}

/**
 * The terminals of one folder, one for each session that has one. They outlive faces and end with the bridge,
 * with their session, or when nobody has looked for half an hour. Only faces come here: no MCP path writes to a
 * terminal.
 */
export class Terminals {
  readonly #deps: TerminalsDeps;
  readonly #open = new Map<SessionId, Promise<Terminal>>();
  #pty: Promise<SpawnPty> | undefined;
  #stopping = false;

  constructor(deps: TerminalsDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#open.size;
  }

  has(session: SessionId): boolean {
    return this.#open.has(session);
  }

  /**
   * Joins the session's terminal, started where there is none.
   *
   * @throws BridgeError `TERMINAL_UNAVAILABLE` with the command line for another terminal, `SESSION_*`,
   * `CODEX_*`, `BRIDGE_STOPPING`
   */
  async open(session: SessionId, options: ViewOptions, listener: TerminalListener): Promise<TerminalView> {
    if (this.#stopping) {
      throw new BridgeError('BRIDGE_STOPPING', 'The bridge is about to end. Try again in a moment.');
    }
    const terminal = await (this.#open.get(session) ?? this.#start(session, options));
    return terminal.view(options, listener);
  }

  /** For a terminal of VS Code's own. @throws as {@link Terminals.open} */
  async command(session: SessionId): Promise<TerminalCommand> {
    return (await this.#deps.attach(session)).command;
  }

  /** The screen as text; undefined where the session has no terminal. */
  async text(session: SessionId): Promise<string | undefined> {
    return (await this.#open.get(session))?.text();
  }

  /** Ends the session's terminal, where it has one. */
  async end(session: SessionId): Promise<void> {
    const starting = this.#open.get(session);
    // One that fails to start has told whoever asked for it.
    const terminal = await starting?.catch(() => undefined);
    await terminal?.end();
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((session) => this.end(session)));
  }

  /** Ends all, and starts no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.endAll();
  }

  #start(session: SessionId, options: ViewOptions): Promise<Terminal> {
    const starting = this.#spawn(session, options);
    this.#open.set(session, starting);
    const gone = () => {
      if (this.#open.get(session) === starting) this.#open.delete(session);
      this.#deps.onChange();
    };
    starting.then((terminal) => terminal.exited.then(gone), gone);
    this.#deps.onChange();
    return starting;
  }

  async #spawn(session: SessionId, options: ViewOptions): Promise<Terminal> {
    const { clock, logger, env, named } = this.#deps;
    const { command, mark } = await this.#deps.attach(session);
    const spawn = await this.#load(command);
    if (this.#stopping) throw new BridgeError('BRIDGE_STOPPING', 'The bridge is about to end.');
    const started: TerminalCommand = {
      ...command,
      env: terminalEnvironment(env, { named: named(), mark }, command.env),
    };
    const { Terminal } = await import('./terminal.ts');
    let cancelIdle = () => {};
    const terminal = new Terminal({
      clock,
      logger,
      size: options,
      ...(options.colors === undefined ? {} : { colors: options.colors }),
      spawn: (size) => spawn(started, size),
      onOutput: () => this.#deps.onScreen(session),
      onViewers: (count) => {
        cancelIdle();
        if (count === 0) cancelIdle = clock.after(IDLE_MS, () => void this.end(session));
      },
    });
    logger.info('a terminal was opened', { session, pid: terminal.pid });
    void terminal.exited.then((exit) => {
      cancelIdle();
      logger.info('a terminal has ended', { session, ...exit });
    });
    return terminal;
  }

  async #load(command: TerminalCommand): Promise<SpawnPty> {
    this.#pty ??= this.#deps.loadPty();
    try {
      return await this.#pty;
    } catch (error) {
      this.#pty = undefined;
      if (!(error instanceof BridgeError)) throw error;
      throw new BridgeError(error.code, `${error.message} There, run: ${commandLine(command)}`, {
        cause: error,
      });
    }
  }
}
