import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextRound } from 'node:timers/promises';
import type { FolderApi } from '../../src/bridge/api.ts';
import { Bridge } from '../../src/bridge/bridge.ts';
import { systemClock } from '../../src/bridge/clock.ts';
import { jsonLogger } from '../../src/bridge/logger.ts';
import type { Clock } from '../../src/bridge/ports.ts';
import { StateDirectory } from '../../src/bridge/stateDirectory.ts';
import type { BridgeStatus, Endpoints } from '../../src/shared/faces.ts';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { codexBinary, makeCodexHome, tempDir } from './codexHome.ts';
import { ScriptedModel } from './scriptedModel.ts';

export interface RealBridge {
  readonly model: ScriptedModel;
  /** Real paths, as many as were asked for. */
  readonly folders: readonly string[];
  readonly endpoints: Endpoints;
  /** Lines of the bridge's log so far. */
  readonly log: readonly string[];
  readonly stateDir: string;
  /** `CODEX_HOME` */
  readonly codexHome: string;
  folder(index: number): FolderApi;
  status(): BridgeStatus;
  /** The process of the folder's last Codex, as the log tells it. */
  codexPid(index: number): number;
  /** Ends the bridge at once and starts another one on the same state, Codex home and model, after `between`. */
  restart(between?: () => void): Promise<void>;
  close(): Promise<void>;
}

/** A whole bridge in this process: real doors, real Codex, scripted model. */
export async function startRealBridge(
  options: {
    folders?: number;
    settings?: Partial<BridgeSettings>;
    codex?: string;
    /** More lines for Codex's config.toml, above its tables. */
    codexConfig?: string;
    /** Codex has no login and needs one. */
    needsLogin?: boolean;
    /** More variables for Codex. */
    codexEnv?: Readonly<Record<string, string>>;
    codexFeatures?: readonly string[];
    clock?: Clock;
    /** Of silent faces. */
    heartbeat?: Clock;
  } = {},
): Promise<RealBridge> {
  const temp = await tempDir('rb');
  const model = await ScriptedModel.start();
  const codex = await makeCodexHome({
    modelUrl: model.url,
    dir: join(temp.path, 'ch'),
    config: options.codexConfig ?? '',
    needsLogin: options.needsLogin ?? false,
    features: options.codexFeatures ?? [],
  });
  const folders = Array.from({ length: options.folders ?? 1 }, (_, i) => join(temp.path, `f${i}`));
  for (const folder of folders) await mkdir(folder);
  const log: string[] = [];
  const stateDir = join(temp.path, 's');

  const start = async () => {
    const bridge = await Bridge.start({
      version: '0.0.0-test',
      state: StateDirectory.open(stateDir),
      logger: jsonLogger((line) => void log.push(line), 'debug'),
      clock: options.clock ?? systemClock,
      settings: { ...DEFAULT_SETTINGS, ...options.settings },
      env: { ...codex.env, ...options.codexEnv, CODEX_BRIDGE_CODEX: options.codex ?? codexBinary() },
      ...(options.heartbeat === undefined ? {} : { heartbeat: options.heartbeat }),
      endsItself: false,
    });
    for (const folder of folders) await bridge.addFolder(folder);
    return bridge;
  };
  const stop = async (bridge: Bridge) => {
    bridge.stop(true);
    await bridge.ended;
  };

  let bridge = await start();
  return {
    model,
    folders,
    log,
    stateDir,
    codexHome: codex.home,
    get endpoints() {
      return bridge.endpoints();
    },
    folder(index) {
      const folder = bridge.folders()[index];
      if (folder === undefined) throw new Error(`there is no folder ${index}`);
      return folder;
    },
    status: () => bridge.status(),
    codexPid(index) {
      const key = bridge.folders()[index]?.info.key ?? '';
      const lines = log.filter((line) => line.includes('"codex listens"') && line.includes(`"${key}"`));
      const { pid } = JSON.parse(lines.at(-1) ?? '{}');
      if (typeof pid !== 'number') throw new Error(`no Codex has been started in folder ${index}`);
      return pid;
    },
    async restart(between) {
      await stop(bridge);
      between?.();
      // Clients live in this process: they hear that their connections were closed in the loop's next round.
      await nextRound();
      bridge = await start();
    },
    async close() {
      await stop(bridge);
      await model.close();
      await temp.dispose();
    },
  };
}
