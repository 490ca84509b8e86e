import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { problemsOf } from '../../scripts/lib/supplyChain.mjs';

interface Entry {
  version?: string;
  integrity?: string;
  resolved?: string;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
}
interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
// Our own files, which npm writes.
const manifest = read('package.json') as Manifest;
const lock = read('package-lock.json') as { packages: Record<string, Entry> };

test('every dependency is exact, from a registry, under a listed licence, and runs no install script', () => {
  expect(problemsOf(manifest, lock)).toEqual([]);
});

describe('what would be refused', () => {
  /** What of zod's entry in the lock is changed, or of the manifest. */
  const cases: [string, { zod?: Entry; wanted?: string; scripts?: Record<string, boolean> }, RegExp][] = [
    ['a range', { wanted: '^4.0.0' }, /exact/],
    ['a lock of another version', { zod: { version: '9.9.9' } }, /another one/],
    ['no checksum', { zod: { integrity: '' } }, /SHA-512/],
    ['a git repository', { zod: { resolved: 'git+ssh://x/y' } }, /registry/],
    ['a licence that is not listed', { zod: { license: 'GPL-3.0' } }, /GPL-3.0/],
    ["a tool's licence on what ships", { zod: { license: 'MPL-2.0' } }, /MPL-2.0/],
    ['a new install script', { zod: { hasInstallScript: true } }, /allowScripts/],
    ['a script of what ships', { scripts: { 'node-pty@1.2.0-beta.15': true } }, /install script may run/],
  ];
  it.each(cases)('%s', (_what, { zod, wanted, scripts }, sentence) => {
    const changed = structuredClone({ manifest, lock });
    Object.assign(changed.lock.packages['node_modules/zod'] ?? {}, zod);
    Object.assign(changed.manifest.dependencies, wanted === undefined ? {} : { zod: wanted });
    Object.assign(changed.manifest.allowScripts, scripts);
    expect(problemsOf(changed.manifest, changed.lock).join('\n')).toMatch(sentence);
  });
});

describe('THIRD_PARTY_NOTICES', () => {
  // CommonJS, as esbuild.js is, which writes them.
  const { noticesOf } = createRequire(import.meta.url)('../../scripts/lib/notices.cjs') as {
    noticesOf(root: string, names: readonly string[]): string;
  };

  it('has the name, version, licence and its whole text of everything that ships', () => {
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    // Types and headers: nothing of them is in the bundles.
    const names = shipped
      .map(([path]) => path.slice('node_modules/'.length))
      .filter((name) => !['@types/trusted-types', 'node-addon-api', 'argparse'].includes(name));
    const parts = noticesOf(root, names)
      .split(/^-{80}\n(?=\S+ \S+ \()/m)
      .slice(1);
    expect(parts.map((part) => part.split(' ', 1)[0])).toEqual([...names].sort());
    for (const part of parts) {
      const [heading = '', text = ''] = part.split(/^-{80}$/m);
      expect(heading).toMatch(/^\S+ \d+\.\d+\.\d+\S* \([^)]+\)/);
      expect(text.trim().length, heading).toBeGreaterThan(400);
    }
  });
});
