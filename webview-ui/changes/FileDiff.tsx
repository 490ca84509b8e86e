import { useMemo, useRef } from 'preact/hooks';
import type { ChangeContent } from '../../src/shared/changes.ts';
import { errorText } from '../../src/shared/errorSentences.ts';
import { sideLines } from '../../src/shared/lines.ts';
import type { TurnId } from '../../src/shared/session.ts';
import { IconButton } from '../chat/Icon.tsx';
import { t } from '../l10n.ts';
import type { ChangesStore, Layout } from './changesStore.ts';
import { DiffBlocks } from './DiffBlocks.tsx';
import { diffParts, knownParts } from './lines.ts';
import { Mark } from './Mark.tsx';
import { Refusal, TryAgain } from './Refusal.tsx';
import { languageOf } from './tokens.ts';
import { useKeyboardHome } from './useKeyboardHome.ts';

interface DiffProps {
  readonly turn: TurnId;
  readonly path: string;
  readonly changes: ChangesStore;
  readonly layout: Layout;
  /** What it takes up until it is read, in CSS pixels. */
  readonly height: number;
}

/** The hunks of a file, each with what can be done with it. */
export function FileDiff(props: DiffProps) {
  const { turn, path, changes, height } = props;
  const loaded = changes.content(turn, path).value;
  if (loaded.state === 'loading') {
    return (
      <p class="muted file-note" style={{ minHeight: `${height}px` }}>
        {t('Reading the file …')}
      </p>
    );
  }
  if (loaded.state === 'failed') {
    return (
      <p class="bad file-note">
        <span>{errorText(loaded.error, t)}</span>
        <TryAgain error={loaded.error} onClick={() => void changes.again(turn)} />
      </p>
    );
  }
  return <Hunks {...props} content={loaded.value} />;
}

function Hunks({ turn, path, changes, layout, content }: DiffProps & { content: ChangeContent }) {
  const text = useMemo(
    () => ({
      before: sideLines(content.before),
      after: sideLines(content.after),
      language: languageOf(content.file.movedTo ?? path),
    }),
    [content, path],
  );
  const parts = useMemo(() => {
    const { before, after } = text;
    return knownParts(diffParts(content.hunks, after.length), before.length, after.length);
  }, [content, text]);
  if (content.hunks.length === 0) return <p class="muted file-note">{withoutHunks(content)}</p>;
  // The one hunk of a file that came or went is the file itself.
  const single = content.file.kind === 'add' || content.file.kind === 'delete';
  const goal = changes.goal.value;
  return (
    <div class={`file-diff ${layout}`} data-hunks={content.hunks.length}>
      <DiffBlocks
        parts={parts}
        text={text}
        layout={layout}
        markOf={(index) => content.hunks[index]?.mark ?? 'open'}
        head={(index) =>
          !single && <HunkLine place={{ turn, path, hunk: index }} content={content} changes={changes} />
        }
        goal={goal?.turn === turn && goal.path === path ? goal.hunk : undefined}
        onGoal={() => changes.reached()}
      />
      {[content.before, content.after].some((side) => (side?.omitted ?? 0) > 0) && (
        <p class="muted file-note">{t('The file is too large to be shown whole: its end is left out.')}</p>
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
  const line = useRef<HTMLDivElement>(null);
  useKeyboardHome(hunk?.mark === 'reverted', () => line.current?.closest<HTMLElement>('.hunk'));
  if (hunk === undefined) return null;
  const number = place.hunk + 1;
  const at = `@@ −${hunk.beforeStart + 1},${hunk.beforeCount} +${hunk.afterStart + 1},${hunk.afterCount} @@`;
  const kept = hunk.mark === 'kept';
  return (
    <>
      <div class="hunk-line" ref={line}>
        <code>{at}</code>
        <Mark mark={hunk.mark} />
        <span class="space" />
        {hunk.mark !== 'reverted' && (
          <IconButton
            icon="check"
            pressed={kept}
            label={t('Keep: hunk {0} of {1}', number, place.path)}
            onClick={() => void changes.keep(place, !kept)}
          />
        )}
        {hunk.mark !== 'reverted' && content.file.notRevertible === undefined && (
          <IconButton
            icon="discard"
            label={t('Revert hunk {0} of {1}', number, place.path)}
            onClick={() => void changes.revert(place)}
          />
        )}
      </div>
      <Refusal error={changes.refusal(place)} />
    </>
  );
}

function withoutHunks({ file, before, after }: ChangeContent): string {
  if (file.binary) return t('Binary: it has no lines to show.');
  if (before === undefined && after === undefined) return t('Its content was not copied.');
  if (file.kind === 'mode') return t('Only its permissions were changed.');
  if (file.kind === 'rename') return t('Moved as it is.');
  return t('No line differs.');
}
