import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Screen } from '../../src/bridge/terminal/screen.ts';
import { isAnswer } from '../../src/extension/terminal/answers.ts';
import { HarmlessOutput } from '../../src/extension/terminal/harmless.ts';
import { mute } from '../../webview-ui/terminal/muted.ts';

const SIZE = { cols: 80, rows: 24 };
const CLIPBOARD = Buffer.from('stolen').toString('base64');
/** Commands of a terminal's own (OSC), and which of them do something to whoever looks on. */
const HARMFUL = [
  `52;c;${CLIPBOARD}`,
  '52;c;?',
  '0;title',
  '2;title',
  '7;file:///etc',
  '9;note',
  '133;A',
  '633;E;rm -rf ~',
  '777;notify;a;b',
  `1337;File=inline=1:${CLIPBOARD}`,
  '8;;command:workbench.action.quit',
  '8;;javascript:alert(1)',
  '8;;file:///etc/passwd',
  '8;;vscode://x/y',
  '10;?',
  '4;1;?',
  '52;c;https://example.org/',
];
const HARMLESS = [
  '8;;https://example.org/a',
  '8;id=1;http://example.org/',
  '8;;',
  '4;1;#ff0000',
  '104',
  '110',
];

/** VS Code's terminal, as far as a program gets at something in it: which commands of an OSC it takes. */
function terminal(more: object = {}) {
  const shown = new xterm.Terminal({ ...SIZE, allowProposedApi: true, logLevel: 'off', ...more });
  const taken: string[] = [];
  for (const code of [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 52, 104, 110, 111, 112, 133, 633, 777, 1337]) {
    shown.parser.registerOscHandler(code, (data) => {
      taken.push(data === '' ? String(code) : `${code};${data}`);
      return true;
    });
  }
  const answers: string[] = [];
  shown.onData((data) => answers.push(data));
  return {
    shown,
    taken,
    answers,
    write: (text: string) => new Promise<void>((resolve) => shown.write(text, resolve)),
    text: () =>
      Array.from({ length: SIZE.rows }, (_, row) => shown.buffer.active.getLine(row)?.translateToString(true))
        .join('\n')
        .trimEnd(),
  };
}

/** All questions that a program could ask: every final character, with every prefix and the intermediates in use. */
function* questions(): Generator<string> {
  for (const prefix of ['', '?', '>', '=', '<']) {
    for (const between of ['', '$', '*', '"', ' ', '!']) {
      for (let final = 0x40; final < 0x7f; final++) {
        // RIS-like ones change nothing here: an answer is what is looked for.
        for (const parameters of ['', '0', '5', '6', '14', '18', '21', '1;1']) {
          yield `\u001b[${prefix}${parameters}${between}${String.fromCharCode(final)}`;
        }
      }
    }
  }
  for (const request of ['$qm', '$q"p', '+q544e', '$qr', '$q q']) yield `\u001bP${request}\u001b\\`;
  for (const code of ['4;1;?', '10;?', '11;?', '12;?', '52;c;?']) yield `\u001b]${code}\u0007`;
  yield '\u0005';
  yield '\u001bZ';
}

