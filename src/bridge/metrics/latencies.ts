import { createHistogram } from 'node:perf_hooks';
import type { Latency } from '../../shared/counters.ts';

/** A day, in µs: what takes longer counts as that. */
const HIGHEST = 24 * 3600 * 1e6;

/** Times, in a histogram of bounded size (Node's HdrHistogram, exact to two figures). */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 2 });
  #sum = 0;

  /** `ms` may be fractions. */
  record(ms: number): void {
    this.#histogram.record(Math.min(HIGHEST, Math.max(1, Math.round(ms * 1000))));
    this.#sum += ms;
  }

  read(): Latency {
    const histogram = this.#histogram;
    const at = (percentile: number) => (histogram.count === 0 ? 0 : toMs(histogram.percentile(percentile)));
    return {
      count: histogram.count,
      sum: Math.round(this.#sum),
      p50: at(50),
      p95: at(95),
      p99: at(99),
      max: histogram.count === 0 ? 0 : toMs(histogram.max),
    };
  }
}

/** Three figures after the point are more than it knows. */
function toMs(us: number): number {
  return Math.round(us / 10) / 100;
}
