import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';

/** Few names, so that edits meet: files turn into directories, are renamed onto each other, come and go. */
const path = fc.constantFrom('a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/f', 'a/x', 'c.txt');
const content = fc.oneof(
  fc
    .array(fc.constantFrom('one\n', 'two\r\n', '}\n', '\n'), { maxLength: 8 })
    .map((lines) => Buffer.from(lines.join(''))),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

/** One thing that somebody does to a folder. */
export const edit = fc.oneof(
  fc.record({ do: fc.constant('write' as const), path, content }),
  fc.record({ do: fc.constant('append' as const), path, content }),
  fc.record({ do: fc.constant('delete' as const), path }),
  fc.record({ do: fc.constant('move' as const), path, to: path }),
  fc.record({ do: fc.constant('chmod' as const), path, mode: fc.constantFrom(0o600, 0o644, 0o755) }),
  fc.record({ do: fc.constant('link' as const), path, to: fc.constantFrom('a', '../nowhere', '/etc') }),
);
export type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Does what is possible of it, and never follows a link. */
export function doEdit(root: string, step: Edit): void {
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
