import { join } from 'node:path';
import { boundedLog, runBridge } from '../../bridge/main.ts';
import { stateDir } from '../../client/stateDir.ts';
import { BridgeError } from '../../shared/errors.ts';
import { EXIT } from '../exit.ts';
import { RUNTIME, VERSION } from '../version.ts';

/** The detached bridge that a face starts; it ends itself when nobody needs it. Its log is its stderr. */
export async function bridge(): Promise<number> {
  try {
    const home = stateDir();
    const logFile = join(home, 'logs', 'bridge.log');
    const running = await runBridge({
      version: VERSION,
      home,
      runtime: RUNTIME,
      folders: [],
      endsItself: true,
      logFile,
      log: boundedLog(logFile),
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => running.stop(true));
    // The terminal or window that it was started from may go away.
    process.on('SIGHUP', () => {});
    await running.ended;
    return EXIT.done;
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'BRIDGE_RUNNING') return EXIT.bridgeRunning;
    throw error;
  }
}
