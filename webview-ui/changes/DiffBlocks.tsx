import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ChangeMark } from '../../src/shared/changes.ts';
import { t } from '../l10n.ts';
import type { Layout } from './changesStore.ts';
import { BLOCK_LINES, cutBlocks, cutLines, type GapPiece, type HunkPiece, linesOf } from './cutBlocks.ts';
import { DiffRows, type SideText } from './DiffRows.tsx';
import { contextRows, type Part } from './lines.ts';
import { NearBlock, NearWatcher } from './NearBlock.tsx';

/** Unchanged lines that one click shows. */
const MAX_GAP = 400;

interface BlocksProps {
  readonly parts: readonly Part[];
  readonly text: SideText;
  readonly layout: Layout;
  /** Absent: a change that nothing can be done with. */
  readonly markOf?: (hunk: number) => ChangeMark;
  /** What stands above a hunk. */
  readonly head?: (hunk: number) => ComponentChildren;
  /** The unchanged lines between are not known, so they can't be shown. */
  readonly closed?: boolean;
  /** The hunk that shall get the keyboard, and what is called when it has it. */
  readonly goal?: number | undefined;
  readonly onGoal?: () => void;
}

/** A file's diff, of which only what is near to what is seen is in the document. */
export function DiffBlocks(props: BlocksProps) {
  const { parts, text, layout, goal } = props;
  const [watcher] = useState(() => new NearWatcher());
  useEffect(() => () => watcher.dispose(), [watcher]);
  /** Lines shown of the gaps: kept here, since what is far away is taken out of the document. */
  const [shown, setShown] = useState<ReadonlyMap<string, number>>(new Map());
  const blocks = useMemo(() => cutBlocks(parts, layout), [parts, layout]);
  return (
    <>
      {blocks.map(({ key, pieces, lines, heads }) => (
        <NearBlock
          key={key}
          watcher={watcher}
          lines={lines}
          heads={heads}
          wanted={goal !== undefined && pieces.some((piece) => isHead(piece, goal))}
        >
          {() =>
            pieces.map((piece) =>
              piece.kind === 'hunk' ? (
                <HunkView key={piece.key} piece={piece} {...props} />
              ) : (
                <Gap
                  key={piece.key}
                  piece={piece}
                  text={text}
                  layout={layout}
                  watcher={watcher}
                  closed={props.closed === true}
                  count={shown.get(piece.key) ?? 0}
                  onShow={(count) => setShown((now) => new Map(now).set(piece.key, count))}
                />
              ),
            )
          }
        </NearBlock>
      ))}
    </>
  );
}

function isHead(piece: HunkPiece | GapPiece, hunk: number): boolean {
  return piece.kind === 'hunk' && piece.first && piece.index === hunk;
}

function HunkView({ piece, ...props }: BlocksProps & { piece: HunkPiece }) {
  const { index, hunk, first, lines } = piece;
  const { parts, text, markOf, head, goal, onGoal } = props;
  const section = useRef<HTMLElement>(null);
  const wanted = first && goal === index;
  useLayoutEffect(() => {
    if (!wanted) return;
    section.current?.focus();
    onGoal?.();
  }, [wanted]);
  const count = useMemo(() => parts.filter(({ kind }) => kind === 'hunk').length, [parts]);
  return (
    <section
      ref={section}
      class={`hunk ${markOf?.(index) ?? 'open'}`}
      data-hunk={index}
      aria-label={
        first ? t('Hunk {0} of {1}', index + 1, count) : t('Hunk {0} of {1}, continued', index + 1, count)
      }
      tabIndex={-1}
    >
      {first && head?.(index)}
      <DiffRows lines={lines} hunk={hunk} text={text} />
    </section>
  );
}

function Gap(props: {
  piece: GapPiece;
  text: SideText;
  layout: Layout;
  watcher: NearWatcher;
  closed: boolean;
  count: number;
  onShow: (count: number) => void;
}) {
  const { piece, text, layout, watcher, closed, count, onShow } = props;
  const { part } = piece;
  const blocks = useMemo(() => {
    const lines = linesOf(contextRows(part.before, part.after, count), layout);
    const starts = Array.from({ length: Math.ceil(count / BLOCK_LINES) }, (_, place) => place * BLOCK_LINES);
    return starts.map((from) => cutLines(lines, from, from + BLOCK_LINES));
  }, [part, count, layout]);
  const left = part.count - count;
  const label = left === 1 ? t('1 unchanged line') : t('{0} unchanged lines', left);
  return (
    <>
      {blocks.map((lines, place) => (
        <NearBlock key={place} watcher={watcher} lines={lines.rows.length}>
          {() => <DiffRows lines={lines} text={text} />}
        </NearBlock>
      ))}
      {left > 0 && closed && <p class="gap">{label}</p>}
      {left > 0 && !closed && (
        <button
          type="button"
          class="gap"
          onClick={() => onShow(Math.min(part.count, count + MAX_GAP))}
          title={t('Show them')}
        >
          {label}
        </button>
      )}
    </>
  );
}
