import type { Hunk } from '../../src/shared/changes.ts';
import type { Layout } from './changesStore.ts';
import { type GapPart, type Pair, type Part, type Row, sideBySide } from './lines.ts';

/** Lines of a block: so many are drawn or taken away at once. */
export const BLOCK_LINES = 120;

/** Lines as they stand on the screen. */
export type Lines =
  | { readonly layout: 'unified'; readonly rows: readonly Row[] }
  | { readonly layout: 'split'; readonly rows: readonly Pair[] };

/** A hunk, or a stretch of one that is too long for a block. */
export interface HunkPiece {
  readonly kind: 'hunk';
  readonly key: string;
  readonly index: number;
  readonly hunk: Hunk;
  /** The others only go on where it left. */
  readonly first: boolean;
  readonly lines: Lines;
}

export interface GapPiece {
  readonly kind: 'gap';
  readonly key: string;
  readonly part: GapPart;
}

/** What is drawn together when it comes near to what is seen. */
export interface Block {
  readonly key: string;
  readonly pieces: readonly (HunkPiece | GapPiece)[];
  /** Lines of code in it, and lines above hunks or for gaps. */
  readonly lines: number;
  readonly heads: number;
}

/** The parts of a file's diff in blocks of at most {@link BLOCK_LINES} lines, in order. */
export function cutBlocks(parts: readonly Part[], layout: Layout): Block[] {
  const blocks: Block[] = [];
  let pieces: (HunkPiece | GapPiece)[] = [];
  let lines = 0;
  const close = () => {
    const [first] = pieces;
    if (first === undefined) return;
    const heads = pieces.filter((piece) => piece.kind === 'gap' || piece.first).length;
    blocks.push({ key: first.key, pieces, lines, heads });
    pieces = [];
    lines = 0;
  };
  for (const part of parts) {
    if (part.kind === 'gap') {
      pieces.push({ kind: 'gap', key: `gap ${part.after}`, part });
      continue;
    }
    const { index, hunk } = part;
    const all = linesOf(part.rows, layout);
    const count = all.rows.length;
    if (lines > 0 && lines + count > BLOCK_LINES) close();
    for (let from = 0; from < count; from += BLOCK_LINES) {
      if (from > 0) close();
      const piece = cutLines(all, from, from + BLOCK_LINES);
      pieces.push({
        kind: 'hunk',
        key: `hunk ${index} ${from}`,
        index,
        hunk,
        first: from === 0,
        lines: piece,
      });
      lines += piece.rows.length;
    }
  }
  close();
  return blocks;
}

/** Rows in a layout; context rows are the same on both sides. */
export function linesOf(rows: readonly Row[], layout: Layout): Lines {
  return layout === 'unified' ? { layout, rows } : { layout, rows: sideBySide(rows) };
}

export function cutLines(lines: Lines, from: number, to: number): Lines {
  return lines.layout === 'unified'
    ? { layout: 'unified', rows: lines.rows.slice(from, to) }
    : { layout: 'split', rows: lines.rows.slice(from, to) };
}
