import type { IBufferLine, ILink, ILinkProvider, Terminal } from '@xterm/xterm';
import { type PrintedPath, printedPaths } from './filePaths.ts';

interface FileLinkDeps {
  readonly terminal: Pick<Terminal, 'buffer' | 'cols'>;
  /** Which of the paths are files of the session's folder, in order. */
  known(paths: readonly string[]): Promise<readonly boolean[]>;
  open(event: MouseEvent, place: PrintedPath): void;
  onError(error: unknown): void;
}

/** Makes links of paths that the program prints, as far as there are such files. */
export class FileLinks implements ILinkProvider {
  readonly #deps: FileLinkDeps;

  constructor(deps: FileLinkDeps) {
    this.#deps = deps;
  }

  provideLinks(row: number, callback: (links: ILink[] | undefined) => void): void {
    const { terminal, known, onError } = this.#deps;
    const line = terminal.buffer.active.getLine(row - 1);
    const { text, columns } = lineText(line, terminal.cols);
    const paths = printedPaths(text);
    if (paths.length === 0) {
      callback(undefined);
      return;
    }
    known(paths.map(({ path }) => path)).then(
      (found) => {
        const links = paths.filter((_, place) => found[place] === true);
        callback(links.map((place) => this.#link(row, place, text, columns)));
      },
      (error: unknown) => {
        callback(undefined);
        onError(error);
      },
    );
  }

  #link(row: number, place: PrintedPath, text: string, columns: readonly number[]): ILink {
    const at = (unit: number) => columns[unit] ?? 0;
    return {
      // From 1, and the end is in it.
      range: { start: { x: at(place.from) + 1, y: row }, end: { x: at(place.to - 1) + 1, y: row } },
      text: text.slice(place.from, place.to),
      activate: (event) => this.#deps.open(event, place),
    };
  }
}

/** The text of a line, and the column of each of its UTF-16 units: wide characters take two columns. */
function lineText(line: IBufferLine | undefined, cols: number): { text: string; columns: number[] } {
  let text = '';
  const columns: number[] = [];
  for (let column = 0; column < cols; column++) {
    const cell = line?.getCell(column);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const chars = cell.getChars() || ' ';
    for (let unit = 0; unit < chars.length; unit++) columns.push(column);
    text += chars;
  }
  return { text, columns };
}
