import { BridgeError } from '../shared/errors.ts';
import { type FaceOptions, joinBridge, SilentBridge, type SocketConnection } from './join.ts';
import { type BridgeLauncher, spawnBridge } from './launch.ts';
import { stateDir } from './stateDir.ts';
import { isOlder } from './version.ts';

export type { BridgeConnection } from './join.ts';

/** How long a bridge may take to be ready after it was started, in ms. */
const START_DEADLINE_MS = 15_000;
/** How long an older bridge without turns may take to leave, in ms. */
const LEAVE_DEADLINE_MS = 10_000;
const RETRY_MS = 25;

export interface ConnectOptions extends FaceOptions {
  /** State directory; default: {@link stateDir}. */
  readonly home?: string;
  /** How to start a bridge where none runs; `false`: then it is an error. */
  readonly start: BridgeLauncher | false;
}

/**
 * Finds the bridge of the state directory, starts one where needed, and says hello. A window that may start
 * one asks an older bridge to leave as soon as its turns are done, and uses it until then.
 *
 * @throws BridgeError `BRIDGE_NOT_RUNNING`, `BRIDGE_START_FAILED`, `BRIDGE_CONTRACT`, `STATE_DIR_UNUSABLE`,
 * `SOCKET_PATH_TOO_LONG`, `REQUEST_TIMEOUT` (it hangs)
 */
export async function connectBridge(options: ConnectOptions): Promise<SocketConnection> {
  const home = options.home ?? stateDir();
  if (options.start === false) {
    const joined = await joinBridge(home, options);
    if (joined !== undefined) return joined;
    throw new BridgeError(
      'BRIDGE_NOT_RUNNING',
      `No bridge runs for ${home}. Open a VS Code window with Codex Bridge, or start one with "codex-bridge serve --folder DIR".`,
    );
  }
  try {
    const joined = await joinBridge(home, options);
    if (joined === undefined) return await startBridge(home, options, options.start);
    if (options.kind !== 'window' || !isOlder(joined.hello.version, options.version)) return joined;
    return await replaceOlder(home, joined, options, options.start);
  } catch (error) {
    // Whether it is a bridge at all, the lock tells: only then a start is lost to it.
    if (error instanceof SilentBridge) return startBridge(home, options, options.start, error);
    throw error;
  }
}

async function replaceOlder(
  home: string,
  old: SocketConnection,
  options: ConnectOptions,
  launcher: BridgeLauncher,
): Promise<SocketConnection> {
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
  return startBridge(home, options, launcher);
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

/** `silent`: whoever listens where the discovery file says and did not answer. */
async function startBridge(
  home: string,
  options: ConnectOptions,
  launcher: BridgeLauncher,
  silent?: SilentBridge,
): Promise<SocketConnection> {
  let child = spawnBridge(home, launcher);
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const joined = await joinBridge(home, options, silent?.instance);
    if (joined !== undefined) {
      child.release();
      return joined;
    }
    const failure = child.failure();
    if (failure !== undefined) {
      if (!failure.lostRace) throw failure.error;
      if (silent !== undefined) throw silent;
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
