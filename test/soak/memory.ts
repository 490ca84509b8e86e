import { readFileSync } from 'node:fs';

/** Most that the bridge may have grown since its tenth minute, in MB. */
const MOST_GROWN_MB = 20;
const MINUTE_MS = 60_000;
/** Samples from so far around a moment count for it, in ms: between two collections memory goes up and down. */
const AROUND_MS = 30_000;

interface Sample {
  readonly at: number;
  readonly pid: number;
  readonly mb: number;
}

/** What the bridge needs, from time to time. Linux only; elsewhere it has no samples. */
export class MemoryLog {
  readonly #samples: Sample[] = [];

  /** `at` in ms since the start. */
  sample(at: number, pid: number | undefined): void {
    const mb = pid === undefined ? undefined : resident(pid);
    if (pid !== undefined && mb !== undefined) this.#samples.push({ at, pid, mb });
  }

  /** In MB; a bridge that came after the tenth minute can't be compared. */
  report(end: number): { tenthMinute?: number; end?: number; most?: number; holds: boolean | undefined } {
    const last = this.#samples.at(-1);
    if (last === undefined) return { holds: undefined };
    const least = (around: number) => {
      const near = this.#samples.filter(
        ({ at, pid }) => pid === last.pid && Math.abs(at - around) <= AROUND_MS,
      );
      return near.length === 0 ? undefined : Math.min(...near.map(({ mb }) => mb));
    };
    const tenthMinute = end > 12 * MINUTE_MS ? least(10 * MINUTE_MS) : undefined;
    const after = least(end);
    return {
      ...(tenthMinute === undefined ? {} : { tenthMinute }),
      ...(after === undefined ? {} : { end: after }),
      most: Math.max(...this.#samples.map(({ mb }) => mb)),
      holds:
        tenthMinute === undefined || after === undefined ? undefined : after - tenthMinute <= MOST_GROWN_MB,
    };
  }
}

/** Megabytes resident; undefined for a process that is gone, and where there is no /proc. */
function resident(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
