import type { ChangeMark } from '../../src/shared/changes.ts';

/** What was done with a file or a hunk. */
export function Mark({ mark }: { mark: ChangeMark }) {
  if (mark === 'open') return null;
  return <span class={`mark ${mark}`}>{mark === 'kept' ? 'Kept' : 'Reverted'}</span>;
}
