// Everything from nothing, on a machine with only Node (20 or newer), npm and git: installs, builds, and runs
// every suite one after the other. The last line is `N passed, N failed`; a suite that cannot run has failed.
// `npm test -- check codex` runs only the suites named.
import { ensureInstalled, underProjectNode } from './lib/install.mjs';

ensureInstalled();
await underProjectNode();
// Only now: from here on the project's Node and its packages are there.
const { runSuites } = await import('./lib/suites.mjs');
const { passed, failed } = await runSuites(process.argv.slice(2));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
