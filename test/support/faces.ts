import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import type { After } from '../../src/client/heartbeat.ts';
import type { NumberedEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import type { SessionId, SessionSnapshot } from '../../src/shared/session.ts';

/** A face on the private socket of the bridge that runs for the state directory. `after`: of its heartbeat. */
export function joinBridge(stateDir: string, canAnswer = true, after?: After): Promise<BridgeConnection> {
  return connectBridge({
    home: stateDir,
    kind: 'window',
    canAnswer,
    version: '0.0.0-test',
    start: false,
    ...(after === undefined ? {} : { after }),
  });
}

/** What a face shows of one session: the snapshot that it opened with, and every event since, reduced. */
export class Follower {
  readonly opened: SessionSnapshot;
  readonly events: NumberedEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #state: SessionSnapshot;

  static async open({ rpc }: BridgeConnection, session: SessionId): Promise<Follower> {
    // The first events may come in the same chunk as the answer, before its promise is resolved.
    const early: NumberedEvent[] = [];
    let deliver = (event: NumberedEvent): void => void early.push(event);
    rpc.on('session.event', ({ session: id, seq, event }) => {
      if (id === session) deliver({ seq, event });
    });
    const follower = new Follower(await rpc.request('session.open', { session }));
    deliver = (event) => follower.#take(event);
    for (const event of early) deliver(event);
    return follower;
  }

  private constructor(opened: SessionSnapshot) {
    this.opened = opened;
    this.#state = opened;
  }

  get state(): SessionSnapshot {
    return this.#state;
  }

  /** Resolves with the first state for which `test` holds. */
  async until(test: (state: SessionSnapshot) => boolean): Promise<SessionSnapshot> {
    while (!test(this.#state)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.#state;
  }

  #take(event: NumberedEvent): void {
    this.events.push(event);
    this.#state = reduce(this.#state, event);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A connection to the private socket without any of our own code on this side. */
export class RawFace {
  readonly socket: Socket;
  #text = '';
  readonly #waiting = new Set<() => void>();

  static async connect(stateDir: string): Promise<RawFace> {
    const { socket: path } = JSON.parse(readFileSync(join(stateDir, 'bridge.json'), 'utf8'));
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawFace(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    // A reset after what we wrote was refused: the close that follows is what tests wait for.
    socket.on('error', () => {});
  }

  /** Sends as it is. */
  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  hello(contract = 1, more: object = {}): void {
    const params = { contract, version: '0.0.0-test', kind: 'window', canAnswer: false, ...more };
    this.write(`${JSON.stringify({ id: 1, method: 'hello', params })}\n`);
  }

  /** From now on the socket is read; resolves with the message that answers `id`. */
  async answer(id: number): Promise<Record<string, unknown>> {
    if (this.socket.listenerCount('data') === 0) {
      this.socket.setEncoding('utf8').on('data', (text: string) => {
        this.#text += text;
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
      });
    }
    for (;;) {
      const whole = this.#text.split('\n').slice(0, -1);
      const found = whole.map((line) => JSON.parse(line)).find((message) => message.id === id);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when the bridge has closed the connection. */
  async closed(): Promise<void> {
    if (this.socket.closed) return;
    // Not `once`: an EPIPE of ours before the close would reject it.
    await new Promise((resolve) => this.socket.once('close', resolve).resume());
  }

  dispose(): void {
    this.socket.destroy();
  }
}
