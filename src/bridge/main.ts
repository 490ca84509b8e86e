import { BridgeError } from '../shared/errors.ts';
import type { Endpoints } from '../shared/faces.ts';
import { secretsOf } from '../shared/redact.ts';
import type { BridgeSettings, LogLevel } from '../shared/settings.ts';
import { Bridge } from './bridge.ts';
import { systemClock } from './clock.ts';
import type { Check } from './doctor.ts';
import { jsonLogger } from './logger.ts';
import type { Logger } from './ports.ts';
import { StateDirectory } from './stateDirectory.ts';

export type { Check } from './doctor.ts';
export { boundedLog } from './logFile.ts';

export interface RunOptions {
  readonly version: string;
  /** State directory. */
  readonly home: string;
  /** Folder that the program runs from. */
  readonly runtime: string;
  readonly folders: readonly string[];
  readonly port?: number;
  /** Absent: what the settings say at that moment. */
  readonly logLevel?: LogLevel;
  /** Changes to the settings of the state directory, for this bridge only. */
  readonly overrides?: (settings: BridgeSettings) => BridgeSettings;
  /** Ends by itself when nobody needs it. */
  readonly endsItself: boolean;
  /** Where {@link log} writes, for those who look for it; absent: no file. */
  readonly logFile?: string;
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
  let running: Bridge | undefined;
  const level = () => options.logLevel ?? running?.settings.log.level ?? 'info';
  const logger = jsonLogger(options.log, level, secretsOf(process.env));
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
    log: () => ({ level: level(), ...(options.logFile === undefined ? {} : { file: options.logFile }) }),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  running = bridge;
  reportCrashes(logger);
  try {
    for (const folder of options.folders) await bridge.keepFolder(folder);
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

/** The settings that a window last sent, else the defaults; undefined where the state directory can't be used. */
export function storedSettings(home: string): BridgeSettings | undefined {
  try {
    return StateDirectory.open(home).readSettings(jsonLogger(() => {}));
  } catch (error) {
    // The doctor's first check says what is wrong with it.
    if (error instanceof BridgeError) return undefined;
    throw error;
  }
}

/** Node's own report quotes whatever the error does; this one goes through the log, without secrets. */
function reportCrashes(logger: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    logger.error('the bridge crashed', { origin, error, stack: error instanceof Error ? error.stack : '' });
    process.exit(1);
  });
}
