import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

describe('opening a history', () => {
  it('is silent about node:sqlite, and about nothing else', () => {
    const module = fileURLToPath(new URL('../../src/bridge/history/history.ts', import.meta.url));
    const script = `
      import { openHistory } from ${JSON.stringify(module)};
      const logger = { warn() {} };
      const before = process.emitWarning;
      openHistory(':memory:', 'f', { logger, clock: Date }).close();
      if (process.emitWarning !== before) throw new Error('emitWarning was not put back');
      process.emitWarning('another', 'ExperimentalWarning');
    `;
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--experimental-strip-types', '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    expect(stderr).toContain('another');
    expect(stderr).not.toContain('SQLite');
    expect(status).toBe(0);
  });
});
