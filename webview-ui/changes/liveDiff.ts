import type { Hunk } from '../../src/shared/changes.ts';
import { type DiffFile, diffFiles } from '../../src/shared/gitDiff.ts';
import { CONTEXT } from '../../src/shared/patch.ts';
import type { SideText } from './DiffRows.tsx';
import type { Part, Row } from './lines.ts';
import { languageOf } from './tokens.ts';

/** A file of a diff that Codex tells, as far as it tells it: only the changed lines and those around them. */
export interface ToldFile extends DiffFile {
  readonly parts: readonly Part[];
  /** The lines that the diff has, at their places. */
  readonly text: SideText;
}

/** Reads the diff of a running turn, which comes whole each time: files that are as before stay the same objects. */
export class LiveDiff {
  #known: ReadonlyMap<string, ToldFile> = new Map();

  /** @param diff unified, as git writes it; the end of a long one may be cut off */
  read(diff: string): readonly ToldFile[] {
    const files = new Map<string, ToldFile>();
    // Lines of content begin with their sign.
    for (const piece of diff.split(/^(?=diff --git )/m)) {
      const file = this.#known.get(piece) ?? toldFile(piece);
      if (file !== undefined) files.set(piece, file);
    }
    this.#known = files;
    return [...files.values()];
  }
}

/** One file's part of a diff. */
function toldFile(piece: string): ToldFile | undefined {
  const [file] = diffFiles(piece);
  if (file === undefined || file.path === '') return undefined;
  const reader = new HunkReader();
  for (const line of piece.replace(/\n$/, '').split('\n')) reader.take(line);
  reader.end();
  const { before, after, parts } = reader;
  return { ...file, parts, text: { before, after, language: languageOf(file.movedTo ?? file.path) } };
}

interface Places {
  readonly before: number;
  readonly after: number;
}

/** A row, and where both sides stood before it. */
interface ReadRow {
  readonly row: Row;
  readonly at: Places;
}

/** Reads the lines of one file's diff. */
class HunkReader {
  readonly parts: Part[] = [];
  /** With holes: what stands between the hunks is not told. */
  readonly before: string[] = [];
  readonly after: string[] = [];
  #rows: ReadRow[] = [];
  #hunks = 0;
  /** The next line of either side. */
  #at: Places = { before: 0, after: 0 };
  /** Lines that git's hunk still has on either side. */
  #left: Places = { before: 0, after: 0 };

  take(line: string): void {
    const [sign] = line;
    if (sign === '\\') this.#openEnd();
    else if (this.#left.before > 0 || this.#left.after > 0) {
      this.#content(sign === '-' ? 'removed' : sign === '+' ? 'added' : 'context', `${line.slice(1)}\n`);
    } else this.#head(line);
  }

  /** What was read of git's hunk becomes parts. */
  end(): void {
    for (const rows of runsOf(this.#rows)) {
      const hunk = hunkOf(rows);
      if (hunk === undefined) continue;
      this.parts.push({ kind: 'hunk', index: this.#hunks++, hunk, rows: rows.map(({ row }) => row) });
    }
    this.#rows = [];
  }

  #head(line: string): void {
    const found = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (found === null) return;
    this.end();
    const [before = 0, beforeCount = 0, after = 0, afterCount = 0] = found
      .slice(1)
      .map((number = '1') => Number(number));
    // Where a side has no lines, git tells the one that they come after.
    const at = {
      before: beforeCount === 0 ? before : before - 1,
      after: afterCount === 0 ? after : after - 1,
    };
    const count = at.after - this.#at.after;
    if (count > 0) this.parts.push({ kind: 'gap', ...this.#at, count });
    this.#at = at;
    this.#left = { before: beforeCount, after: afterCount };
  }

  #content(kind: Row['kind'], text: string): void {
    const { before, after } = this.#at;
    const old = kind === 'added' ? 0 : 1;
    const now = kind === 'removed' ? 0 : 1;
    if (old === 1) this.before[before] = text;
    if (now === 1) this.after[after] = text;
    const row = { kind, ...(old === 1 ? { before } : {}), ...(now === 1 ? { after } : {}) };
    this.#rows.push({ row, at: this.#at });
    this.#at = { before: before + old, after: after + now };
    this.#left = { before: this.#left.before - old, after: this.#left.after - now };
  }

  /** The line before has no end. */
  #openEnd(): void {
    const { before, after } = this.#rows.at(-1)?.row ?? {};
    for (const [side, at] of [
      [this.before, before],
      [this.after, after],
    ] as const) {
      if (at !== undefined) side[at] = side[at]?.replace(/\n$/, '') ?? '';
    }
  }
}

/** Cuts between runs of changes; the unchanged lines between are shared as {@link CONTEXT} says. */
function runsOf(rows: readonly ReadRow[]): ReadRow[][] {
  const runs: ReadRow[][] = [[]];
  for (const one of rows) {
    const run = runs.at(-1) ?? [];
    const changed = run.findLastIndex(({ row }) => row.kind !== 'context');
    const between = run.length - 1 - changed;
    if (one.row.kind === 'context' || changed < 0 || between === 0) run.push(one);
    else runs.push([...run.splice(changed + 1 + CONTEXT), one]);
  }
  return runs;
}

/** Undefined where nothing is changed. */
function hunkOf(rows: readonly ReadRow[]): Hunk | undefined {
  const first = rows.find(({ row }) => row.kind !== 'context');
  if (first === undefined) return undefined;
  const count = (wanted: Row['kind']) => rows.filter(({ row }) => row.kind === wanted).length;
  return {
    beforeStart: first.at.before,
    beforeCount: count('removed'),
    afterStart: first.at.after,
    afterCount: count('added'),
  };
}
