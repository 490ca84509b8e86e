import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChangeList, MarkedFile } from '../../src/shared/changes.ts';
import { errorText } from '../../src/shared/errorSentences.ts';
import { Fold } from '../chat/Fold.tsx';
import { Icon, IconButton } from '../chat/Icon.tsx';
import { memo } from '../chat/memo.ts';
import { Visible } from '../chat/Visible.tsx';
import { t } from '../l10n.ts';
import { ChangedFileView } from './ChangedFile.tsx';
import { type ChangesStore, fileKey } from './changesStore.ts';
import { Refusal, TryAgain } from './Refusal.tsx';
import { Counts, opensByItself, TurnHeading, type TurnProps } from './TurnHeading.tsx';
import type { TurnFacts } from './turnFacts.ts';

const REASONS = {
  ignored: t('ignored'),
  special: t('no plain file'),
  unreadable: t('could not be read'),
} as const;

/** All that one turn changed. */
export const TurnChangesView = memo((props: TurnProps) => <TurnChanges {...props} />);

function TurnChanges({ turn, changes, layout }: TurnProps) {
  const loaded = changes.list(turn.id).value;
  const known = turn.changes;
  if (known === undefined) return null;
  // Where the copies are gone, what the turn itself tells is still to be read.
  const list: ChangeList =
    loaded.state === 'ready'
      ? loaded.value
      : {
          ...known,
          files: known.files.map((file) => ({
            ...file,
            mark: 'open' as const,
            ...(loaded.state === 'failed' ? { notRevertible: errorText(loaded.error, t) } : {}),
          })),
        };
  const { files } = list;
  const isOpen = (file: MarkedFile) =>
    changes.open.value[fileKey(turn.id, file.path)] ??
    (file.mark === 'open' && opensByItself(file, files.length));
  const anyOpen = files.some(isOpen);
  const keys = files.map(({ path }) => fileKey(turn.id, path));
  return (
    <article class="turn-changes" data-turn={turn.id}>
      <header>
        <TurnHeading turn={turn} />
        <Counts files={files} />
        <span class="space" />
        <IconButton
          icon={anyOpen ? 'collapse-all' : 'expand-all'}
          label={anyOpen ? t('Collapse all files') : t('Expand all files')}
          onClick={() => changes.setOpen(keys, !anyOpen)}
        />
        <IconButton
          icon="copy"
          label={t('Copy all as patch')}
          onClick={() =>
            void changes.copyPatch(
              { turn: turn.id },
              files.map(({ path }) => path),
            )
          }
        />
        <IconButton
          icon="diff-multiple"
          label={t('Open all in diff editor')}
          onClick={() => void changes.openAll(turn.id)}
        />
        <RevertAll turn={turn} files={files} changes={changes} />
      </header>
      <Refusal error={changes.refusal({ turn: turn.id })} />
      {loaded.state === 'failed' && (
        <p class="notice">
          <Icon name="warning" />
          <span>{errorText(loaded.error, t)}</span>
          <TryAgain error={loaded.error} onClick={() => void changes.again(turn.id)} />
        </p>
      )}
      {list.overlaps.length > 0 && (
        <p class="notice overlap">
          <Icon name="warning" />
          <span>
            {list.overlaps.length === 1
              ? t(
                  'Another turn ran in this folder at the same time: some of these changes may not be of this one.',
                )
              : t(
                  '{0} other turns ran in this folder at the same time: some of these changes may not be of this one.',
                  list.overlaps.length,
                )}
          </span>
        </p>
      )}
      {list.notes.map((note) => (
        <p key={note} class="notice">
          <Icon name="info" />
          <span>{note}</span>
        </p>
      ))}
      <ul class="changed-files">
        {files.map((file) => (
          <ChangedFileView
            key={file.path}
            turn={turn.id}
            file={file}
            open={isOpen(file)}
            changes={changes}
            layout={layout}
          />
        ))}
      </ul>
      {list.excluded.length > 0 && (
        <Fold
          class="excluded"
          summary={
            list.excluded.length === 1
              ? t('Not looked at, not revertible: 1 place')
              : t('Not looked at, not revertible: {0} places', list.excluded.length)
          }
        >
          {() => (
            <ul>
              {list.excluded.map(({ path, reason }) => (
                <li key={path}>
                  <span class="path">
                    <Visible text={path} />
                  </span>
                  <span class="muted">{REASONS[reason]}</span>
                </li>
              ))}
            </ul>
          )}
        </Fold>
      )}
    </article>
  );
}

/** Asks once more: a whole turn is much to lose by a slip. */
function RevertAll({
  turn,
  files,
  changes,
}: {
  turn: TurnFacts;
  files: readonly MarkedFile[];
  changes: ChangesStore;
}) {
  const [asked, setAsked] = useState(false);
  const sure = useRef<HTMLButtonElement>(null);
  // It takes the place of the button that was pressed.
  useLayoutEffect(() => sure.current?.focus(), [asked]);
  const open = files.filter(({ mark, notRevertible }) => mark !== 'reverted' && notRevertible === undefined);
  if (open.length === 0) return null;
  if (!asked) {
    return <IconButton icon="discard" label={t('Revert the whole turn')} onClick={() => setAsked(true)} />;
  }
  return (
    <>
      <button
        type="button"
        class="danger"
        ref={sure}
        onClick={() => {
          setAsked(false);
          void changes.revert({ turn: turn.id });
        }}
      >
        {open.length === 1 ? t('Revert 1 file') : t('Revert {0} files', open.length)}
      </button>
      <IconButton icon="close" label={t('Do not revert')} onClick={() => setAsked(false)} />
    </>
  );
}
