import { diffArrays } from 'diff';
import type { ChangeContent, ChangedFile, Hunk } from '../../../src/shared/changes.ts';
import { splitLines } from '../../../src/shared/lines.ts';

/** Hunks as the bridge would tell them. */
export function hunksOf(before: string, after: string): Hunk[] {
  const hunks: Hunk[] = [];
  let b = 0;
  let a = 0;
  let last: Hunk | undefined;
  for (const { value, added, removed } of diffArrays(splitLines(before), splitLines(after))) {
    if (!added && !removed) {
      b += value.length;
      a += value.length;
      last = undefined;
      continue;
    }
    const beforeCount = (last?.beforeCount ?? 0) + (removed ? value.length : 0);
    const afterCount = (last?.afterCount ?? 0) + (added ? value.length : 0);
    if (removed) b += value.length;
    if (added) a += value.length;
    if (last !== undefined) hunks.pop();
    last = { beforeStart: b - beforeCount, beforeCount, afterStart: a - afterCount, afterCount };
    hunks.push(last);
  }
  return hunks;
}

/** A changed file with its content; undefined where there was or is none. */
export function change(
  before: string | undefined,
  after: string | undefined,
  more: Partial<ChangedFile> = {},
): ChangeContent {
  const kind = before === undefined ? 'add' : after === undefined ? 'delete' : 'update';
  const content: ChangeContent = {
    file: {
      path: 'file.txt',
      kind,
      type: 'file',
      binary: false,
      added: 0,
      removed: 0,
      mark: 'open',
      ...(before === undefined ? {} : { modeBefore: 0o644 }),
      ...(after === undefined ? {} : { modeAfter: 0o644 }),
      ...more,
    },
    ...(before === undefined ? {} : { before: { encoding: 'utf8', data: before, omitted: 0 } }),
    ...(after === undefined ? {} : { after: { encoding: 'utf8', data: after, omitted: 0 } }),
    hunks: hunksOf(before ?? '', after ?? '').map((hunk) => ({ ...hunk, mark: 'open' as const })),
  };
  return content;
}
