import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a private directory and those above it. Not with `recursive`: below /proc, where nothing can be made
 * and nothing says so, Node would try for ever.
 */
export function makeDirectory(path: string): void {
  const exists = (error: unknown) => hasErrno(error, 'EEXIST') && statSync(path).isDirectory();
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (exists(error)) return;
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (again) {
      if (!exists(again)) throw again;
    }
  }
}

function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
