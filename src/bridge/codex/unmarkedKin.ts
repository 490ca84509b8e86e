import { readdirSync, readFileSync } from 'node:fs';
import { endProcess, markedProcesses, type ProcessIdentity } from './processes.ts';

/**
 * What descends from marked processes and has no mark, because somebody cleared its environment (`env -i`). To be
 * asked before those end: a process whose parents are gone belongs to nobody. So a daemon that has cleared its
 * environment and left its parents, too, is not found by anyone. Linux only; elsewhere none.
 */
export async function unmarkedKin(matches: (mark: string) => boolean): Promise<ProcessIdentity[]> {
  if (process.platform !== 'linux') return [];
  const marked = new Set((await markedProcesses(matches)).map(({ pid }) => pid));
  const others = processTable().filter(({ pid }) => !marked.has(pid) && pid !== process.pid);
  const kin = new Map<number, ProcessIdentity>();
  for (let size = -1; size !== kin.size; ) {
    size = kin.size;
    for (const { pid, parent, started } of others)
      if (marked.has(parent) || kin.has(parent)) kin.set(pid, { pid, started });
  }
  return [...kin.values()];
}

/** Ends them by their identity, all at the same time: SIGTERM, and SIGKILL for those that stay. */
export async function endKin(kin: readonly ProcessIdentity[]): Promise<void> {
  await Promise.all(kin.map((one) => endProcess(one, { first: 150, second: 150 })));
}

function processTable(): { pid: number; parent: number; started: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? readOr(`/proc/${pid}/stat`) : '';
    // Fields 3, 4 and 22 of proc_pid_stat(5), counted after the name's bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    const started = fields[19];
    if (started === undefined || state === 'Z' || state === 'X') return [];
    return [{ pid, parent: Number(parent), started }];
  });
}

/** '' for what has just ended. */
function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
