import type { Bench } from './bench.ts';
import { type Figure, median } from './figure.ts';

const ROUNDS = 10;

/** From the start of the process to the ready line of `serve`; Codex starts at the first prompt. */
export async function coldStart(bench: Bench): Promise<Figure[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const serving = await bench.serve();
    times.push(serving.startedIn);
    await serving.stop();
  }
  return [
    {
      group: 'Cold start',
      name: '`serve` to its ready line',
      value: median(times),
      unit: 'ms',
      most: 400,
      note: `median of ${ROUNDS}`,
    },
  ];
}
