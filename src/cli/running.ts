import { connectBridge } from '../client/connect.ts';
import { BridgeError } from '../shared/errors.ts';
import type { BridgeStatus, ClientInfo } from '../shared/faces.ts';
import { VERSION } from './version.ts';

/** A bridge that runs, as far as it tells. */
export interface RunningReport {
  readonly status: BridgeStatus;
  readonly clients: readonly ClientInfo[];
}

/**
 * Asks the bridge of the state directory about itself; undefined where none runs. Nothing is started.
 *
 * @throws BridgeError as `connectBridge` does, where one runs and does not answer
 */
export async function askRunning(home: string): Promise<RunningReport | undefined> {
  try {
    const connection = await connectBridge({
      home,
      kind: 'cli',
      canAnswer: false,
      version: VERSION,
      start: false,
    });
    try {
      const [status, { clients }] = await Promise.all([
        connection.rpc.request('status', {}),
        connection.rpc.request('clients', {}),
      ]);
      return { status, clients };
    } finally {
      connection.dispose();
    }
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'BRIDGE_NOT_RUNNING') return undefined;
    throw error;
  }
}

/** What of it others may see who get the report: no account, no login under way, no titles. */
export function reportOf({ status, clients }: RunningReport) {
  const { folders, faces, ceiling, limits, log, counters, tokens, url, version, contract, pid } = status;
  return {
    version,
    contract,
    pid,
    startedAt: new Date(status.startedAt).toISOString(),
    exposed: { url, tokens, faces, ceiling },
    clients: clients.map(({ name, version: theirs, era, transport, folder }) => ({
      name,
      version: theirs,
      era,
      transport: transport ?? 'http',
      folder,
    })),
    folders: folders.map((folder) => {
      const { key, path, name, codex, codexTrust, running, queued, waitingForApproval, loaded } = folder;
      const { state, version: ofCodex, path: program, restarts } = codex;
      return {
        key,
        path,
        name,
        codex: { state, version: ofCodex, path: program, restarts },
        codexTrust,
        running,
        queued,
        waitingForApproval,
        loaded,
      };
    }),
    limits,
    log,
    counters,
  };
}
