import { BridgeError } from '../shared/errors.ts';
import type { BridgeLink } from './bridgeLink.ts';
import type { SessionIndex } from './sessionIndex.ts';

/**
 * Tells the bridge which folders have left the workspace while nobody could: VS Code starts its extensions anew
 * when the first folder is removed, without a word to those that ran.
 */
export async function removeGone(
  link: Pick<BridgeLink, 'request'>,
  index: Pick<SessionIndex, 'folders'>,
  paths: readonly string[],
): Promise<void> {
  for (const { key, path } of index.folders) {
    if (paths.includes(path)) continue;
    try {
      await link.request('folder.remove', { folder: key });
    } catch (error) {
      // The usual case: it was told when it was removed, or the bridge is another one.
      if (!(error instanceof BridgeError) || error.code !== 'FOLDER_UNKNOWN') throw error;
    }
  }
}
