import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectBridge } from '../../client/connect.ts';
import { stateDir } from '../../client/stateDir.ts';
import { BridgeError } from '../../shared/errors.ts';
import { EXIT } from '../exit.ts';
import { VERSION } from '../version.ts';

/** How long the process may live after it closed its doors, in ms. */
const LEAVE_MS = 10_000;

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
    await gone(connection.hello.pid);
    process.stdout.write('The bridge has ended.\n');
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'BRIDGE_NOT_RUNNING') throw error;
    process.stdout.write(`No bridge runs for ${home}.\n`);
  }
  return EXIT.done;
}

/** The connection closes a moment before the process is gone. */
async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + LEAVE_MS;
  while (performance.now() < deadline) {
    if (hasEnded(pid)) return;
    await sleep(10);
  }
  throw new BridgeError(
    'INTERNAL',
    `The bridge (process ${pid}) has closed its doors but not ended. End that process.`,
  );
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A container's first process may leave it a zombie, which has ended: "Z" after the name in brackets.
    return process.platform === 'linux' && /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // There is no such process any more, or it is another user's by now.
    return true;
  }
}
