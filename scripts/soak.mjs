// Many sessions, windows and clients on the real bridge and the real Codex, a fault every five seconds, and at
// the end an oracle that says whether anything was lost.
//   npm run soak -- [--minutes 2] [--seed WORD] [--sessions 20] [--clients 10]
// The seed decides which faults come when and what each window and client does next; what meets at the same
// moment is up to the machine, so that the same seed comes close to the same run, not to the same interleaving.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, underProjectNode } from './lib/install.mjs';

ensureInstalled();
await underProjectNode();
const { projectNode, root } = await import('./lib/paths.mjs');
const { run } = await import('./lib/run.mjs');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    sessions: { type: 'string', default: '20' },
    clients: { type: 'string', default: '10' },
  },
});
const options = {
  minutes: Number(values.minutes),
  seed: values.seed,
  sessions: Number(values.sessions),
  clients: Number(values.clients),
};
if (
  ![options.minutes, options.sessions, options.clients].every((n) => n > 0) ||
  !/^[\w.-]+$/.test(options.seed)
) {
  console.error(
    '--minutes, --sessions and --clients want numbers above 0, --seed a word of letters and digits.',
  );
  process.exit(2);
}
for (const script of [['scripts/generate.mjs'], ['esbuild.js']]) {
  const { ok, reason } = await run(projectNode, script);
  if (!ok) throw new Error(`the build failed: ${reason}`);
}
const { soak } = await import('../test/soak/soak.ts');
console.log(`soak: ${options.minutes} minutes, seed ${options.seed}`);
const report = await soak(options);

console.log('\ntotals');
for (const [name, n] of Object.entries(report.totals)) console.log(`  ${String(n).padStart(8)}  ${name}`);
const { memory, joins } = report;
const mb = (n) => (n === undefined ? 'not measured' : `${n.toFixed(1)} MB`);
console.log(
  `\nmemory of the bridge: minute 10 ${mb(memory.tenthMinute)}, end ${mb(memory.end)}, most ${mb(memory.most)}`,
);
console.log(`a window is back after: p50 ${joins.p50} ms, p95 ${joins.p95} ms, most ${joins.most} ms\n`);
for (const { name, problems } of report.checks) {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${name}`);
  for (const problem of problems.slice(0, 20)) console.log(`        ${problem}`);
  if (problems.length > 20) console.log(`        and ${problems.length - 20} more`);
}
const failed = report.checks.filter(({ problems }) => problems.length > 0).length;
if (report.log !== undefined) console.log(`\nthe bridge's log: ${report.log}`);
mkdirSync(join(root, 'test-results'), { recursive: true });
writeFileSync(join(root, 'test-results/soak.json'), `${JSON.stringify(report, undefined, 2)}\n`);
console.log(
  `\nseed ${options.seed}: ${failed === 0 ? 'nothing was lost' : `${failed} of ${report.checks.length} checks failed`}`,
);
process.exitCode = failed === 0 ? 0 : 1;