describe('A24: escape sequences', () => {
  it('reach VS Code’s terminal only where they are colours, or links to the web', async () => {
    for (const ends of ['\u0007', '\u001b\\', '\u009c']) {
      for (const begins of ['\u001b]', '\u009d', '\u001b\u0000]', '\u001b\u001b\u007f]', '\u001b[3\u001b]']) {
        const { write, taken, text } = terminal();
        const filter = new HarmlessOutput();
        for (const command of HARMFUL) await write(filter.take(`${begins}${command}${ends}`));
        expect(taken, JSON.stringify([begins, ends])).toEqual([]);
        for (const command of HARMLESS) await write(filter.take(`${begins}${command}${ends}`));
        expect(taken).toEqual(HARMLESS);
        await write(filter.take('plain \u001b[31mtext\u001b[0m\r\nand more'));
        expect(text()).toBe('plain text\nand more');
      }
    }
  });

  it('do so however they are cut and whatever stands around them, and nothing else is lost', async () => {
    const piece = fc.oneof(
      fc.constantFrom('\u001b', ']', '\u009d', '\u0007', '\u001b\\', '\u009c', '\u0018', '\u0000', '[', ';'),
      fc.constantFrom('52;c;', CLIPBOARD, '0;t', '8;;', 'https://a/', 'command:x', '4;1;', '#ff0000', '?'),
      fc.constantFrom(
        '\u001b]52;c;',
        '\u001bP',
        '\u001b_',
        '\u001bX',
        '\u0090',
        '\u001b[38;5;1',
        'm',
        'é',
        '漢',
      ),
    );
    const { write, taken } = terminal();
    for (const command of HARMFUL) {
      const sequence = `\u001b\u0000]${command}\u001b\\`;
      for (let at = 1; at < sequence.length; at++) {
        const filter = new HarmlessOutput();
        await write(filter.take(sequence.slice(0, at)) + filter.take(sequence.slice(at)));
      }
    }
    expect(taken).toEqual([]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 6 }), async (chunks) => {
        const filter = new HarmlessOutput();
        await write(`\u0018\u001bc${chunks.map((chunk) => filter.take(chunk.join(''))).join('')}`);
        for (const command of taken.splice(0))
          expect(command).toMatch(/^(4;1;#ff0000|8;;https:\/\/a\/|8;;)$/);
      }),
      { numRuns: 400, seed: 24 },
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (chunks) => {
        const filter = new HarmlessOutput();
        expect(chunks.map((chunk) => filter.take(chunk)).join('')).toBe(chunks.join(''));
      }),
      { seed: 24 },
    );
  });

  it('that never end are not kept', () => {
    const filter = new HarmlessOutput();
    expect(filter.take('a\u001b]52;c;')).toBe('a');
    for (let n = 0; n < 100; n++) expect(filter.take('QUJD'.repeat(1_000))).toBe('');
    expect(filter.take('\u001b')).toBe('');
    expect(filter.take('\\b')).toBe('b');
    const address = 'a'.repeat(20_000);
    expect(filter.take(`\u001b]8;;https://${address}`) + filter.take('\u0007c')).toBe('c');
  });

  it('that ask are answered by no viewer', async () => {
    const own = terminal();
    mute(own.shown);
    let sequence = '';
    for (const question of questions()) sequence += question;
    await own.write(sequence);
    expect(own.answers).toEqual([]);
    // The questions are some: a terminal that is not muted answers them, and VS Code's answers are told from typing.
    const windowOptions = { getWinSizePixels: true, getCellSizePixels: true, getWinSizeChars: true };
    const plain = terminal({ windowOptions });
    await plain.write(sequence);
    expect(plain.answers.length).toBeGreaterThan(20);
    expect(plain.answers.filter((answer) => !isAnswer(answer))).toEqual([]);
  });

  it('are not in the screen that a second viewer, or a reloaded window, starts with', async () => {
    const answers: string[] = [];
    const screen = new Screen({
      size: SIZE,
      onAnswer: (text) => answers.push(text),
      onTitle: () => undefined,
    });
    const all = [...questions(), ...HARMFUL.map((command) => `\u001b]${command}\u0007`)];
    for (const sequence of all) screen.write(`x${sequence}`, () => undefined);
    screen.write('\u001bc\u001b[?1049hdrawn', () => undefined);
    for (const command of HARMFUL) screen.write(`\u001b]${command}\u0007`, () => undefined);
    const state = await screen.state();
    screen.dispose();
    expect(answers.length).toBeGreaterThan(20);
    const second = terminal();
    await second.write(state);
    expect(second.text()).toContain('drawn');
    expect([second.answers, second.taken]).toEqual([[], []]);
  });
});
