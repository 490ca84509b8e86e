import { Screen } from '../../src/bridge/terminal/screen.ts';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import type { FaceContract } from '../../src/shared/faces.ts';
import type { RpcClient } from '../../src/shared/rpc.ts';
import { TERMINAL_FLOW, type TerminalExit, type TerminalSize } from '../../src/shared/terminal.ts';

/** A window's connection to the bridge of a state directory. */
export function connectWindow(stateDir: string): Promise<BridgeConnection> {
  return connectBridge({
    home: stateDir,
    kind: 'window',
    canAnswer: true,
    version: '0.0.0-test',
    start: false,
  });
}

/** A terminal view as a person has it: it draws what it is sent, acknowledges it, and can be typed into. */
export class TerminalViewer {
  readonly name: string;
  readonly #rpc: RpcClient<FaceContract>;
  readonly #session: string;
  readonly #waiting = new Set<() => void>();
  #screen: Screen | undefined;
  #drawn = 0;
  #text = '';
  pid = 0;
  exit: TerminalExit | undefined;
  /** Sizes that it was told, in order. */
  readonly sizes: TerminalSize[] = [];

  static async open(
    rpc: RpcClient<FaceContract>,
    session: string,
    options: TerminalSize & { name?: string },
  ): Promise<TerminalViewer> {
    const viewer = new TerminalViewer(rpc, session, options.name ?? 'v');
    const { cols, rows } = options;
    const start = await rpc.request('terminal.open', { session, viewer: viewer.name, cols, rows });
    viewer.pid = start.pid;
    viewer.#screen = new Screen({
      size: start,
      onAnswer: () => {},
      onTitle: () => {},
    });
    viewer.#draw(start.screen, false);
    return viewer;
  }

  private constructor(rpc: RpcClient<FaceContract>, session: string, name: string) {
    this.#rpc = rpc;
    this.#session = session;
    this.name = name;
    const mine = (event: { session: string; viewer: string }) =>
      event.session === session && event.viewer === name;
    rpc.on('terminal.data', (event) => {
      if (mine(event)) this.#draw(event.data, true);
    });
    rpc.on('terminal.resized', (event) => {
      if (!mine(event)) return;
      this.sizes.push({ cols: event.cols, rows: event.rows });
      this.#screen?.resize(event);
      this.#wake();
    });
    rpc.on('terminal.exited', (event) => {
      if (!mine(event)) return;
      this.exit = { exitCode: event.exitCode };
      this.#wake();
    });
  }

  /** What its screen showed last. */
  get text(): string {
    return this.#text;
  }

  async type(data: string): Promise<void> {
    await this.#rpc.request('terminal.input', { session: this.#session, data });
  }

  /** Types a line as a person does: Enter comes when the text is on the screen (else it is a paste to the TUI). */
  async line(text: string, shown = text): Promise<void> {
    await this.type(text);
    await this.shows(shown);
    await this.type('\r');
  }

  async resize(size: TerminalSize, focused: boolean): Promise<void> {
    await this.#rpc.request('terminal.resize', {
      session: this.#session,
      viewer: this.name,
      ...size,
      focused,
    });
  }

  async close(): Promise<void> {
    await this.#rpc.request('terminal.close', { session: this.#session, viewer: this.name });
  }

  /** Resolves with the screen as soon as it shows that. */
  async shows(what: string | RegExp): Promise<string> {
    await this.until(() => (typeof what === 'string' ? this.#text.includes(what) : what.test(this.#text)));
    return this.#text;
  }

  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  dispose(): void {
    this.#screen?.dispose();
  }

  #draw(data: string, acknowledge: boolean): void {
    this.#screen?.write(data, () => {
      if (acknowledge) this.#acknowledge(data.length);
      void this.#screen?.text().then((text) => {
        this.#text = text;
        this.#wake();
      });
    });
  }

  #acknowledge(chars: number): void {
    this.#drawn += chars;
    if (this.#drawn < TERMINAL_FLOW.ack) return;
    const drawn = this.#drawn;
    this.#drawn = 0;
    // The bridge may have gone with the last of it.
    this.#rpc
      .request('terminal.ack', { session: this.#session, viewer: this.name, chars: drawn })
      .catch(() => {});
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
