import { describe, expect, test } from 'vitest';
import { lastLines, styledText, terminalText } from '../../webview-ui/chat/ansi.ts';
import { highlighted } from '../../webview-ui/chat/highlight.ts';

const ESC = '\u001b';

describe('output of commands', () => {
  test('keeps its colours and loses every other sequence', () => {
    const text = terminalText(
      `${ESC}[2J${ESC}[1;31mred${ESC}[0m\r\n${ESC}]0;title\u0007${ESC}[2Knext${ESC}(B`,
    );
    expect(
      styledText(text)
        .map((part) => part.text)
        .join(''),
    ).toBe('red\nnext');
    expect(styledText(text)[0]).toEqual({ text: 'red', style: 'ansi-red ansi-bold' });
  });

  test('shows what a progress bar was at its end', () => {
    expect(terminalText('10%\r50%\r100%\nready\r\n')).toBe('100%\nready\n');
    expect(terminalText('10%\r')).toBe('10%\r');
  });

  test('has the 256 colours and all others', () => {
    const part = (code: string) => styledText(`${ESC}[${code}mx`)[0];
    expect(part('92')).toEqual({ text: 'x', style: 'ansi-bright-green' });
    expect(part('44')).toEqual({ text: 'x', style: 'ansi-blue-background' });
    expect(part('38;5;9')?.style).toBe('ansi-bright-red');
    expect(part('38;5;196')).toEqual({ text: 'x', style: '', color: '255, 0, 0' });
    expect(part('48;5;244')).toEqual({ text: 'x', style: '', background: '128, 128, 128' });
    expect(part('38;2;1;2;3')).toEqual({ text: 'x', style: '', color: '1, 2, 3' });
  });

  test('is cut to its last lines, and says how many come before', () => {
    expect(lastLines('a\nb\nc\n', 2)).toEqual({ text: 'b\nc', before: 1 });
    expect(lastLines('a\nb\n', 2)).toEqual({ text: 'a\nb', before: 0 });
    expect(lastLines('\n\n\nx', 1)).toEqual({ text: 'x', before: 3 });
    expect(lastLines('a\nb', Number.POSITIVE_INFINITY)).toEqual({ text: 'a\nb', before: 0 });
  });
});

describe('code', () => {
  test('is coloured where the language is known, and never becomes markup', () => {
    expect(highlighted('const a = "<b>";', 'ts')).toContain('&lt;b&gt;');
    expect(highlighted('const a = 1;', 'ts')).toContain('hljs-keyword');
    expect(highlighted('x', 'no-such-language')).toBeUndefined();
    expect(highlighted('x'.repeat(30_000), 'ts')).toBeUndefined();
  });
});
