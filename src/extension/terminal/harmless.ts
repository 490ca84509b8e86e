/** Where a command to the terminal's program (OSC) begins; control characters may stand inside, as in a parser. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them
const START = /\u001b[\u0000-\u0017\u0019\u001c-\u001f\u007f]*\]|\u009d/;
/** Its end. Any escape ends it, and begins something else unless it is `ESC \`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const END = /[\u0007\u0018\u001a\u009c]|\u001b\\?/;
/** What may become a beginning with the next text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNDECIDED = /\u001b[\u0000-\u0017\u0019\u001c-\u001f\u007f]*$/;

/** Colours that are set, or taken back, and links to the web. */
const HARMLESS = new RegExp(
  [
    '^4(?:;\\d{1,3};[\\w#/:]+)+$',
    '^1[0-2];[\\w#/:]+$',
    '^104(?:;\\d{1,3})*$',
    '^11[0-2]$',
    '^8;[\\w:=.-]*;(?:https?://[!-~]+)?$',
  ].join('|'),
);
/** UTF-16 units of one that has not ended; a longer one is nothing that may pass. */
const MAX_HELD = 16_384;
const REFUSED = '\u001b]refused';

/**
 * Output of the TUI as VS Code's own terminal may get it. That terminal would let a program read and write the
 * person's clipboard (OSC 52), set its title, and speak for the shell (OSC 7, 133, 633, 1337): what runs here
 * shows text of strangers, so of these commands only colours and links to the web pass, in either spelling and
 * however they are cut. Everything else is left as it is.
 */
export class HarmlessOutput {
  #held = '';

  /** The next piece. What can't be told yet is held back for the piece after it. */
  take(text: string): string {
    let rest = this.#held + text;
    this.#held = '';
    let passed = '';
    for (;;) {
      const start = START.exec(rest);
      if (start === null) {
        const at = UNDECIDED.exec(rest)?.index ?? rest.length;
        this.#held = rest.slice(at);
        return passed + rest.slice(0, at);
      }
      passed += rest.slice(0, start.index);
      const body = rest.slice(start.index + start[0].length);
      const end = END.exec(body);
      const undecided = end === null || (end[0] === '\u001b' && end.index === body.length - 1);
      if (undecided) {
        const last = end === null ? '' : '\u001b';
        this.#held = body.length > MAX_HELD ? `${REFUSED}${last}` : `\u001b]${body}`;
        return passed;
      }
      const command = body.slice(0, end.index);
      if (HARMLESS.test(command)) passed += `\u001b]${command}\u0007`;
      rest = body.slice(end.index + (end[0] === '\u001b' ? 0 : end[0].length));
    }
  }
}
