import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MarkedFile } from '../../src/shared/changes.ts';
import type { TurnId } from '../../src/shared/session.ts';
import { Icon, IconButton } from '../chat/Icon.tsx';
import { rich, t } from '../l10n.ts';
import { type ChangesStore, fileKey, type Layout } from './changesStore.ts';
import { FileDiff } from './FileDiff.tsx';
import { FileName, fileTitle } from './FileName.tsx';
import { Mark } from './Mark.tsx';
import { Refusal } from './Refusal.tsx';
import { useKeyboardHome } from './useKeyboardHome.ts';

/** A file is read when it comes this near to what is seen, in pixels. */
const AHEAD = 600;

/** CSS pixels. */
const LINE_HEIGHT = 18;
/** With the unchanged ones around, there are about so many rows to a changed line, as long as they are few. */
const ROWS_PER_LINE = 3;
const FEW_ROWS = 250;

interface FileProps {
  readonly turn: TurnId;
  readonly file: MarkedFile;
  readonly open: boolean;
  readonly changes: ChangesStore;
  readonly layout: Layout;
}

/** One changed file: its line with what can be done, and its hunks when it is open. */
export function ChangedFileView({ turn, file, open, changes, layout }: FileProps) {
  const place = { turn, path: file.path };
  const title = fileTitle(file);
  const kept = file.mark === 'kept';
  const reverted = file.mark === 'reverted';
  const item = useRef<HTMLLIElement>(null);
  useKeyboardHome(reverted, () => item.current?.querySelector<HTMLElement>('.file-name'));
  return (
    <li class={`changed-file ${file.mark}`} data-path={file.path} ref={item}>
      <div class="file-line">
        <FileName file={file} open={open} onToggle={() => changes.setOpen([fileKey(turn, file.path)], !open)}>
          <Modes file={file} />
          <Mark mark={file.mark} />
        </FileName>
        <IconButton
          icon="copy"
          label={t('Copy as patch: {0}', title)}
          onClick={() => void changes.copyPatch(place, [file.path])}
        />
        {!file.binary && (
          <IconButton
            icon="diff"
            label={t('Open in diff editor: {0}', title)}
            onClick={() => void changes.openDiff(turn, file.path)}
          />
        )}
        {!reverted && (
          <IconButton
            icon="check"
            pressed={kept}
            label={t('Keep: {0}', title)}
            onClick={() => void changes.keep(place, !kept)}
          />
        )}
        {!reverted && file.notRevertible === undefined && (
          <IconButton
            icon="discard"
            label={t('Revert file: {0}', title)}
            onClick={() => void changes.revert(place)}
          />
        )}
      </div>
      <Refusal error={changes.refusal(place)} />
      {file.notRevertible !== undefined && (
        <p class="not-revertible">
          <Icon name="circle-slash" />
          <span>{rich('Not revertible: {0}', file.notRevertible)}</span>
        </p>
      )}
      {open && (
        <Near height={likelyHeight(file)}>
          {() => (
            <FileDiff
              turn={turn}
              path={file.path}
              changes={changes}
              layout={layout}
              height={likelyHeight(file)}
            />
          )}
        </Near>
      )}
    </li>
  );
}

function Modes({ file: { modeBefore, modeAfter } }: { file: MarkedFile }) {
  if (modeBefore === undefined || modeAfter === undefined || modeBefore === modeAfter) return null;
  return (
    <span class="modes muted">
      {modeBefore.toString(8)} → {modeAfter.toString(8)}
    </span>
  );
}

/** How high a file will be, as far as its counts tell: so that what follows is where it will be. CSS pixels. */
function likelyHeight({ added, removed }: MarkedFile): number {
  const lines = added + removed;
  return LINE_HEIGHT * Math.max(lines, Math.min(FEW_ROWS, ROWS_PER_LINE * lines + 1));
}

/** Draws its content once it is near to what is seen: hundreds of files may be open. */
function Near({ height, children }: { height: number; children: () => ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null || near) return undefined;
    const watched = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setNear(true);
      },
      { root: target.closest('.changes-list'), rootMargin: `${AHEAD}px 0px` },
    );
    watched.observe(target);
    return () => watched.disconnect();
  }, [near]);
  return near ? children() : <div ref={element} style={{ height: `${height}px` }} />;
}
