import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TurnId } from '../../shared/session.ts';
import type { Clock, Logger } from '../ports.ts';
import type { FolderCopies } from './folderCopies.ts';
import { COPY_LIMITS, type CopyLimits } from './limits.ts';
import { Preview } from './preview.ts';
import { removeTree } from './removeTree.ts';

export interface PreviewsDeps {
  /** Real path of the folder. */
  readonly folder: string;
  /** Where the throw-away copies are, one directory for each turn; made when it is first needed. */
  readonly directory: string;
  readonly copies: FolderCopies;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: CopyLimits;
}

/** The throw-away copies of a folder. */
export class Previews {
  readonly #deps: PreviewsDeps;

  constructor(deps: PreviewsDeps) {
    this.#deps = deps;
  }

  /** The copy for a turn; nothing is made yet. */
  of(turn: TurnId): Preview {
    const { limits = COPY_LIMITS, directory, ...deps } = this.#deps;
    return new Preview(join(directory, turn), { ...deps, limits });
  }

  /**
   * Removes what a bridge that died has left. To be called before the first {@link of}: there is one bridge for
   * each state directory, so whatever is there is nobody's. Never rejects.
   */
  async sweep(): Promise<void> {
    const { directory, logger } = this.#deps;
    try {
      for (const name of namesIn(directory)) await removeTree(join(directory, name));
    } catch (error) {
      logger.warn('copies of earlier previews can not be removed', { error });
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
