import { readdirSync, readFileSync } from 'node:fs';
import { folderKey } from '../../src/bridge/ids.ts';

/** Where the processes of a test come from: the directories that their environment names. */
export interface ProcessOrigin {
  readonly stateDir: string;
  readonly codexHome: string;
}

/** All processes of these directories: bridges, Codex, its commands, and whatever those have started. */
export function processesOf({ stateDir, codexHome }: ProcessOrigin): number[] {
  const entries = [
    `CODEX_BRIDGE_HOME=${stateDir}\0`,
    `CODEX_HOME=${codexHome}\0`,
    `CODEX_BRIDGE_MARK=${folderKey(stateDir)}:`,
  ];
  return familyOf((environ) => entries.some((entry) => environ.includes(entry)));
}

/** How many of the processes still run; a zombie has ended. */
export function alive(pids: readonly number[]): number {
  return pids.filter((pid) => parentOf(pid) !== undefined).length;
}

/** Linux only, like all that looks into another process's environment; elsewhere nothing is found. */
function familyOf(matches: (environ: string) => boolean): number[] {
  if (process.platform !== 'linux') return [];
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent === undefined || pid === process.pid) continue;
    parents.set(pid, parent);
    if (matches(`${readOr(`/proc/${pid}/environ`)}\0`)) found.add(pid);
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** The parent of a living process. */
function parentOf(pid: number): number | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' || state === 'Z' || state === 'X' ? undefined : Number(parent);
}

/** The command line of a process, for messages. */
export function commandLine(pid: number): string {
  return readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** '' for a process that has just ended. */
function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
