import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { doEdit, edit } from './changes-edits.ts';
import { type CopiedFolder, copiedFolder, treeOf } from './changes-support.ts';

async function withFolder(run: (folder: CopiedFolder) => Promise<void>): Promise<void> {
  const folder = await copiedFolder();
  try {
    await run(folder);
  } finally {
    await folder.dispose();
  }
}

test('whatever a turn did, reverting all of it makes the folder what it was', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 12 }), fc.array(edit, { maxLength: 12 }), (first, second) =>
      withFolder(async (folder) => {
        for (const step of first) doEdit(folder.path, step);
        const before = treeOf(folder.path);
        const { files } = await folder.turn('t_1', () => {
          for (const step of second) doEdit(folder.path, step);
        });
        // With empty directories alone, nothing was changed.
        if (files.length === 0) return;
        expect(await folder.changes.revert('t_1')).toEqual({ refused: [] });
        expect(treeOf(folder.path)).toEqual(before);
      }),
    ),
    { numRuns: 100 },
  );
});

test('hunks taken back in any order make a text file what it was', { timeout: 60_000 }, async () => {
  const text = fc.array(fc.constantFrom('one\n', 'two\r\n', '}\n', '\n', 'x'), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(text, text, fc.infiniteStream(fc.nat()), (before, after, random) =>
      withFolder(async (folder) => {
        const file = join(folder.path, 'a.txt');
        writeFileSync(file, before.join(''));
        await folder.turn('t_1', () => writeFileSync(file, after.join('')));
        if (before.join('') === after.join('')) return;
        const { hunks } = await folder.changes.read('t_1', 'a.txt');
        const left = [...hunks.keys()];
        while (left.length > 0) {
          const [index] = left.splice((random.next().value ?? 0) % left.length, 1);
          await folder.changes.revert('t_1', 'a.txt', index);
        }
        expect(readFileSync(file, 'utf8')).toBe(before.join(''));
        unlinkSync(file);
      }),
    ),
    { numRuns: 60 },
  );
});
