import type { ComponentChildren } from 'preact';
import type { ChangedFile } from '../../src/shared/changes.ts';
import { Icon } from '../chat/Icon.tsx';
import { splitPath } from '../chat/text.ts';
import { Visible } from '../chat/Visible.tsx';
import { t } from '../l10n.ts';

const KINDS = {
  add: { icon: 'diff-added', label: t('added') },
  update: { icon: 'diff-modified', label: t('changed') },
  delete: { icon: 'diff-removed', label: t('deleted') },
  rename: { icon: 'diff-renamed', label: t('moved') },
  mode: { icon: 'lock', label: t('permissions changed') },
} as const;

/** A file's name with its kind of change, which opens and closes it, and its counts. */
export function FileName(props: {
  file: Pick<ChangedFile, 'path' | 'movedTo' | 'kind' | 'binary' | 'added' | 'removed'>;
  open: boolean;
  onToggle: () => void;
  /** What else is told of it. */
  children?: ComponentChildren;
}) {
  const { file, open, onToggle, children } = props;
  const { icon, label } = KINDS[file.kind];
  const { folder, name } = splitPath(file.movedTo ?? file.path);
  return (
    <>
      <button type="button" class="file-name" aria-expanded={open} title={fileTitle(file)} onClick={onToggle}>
        <Icon name={open ? 'chevron-down' : 'chevron-right'} />
        <Icon name={icon} />
        <span class="sr-only">{label} </span>
        <span class="path">
          <span class="folder">
            <Visible text={file.movedTo === undefined ? folder : `${file.path} → ${folder}`} />
          </span>
          <span class="name">
            <Visible text={name} />
          </span>
        </span>
        {children}
      </button>
      {file.binary ? (
        <span class="counts muted">{t('binary')}</span>
      ) : (
        <span class="counts">
          <span class="added">+{file.added}</span> <span class="removed">−{file.removed}</span>
        </span>
      )}
    </>
  );
}

export function fileTitle({ path, movedTo }: Pick<ChangedFile, 'path' | 'movedTo'>): string {
  return movedTo === undefined ? path : `${path} → ${movedTo}`;
}
