import { visibleLine } from '../../shared/visible.ts';

/** Length of a title made from a prompt, in characters. */
const TITLE_LENGTH = 60;

/** The first line of a prompt, cut at a word. */
export function titleOf(prompt: string): string {
  const line = visibleLine(prompt.trim().split('\n', 1)[0] ?? '');
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line.slice(0, TITLE_LENGTH);
  const space = cut.lastIndexOf(' ');
  return `${(space > TITLE_LENGTH / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
