import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Vitest calls it once before the tests of the built CLI: builds what is missing or older than its sources. */
export function setup(): void {
  const built = statSync(join(root, 'dist/runtime/cli.mjs'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(...['shared', 'client', 'bridge', 'cli'].flatMap(times));
  if (newest > built) execFileSync(process.execPath, ['esbuild.js'], { cwd: root, stdio: 'inherit' });
}

function times(layer: string): number[] {
  const folder = join(root, 'src', layer);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => statSync(join(folder, name)).mtimeMs);
}
