import type { FolderKey } from '../../shared/session.ts';
import type { Clock, Logger } from '../ports.ts';
import type { StateDirectory } from '../stateDirectory.ts';
import { FolderCopies } from './folderCopies.ts';
import { Previews } from './previews.ts';

/** What a folder's turns change, here and in throw-away copies. What a dead bridge left of those is removed. */
export function openChanges(
  state: StateDirectory,
  folder: { readonly key: FolderKey; readonly path: string },
  deps: { readonly clock: Clock; readonly logger: Logger },
): { readonly copies: FolderCopies; readonly previews: Previews } {
  const copies = new FolderCopies({
    ...deps,
    folder: folder.path,
    directory: state.copiesDir(folder.key),
    without: [state.path],
  });
  const previews = new Previews({
    ...deps,
    folder: folder.path,
    directory: state.previewsDir(folder.key),
    copies,
  });
  void previews.sweep();
  return { copies, previews };
}
