import type { ChangeMark } from '../../src/shared/changes.ts';
import { t } from '../l10n.ts';

/** What was done with a file or a hunk. */
export function Mark({ mark }: { mark: ChangeMark }) {
  if (mark === 'open') return null;
  return <span class={`mark ${mark}`}>{mark === 'kept' ? t('Kept') : t('Reverted')}</span>;
}
