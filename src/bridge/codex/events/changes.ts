import { countLines } from '../../../shared/gitDiff.ts';
import type { FileChange } from '../../../shared/session.ts';
import type { FileChange as LegacyFileChange } from '../generated/FileChange.ts';
import type { FileUpdateChange } from '../generated/v2/FileUpdateChange.ts';
import { shownPath } from './paths.ts';

/**
 * One file of a `fileChange` item. Codex gives the raw content where a file is added or deleted and hunks
 * where it is updated (seen with 0.169), with a last line "Moved to: …" where it is renamed. Here it is
 * always hunks.
 */
export function fileChange(folder: string, change: FileUpdateChange): FileChange {
  const path = shownPath(folder, change.path);
  switch (change.kind.type) {
    case 'add':
      return withCounts({ path, kind: 'add', diff: rawAsHunk(change.diff, '+') });
    case 'delete':
      return withCounts({ path, kind: 'delete', diff: rawAsHunk(change.diff, '-') });
    case 'update': {
      const target = change.kind.move_path;
      if (target === null || target === undefined)
        return withCounts({ path, kind: 'update', diff: change.diff });
      return withCounts({
        path,
        kind: 'update',
        movedTo: shownPath(folder, target),
        diff: withoutMovedTo(change.diff, target),
      });
    }
  }
}

/** The changes of a legacy `applyPatchApproval`, by their paths. */
export function legacyFileChanges(
  folder: string,
  changes: { readonly [path: string]: LegacyFileChange | undefined },
): FileChange[] {
  return Object.entries(changes).flatMap(([path, change]) => {
    if (change === undefined) return [];
    const update: FileUpdateChange =
      change.type === 'update'
        ? { path, kind: { type: 'update', move_path: change.move_path }, diff: change.unified_diff }
        : { path, kind: { type: change.type }, diff: change.content };
    return [fileChange(folder, update)];
  });
}

function withCounts(change: Omit<FileChange, 'added' | 'removed'>): FileChange {
  return { ...change, ...countLines(change.diff) };
}

/**
 * Whole content as the one hunk that adds or removes it. Also where the content looks like a diff itself:
 * else an added file could show lines in an approval that are not what will be written.
 */
function rawAsHunk(content: string, sign: '+' | '-'): string {
  if (content === '') return '';
  const endsInNewline = content.endsWith('\n');
  const lines = (endsInNewline ? content.slice(0, -1) : content).split('\n');
  const range = lines.length === 1 ? '1' : `1,${lines.length}`;
  const head = sign === '+' ? `@@ -0,0 +${range} @@` : `@@ -${range} +0,0 @@`;
  const body = lines.map((line) => `${sign}${line}`).join('\n');
  return `${head}\n${body}\n${endsInNewline ? '' : '\\ No newline at end of file\n'}`;
}

function withoutMovedTo(diff: string, target: string): string {
  const line = `Moved to: ${target}`;
  if (!diff.endsWith(line)) return diff;
  return diff.slice(0, -line.length).replace(/\n\n$/, '');
}
