import { randomBytes } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { TakeLine } from '../../shared/framing.ts';
import { MAX_MCP_MESSAGE_BYTES, type McpMessage, resultIn } from '../../shared/mcpChannel.ts';
import { connectBridge } from '../connect.ts';
import type { After } from '../heartbeat.ts';
import type { SocketConnection } from '../join.ts';
import type { BridgeLauncher } from '../launch.ts';
import { InputLines, type Line } from './inputLines.ts';
import { errorAnswer, RPC_ERROR } from './messages.ts';
import { type Mark, Relay } from './relay.ts';

/** Bytes that may wait for the bridge before no more is read from the client. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
/** How long a bridge that said that it leaves may stay connected, in ms. */
const LEAVE_MS = 10_000;
/** How long a bridge that leaves at the wrong moment is tried again, in ms, and how often. */
const PATIENCE_MS = 20_000;
const RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

export interface AttachOptions {
  /** State directory. */
  readonly home: string;
  readonly version: string;
  /** The client's working directory, where it has one. */
  readonly cwd?: string;
  /** The folder to serve; absent: the known one that contains the working directory. */
  readonly folder?: string;
  readonly input: Readable;
  readonly output: Writable;
  /** How to start a bridge, asked when one is needed. */
  launcher(): BridgeLauncher;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void;
  /** For tests: the timers by which a bridge that hangs is noticed. */
  readonly after?: After;
}

/**
 * One MCP client on stdio, attached to the bridge of the state directory, whichever it is at the moment. A
 * bridge is started when the client wants something, not because one has ended: who ended it meant it.
 */
export class Attach {
  readonly #options: AttachOptions;
  /** Names this client to every bridge. */
  readonly #instance = randomBytes(16).toString('hex');
  readonly #relay: Relay;
  readonly #lines = new InputLines(MAX_MCP_MESSAGE_BYTES);
  readonly #ended = Promise.withResolvers<void>();
  readonly #holding = new Set<'output' | 'bridge'>();
  #connection: SocketConnection | undefined;
  #channel = '';
  #folder: string | undefined;
  #watcher: FSWatcher | undefined;
  #leaving: NodeJS.Timeout | undefined;
  #reaching = false;
  #disposed = false;

