import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { discoveryFile, readDiscovery } from '../../src/client/discovery.ts';

const WRITTEN = {
  contract: 1,
  version: '0.1.0',
  pid: 1,
  instance: 'i',
  socket: '/s',
  key: 'k',
  url: 'http://127.0.0.1:1/mcp',
  token: 't',
};

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'discovery-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(home, { recursive: true });
});

it('is what the bridge of the same user wrote', async () => {
  writeFileSync(discoveryFile(home), JSON.stringify(WRITTEN), { mode: 0o600 });
  expect(await readDiscovery(home)).toEqual(WRITTEN);
});

it.each([
  ['half a file', '{"contract":1,'],
  ['another shape', JSON.stringify({ ...WRITTEN, socket: 7 })],
  ['nothing', ''],
])('%s is no bridge', async (_what, text) => {
  writeFileSync(discoveryFile(home), text);
  expect(await readDiscovery(home)).toBeUndefined();
});

it('no file is no bridge', async () => {
  expect(await readDiscovery(home)).toBeUndefined();
});

it('a link is not followed', async () => {
  const elsewhere = join(home, 'elsewhere.json');
  writeFileSync(elsewhere, JSON.stringify(WRITTEN), { mode: 0o600 });
  symlinkSync(elsewhere, discoveryFile(home));
  expect(await readDiscovery(home)).toBeUndefined();
});

it("another user's file is not believed", async () => {
  writeFileSync(discoveryFile(home), JSON.stringify(WRITTEN), { mode: 0o600 });
  vi.spyOn(process, 'getuid').mockReturnValue((process.getuid?.() ?? 0) + 1);
  expect(await readDiscovery(home)).toBeUndefined();
});
