// The guard: a process of its own that outlives the bridge for a moment. Its standard input is a pipe that
// only the bridge holds open; when that ends, however the bridge ended, it ends every app-server that it was
// told of and everything that they started, and then itself. Nothing but the end of the pipe ends it.
//
// The grace is 3 seconds: 2 for an app-server that takes no SIGTERM, the rest for what it started. A Codex that
// does is gone with its commands in less than one.
import { createInterface } from 'node:readline';
import { endMarked, endProcess, identify, type ProcessIdentity } from './processes.ts';
import { endKin, unmarkedKin } from './unmarkedKin.ts';

interface Watched {
  readonly pid: number;
  readonly mark: string;
  readonly identity: Promise<ProcessIdentity | undefined>;
}

/** A line from the bridge. It is our own code that writes it, so the shape is known. */
type Order =
  | { readonly watch: { readonly pid: number; readonly mark: string } }
  | { readonly unwatch: number };

const watched = new Map<number, Watched>();

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
// The bridge may be gone before it reads "ready".
process.stdout.on('error', () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line) as Order)); // see Order
lines.on('close', () => {
  // Whatever fails for one app-server, the others are ended.
  void Promise.allSettled([...watched.values()].map(end)).then(() => process.exit(0));
});
process.stdout.write('ready\n');

function obey(order: Order): void {
  if ('watch' in order) {
    const { pid, mark } = order.watch;
    watched.set(pid, { pid, mark, identity: identify(pid) });
  } else {
    watched.delete(order.unwatch);
  }
}

async function end(one: Watched): Promise<void> {
  const matches = (mark: string) => mark === one.mark;
  const identity = await one.identity;
  // Before its parents end: then it could not be told from others.
  const kin = await unmarkedKin(matches);
  if (identity !== undefined) await endProcess(identity);
  await Promise.all([endMarked(matches), endKin(kin)]);
}
