import { readdirSync, readFileSync } from 'node:fs';

/** What Linux tells about a process. Other systems have no /proc, and their figures are left out. */
export const canMeasureProcesses = process.platform === 'linux';

/** Kernel ticks are 10 ms on every Linux that Node runs on. */
const TICK_MS = 10;

/** Megabytes resident at most since the start. */
export function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmHWM`);
  return Number(kilobytes) / 1024;
}

/** Milliseconds of processor time, user and system, of the process and of its children that have ended. */
export function cpuTime(pid: number): number {
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = statFields(pid).slice(11, 15).map(Number);
  return (utime + stime + cutime + cstime) * TICK_MS;
}

/** The process ids of all that a process started, directly or not. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statFields(Number(name))[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const found: number[] = [];
  const wanted = [pid];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    for (const [child, parent] of parents) {
      if (parent !== next) continue;
      found.push(child);
      wanted.push(child);
    }
  }
  return found;
}

/** The fields of /proc/PID/stat after the program's name, which may hold spaces: state, ppid, … */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
