// Loaded into the bridge and the extension host: writes what event loop and memory do, four times a second,
// into the folder that BENCH_PROBE names. Measuring begins anew when the file `go` appears there.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const folder = process.env.BENCH_PROBE;
const role = process.argv[2] === 'bridge' ? 'bridge' : 'host';
if (folder !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let started = false;
  let before = 0;
  let most = 0;
  const look = () => {
    const { rss } = process.memoryUsage();
    if (!started && existsSync(join(folder, 'go'))) {
      started = true;
      before = rss;
      delay.reset();
    }
    most = Math.max(most, rss);
    if (!started) most = 0;
    const p99 = delay.percentile(99) / 1e6;
    const max = delay.max / 1e6;
    writeFileSync(join(folder, `${role}.json`), JSON.stringify({ started, grown: most - before, p99, max }));
  };
  setInterval(look, 250).unref();
}
