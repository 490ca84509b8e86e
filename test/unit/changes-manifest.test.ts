import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BlobStore, hashOf } from '../../src/bridge/changes/blobStore.ts';
import { FolderScanner } from '../../src/bridge/changes/folderScanner.ts';
import { COPY_LIMITS } from '../../src/bridge/changes/limits.ts';
import { type Entry, entryFrom, sameStats } from '../../src/bridge/changes/manifest.ts';
import { tempDir } from '../support/codexHome.ts';

const NEW = hashOf(Buffer.from('new!'));
const OLD = hashOf(Buffer.from('old!'));

/** What a scan finds in a file with new content when its last entry, of the old content, was `known`. */
async function scanOver(known: (now: Entry) => Entry, now: number): Promise<string | undefined> {
  const temp = await tempDir('man');
  try {
    const file = join(temp.path, 'a.txt');
    writeFileSync(file, 'new!');
    const entry = entryFrom(lstatSync(file), 'file', now);
    const scanner = new FolderScanner({
      folder: temp.path,
      blobs: new BlobStore(join(temp.path, 'blobs')),
      limits: COPY_LIMITS,
      without: [join(temp.path, 'blobs')],
      now: () => now,
    });
    const { entries } = await scanner.scan(
      new Map([['a.txt', { ...known(entry), hash: OLD }]]),
      new AbortController().signal,
    );
    return entries.get('a.txt')?.hash;
  } finally {
    await temp.dispose();
  }
}

const LATER = Date.now() + 60_000;

describe('a file is read again', () => {
  test('not when nothing tells that it was touched', async () => {
    expect(await scanOver((entry) => entry, LATER)).toBe(OLD);
  });

  test('when it was so new at the last scan that a second write may have left the same times', async () => {
    expect(await scanOver((entry) => entry, Date.now())).toBe(NEW);
  });

  test('when it comes from the future', async () => {
    expect(await scanOver((entry) => entry, LATER - 3_600_000)).toBe(NEW);
  });

  test.each(['size', 'mtimeMs', 'ctimeMs', 'ino', 'mode'] as const)(
    'when its %s is another',
    async (field) => {
      expect(await scanOver((entry) => ({ ...entry, [field]: entry[field] - 1 }), LATER)).toBe(NEW);
    },
  );

  test('2 s are near', () => {
    const stats = lstatSync('.');
    const entry = entryFrom(stats, 'file', LATER);
    expect(sameStats(entry, { ...entry, hash: 'x', racy: true })).toBe(true);
    expect(entry.racy).toBe(false);
    expect(entryFrom(stats, 'file', Math.max(stats.mtimeMs, stats.ctimeMs) + 1999).racy).toBe(true);
  });
});
