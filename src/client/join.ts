import { connect, type Socket } from 'node:net';
import { type Disposable, toDisposable } from '../shared/disposables.ts';
import { BridgeError } from '../shared/errors.ts';
import { FACE_CONTRACT, type FaceContract, MAX_FACE_MESSAGE_BYTES } from '../shared/faces.ts';
import { linePort, type TakeLine } from '../shared/framing.ts';
import { type Result, RpcClient } from '../shared/rpc.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import { type Discovery, readDiscovery } from './discovery.ts';
import { type After, keepAsking } from './heartbeat.ts';
import { isOwnSocket } from './ownFiles.ts';
import { provesItself } from './proof.ts';

/** How long a bridge may take to answer `hello`, in ms. */
const HELLO_DEADLINE_MS = 5_000;

/** What a face tells of itself. */
export interface FaceOptions {
  readonly kind: 'window' | 'cli' | 'shim';
  /** True where a human sits who can answer approvals. */
  readonly canAnswer: boolean;
  readonly version: string;
  readonly settings?: BridgeSettings;
  /** Takes frames of the bridge that it need not have parsed: see `linePort`. */
  readonly take?: TakeLine;
  /** For tests: the timers of the heartbeat. */
  readonly after?: After;
}

export interface BridgeConnection extends Disposable {
  readonly rpc: RpcClient<FaceContract>;
  readonly hello: Result<FaceContract, 'hello'>;
  /** The bridge is older and was asked to leave after its turns: connecting after that starts a new one. */
  readonly replacing?: boolean;
  onClose(listener: () => void): Disposable;
}

/** A connection whose flow can be held, for who passes on more than it looks at. */
export interface SocketConnection extends BridgeConnection {
  /** Stops or goes on reading: what the bridge sends meanwhile waits in the socket. */
  setReading(reading: boolean): void;
  /** Bytes that the bridge has not taken yet. */
  unsent(): number;
  /** The bridge has taken everything. */
  onDrain(listener: () => void): Disposable;
}

/** Somebody listens on the socket of the discovery file and does not answer: a bridge that hangs, or no bridge. */
export class SilentBridge extends BridgeError {
  readonly instance: string;

  constructor({ pid, instance }: Discovery) {
    super(
      'REQUEST_TIMEOUT',
      `The bridge (process ${pid}) did not answer for ${HELLO_DEADLINE_MS / 1000} s. End that process if it hangs, and try again.`,
    );
    this.instance = instance;
  }
}

/**
 * Says hello to the bridge that the discovery file names; undefined where none is there.
 *
 * @param passOver an instance that is not asked again
 * @throws BridgeError `BRIDGE_CONTRACT`, {@link SilentBridge}
 */
export async function joinBridge(
  home: string,
  options: FaceOptions,
  passOver?: string,
): Promise<SocketConnection | undefined> {
  const discovery = await readDiscovery(home);
  if (discovery === undefined || discovery.instance === passOver) return undefined;
  const joined = await joinDiscovered(discovery, options);
  if (joined !== undefined) return joined;
  // Another bridge may have taken the place of that one just now.
  const next = await readDiscovery(home);
  if (next === undefined || next.instance === discovery.instance || next.instance === passOver) {
    return undefined;
  }
  return joinDiscovered(next, options);
}

async function joinDiscovered(
  discovery: Discovery,
  options: FaceOptions,
): Promise<SocketConnection | undefined> {
  if (!(await isOwnSocket(discovery.socket))) return undefined;
  const socket = await openSocket(discovery);
  return socket === undefined ? undefined : sayHello(socket, discovery, options);
}

/** Undefined when nobody listens: the discovery file is a dead bridge's. */
function openSocket(discovery: Discovery): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(discovery.socket);
    socket.once('connect', () => {
      socket.off('error', refused);
      // Later errors are followed by 'close', which settles everything that waits.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    const refused = () => {
      socket.destroy();
      resolve(undefined);
    };
    socket.once('error', refused);
  });
}

async function sayHello(
  socket: Socket,
  discovery: Discovery,
  options: FaceOptions,
): Promise<SocketConnection | undefined> {
  const port = linePort(
    {
      write: (text) => void socket.write(text),
      destroy: () => void socket.destroy(),
      onData: (listener) => void socket.on('data', listener),
      onClose: (listener) => void socket.on('close', listener),
      decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    },
    MAX_FACE_MESSAGE_BYTES,
    options.take,
  );
  const rpc = new RpcClient<FaceContract>(port);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    socket.destroy();
  }, HELLO_DEADLINE_MS);
  try {
    if (!(await provesItself(rpc, discovery.key))) {
      rpc.dispose();
      socket.destroy();
      return undefined;
    }
    const hello = await rpc.request('hello', {
      // The newest contract that both sides know: an older bridge's is spoken until it has left.
      contract: Math.min(FACE_CONTRACT, discovery.contract),
      version: options.version,
      kind: options.kind,
      canAnswer: options.canAnswer,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      heartbeat: true,
    });
    let reading = true;
    const heartbeat = keepAsking(
      {
        ping: () => rpc.request('ping', {}),
        tell: () => rpc.tell('ping', {}),
        held: () => !reading,
        onDead: () => void socket.destroy(),
      },
      options.after,
    );
    port.onClose(() => heartbeat.dispose());
    return {
      rpc,
      hello,
      onClose: (listener) => port.onClose(listener),
      setReading(wanted) {
        reading = wanted;
        if (wanted) socket.resume();
        else socket.pause();
      },
      unsent: () => socket.writableLength,
      onDrain(listener) {
        socket.on('drain', listener);
        return toDisposable(() => socket.off('drain', listener));
      },
      dispose() {
        heartbeat.dispose();
        rpc.dispose();
        socket.destroy();
      },
    };
  } catch (error) {
    socket.destroy();
    if (late) throw new SilentBridge(discovery);
    // A bridge that leaves at this moment closes the socket: the caller tries again or starts the next one.
    if (
      error instanceof BridgeError &&
      (error.code === 'CONNECTION_CLOSED' || error.code === 'BRIDGE_STOPPING')
    ) {
      return undefined;
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
