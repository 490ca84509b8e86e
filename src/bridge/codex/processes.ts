import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MARK_VARIABLE } from './environment.ts';

const run = promisify(execFile);

/**
 * A mark is `<stateHash>:<instance>:<folderKey>`, and each app-server adds a part of its own: what it leaves
 * behind must not be confused with what its successor for the same folder starts.
 */
export function formatMark(parts: { stateHash: string; instance: string; folderKey: string }): string {
  return `${parts.stateHash}:${parts.instance}:${parts.folderKey}`;
}

/** One process at one time: a pid alone may belong to another process a moment later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words; '' where that can't be known. */
  readonly started: string;
}

export interface MarkedProcess extends ProcessIdentity {
  readonly mark: string;
}

/** What runs as `pid` now; undefined where nothing does (a zombie has ended). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform === 'linux') {
    const started = linuxStart(pid);
    return started === undefined ? undefined : { pid, started };
  }
  if (process.platform === 'win32') return signal(pid, 0) ? { pid, started: '' } : undefined;
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(noOutput);
  const [, state = '', started = ''] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
  return state === '' || state.startsWith('Z') ? undefined : { pid, started };
}

/**
 * All processes of this user whose environment has a mark that satisfies `matches`, ourselves excepted.
 * Linux: /proc/PID/environ. macOS: `ps -E`, which leaves out the system's own binaries. Windows does not tell
 * the environment of another process: none.
 */
export async function markedProcesses(matches: (mark: string) => boolean): Promise<MarkedProcess[]> {
  if (process.platform === 'win32') return [];
  const all = process.platform === 'linux' ? linuxMarked() : await psMarked();
  return all.filter((found) => found.pid !== process.pid && matches(found.mark));
}

/**
 * Ends all processes whose mark satisfies `matches`: SIGTERM, and SIGKILL for those that are still there after
 * `graceMs`. Searches until nothing is found, because a process may start others while it dies.
 *
 * @returns how many were found; `left` are those that could not be ended
 */
export async function endMarked(
  matches: (mark: string) => boolean,
  graceMs = 300,
): Promise<{ ended: number; left: readonly MarkedProcess[] }> {
  const seen = new Set<string>();
  const deadline = performance.now() + graceMs;
  // After the grace come 20 rounds of SIGKILL: whoever outlives those can't be ended by us.
  for (let kills = 0; ; ) {
    const found = await markedProcesses(matches);
    if (found.length === 0) return { ended: seen.size, left: [] };
    const patient = performance.now() < deadline;
    if (!patient && kills++ > 20) return { ended: seen.size, left: found };
    for (const one of found) {
      const key = `${one.pid}:${one.started}`;
      if (patient && seen.has(key)) continue;
      seen.add(key);
      await signalMarked(one, patient ? 'SIGTERM' : 'SIGKILL');
    }
    await delay(15);
  }
}

/**
 * Ends what a bridge that is gone left behind: all marks of this state directory but those of `instance`.
 * Only the bridge that holds the lock of the state directory may do that.
 */
export async function sweep(stateHash: string, instance: string): Promise<number> {
  const theirs = (mark: string) =>
    mark.startsWith(`${stateHash}:`) && !mark.startsWith(`${stateHash}:${instance}:`);
  return (await endMarked(theirs)).ended;
}

/**
 * Ends one process of ours by its identity: SIGTERM twice (Codex finishes its turn after the first), then
 * SIGKILL. Never signals a process that only has the same pid.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs = { first: 150, second: 850 },
): Promise<void> {
  if (process.platform === 'win32') {
    await run('taskkill', ['/pid', String(identity.pid), '/T', '/F']).catch(noOutput);
    return;
  }
  const ladder = [
    ['SIGTERM', graceMs.first],
    ['SIGTERM', graceMs.second],
    ['SIGKILL', 1000],
  ] as const;
  for (const [name, ms] of ladder) {
    if (!(await isSame(identity))) return;
    signal(identity.pid, name);
    const deadline = performance.now() + ms;
    while (performance.now() < deadline) {
      if (!(await isSame(identity))) return;
      await delay(15);
    }
  }
}

async function isSame(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/** Signals it if it is still the process that was found, by its start and on Linux by its mark. */
async function signalMarked(found: MarkedProcess, name: NodeJS.Signals): Promise<void> {
  if (process.platform === 'linux' && linuxMark(found.pid) !== found.mark) return;
  if (await isSame(found)) signal(found.pid, name);
}

/** False when the process is gone or not ours to signal. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))
      return false;
    throw error;
  }
}

/** Start time in clock ticks since boot: field 22 of /proc/PID/stat, counted after the name's bracket. */
function linuxStart(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`)?.toString();
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function linuxMark(pid: number): string | undefined {
  const environ = readProc(`/proc/${pid}/environ`);
  if (environ === undefined) return undefined;
  const name = `${MARK_VARIABLE}=`;
  // The name must begin an entry: another variable's value may contain the same text.
  let at = environ.indexOf(name);
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(name, at + 1);
  if (at < 0) return undefined;
  const end = environ.indexOf(0, at);
  return environ.toString('utf8', at + name.length, end < 0 ? undefined : end);
}

function linuxMarked(): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const mark = linuxMark(pid);
    const started = mark === undefined ? undefined : linuxStart(pid);
    if (mark !== undefined && started !== undefined) found.push({ pid, started, mark });
  }
  return found;
}

/** Undefined for what has just ended and for other users' processes. */
function readProc(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** `ps` prints pid, state, start (five words) and then the command with its environment. */
async function psMarked(): Promise<MarkedProcess[]> {
  const { stdout } = await run('ps', ['-axEww', '-o', 'pid=,stat=,lstart=,command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return parsePs(stdout);
}

/** Exported for its test: no Linux machine prints this. */
export function parsePs(stdout: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const line of stdout.split('\n')) {
    const [, pid, state, started, rest] =
      /^\s*(\d+)\s+(\S+)\s+(\S+ +\S+ +\S+ +\S+ +\S+)\s+(.*)$/.exec(line) ?? [];
    const mark = new RegExp(`(?:^| )${MARK_VARIABLE}=(\\S+)`).exec(rest ?? '')?.[1];
    if (pid === undefined || state === undefined || started === undefined || mark === undefined) continue;
    if (!state.startsWith('Z')) found.push({ pid: Number(pid), started, mark });
  }
  return found;
}

/** `ps` and `taskkill` exit with a failure when there is no such process, which is an answer. */
function noOutput(): { stdout: string } {
  return { stdout: '' };
}
