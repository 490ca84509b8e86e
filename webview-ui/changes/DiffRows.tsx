import { useMemo } from 'preact/hooks';
import { memo } from '../chat/memo.ts';
import { Visible } from '../chat/Visible.tsx';
import type { Layout } from './changesStore.ts';
import { type Row, sideBySide } from './lines.ts';
import { colouredLines, type Token, withMarks } from './tokens.ts';
import { type Range, wordMarks } from './words.ts';

/** Rows with more changed lines than this get no word marks. */
const MAX_MARKED = 200;

interface RowsProps {
  readonly rows: readonly Row[];
  readonly text: {
    readonly before: readonly string[];
    readonly after: readonly string[];
    readonly language: string | undefined;
  };
  readonly layout: Layout;
}

/** A row with what stands in it. */
interface Line extends Row {
  readonly tokens: readonly Token[];
  /** The last line of its side has no end. */
  readonly open: boolean;
}

const SIGNS = { context: ' ', removed: '−', added: '+' } as const;
const SPOKEN = { context: '', removed: 'removed ', added: 'added ' } as const;

export const DiffRows = memo(({ rows, text, layout }: RowsProps) => (
  <Rows rows={rows} text={text} layout={layout} />
));

function Rows({ rows, text, layout }: RowsProps) {
  const lines = useMemo(() => linesOf(rows, text), [rows, text]);
  return (
    <table class="rows">
      <tbody>
        {layout === 'unified'
          ? rows.map((row, place) => (
              <tr key={place} class={row.kind}>
                <LineNumber at={row.before} />
                <LineNumber at={row.after} />
                <Code line={lines.get(row)} />
              </tr>
            ))
          : sideBySide(rows).map(({ left, right }, place) => (
              <tr key={place}>
                <LineNumber at={left?.before} kind={left?.kind} />
                <Code line={left && lines.get(left)} />
                <LineNumber at={right?.after} kind={right?.kind} />
                <Code line={right && lines.get(right)} />
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
      {line.kind !== 'context' && <span class="sr-only">{SPOKEN[line.kind]}</span>}
      {line.tokens.map(({ text, style, marked }, place) => (
        <span key={place} class={marked ? `${style} word` : style}>
          <Visible text={text} />
        </span>
      ))}
      {line.open && <span class="no-end">no line end</span>}
    </td>
  );
}

function linesOf(rows: readonly Row[], { before, after, language }: RowsProps['text']): Map<Row, Line> {
  const removed = rows.filter(({ kind }) => kind === 'removed');
  const added = rows.filter(({ kind }) => kind === 'added');
  const marks = new Map<Row, Range[]>();
  const pairs = Math.min(removed.length, added.length);
  for (let place = 0; place < pairs && pairs <= MAX_MARKED; place++) {
    const left = removed[place];
    const right = added[place];
    if (left === undefined || right === undefined) continue;
    const found = wordMarks(lineAt(before, left.before), lineAt(after, right.after));
    marks.set(left, found.before);
    marks.set(right, found.after);
  }
  const lines = new Map<Row, Line>();
  // Each side in colours of its own, so that a removed line cannot open a string in the added ones.
  const old = rows.filter(({ kind }) => kind === 'removed');
  const current = rows.filter(({ kind }) => kind !== 'removed');
  for (const [side, texts] of [
    [old, old.map((row) => lineAt(before, row.before))],
    [current, current.map((row) => lineAt(after, row.after))],
  ] as const) {
    const coloured = colouredLines(texts.map(withoutReturn(texts)), language);
    for (const [place, row] of side.entries()) {
      const tokens = withMarks(coloured[place] ?? [], marks.get(row) ?? []);
      const all = row.kind === 'removed' ? before : after;
      const at = row.kind === 'removed' ? row.before : row.after;
      const open = at === all.length - 1 && !lineAt(all, at).endsWith('\n');
      lines.set(row, { ...row, tokens, open });
    }
  }
  return lines;
}

function lineAt(lines: readonly string[], at: number | undefined): string {
  return at === undefined ? '' : (lines[at] ?? '');
}

/** Windows line ends are shown only where some lines have them and others do not. */
function withoutReturn(texts: readonly string[]): (line: string) => string {
  const all = texts.every((line) => line.endsWith('\r\n') || !line.endsWith('\n'));
  return (line) => (all ? line.replace(/\r\n$/, '\n') : line);
}
