import { useState } from 'preact/hooks';
import type { FileChange } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
import { Fold } from './Fold.tsx';
import { Icon } from './Icon.tsx';
import { splitPath } from './text.ts';
import { Visible } from './Visible.tsx';

/** Lines drawn at first; the rest on demand, so that a huge diff does not stop the view. */
const FIRST_LINES = 400;

const KINDS = {
  add: { icon: 'diff-added', label: t('added') },
  delete: { icon: 'diff-removed', label: t('deleted') },
  update: { icon: 'diff-modified', label: t('changed') },
} as const;

/** The files of a change, each with its counts and its diff folded. */
export function Changes({ changes, open = false }: { changes: readonly FileChange[]; open?: boolean }) {
  return (
    <ul class="changes">
      {changes.map((change) => (
        <li key={change.path}>
          <Fold
            class="change"
            open={open}
            title={change.movedTo ? `${change.path} → ${change.movedTo}` : change.path}
            summary={
              <>
                <Icon name={KINDS[change.kind].icon} />
                <span class="sr-only">{KINDS[change.kind].label} </span>
                <Path change={change} />
                <span class="counts">
                  <span class="added">+{change.added}</span> <span class="removed">−{change.removed}</span>
                </span>
              </>
            }
          >
            {() => <Diff text={change.diff} />}
          </Fold>
        </li>
      ))}
    </ul>
  );
}

function Path({ change }: { change: FileChange }) {
  const { folder, name } = splitPath(change.movedTo ?? change.path);
  return (
    <span class="path">
      <span class="folder">
        <Visible text={change.movedTo === undefined ? folder : `${change.path} → ${folder}`} />
      </span>
      <span class="name">
        <Visible text={name} />
      </span>
    </span>
  );
}

function Diff({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  if (text === '') return <p class="muted">{t('Codex gave no diff for this file.')}</p>;
  const lines = text.replace(/\n$/, '').split('\n');
  const shown = all ? lines : lines.slice(0, FIRST_LINES);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre class="diff" tabIndex={0}>
        {shown.map((line, place) => (
          <div key={place} class={lineClass(line)}>
            <Visible text={line === '' ? ' ' : line} />
          </div>
        ))}
      </pre>
      {shown.length < lines.length && (
        <button type="button" class="link-button" onClick={() => setAll(true)}>
          {t('Show {0} more lines', lines.length - shown.length)}
        </button>
      )}
    </>
  );
}

function lineClass(line: string): string {
  if (line.startsWith('@@')) return 'hunk';
  if (line.startsWith('+++') || line.startsWith('---')) return 'file';
  if (line.startsWith('+')) return 'added';
  return line.startsWith('-') ? 'removed' : '';
}
