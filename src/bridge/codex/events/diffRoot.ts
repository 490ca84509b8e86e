import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/**
 * The folder's place below the root that Codex's turn diffs name their paths from, with `/`; '' where it is
 * that root. The root is the nearest ancestor with a `.git`, else the folder itself (seen with Codex 0.169,
 * `turn/diff/updated`).
 */
export function diffPrefix(folderReal: string): string {
  for (let at = folderReal; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return relative(at, folderReal).split(sep).join('/');
    if (dirname(at) === at) return '';
  }
}
