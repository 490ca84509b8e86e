import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MarkedFile } from '../../src/shared/changes.ts';
import type { TurnId } from '../../src/shared/session.ts';
import { Icon, IconButton } from '../chat/Icon.tsx';
import { splitPath } from '../chat/text.ts';
import { Visible } from '../chat/Visible.tsx';
import { type ChangesStore, fileKey, type Layout } from './changesStore.ts';
import { FIRST_ROWS, FileDiff } from './FileDiff.tsx';
import { Mark } from './Mark.tsx';
import { Refusal } from './Refusal.tsx';

/** A file is read when it comes this near to what is seen, in pixels. */
const AHEAD = 600;

/** CSS pixels. */
const LINE_HEIGHT = 18;
/** With the unchanged ones around, there are about so many rows to a changed line. */
const ROWS_PER_LINE = 3;

const KINDS = {
  add: { icon: 'diff-added', label: 'added' },
  update: { icon: 'diff-modified', label: 'changed' },
  delete: { icon: 'diff-removed', label: 'deleted' },
  rename: { icon: 'diff-renamed', label: 'moved' },
  mode: { icon: 'lock', label: 'permissions changed' },
} as const;

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
  const { icon, label } = KINDS[file.kind];
  const title = file.movedTo === undefined ? file.path : `${file.path} → ${file.movedTo}`;
  const name = splitPath(file.movedTo ?? file.path);
  const kept = file.mark === 'kept';
  const reverted = file.mark === 'reverted';
  const busy = changes.isBusy(place);
  return (
    <li class={`changed-file ${file.mark}`} data-path={file.path}>
      <div class="file-line">
        <button
          type="button"
          class="file-name"
          aria-expanded={open}
          title={title}
          onClick={() => changes.setOpen([fileKey(turn, file.path)], !open)}
        >
          <Icon name={open ? 'chevron-down' : 'chevron-right'} />
          <Icon name={icon} />
          <span class="sr-only">{label} </span>
          <span class="path">
            <span class="folder">
              <Visible text={file.movedTo === undefined ? name.folder : `${file.path} → ${name.folder}`} />
            </span>
            <span class="name">
              <Visible text={name.name} />
            </span>
          </span>
          <Modes file={file} />
          <Mark mark={file.mark} />
        </button>
        {file.binary ? (
          <span class="counts muted">binary</span>
        ) : (
          <span class="counts">
            <span class="added">+{file.added}</span> <span class="removed">−{file.removed}</span>
          </span>
        )}
        <IconButton
          icon="copy"
          label={`Copy as patch: ${title}`}
          onClick={() => void changes.copyPatch(place, [file.path])}
        />
        {!file.binary && (
          <IconButton
            icon="diff"
            label={`Open in diff editor: ${title}`}
            onClick={() => void changes.openDiff(turn, file.path)}
          />
        )}
        {!reverted && (
          <IconButton
            icon="check"
            pressed={kept}
            label={`Keep: ${title}`}
            disabled={busy}
            onClick={() => void changes.keep(place, !kept)}
          />
        )}
        {!reverted && file.notRevertible === undefined && (
          <IconButton
            icon="discard"
            label={`Revert file: ${title}`}
            disabled={busy}
            onClick={() => void changes.revert(place)}
          />
        )}
      </div>
      <Refusal error={changes.refusal(place)} />
      {file.notRevertible !== undefined && (
        <p class="not-revertible">
          <Icon name="circle-slash" />
          <span>Not revertible: {file.notRevertible}</span>
        </p>
      )}
      {open && (
        <Near height={likelyHeight(file)}>
          {() => <FileDiff turn={turn} path={file.path} changes={changes} layout={layout} />}
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
  return LINE_HEIGHT * Math.min(FIRST_ROWS, ROWS_PER_LINE * (added + removed) + 1);
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
