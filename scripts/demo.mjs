// Codex Bridge in a VS Code of its own, on a small sample project.
//   npm run demo [-- --scripted] [-- --browser] [-- --check]
// --scripted: the built-in scripted model also where a Codex login is there
// --browser:  VS Code in the browser also where `code` is on the PATH
// --check:    starts everything, asks once, ends, and exits 0: for the tests
import { ensureInstalled, underProjectNode } from './lib/install.mjs';

ensureInstalled();
await underProjectNode();
const { demo } = await import('./lib/demo.mjs');
process.exitCode = await demo({
  scripted: process.argv.includes('--scripted') || process.argv.includes('--check'),
  browser: process.argv.includes('--browser') || process.argv.includes('--check'),
  check: process.argv.includes('--check'),
});
