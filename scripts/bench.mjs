// The figures that the project set itself, measured on this machine: a table, JSON, and docs/benchmarks.md.
//   npm run bench [-- warm first many long cold history attach vscode chat changes terminal recovery door]
// With names, only those are measured, and docs/benchmarks.md is left as it is.
import { ensureInstalled, underProjectNode } from './lib/install.mjs';

ensureInstalled();
await underProjectNode();
const { runBench } = await import('./lib/bench.mjs');
process.exitCode = await runBench(process.argv.slice(2));
