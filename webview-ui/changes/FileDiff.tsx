import { useMemo, useState } from 'preact/hooks';
import type { ChangeContent } from '../../src/shared/changes.ts';
import { sideLines } from '../../src/shared/lines.ts';
import type { TurnId } from '../../src/shared/session.ts';
import { IconButton } from '../chat/Icon.tsx';
import type { ChangesStore, Layout } from './changesStore.ts';
import { DiffRows } from './DiffRows.tsx';
import { contextRows, diffParts, type Part } from './lines.ts';
import { Mark } from './Mark.tsx';
import { Refusal, TryAgain } from './Refusal.tsx';
import { languageOf } from './tokens.ts';

/** Rows drawn at first, and with each step further: a huge diff must not stop the view. */
export const FIRST_ROWS = 250;
const MORE_ROWS = 2_000;
/** Unchanged lines that one click shows. */
const MAX_GAP = 400;

interface DiffProps {
  readonly turn: TurnId;
  readonly path: string;
  readonly changes: ChangesStore;
  readonly layout: Layout;
}

/** The hunks of a file, each with what can be done with it. */
export function FileDiff({ turn, path, changes, layout }: DiffProps) {
  const loaded = changes.content(turn, path).value;
  if (loaded.state === 'loading') return <p class="muted file-note">Reading the file …</p>;
  if (loaded.state === 'failed') {
    return (
      <p class="bad file-note">
        <span>{loaded.error.message}</span>
        <TryAgain error={loaded.error} onClick={() => void changes.again(turn)} />
      </p>
    );
  }
  return <Hunks turn={turn} path={path} changes={changes} layout={layout} content={loaded.value} />;
}

function Hunks({ turn, path, changes, layout, content }: DiffProps & { content: ChangeContent }) {
  const [limit, setLimit] = useState(FIRST_ROWS);
  const text = useMemo(
    () => ({
      before: sideLines(content.before),
      after: sideLines(content.after),
      language: languageOf(content.file.movedTo ?? path),
    }),
    [content, path],
  );
  const parts = useMemo(() => diffParts(content.hunks, text.after.length), [content, text]);
  if (content.hunks.length === 0) return <p class="muted file-note">{withoutHunks(content)}</p>;
  const { shown, left } = firstRows(parts, limit);
  // The one hunk of a file that came or went is the file itself.
  const single = content.file.kind === 'add' || content.file.kind === 'delete';
  return (
    <div class={`file-diff ${layout}`}>
      {shown.map((part) =>
        part.kind === 'gap' ? (
          <Gap key={`gap ${part.after}`} part={part} text={text} layout={layout} />
        ) : (
          <section
            key={part.index}
            class={`hunk ${content.hunks[part.index]?.mark ?? 'open'}`}
            data-hunk={part.index}
            aria-label={`Hunk ${part.index + 1} of ${content.hunks.length}`}
          >
            {!single && (
              <HunkLine place={{ turn, path, hunk: part.index }} content={content} changes={changes} />
            )}
            <DiffRows rows={part.rows} text={text} layout={layout} />
          </section>
        ),
      )}
      {left > 0 && (
        <button type="button" class="link-button file-note" onClick={() => setLimit(limit + MORE_ROWS)}>
          Show {Math.min(left, MORE_ROWS)} more lines of {left}
        </button>
      )}
      {[content.before, content.after].some((side) => (side?.omitted ?? 0) > 0) && (
        <p class="muted file-note">The file is too large to be shown whole: its end is left out.</p>
      )}
    </div>
  );
}

function HunkLine(props: {
  place: { turn: TurnId; path: string; hunk: number };
  content: ChangeContent;
  changes: ChangesStore;
}) {
  const { place, content, changes } = props;
  const hunk = content.hunks[place.hunk];
  if (hunk === undefined) return null;
  const busy = changes.isBusy(place);
  const number = place.hunk + 1;
  const at = `@@ −${hunk.beforeStart + 1},${hunk.beforeCount} +${hunk.afterStart + 1},${hunk.afterCount} @@`;
  const kept = hunk.mark === 'kept';
  return (
    <>
      <div class="hunk-line">
        <code>{at}</code>
        <Mark mark={hunk.mark} />
        <span class="space" />
        {hunk.mark !== 'reverted' && (
          <IconButton
            icon="check"
            pressed={kept}
            label={`Keep: hunk ${number} of ${place.path}`}
            disabled={busy}
            onClick={() => void changes.keep(place, !kept)}
          />
        )}
        {hunk.mark !== 'reverted' && content.file.notRevertible === undefined && (
          <IconButton
            icon="discard"
            label={`Revert hunk ${number} of ${place.path}`}
            disabled={busy}
            onClick={() => void changes.revert(place)}
          />
        )}
      </div>
      <Refusal error={changes.refusal(place)} />
    </>
  );
}

interface SideText {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly language: string | undefined;
}

function Gap({
  part,
  text,
  layout,
}: {
  part: Extract<Part, { kind: 'gap' }>;
  text: SideText;
  layout: Layout;
}) {
  const [count, setCount] = useState(0);
  const left = part.count - count;
  return (
    <>
      {count > 0 && (
        <DiffRows rows={contextRows(part.before, part.after, count)} text={text} layout={layout} />
      )}
      {left > 0 && (
        <button
          type="button"
          class="gap"
          onClick={() => setCount(Math.min(part.count, count + MAX_GAP))}
          title="Show them"
        >
          {left} unchanged {left === 1 ? 'line' : 'lines'}
        </button>
      )}
    </>
  );
}

/** The parts up to so many rows; a hunk may be cut in the middle. */
function firstRows(parts: readonly Part[], limit: number): { shown: Part[]; left: number } {
  const shown: Part[] = [];
  let room = limit;
  let left = 0;
  for (const part of parts) {
    if (part.kind === 'gap') {
      if (room > 0) shown.push(part);
      continue;
    }
    if (room > 0) shown.push({ ...part, rows: part.rows.slice(0, room) });
    left += Math.max(0, part.rows.length - Math.max(0, room));
    room -= part.rows.length;
  }
  return { shown, left };
}

function withoutHunks({ file, before, after }: ChangeContent): string {
  if (file.binary) return 'Binary: it has no lines to show.';
  if (before === undefined && after === undefined) return 'Its content was not copied.';
  if (file.kind === 'mode') return 'Only its permissions were changed.';
  if (file.kind === 'rename') return 'Moved as it is.';
  return 'No line differs.';
}
