import { randomUUID } from 'node:crypto';
import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { FaceContract } from '../../shared/faces.ts';
import type { RpcClient } from '../../shared/rpc.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalColors, TerminalExit, TerminalScreen, TerminalSize } from '../../shared/terminal.ts';
import { inputParts } from '../../shared/terminalView.ts';
import type { BridgeLink } from '../bridgeLink.ts';

export interface TerminalLineListener {
  /** Replaces all that was shown; what follows comes after it. */
  opened(start: TerminalScreen): void;
  data(text: string): void;
  resized(size: TerminalSize): void;
  exited(exit: TerminalExit): void;
  /** The bridge went away, and the terminal's screen with it. */
  lost(): void;
  /** There is a bridge again: the terminal may be opened again. */
  back(): void;
}

interface Joined {
  readonly rpc: RpcClient<FaceContract>;
  /** A name of its own for every time it joins: what is on its way to an earlier one is nobody's. */
  readonly viewer: string;
  readonly subscriptions: DisposableStore;
}

interface LineDeps {
  readonly link: BridgeLink;
  readonly session: SessionId;
  readonly listener: TerminalLineListener;
  onError(error: unknown): void;
}

/** One viewer's place at a session's terminal, whatever shows it. */
export class TerminalLine implements Disposable {
  readonly #deps: LineDeps;
  readonly #store = new DisposableStore();
  #joined: Joined | undefined;
  #attempt = 0;
  #lost = false;

  constructor(deps: LineDeps) {
    this.#deps = deps;
    this.#store.add(
      deps.link.onState(({ kind }) => {
        if (kind !== 'connected' || !this.#lost) return;
        this.#lost = false;
        deps.listener.back();
      }),
    );
  }

  /**
   * Joins the terminal, started where there is none; `opened` is told before this resolves. A later call
   * replaces an earlier one.
   *
   * @throws BridgeError as `terminal.open` does; `CANCELLED` where a later call came between
   */
  async open(size: TerminalSize, colors?: TerminalColors): Promise<void> {
    const { link, session, listener } = this.#deps;
    const attempt = ++this.#attempt;
    this.close();
    // Whoever opens takes the new line by itself: it need not be told that there is one.
    this.#lost = false;
    const connection = await link.ensure();
    this.#checkCurrent(attempt);
    const { rpc } = connection;
    const subscriptions = new DisposableStore();
    const joined: Joined = { rpc, viewer: randomUUID(), subscriptions };
    const later: (() => void)[] = [];
    let opened = false;
    // An event in the same packet as the answer is told before the answer's promise goes on.
    const inOrder = (tell: () => void) => (opened ? tell() : void later.push(tell));
    const { viewer } = joined;
    const mine = (event: { viewer: string }) => event.viewer === viewer;
    subscriptions.add(
      rpc.on('terminal.data', (event) => mine(event) && inOrder(() => listener.data(event.data))),
    );
    subscriptions.add(
      rpc.on('terminal.resized', (event) => {
        if (mine(event)) inOrder(() => listener.resized({ cols: event.cols, rows: event.rows }));
      }),
    );
    subscriptions.add(
      rpc.on('terminal.exited', (event) => {
        if (mine(event)) inOrder(() => this.#ended(joined, () => listener.exited(event)));
      }),
    );
    subscriptions.add(
      connection.onClose(() =>
        this.#ended(joined, () => {
          this.#lost = true;
          listener.lost();
        }),
      ),
    );
    try {
      const start = await rpc.request('terminal.open', {
        session,
        viewer,
        ...size,
        ...(colors === undefined ? {} : { colors }),
      });
      if (attempt !== this.#attempt || this.#store.disposed) {
        this.#leave(joined);
        this.#checkCurrent(attempt);
      }
      this.#joined = joined;
      listener.opened(start);
      opened = true;
      for (const tell of later) tell();
    } catch (error) {
      subscriptions.dispose();
      throw error;
    }
  }

  /** Ends the program for all its viewers. */
  async end(): Promise<void> {
    const { link, session } = this.#deps;
    // Told to this viewer as any end would be, and it is about to start a new one.
    this.close();
    await link.request('terminal.end', { session });
  }

  /** Text of the person's; long pastes go in parts. @throws BridgeError `TERMINAL_NOT_OPEN` */
  async input(data: string): Promise<void> {
    const { session } = this.#deps;
    const joined = this.#joined;
    if (joined === undefined) {
      throw new BridgeError('TERMINAL_NOT_OPEN', 'The terminal is not open: start it again, then type.');
    }
    await Promise.all(
      inputParts(data).map((part) => joined.rpc.request('terminal.input', { session, data: part })),
    );
  }

  resize(size: TerminalSize, focused: boolean, colors?: TerminalColors): void {
    const { session } = this.#deps;
    const joined = this.#joined;
    if (joined === undefined) return;
    const look = { ...size, focused, ...(colors === undefined ? {} : { colors }) };
    this.#tell(joined.rpc.request('terminal.resize', { session, viewer: joined.viewer, ...look }));
  }

  ack(chars: number): void {
    const { session } = this.#deps;
    const joined = this.#joined;
    if (joined === undefined) return;
    this.#tell(joined.rpc.request('terminal.ack', { session, viewer: joined.viewer, chars }));
  }

  /** Leaves the terminal, which goes on; `open` joins it again. */
  close(): void {
    const joined = this.#joined;
    this.#joined = undefined;
    if (joined !== undefined) this.#leave(joined);
  }

  dispose(): void {
    this.#store.dispose();
    this.close();
  }

  #checkCurrent(attempt: number): void {
    if (attempt === this.#attempt && !this.#store.disposed) return;
    throw new BridgeError('CANCELLED', 'The terminal was opened again meanwhile.');
  }

  #ended(joined: Joined, tell: () => void): void {
    joined.subscriptions.dispose();
    if (this.#joined !== joined) return;
    this.#joined = undefined;
    tell();
  }

  #leave({ rpc, viewer, subscriptions }: Joined): void {
    subscriptions.dispose();
    if (!rpc.closed) this.#tell(rpc.request('terminal.close', { session: this.#deps.session, viewer }));
  }

  /** The program or the bridge may end while this is on its way, and both tell so themselves. */
  #tell(request: Promise<null>): void {
    request.catch((error: unknown) => {
      const expected =
        error instanceof BridgeError &&
        (error.code === 'TERMINAL_NOT_OPEN' || error.code === 'CONNECTION_CLOSED');
      if (!expected) this.#deps.onError(error);
    });
  }
}
