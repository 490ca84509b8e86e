/**
 * Answers that a terminal gives by itself: device attributes and versions, cursor position and status, modes,
 * settings, colours, its size. xterm.js says each of them in one piece, apart from what is typed.
 */
const ANSWER = [
  '\\x1b\\[[?>=][\\d;]*c',
  '\\x1b\\[\\d+;\\d+R',
  '\\x1b\\[[3-9];\\d+;\\d+t',
  '\\x1b\\[\\?[\\d;]*[Rnu]',
  '\\x1b\\[\\d*n',
  '\\x1b\\[\\??[\\d;]*\\$y',
  // Strings: DCS and OSC to their end.
  '\\x1b[P\\]][^\\x1b\\x07]*(?:\\x1b\\\\|\\x07)',
].join('|');

const ONLY_ANSWERS = new RegExp(`^(?:${ANSWER})+$`);
/** Shift, Alt, Ctrl and F3: the same text as a position in the first row. */
const F3 = new Set([2, 3, 4, 5, 6, 7, 8].map((modifier) => `\x1b[1;${modifier}R`));

/**
 * True for what VS Code's own terminal says by itself. The bridge answers the program's questions, so that it
 * has one answer whether nobody looks on or several do.
 */
export function isAnswer(data: string): boolean {
  return ONLY_ANSWERS.test(data) && !F3.has(data);
}
