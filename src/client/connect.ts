import { connect, type Socket } from 'node:net';
import type { Disposable } from '../shared/disposables.ts';
import { BridgeError } from '../shared/errors.ts';
import { FACE_CONTRACT, type FaceContract, MAX_FACE_MESSAGE_BYTES } from '../shared/faces.ts';
import { linePort } from '../shared/framing.ts';
import { type Result, RpcClient } from '../shared/rpc.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import { type Discovery, readDiscovery } from './discovery.ts';
import { type BridgeLauncher, spawnBridge } from './launch.ts';
import { stateDir } from './stateDir.ts';
import { isOlder } from './version.ts';

/** How long a bridge may take to answer `hello`, in ms. */
const HELLO_DEADLINE_MS = 5_000;
/** How long a bridge may take to be ready after it was started, in ms. */
const START_DEADLINE_MS = 15_000;
/** How long an older bridge without turns may take to leave, in ms. */
const LEAVE_DEADLINE_MS = 10_000;
const RETRY_MS = 25;

export interface ConnectOptions {
  /** State directory; default: {@link stateDir}. */
  readonly home?: string;
  readonly kind: 'window' | 'cli' | 'shim';
  /** True where a human sits who can answer approvals. */
  readonly canAnswer: boolean;
  readonly version: string;
  readonly settings?: BridgeSettings;
  /** How to start a bridge where none runs; `false`: then it is an error. */
  readonly start: BridgeLauncher | false;
}

export interface BridgeConnection extends Disposable {
  readonly rpc: RpcClient<FaceContract>;
  readonly hello: Result<FaceContract, 'hello'>;
  /** The bridge is older and was asked to leave after its turns: when it is gone, connecting starts a new one. */
  readonly replacing?: boolean;
  onClose(listener: () => void): Disposable;
}

/**
 * Finds the bridge of the state directory, starts one where needed, and says hello. A window that may start
 * one asks an older bridge to leave as soon as its turns are done, and uses it until then.
 *
 * @throws BridgeError `BRIDGE_NOT_RUNNING`, `BRIDGE_START_FAILED`, `BRIDGE_CONTRACT`
 */
export async function connectBridge(options: ConnectOptions): Promise<BridgeConnection> {
  const home = options.home ?? stateDir();
  const joined = await tryJoin(home, options);
  if (joined !== undefined) {
    if (options.start === false || options.kind !== 'window') return joined;
    return isOlder(joined.hello.version, options.version)
      ? replaceOlder(home, joined, options, options.start)
      : joined;
  }
  if (options.start === false) {
    throw new BridgeError(
      'BRIDGE_NOT_RUNNING',
      `No bridge runs for ${home}. Open a VS Code window with Codex Bridge, or start one with "codex-bridge serve --folder DIR".`,
    );
  }
  return start(home, options, options.start);
}

async function replaceOlder(
  home: string,
  old: BridgeConnection,
  options: ConnectOptions,
  launcher: BridgeLauncher,
): Promise<BridgeConnection> {
  const left = Promise.withResolvers<'left'>();
  old.onClose(() => left.resolve('left'));
  try {
    const { folders } = await old.rpc.request('status', {});
    const busy = folders.some(({ running, queued }) => running + queued > 0);
    await old.rpc.request('stop', { now: false });
    if (busy || (await within(left.promise, LEAVE_DEADLINE_MS)) !== 'left')
      return { ...old, replacing: true };
  } catch (error) {
    // It leaves at this very moment.
    if (!(error instanceof BridgeError) || error.code !== 'CONNECTION_CLOSED') throw error;
  }
  old.dispose();
  return start(home, options, launcher);
}

/** The result, or undefined when it is not there in time. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function start(
  home: string,
  options: ConnectOptions,
  launcher: BridgeLauncher,
): Promise<BridgeConnection> {
  let child = spawnBridge(home, launcher);
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const joined = await tryJoin(home, options);
    if (joined !== undefined) {
      child.release();
      return joined;
    }
    const failure = child.failure();
    if (failure !== undefined) {
      if (!failure.lostRace) throw failure.error;
      // Another bridge has the lock: one that is coming up, which the next try joins, or one that is leaving.
      child = spawnBridge(home, launcher);
    }
    if (performance.now() > deadline) {
      child.release();
      throw new BridgeError(
        'BRIDGE_START_FAILED',
        `The bridge was not ready after ${START_DEADLINE_MS / 1000} s. Its log is ${child.logFile}.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function tryJoin(home: string, options: ConnectOptions): Promise<BridgeConnection | undefined> {
  const discovery = await readDiscovery(home);
  if (discovery === undefined) return undefined;
  const socket = await openSocket(discovery);
  if (socket === undefined) return undefined;
  return hello(socket, options, Math.min(FACE_CONTRACT, discovery.contract));
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

/** `contract`: the newest that both sides know. */
async function hello(
  socket: Socket,
  options: ConnectOptions,
  contract: number,
): Promise<BridgeConnection | undefined> {
  const port = linePort(
    {
      write: (text) => void socket.write(text),
      destroy: () => void socket.destroy(),
      onData: (listener) => void socket.on('data', listener),
      onClose: (listener) => void socket.on('close', listener),
      decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    },
    MAX_FACE_MESSAGE_BYTES,
  );
  const rpc = new RpcClient<FaceContract>(port);
  const timer = setTimeout(() => socket.destroy(), HELLO_DEADLINE_MS);
  try {
    const answer = await rpc.request('hello', {
      contract,
      version: options.version,
      kind: options.kind,
      canAnswer: options.canAnswer,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
    });
    return {
      rpc,
      hello: answer,
      onClose: (listener) => port.onClose(listener),
      dispose() {
        rpc.dispose();
        socket.destroy();
      },
    };
  } catch (error) {
    socket.destroy();
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
