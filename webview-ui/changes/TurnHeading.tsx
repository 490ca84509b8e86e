import { t } from '../l10n.ts';
import type { ChangesStore, Layout } from './changesStore.ts';
import type { TurnFacts } from './turnFacts.ts';

/** With more files than this, all begin closed. */
const OPEN_FILES = 5;
/** Lines of a file that is open from the beginning. */
const OPEN_LINES = 300;

interface Counted {
  readonly added: number;
  readonly removed: number;
}

/** Whether a file is open before the person has opened or closed it. */
export function opensByItself({ added, removed }: Counted, files: number): boolean {
  return files <= OPEN_FILES && added + removed <= OPEN_LINES;
}

export interface TurnProps {
  readonly turn: TurnFacts;
  readonly changes: ChangesStore;
  readonly layout: Layout;
}

/** Which turn it is. */
export function TurnHeading({ turn }: Pick<TurnProps, 'turn'>) {
  return (
    <h2>
      <span class="number">{t('Turn {0}', turn.place)}</span>{' '}
      <span class="title">{turn.prompt.trim().split('\n')[0]}</span>
    </h2>
  );
}

export function Counts({ files }: { files: readonly Counted[] }) {
  const added = files.reduce((sum, file) => sum + file.added, 0);
  const removed = files.reduce((sum, file) => sum + file.removed, 0);
  return (
    <span class="counts">
      {files.length === 1 ? t('1 file') : t('{0} files', files.length)} <span class="added">+{added}</span>{' '}
      <span class="removed">−{removed}</span>
    </span>
  );
}
