import type { Endpoints } from '../shared/faces.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import { Bridge } from './bridge.ts';
import { systemClock } from './clock.ts';
import type { Check } from './doctor.ts';
import { jsonLogger, type LogLevel } from './logger.ts';
import { StateDirectory } from './stateDirectory.ts';

export interface RunOptions {
  readonly version: string;
  /** State directory. */
  readonly home: string;
  /** Folder that the program runs from. */
  readonly runtime: string;
  readonly folders: readonly string[];
  readonly port?: number;
  readonly logLevel?: LogLevel;
  /** Changes to the settings of the state directory, for this bridge only. */
  readonly overrides?: (settings: BridgeSettings) => BridgeSettings;
  /** Ends by itself when nobody needs it. */
  readonly endsItself: boolean;
  /** One line of the log, without its newline. */
  log(line: string): void;
}

export interface RunningBridge {
  readonly endpoints: Endpoints;
  readonly ended: Promise<void>;
  /** `now`: running turns are interrupted; else it ends after them. */
  stop(now: boolean): void;
}

/**
 * The bridge's one door for the CLI: starts the bridge in this process.
 *
 * @throws BridgeError `BRIDGE_RUNNING`, `STATE_DIR_UNUSABLE`, `SOCKET_PATH_TOO_LONG`, `PORT_TAKEN`, `FOLDER_NOT_FOUND`
 */
export async function runBridge(options: RunOptions): Promise<RunningBridge> {
  const logger = jsonLogger(options.log, options.logLevel);
  const state = StateDirectory.open(options.home);
  const stored = state.readSettings(logger);
  const bridge = await Bridge.start({
    version: options.version,
    state,
    logger,
    clock: systemClock,
    settings: options.overrides?.(stored) ?? stored,
    env: process.env,
    runtime: options.runtime,
    endsItself: options.endsItself,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  try {
    for (const folder of options.folders) await bridge.addFolder(folder);
  } catch (error) {
    bridge.stop(true);
    await bridge.ended;
    throw error;
  }
  logger.info('the bridge is ready', { pid: process.pid, version: options.version, state: options.home });
  return { endpoints: bridge.endpoints(), ended: bridge.ended, stop: (now) => bridge.stop(now) };
}

/** See {@link Check}: loaded only when asked for. */
export async function runDoctor(home: string): Promise<Check[]> {
  return (await import('./doctor.ts')).runDoctor(home);
}
