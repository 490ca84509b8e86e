import { BridgeError } from '../../shared/errors.ts';
import { isWhole, patchOf } from '../../shared/patch.ts';
import type { TurnSnapshot } from '../../shared/session.ts';
import type { ChangesApi } from './folderChanges.ts';

/**
 * What a turn changed, as a unified diff that `git apply` takes: from the copies where they are kept, else what
 * Codex told. Files that are too long to be shown whole are only named, in a line that begins with `#`.
 */
export async function turnDiff(
  turn: Pick<TurnSnapshot, 'id' | 'changes' | 'diff'>,
  changes: Pick<ChangesApi, 'list' | 'read'>,
): Promise<string> {
  if (turn.changes?.complete !== true) return turn.diff;
  if (turn.changes.files.length === 0) return '';
  try {
    const patches: string[] = [];
    for (const { path } of changes.list(turn.id).files) {
      const content = await changes.read(turn.id, path);
      patches.push(isWhole(content) ? patchOf(content) : `# ${path}: too long to be shown here\n`);
    }
    return patches.join('');
  } catch (error) {
    // The copies were removed, being old: what Codex told is kept with the turn.
    if (error instanceof BridgeError && error.code === 'CHANGE_NOT_REVERTIBLE') return turn.diff;
    throw error;
  }
}

/** The diffs of several turns one after the other, each below a line that names its turn. */
export async function turnsDiff(
  turns: readonly TurnSnapshot[],
  changes: Pick<ChangesApi, 'list' | 'read'>,
): Promise<string> {
  const diffs: string[] = [];
  for (const turn of turns) {
    const diff = await turnDiff(turn, changes);
    const where = turn.changes?.preview === true ? ', a preview: made on a copy' : '';
    if (diff !== '') diffs.push(`# Turn ${turn.id} (${turn.status}${where})\n${diff}`);
  }
  return diffs.join('\n');
}
