import { afterEach, describe, expect, test } from 'vitest';
import { Screen } from '../../src/bridge/terminal/screen.ts';
import type { TerminalColors } from '../../src/shared/terminal.ts';

const screens: Screen[] = [];

afterEach(() => {
  for (const screen of screens.splice(0)) screen.dispose();
});

function make(colors?: TerminalColors) {
  const answers: string[] = [];
  const titles: string[] = [];
  const screen = new Screen({
    size: { cols: 40, rows: 10 },
    ...(colors === undefined ? {} : { colors }),
    onAnswer: (text) => answers.push(text),
    onTitle: (title) => titles.push(title),
  });
  screens.push(screen);
  const write = (text: string) => new Promise<void>((resolve) => screen.write(text, resolve));
  return { screen, answers, titles, write };
}

describe('the screen of a terminal', () => {
  test('gives a newcomer what is shown now, and not how it came to be', async () => {
    const first = make();
    for (let i = 0; i < 500; i++) await first.write(`\x1b[2J\x1b[Hframe ${i}\r\n\x1b[1;31mred\x1b[0m`);
    const state = await first.screen.state();
    expect(state.length).toBeLessThan(400);
    const second = make();
    await second.write('rubbish from before');
    await second.write(state);
    expect(await second.screen.text()).toBe('frame 499\nred');
    expect(await second.screen.state()).toBe(state);
  });

  test('keeps the alternate screen, with the modes that a viewer needs to type and click into it', async () => {
    const { screen, write } = make();
    await write('shell\r\n\x1b[?1049h\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?25l\x1b[3;5Hdraft');
    const state = await screen.state();
    for (const mode of ['1049h', '1003h', '1006h', '2004h', '25l']) expect(state).toContain(`\x1b[?${mode}`);
    const second = make();
    await second.write(state);
    expect(await second.screen.text()).toBe(await screen.text());
    await second.write('\x1b[?1049l');
    expect(await second.screen.text()).toBe('shell');
    // A reset, and one that is asked for in so many words, leave no mode behind.
    await write('\x1b[?25h\x1b[?1006l');
    expect(await screen.state()).not.toContain('25l');
    await write('\x1b[?25l\x1bc');
    expect(await screen.state()).not.toMatch(/25l|1049/);
  });

  test('says exactly what was written before, whatever comes at the same moment', async () => {
    const { screen } = make();
    screen.write('before', () => {});
    const state = screen.state();
    screen.write(' after', () => {});
    expect(await state).toMatch(/before$/);
    expect(await screen.text()).toBe('before after');
  });

  test('answers what programs ask, once, and the colours of the theme where they are known', async () => {
    const { answers, titles, write, screen } = make({ foreground: '#cccccc', background: '#1e1e1e' });
    await write('\x1b[c\x1b[6n\x1b]10;?\x1b\\\x1b]11;?\x07\x1b]0;A title\x07');
    expect(answers).toEqual([
      '\x1b[?1;2c',
      '\x1b[1;1R',
      '\x1b]10;rgb:cccc/cccc/cccc\x1b\\',
      '\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\',
    ]);
    expect(titles).toEqual(['A title']);
    expect(screen.title).toBe('A title');
    const blind = make();
    await blind.write('\x1b]11;?\x07');
    expect(blind.answers).toEqual([]);
  });

  test('draws what came before a change of size in the size before', async () => {
    const { screen } = make();
    // In the alternate screen lines are not wrapped anew.
    screen.write('\x1b[?1049h\x1b[1;40HXY', () => {});
    screen.resize({ cols: 80, rows: 10 });
    expect(screen.size).toEqual({ cols: 80, rows: 10 });
    screen.write('\x1b[3;80HZ', () => {});
    expect(await screen.text()).toBe(`${' '.repeat(39)}X\nY\n${' '.repeat(79)}Z`);
  });

  test('answers with the colours of the theme that came later', async () => {
    const { screen, answers, write } = make({ foreground: '#cccccc', background: '#1e1e1e' });
    screen.setColors({ foreground: '#111111', background: '#ffffff' });
    await write('\x1b]10;?\x07\x1b]11;?\x07');
    expect(answers).toEqual(['\x1b]10;rgb:1111/1111/1111\x1b\\', '\x1b]11;rgb:ffff/ffff/ffff\x1b\\']);
  });

  test('never has more lines than it shows and a bounded rest above', async () => {
    const { screen, write } = make();
    await write(Array.from({ length: 50_000 }, (_, i) => `line ${i}`).join('\r\n'));
    expect(await screen.text()).toMatch(/line 49999$/);
    const state = await screen.state();
    expect(state).not.toContain('line 48000');
    expect(state).toContain('line 49900');
  });
});
