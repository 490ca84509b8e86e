import { parseArgs } from 'node:util';
import { connectBridge } from '../../client/connect.ts';
import { stateDir } from '../../client/stateDir.ts';
import { BridgeError } from '../../shared/errors.ts';
import { EXIT } from '../exit.ts';
import { VERSION } from '../version.ts';

/** Ends the bridge of the state directory, after its turns or at once, and waits until it has left. */
export async function stop(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { now: { type: 'boolean', default: false } } });
  const home = stateDir();
  try {
    const connection = await connectBridge({
      home,
      kind: 'cli',
      canAnswer: false,
      version: VERSION,
      start: false,
    });
    const left = new Promise<void>((resolve) => connection.onClose(() => resolve()));
    const status = await connection.rpc.request('status', {});
    const turns = status.folders.reduce((sum, folder) => sum + folder.running + folder.queued, 0);
    await connection.rpc.request('stop', { now: values.now });
    if (turns > 0 && !values.now)
      process.stderr.write(`codex-bridge: waiting for ${turns} turns; --now interrupts them.\n`);
    await left;
    process.stdout.write('The bridge has ended.\n');
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'BRIDGE_NOT_RUNNING') throw error;
    process.stdout.write(`No bridge runs for ${home}.\n`);
  }
  return EXIT.done;
}
