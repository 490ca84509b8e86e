import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalSubject } from '../../src/bridge/mcp/progress.ts';
import { questionOf } from '../../src/bridge/mcp/questions.ts';
import { titleOf } from '../../src/bridge/sessions/titles.ts';
import { noticeText } from '../../src/extension/noticeText.ts';
import type { Approval } from '../../src/shared/session.ts';
import { makeVisible, visibleLine, visibleParts } from '../../src/shared/visible.ts';

const HIDDEN = {
  escape: '\u001b',
  'carriage return': '\r',
  NUL: '\u0000',
  'one-byte CSI': '\u009b',
  'zero width': '\u200b',
  'right to left': '\u202e',
  isolate: '\u2066',
  'byte order mark': '\ufeff',
  tag: '\u{e0041}',
  filler: '\u3164',
  'soft hyphen': '\u00ad',
  'line separator': '\u2028',
  'no-break space': '\u00a0',
  'em space': '\u2003',
  'blank Braille': '\u2800',
  'interlinear mark': '\ufff9',
  'half of a character': '\ud800',
};

describe('a text to decide about', () => {
  it.each(Object.entries(HIDDEN))('A9: shows a hidden character: %s', (_name, character) => {
    expect(visibleParts(`a${character}b`)).toMatchObject([{ text: 'a' }, { hidden: true }, { text: 'b' }]);
    const code = character.codePointAt(0)?.toString(16);
    expect(makeVisible(`a${character}b`)).toBe(`a\\u{${code}}b`);
  });

  it('A9: shows padding, and what comes after it', () => {
    expect(makeVisible(`ls${'\n'.repeat(500)}rm -r .`)).toBe('ls\\u{a}×500rm -r .');
    expect(makeVisible(`ls${' \n'.repeat(20)}rm -r .`)).toBe('ls \\u{a}×20rm -r .');
    expect(makeVisible(`ls${' '.repeat(300)}; rm -r .`)).toBe('ls\\u{20}×300; rm -r .');
    // What people write stays as it is.
    const code = `if (x) {\n\n\n${' '.repeat(40)}return;\t// "ü" 漢字 👍\n}`;
    expect(makeVisible(code)).toBe(code);
  });

  it('A9: says exactly what is there: nothing is left out, nothing is changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        const back = visibleParts(any).map((part) =>
          part.hidden && part.times === 1 ? String.fromCodePoint(part.code) : part.text,
        );
        expect(back.join('')).toBe(any);
      }),
    );
  });

  it('A9: has no effect in a list, a title or a step either, where emoji stay whole', () => {
    expect(visibleLine('say \u202eolleh\n\u001b[31m')).toBe('say \\u{202e}olleh \\u{1b}[31m');
    expect(titleOf('fix \u202egpj.x')).toBe('fix \\u{202e}gpj.x');
    expect(visibleLine('⚠️ 👩‍👩‍👧')).toBe('⚠️ 👩‍👩‍👧');
  });
});

describe('an approval, wherever it is told', () => {
  const approval = (request: Approval['request']): Approval => ({
    id: 'a',
    turn: 't',
    item: 'i',
    createdAt: 0,
    decisions: ['accept', 'decline'],
    reason: 'safe\u200b',
    request,
  });
  const command = (text: string) => approval({ kind: 'command', command: text, cwd: '/w\u202e' });
  const change = { path: 'a\u202e.ts', kind: 'update', added: 1, removed: 0, diff: '+x\u001b[2J' } as const;

  it('A9: is a form at an MCP client that shows all of it, exactly, or is asked in VS Code only', () => {
    const shown = questionOf(command('ls\u001b[2K\rrm -r .'));
    expect(shown).toContain('\nls\\u{1b}[2K\\u{d}rm -r .\n');
    expect(shown).toContain('/w\\u{202e}:');
    expect(shown).toContain('Its reason: safe\\u{200b}');
    const patch = questionOf(approval({ kind: 'file_change', changes: [change], grantRoot: '/r\u2066' }));
    for (const part of ['update a\\u{202e}.ts', '+x\\u{1b}[2J', 'below /r\\u{2066}.'])
      expect(patch).toContain(part);
    expect(questionOf(command(`ls ${'x'.repeat(6_000)}; rm -r .`))).toBeUndefined();
  });

  it('A9: is one line of progress in which nothing hides', () => {
    expect(approvalSubject(command('ls\u001b[2K\rrm'))).toBe('run `ls\\u{1b}[2K rm`');
    expect(approvalSubject(approval({ kind: 'file_change', changes: [change] }))).toBe('edit a\\u{202e}.ts');
  });
});

it('A22: a notification makes no link of what others wrote', () => {
  // The pattern of VS Code's parseLinkedText.
  const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)/i;
  const title = 'Deleted "[Undo](command:workbench.action.quit)".';
  expect(title).toMatch(link);
  expect(noticeText(title)).not.toMatch(link);
  expect(noticeText(title)).toBe('Deleted "[Undo] (command:workbench.action.quit)".');
});
