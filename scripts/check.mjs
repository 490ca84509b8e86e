// The pre-commit habit: format, lint, layer rule, types, unit tests. Under a minute.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const steps = [
  ['types of the app-server protocol', 'node', ['scripts/generate.mjs']],
  ['format, lint and layer rule', 'biome', ['check', '--error-on-warnings', '.']],
  ['types, layer by layer', 'tsc', ['-b']],
  ['unit tests', 'vitest', ['run', '--project', 'unit']],
];
for (const [name, command, args] of steps) {
  console.log(`\n— ${name}`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PATH: `${root}node_modules/.bin${process.platform === 'win32' ? ';' : ':'}${process.env.PATH}`,
    },
  });
  if (status !== 0) {
    console.error(`\ncheck failed at: ${name}`);
    process.exit(1);
  }
}
