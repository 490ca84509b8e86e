/** A path as a program prints it, with the place in the file where it names one. */
export interface PrintedPath {
  readonly path: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  /** Where it stands in the text, in UTF-16 units; `to` is not in it. */
  readonly from: number;
  readonly to: number;
}

/** More in one line are no paths. */
const MAX_PATHS = 16;

/** `src/a.ts`, `./a b`'s part, `C:\a.ts`, each with `:12`, `:12:5`, `(12,5)` or `#L12` behind it. */
const PATH =
  /(?<![\p{L}\p{N}_./\\-])((?:[A-Za-z]:[/\\]|\.{1,2}[/\\]|[/\\])?[\p{L}\p{N}_@.+-]+(?:[/\\][\p{L}\p{N}_@.+-]+)*)(?::(\d+)(?::(\d+))?|\((\d+)(?:,\s?(\d+))?\)|#L(\d+))?/gu;

/**
 * What may be paths of files in a line of text. Whether there are such files is not known here; what has
 * neither a folder, nor an extension, nor a line is taken for a word.
 */
export function printedPaths(text: string): PrintedPath[] {
  const found: PrintedPath[] = [];
  for (const match of text.matchAll(PATH)) {
    const [whole, written = '', colon, colonColumn, bracket, bracketColumn, hash] = match;
    const place = colon ?? bracket ?? hash;
    // The end of a sentence is not the path's.
    const path = place === undefined ? written.replace(/[.]+$/, '') : written;
    if (path === '' || !(place !== undefined || /[/\\]|\.\p{L}/u.test(path))) continue;
    const column = colonColumn ?? bracketColumn;
    found.push({
      path,
      ...(place === undefined ? {} : { line: Number(place) }),
      ...(column === undefined ? {} : { column: Number(column) }),
      from: match.index,
      to: match.index + (place === undefined ? path.length : whole.length),
    });
    if (found.length === MAX_PATHS) break;
  }
  return found;
}
