import { useMemo } from 'preact/hooks';
import type { Hunk } from '../../src/shared/changes.ts';
import { memo } from '../chat/memo.ts';
import { Visible } from '../chat/Visible.tsx';
import { t } from '../l10n.ts';
import type { Lines } from './cutBlocks.ts';
import type { Row } from './lines.ts';
import { colouredLines, type Token, withMarks } from './tokens.ts';
import { type Range, wordMarks } from './words.ts';

/** A hunk with more lines than this on both sides gets no word marks. */
const MAX_MARKED = 200;

/** The lines of a file on both sides, and what language they are in. */
export interface SideText {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly language: string | undefined;
}

interface RowsProps {
  readonly lines: Lines;
  /** Whose lines they are; absent where they are only unchanged ones. */
  readonly hunk?: Hunk;
  readonly text: SideText;
}

/** A row with what stands in it. */
interface Line extends Row {
  readonly tokens: readonly Token[];
  /** The last line of its side has no end. */
  readonly open: boolean;
}

const SIGNS = { context: ' ', removed: '−', added: '+' } as const;
const SPOKEN = { context: '', removed: t('removed'), added: t('added') } as const;

export const DiffRows = memo((props: RowsProps) => <Rows {...props} />);

function Rows({ lines, hunk, text }: RowsProps) {
  const drawn = useMemo(() => drawnLines(lines, hunk, text), [lines, hunk, text]);
  return (
    <table class="rows">
      <tbody>
        {lines.layout === 'unified'
          ? lines.rows.map((row, place) => (
              <tr key={place} class={row.kind}>
                <LineNumber at={row.before} />
                <LineNumber at={row.after} />
                <Code line={drawn.get(row)} />
              </tr>
            ))
          : lines.rows.map(({ left, right }, place) => (
              <tr key={place}>
                <LineNumber at={left?.before} kind={left?.kind} />
                <Code line={left && drawn.get(left)} />
                <LineNumber at={right?.after} kind={right?.kind} />
                <Code line={right && drawn.get(right)} />
              </tr>
            ))}
      </tbody>
    </table>
  );
}

function LineNumber({ at, kind = 'context' }: { at: number | undefined; kind?: Row['kind'] | undefined }) {
  // Not text, so that it is not copied with the lines.
  return <td class={`number ${kind}`} data-number={at === undefined ? '' : at + 1} />;
}

function Code({ line }: { line: Line | undefined }) {
  if (line === undefined) return <td class="code none" />;
  return (
    <td class={`code ${line.kind}`} data-sign={SIGNS[line.kind]}>
      {line.kind !== 'context' && <span class="sr-only">{SPOKEN[line.kind]} </span>}
      {line.tokens.map(({ text, style, marked }, place) => (
        <span key={place} class={marked ? `${style} word` : style}>
          <Visible text={text} />
        </span>
      ))}
      {line.open && <span class="no-end">{t('no line end')}</span>}
    </td>
  );
}

function drawnLines(lines: Lines, hunk: Hunk | undefined, text: SideText): Map<Row, Line> {
  const all =
    lines.layout === 'unified'
      ? lines.rows
      : // Unchanged lines are the same row on both sides.
        [...new Set(lines.rows.flatMap(({ left, right }) => [left, right]))].filter(
          (row) => row !== undefined,
        );
  const drawn = new Map<Row, Line>();
  // Each side in colours of its own, so that a removed line cannot open a string in the added ones.
  for (const rows of [
    all.filter(({ kind }) => kind === 'removed'),
    all.filter(({ kind }) => kind !== 'removed'),
  ]) {
    const texts = rows.map((row) => textOf(row, text));
    const coloured = colouredLines(texts.map(withoutReturn(texts)), text.language);
    for (const [place, row] of rows.entries()) {
      const tokens = withMarks(coloured[place] ?? [], marksOf(row, hunk, text));
      const side = row.kind === 'removed' ? text.before : text.after;
      const last = (row.kind === 'removed' ? row.before : row.after) === side.length - 1;
      drawn.set(row, { ...row, tokens, open: last && texts[place]?.endsWith('\n') === false });
    }
  }
  return drawn;
}

function textOf({ kind, before, after }: Row, text: SideText): string {
  return kind === 'removed' ? lineAt(text.before, before) : lineAt(text.after, after);
}

function lineAt(lines: readonly string[], at: number | undefined): string {
  return at === undefined ? '' : (lines[at] ?? '');
}

/** Words in which a line differs from the one that it took the place of, or that took its own. */
function marksOf({ kind, before, after }: Row, hunk: Hunk | undefined, text: SideText): Range[] {
  if (kind === 'context' || hunk === undefined) return [];
  const { beforeStart, beforeCount, afterStart, afterCount } = hunk;
  const pairs = Math.min(beforeCount, afterCount);
  // The first removed line belongs to the first added one, and so on.
  const place = kind === 'removed' ? (before ?? 0) - beforeStart : (after ?? 0) - afterStart;
  if (pairs > MAX_MARKED || place >= pairs) return [];
  const marks = wordMarks(lineAt(text.before, beforeStart + place), lineAt(text.after, afterStart + place));
  return kind === 'removed' ? marks.before : marks.after;
}

/** Windows line ends are shown only where some lines have them and others do not. */
function withoutReturn(texts: readonly string[]): (line: string) => string {
  const all = texts.every((line) => line.endsWith('\r\n') || !line.endsWith('\n'));
  return (line) => (all ? line.replace(/\r\n$/, '\n') : line);
}
