import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { tempDir } from '../support/codexHome.ts';

const writer = fileURLToPath(new URL('./log-writer.ts', import.meta.url));

it('the log of a bridge that runs for long stays bounded, and its last words are in it', async () => {
  const dir = await tempDir('log');
  try {
    const file = join(dir.path, 'bridge.log');
    const fd = openSync(file, 'a', 0o600);
    const args = ['--experimental-strip-types', '--no-warnings', writer, file];
    const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', fd] });
    closeSync(fd);
    expect(status).toBe(0);
    const [now, before] = [readFileSync(file, 'utf8'), readFileSync(`${file}.1`, 'utf8')];
    expect(now.endsWith('last words\n')).toBe(true);
    expect(Math.max(now.length, before.length)).toBeLessThan(10_200);
    // Nothing is lost between the two.
    const numbers = (before + now)
      .split('\n')
      .flatMap((line) => /^line (\d+)/.exec(line)?.[1] ?? [])
      .map(Number);
    expect(numbers).toEqual(numbers.map((_, i) => 1_000 - numbers.length + i));
    expect(statSync(`${file}.1`).mode & 0o077).toBe(0);
  } finally {
    await dir.dispose();
  }
});

it('what goes to a terminal or a pipe is left alone', async () => {
  const dir = await tempDir('log');
  try {
    const file = join(dir.path, 'bridge.log');
    const args = ['--experimental-strip-types', '--no-warnings', writer, file];
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr.split('\n')).toHaveLength(1_002);
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  } finally {
    await dir.dispose();
  }
});
