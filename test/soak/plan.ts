import { Random } from './random.ts';

/** A fault every so often, in ms. */
const EVERY_MS = 5_000;
const MINUTE_MS = 60_000;

/** What is done to the bridge and to those around it, and how often one comes compared with the others. */
const WEIGHTS = {
  killCodex: 3,
  killGuard: 1,
  restartCodex: 2,
  cutFace: 2,
  reloadWindows: 2,
  killClient: 3,
  floodOutput: 2,
  floodText: 1,
  slowReader: 1,
  cancelSession: 2,
  deleteSession: 2,
  exportImport: 1,
  archive: 1,
  fork: 1,
  removeFolder: 1,
} as const;

type Repeated = keyof typeof WEIGHTS;

/** After them another bridge runs, so that what one bridge's memory does can't be seen. They come first. */
export type FaultName = Repeated | 'killBridge' | 'replaceBridge';

/** Of the first faults, one in so many ends the bridge; every third of these as a newer window does. */
const BRIDGE_ENDS = 6;

export interface PlannedFault {
  /** Since the start, in ms. */
  readonly at: number;
  readonly fault: FaultName;
  /** What the fault takes its own choices from. */
  readonly seed: string;
}

/** The minute after which the bridge is no more replaced; its memory is compared from the tenth on. */
export function lastReplacement(minutes: number): number {
  return minutes >= 10 ? 5 : minutes / 2;
}

/**
 * Which fault comes when, for the whole run: all of them once in a while, in an order of the seed's. The same
 * seed gives the same plan, and the same choices of every actor; which of them meet at which moment is up to
 * the machine.
 */
export function planFaults(seed: string, minutes: number): PlannedFault[] {
  const random = new Random(`${seed} faults`);
  const faults: PlannedFault[] = [];
  let bag: Repeated[] = [];
  for (let n = 0, at = EVERY_MS; at < minutes * MINUTE_MS; n++, at += EVERY_MS) {
    const endsBridge = n % BRIDGE_ENDS === 2 && at < lastReplacement(minutes) * MINUTE_MS;
    if (bag.length === 0) bag = shuffledFaults(random);
    const repeated = endsBridge ? undefined : bag.pop();
    const fault = repeated ?? (Math.floor(n / BRIDGE_ENDS) % 3 === 1 ? 'replaceBridge' : 'killBridge');
    faults.push({ at, fault, seed: `${seed} ${fault} ${at}` });
  }
  return faults;
}

function shuffledFaults(random: Random): Repeated[] {
  // The record's own keys.
  const names = Object.keys(WEIGHTS) as Repeated[];
  return names
    .flatMap((name) => Array.from({ length: WEIGHTS[name] }, () => ({ name, order: random.next() })))
    .sort((a, b) => a.order - b.order)
    .map(({ name }) => name);
}
