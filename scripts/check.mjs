// The pre-commit habit: format, lint, layer rule, types, unit tests. Under a minute.
import { staticChecks } from './lib/checks.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { run } from './lib/run.mjs';

ensureInstalled();
for (const [name, command, args] of [
  ...staticChecks,
  ['unit tests', 'vitest', ['run', '--project', 'unit']],
]) {
  console.log(`\n— ${name}`);
  const { ok, reason } = await run(command, args);
  if (!ok) {
    console.error(`\ncheck failed at: ${name} (${reason})`);
    process.exit(1);
  }
}