  constructor(options: AttachOptions) {
    this.#options = options;
    this.#folder = options.folder;
    this.#relay = new Relay({
      toClient: (message) => this.#write(message),
      toBridge: (message, mark) => this.#send(message, mark),
      leaving: () => this.#waitForItsEnd(),
      note: (text) => options.log('warn', text),
    });
    const { input, output } = options;
    input.on('data', (chunk: Buffer) => this.#read(chunk));
    input.once('end', () => this.dispose());
    input.once('error', () => this.dispose());
    output.on('drain', () => this.#release('output'));
    // The client is about to ask: a bridge that is not there yet has a head start.
    void this.#reach(true);
  }

  /** Resolves when the client has closed its end, or this was disposed of. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Lets go of the bridge; turns go on. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#watcher?.close();
    clearTimeout(this.#leaving);
    this.#connection?.dispose();
    this.#options.input.pause();
    this.#ended.resolve();
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#take(line);
    if (this.#connection === undefined && this.#relay.waiting) void this.#reach(true);
  }

  #take(line: Line): void {
    if (line.kind === 'message') {
      this.#relay.fromClient(line.message, line.bytes);
      return;
    }
    const { code, text } = BROKEN[line.kind];
    this.#options.log('warn', text);
    this.#write(errorAnswer(null, code, text));
  }

  #write(message: McpMessage): void {
    this.#writeLine(`${JSON.stringify(message)}\n`);
  }

  /** True where the frame is a result that the client waits for: it has it now, as it came. */
  readonly #passOn: TakeLine = (frame, decode) => {
    const result = resultIn(frame, decode);
    if (result === undefined || !this.#relay.answered(result.id)) return false;
    this.#writeLine(result.line());
    return true;
  };

  #writeLine(line: string | Uint8Array): void {
    if (this.#disposed || this.#options.output.write(line)) return;
    // The client does not read: nobody is asked for more until it does.
    this.#hold('output');
    this.#connection?.setReading(false);
  }

  #hold(reason: 'output' | 'bridge'): void {
    this.#holding.add(reason);
    this.#options.input.pause();
  }

  #release(reason: 'output' | 'bridge'): void {
    this.#holding.delete(reason);
    if (reason === 'output') this.#connection?.setReading(true);
    if (this.#holding.size === 0 && !this.#disposed) this.#options.input.resume();
  }

  #send(message: McpMessage, mark: Mark): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.rpc.tell('mcp.send', { channel: this.#channel, message: { ...message }, ...mark });
    if (connection.unsent() > MAX_UNSENT_BYTES) this.#hold('bridge');
  }

  /** Joins the bridge; starts one where somebody waits for it. */
  async #reach(start: boolean): Promise<void> {
    if (this.#reaching || this.#disposed || this.#connection !== undefined) return;
    this.#reaching = true;
    try {
      await this.#tryToReach(start);
    } finally {
      this.#reaching = false;
    }
  }

  async #tryToReach(start: boolean): Promise<void> {
    const patience = performance.now() + PATIENCE_MS;
    for (let wait = RETRY_MS; !this.#disposed; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      const wanted = start || this.#relay.waiting;
      try {
        return await this.#open(wanted);
      } catch (error) {
        if (!wanted && this.#relay.waiting) continue;
        if (!isPassing(error) || performance.now() > patience) return this.#giveUp(error);
      }
      await delay(wait);
    }
  }

  async #open(start: boolean): Promise<void> {
    const { home, version, cwd, launcher, after } = this.#options;
    const connection = await connectBridge({
      home,
      version,
      kind: 'shim',
      canAnswer: false,
      ...(after === undefined ? {} : { after }),
      take: this.#passOn,
      start: start ? launcher() : false,
    });
    try {
      const { rpc } = connection;
      rpc.on('mcp.message', ({ message }) => this.#relay.fromBridge(message));
      rpc.onFailure((error) => this.#options.log('warn', error.message));
      rpc.on('mcp.folder', ({ folder }) => {
        this.#folder = folder;
      });
      const { channel, tools, folder } = await rpc.request('mcp.open', {
        instance: this.#instance,
        ...(cwd === undefined ? {} : { cwd }),
        ...(this.#folder === undefined ? {} : { folder: this.#folder }),
      });
      if (this.#disposed || rpc.closed) {
        throw new BridgeError('CONNECTION_CLOSED', 'The connection was closed. Try again.');
      }
      this.#folder = folder ?? this.#folder;
      this.#adopt(connection, channel);
      this.#relay.connected(tools);
    } catch (error) {
      connection.dispose();
      throw error;
    }
  }

  #adopt(connection: SocketConnection, channel: string): void {
    const { pid, version } = connection.hello;
    this.#options.log('info', `attached to the bridge ${version} (process ${pid})`);
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#connection = connection;
    this.#channel = channel;
    connection.setReading(!this.#holding.has('output'));
    connection.onDrain(() => this.#release('bridge'));
    connection.onClose(() => this.#lost());
  }

  #waitForItsEnd(): void {
    const connection = this.#connection;
    this.#leaving ??= setTimeout(() => connection?.dispose(), LEAVE_MS);
  }

  #lost(): void {
    this.#connection = undefined;
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    if (this.#disposed) return;
    this.#options.log('info', 'the bridge has gone');
    this.#release('bridge');
    this.#relay.lost();
    this.#watch();
    void this.#reach(false);
  }

  #giveUp(error: unknown): void {
    const waiting = this.#relay.waiting;
    this.#options.log(waiting ? 'error' : 'debug', messageOf(error));
    if (waiting) this.#relay.failed(error);
    this.#watch();
  }

  /** Joins the next bridge as soon as one has written its discovery file. */
  #watch(): void {
    if (this.#watcher !== undefined || this.#disposed) return;
    try {
      this.#watcher = watch(this.#options.home, (_event, name) => {
        if (name === null || name === 'bridge.json') void this.#reach(false);
      });
      this.#watcher.on('error', () => this.#unwatch());
      // The client's end of the pipe is what keeps us.
      this.#watcher.unref();
    } catch (error) {
      // There is no state directory any more: the client's next request makes it anew.
      this.#options.log('debug', messageOf(error));
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

const BROKEN = {
  not_json: { code: RPC_ERROR.parse, text: 'A line of the input is not valid JSON.' },
  not_object: {
    code: RPC_ERROR.invalidRequest,
    text: 'A message must be one JSON object; batches are not taken.',
  },
  too_long: {
    code: RPC_ERROR.invalidRequest,
    text: `A message may have at most ${MAX_MCP_MESSAGE_BYTES} bytes.`,
  },
} as const;

/** A bridge that leaves or comes at this very moment. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof BridgeError && (error.code === 'CONNECTION_CLOSED' || error.code === 'BRIDGE_STOPPING')
  );
}
