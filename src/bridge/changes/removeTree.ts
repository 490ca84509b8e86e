import { chmodSync, type Dirent, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes a directory with all that is in it, also where somebody has taken the rights to do so away. */
export async function removeTree(path: string): Promise<void> {
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  try {
    await remove();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error;
    open(path);
    await remove();
  }
}

/** Links are not followed: their targets are not ours. */
function open(directory: string): void {
  chmodSync(directory, 0o700);
  const children: Dirent[] = readdirSync(directory, { withFileTypes: true });
  for (const child of children) if (child.isDirectory()) open(join(directory, child.name));
}
