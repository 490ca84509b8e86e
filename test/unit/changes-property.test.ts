import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CopiedFolder, copiedFolder, treeOf } from './changes-support.ts';

/** Few names, so that edits meet: files turn into directories, are renamed onto each other, come and go. */
const path = fc.constantFrom('a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/f', 'a/x', 'c.txt');
const content = fc.oneof(
  fc
    .array(fc.constantFrom('one\n', 'two\r\n', '}\n', '\n'), { maxLength: 8 })
    .map((lines) => Buffer.from(lines.join(''))),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

const edit = fc.oneof(
  fc.record({ do: fc.constant('write' as const), path, content }),
  fc.record({ do: fc.constant('append' as const), path, content }),
  fc.record({ do: fc.constant('delete' as const), path }),
  fc.record({ do: fc.constant('move' as const), path, to: path }),
  fc.record({ do: fc.constant('chmod' as const), path, mode: fc.constantFrom(0o600, 0o644, 0o755) }),
  fc.record({ do: fc.constant('link' as const), path, to: fc.constantFrom('a', '../nowhere', '/etc') }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Does what is possible of it, and never follows a link. */
function apply(root: string, step: Edit): void {
  const at = join(root, step.path);
  if (!clearParents(root, step.path)) return;
  const stats = lstatSync(at, { throwIfNoEntry: false });
  switch (step.do) {
    case 'write':
      rmSync(at, { recursive: true, force: true });
      writeFileSync(at, step.content);
      return;
    case 'append':
      if (stats?.isFile() === true) writeFileSync(at, step.content, { flag: 'a' });
      return;
    case 'delete':
      rmSync(at, { recursive: true, force: true });
      return;
    case 'move': {
      const to = join(root, step.to);
      const nested = step.to.startsWith(`${step.path}/`) || step.path.startsWith(`${step.to}/`);
      if (stats === undefined || nested || step.to === step.path || !clearParents(root, step.to)) return;
      rmSync(to, { recursive: true, force: true });
      renameSync(at, to);
      return;
    }
    case 'chmod':
      if (stats?.isFile() === true) chmodSync(at, step.mode);
      return;
    case 'link':
      rmSync(at, { recursive: true, force: true });
      symlinkSync(step.to, at);
  }
}

/** Makes the directories that a path needs; false where a link or file is in the way. */
function clearParents(root: string, target: string): boolean {
  const parts = dirname(target).split('/');
  for (let depth = 1; depth <= parts.length && parts[0] !== '.'; depth++) {
    const parent = join(root, ...parts.slice(0, depth));
    const stats = lstatSync(parent, { throwIfNoEntry: false });
    if (stats === undefined) mkdirSync(parent);
    else if (!stats.isDirectory()) return false;
  }
  return true;
}

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
        for (const step of first) apply(folder.path, step);
        const before = treeOf(folder.path);
        const { files } = await folder.turn('t_1', () => {
          for (const step of second) apply(folder.path, step);
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
