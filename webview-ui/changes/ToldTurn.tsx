import { useMemo, useRef, useState } from 'preact/hooks';
import type { TurnId } from '../../src/shared/session.ts';
import { Icon, IconButton } from '../chat/Icon.tsx';
import { memo } from '../chat/memo.ts';
import { t } from '../l10n.ts';
import { type ChangesStore, fileKey, type Layout } from './changesStore.ts';
import { DiffBlocks } from './DiffBlocks.tsx';
import { FileName } from './FileName.tsx';
import { LiveDiff, type ToldFile } from './liveDiff.ts';
import { Counts, opensByItself, TurnHeading, type TurnProps } from './TurnHeading.tsx';

/**
 * A turn whose changes are known from Codex only (`turn.diff`): while it runs, until the record from the disk
 * takes its place, and for good where nobody compared the folder. To read; there is nothing to revert with.
 */
export const ToldTurnView = memo((props: TurnProps) => <ToldTurn {...props} />);

function ToldTurn({ turn, changes, layout }: TurnProps) {
  const [live] = useState(() => new LiveDiff());
  const files = useMemo(() => live.read(turn.diff), [live, turn.diff]);
  // A file that was open when it came stays so while it grows.
  const first = useRef(new Map<string, boolean>());
  const isOpen = (file: ToldFile) => {
    const before = first.current.get(file.path) ?? opensByItself(file, files.length);
    first.current.set(file.path, before);
    return changes.open.value[fileKey(turn.id, file.path)] ?? before;
  };
  const anyOpen = files.map(isOpen).includes(true);
  const { running } = turn;
  return (
    <article class={`turn-changes told ${running ? 'running' : ''}`} data-turn={turn.id}>
      <header>
        <TurnHeading turn={turn} />
        {running && (
          <span class="mark">
            <Icon name="loading" spin /> {t('Running')}
          </span>
        )}
        <Counts files={files} />
        <span class="space" />
        <IconButton
          icon={anyOpen ? 'collapse-all' : 'expand-all'}
          label={anyOpen ? t('Collapse all files') : t('Expand all files')}
          onClick={() =>
            changes.setOpen(
              files.map(({ path }) => fileKey(turn.id, path)),
              !anyOpen,
            )
          }
        />
      </header>
      <p class="notice">
        <Icon name="info" />
        <span>
          {running
            ? t(
                'What Codex tells so far. What commands change besides, and keeping and reverting, come when the turn has ended.',
              )
            : t('What Codex told. The folder was not compared, so nothing can be reverted here.')}
        </span>
      </p>
      <ul class="changed-files">
        {files.map((file) => (
          <ToldFileView
            key={file.path}
            turn={turn.id}
            file={file}
            open={isOpen(file)}
            changes={changes}
            layout={layout}
          />
        ))}
      </ul>
    </article>
  );
}

function ToldFileView(props: {
  turn: TurnId;
  file: ToldFile;
  open: boolean;
  changes: ChangesStore;
  layout: Layout;
}) {
  const { turn, file, open, changes, layout } = props;
  const { path, parts, text } = file;
  const goal = changes.goal.value;
  const hunks = parts.filter(({ kind }) => kind === 'hunk').length;
  return (
    <li class="changed-file" data-path={path}>
      <div class="file-line">
        <FileName
          file={{
            ...file,
            kind: file.movedTo === undefined ? file.kind : 'rename',
            binary: file.binary === true,
          }}
          open={open}
          onToggle={() => changes.setOpen([fileKey(turn, path)], !open)}
        />
      </div>
      {open && hunks === 0 && (
        <p class="muted file-note">
          {file.binary ? t('Binary: it has no lines to show.') : t('No line differs.')}
        </p>
      )}
      {open && hunks > 0 && (
        <div class={`file-diff ${layout}`} data-hunks={hunks}>
          <DiffBlocks
            parts={parts}
            text={text}
            layout={layout}
            closed
            goal={goal?.turn === turn && goal.path === path ? goal.hunk : undefined}
            onGoal={() => changes.reached()}
          />
        </div>
      )}
    </li>
  );
}
