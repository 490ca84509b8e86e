import { describe, expect, test } from 'vitest';
import { isAnswer } from '../../src/extension/terminal/answers.ts';
import type { MessagePort } from '../../src/shared/rpc.ts';
import { RpcClient, RpcServer } from '../../src/shared/rpc.ts';
import {
  inputParts,
  type TerminalViewContract,
  terminalPort,
  terminalViewSchemas,
} from '../../src/shared/terminalView.ts';
import { DrawnCount } from '../../webview-ui/terminal/drawnCount.ts';
import { printedPaths } from '../../webview-ui/terminal/filePaths.ts';
import { type Key, useOf } from '../../webview-ui/terminal/keys.ts';
import { colorsOf, hexOf, themeOf } from '../../webview-ui/terminal/theme.ts';

describe('what is typed into a terminal', () => {
  test('is cut into parts that one message carries, never inside a character', () => {
    expect(inputParts('')).toEqual([]);
    expect(inputParts('short')).toEqual(['short']);
    expect(inputParts('abcdef', 4)).toEqual(['abcd', 'ef']);
    // The third character takes two units, and the cut would be between them.
    const parts = inputParts('ab\u{1f600}cd', 3);
    expect(parts.join('')).toBe('ab\u{1f600}cd');
    expect(parts.every((part) => part.isWellFormed() && part.length <= 3)).toBe(true);
    // Half a character is the caller's own, and makes no endless loop.
    expect(inputParts('\ud83d\ud83d\ud83d', 1)).toHaveLength(3);
  });

  test('is told from what VS Code’s terminal answers by itself', () => {
    for (const answer of [
      '\x1b[?1;2c',
      '\x1b[>0;276;0c',
      '\x1b[24;80R',
      '\x1b[1;1R',
      '\x1b[0n',
      '\x1b[?12;2$y',
      '\x1b[?0u',
      '\x1bP>|xterm.js(6.0.0)\x1b\\',
      '\x1b]11;rgb:1f1f/1f1f/1f1f\x1b\\',
      '\x1b]10;rgb:ffff/ffff/ffff\x07\x1b[?1;2c',
    ]) {
      expect(isAnswer(answer), JSON.stringify(answer)).toBe(true);
    }
    for (const typed of [
      'a',
      '\r',
      '\x1b',
      '\x1b[A',
      '\x1bOR',
      '\x1b[1;2R',
      '\x1b[1;5C',
      '\x1b[200~x\x1b[201~',
    ]) {
      expect(isAnswer(typed), JSON.stringify(typed)).toBe(false);
    }
    // Focus reports are about the person, and only this terminal knows them.
    expect(isAnswer('\x1b[I')).toBe(false);
  });
});

describe('paths that a program prints', () => {
  const found = (text: string) =>
    printedPaths(text).map(({ from, to, path, ...place }) => [
      text.slice(from, to),
      path,
      ...Object.values(place),
    ]);

  test('are found with their lines and columns, without what stands around', () => {
    expect(found('at src/a.ts:12:5, then (./b/c.d.ts) and "x/y".')).toEqual([
      ['src/a.ts:12:5', 'src/a.ts', 12, 5],
      ['./b/c.d.ts', './b/c.d.ts'],
      ['x/y', 'x/y'],
    ]);
    expect(found('• Edited añ/ü.ts (+1 -1)')).toEqual([['añ/ü.ts', 'añ/ü.ts']]);
    expect(found('main.c(3,7) Makefile:9 README.md#L4 /proj/z.')).toEqual([
      ['main.c(3,7)', 'main.c', 3, 7],
      ['Makefile:9', 'Makefile', 9],
      ['README.md#L4', 'README.md', 4],
      ['/proj/z', '/proj/z'],
    ]);
    expect(found('C:\\a\\b.ts:1')).toEqual([['C:\\a\\b.ts:1', 'C:\\a\\b.ts', 1]]);
  });

  test('are no words, numbers or ends of sentences, and not without end', () => {
    expect(found('Plain words. Worked for 3.5 s - 100% ...')).toEqual([]);
    expect(found(Array.from({ length: 100 }, (_, n) => `a/${n}`).join(' '))).toHaveLength(16);
  });
});

describe('what is drawn', () => {
  test('is acknowledged in portions, and the rest when nothing follows', () => {
    const acks: number[] = [];
    const count = new DrawnCount((chars) => acks.push(chars));
    const first = count.given(4_000);
    const second = count.given(2_000);
    const third = count.given(100);
    first();
    expect(acks).toEqual([]);
    second();
    expect(acks).toEqual([6_000]);
    third();
    expect(acks).toEqual([6_000, 100]);
  });

  test('of a screen before is not counted', () => {
    const acks: number[] = [];
    const count = new DrawnCount((chars) => acks.push(chars));
    const old = count.given(9_000);
    count.reset();
    old();
    expect(acks).toEqual([]);
    count.given(10)();
    expect(acks).toEqual([10]);
  });
});

describe('a key', () => {
  const use = (key: Partial<Key>, selection = false, mac = false) =>
    useOf(
      {
        type: 'keydown',
        key: 'a',
        ctrlKey: false,
        metaKey: false,
        shiftKey: false,
        altKey: false,
        ...key,
      },
      { selection, mac },
    );

  test('goes to the program, unless it copies, pastes, finds or leads out', () => {
    expect(use({})).toBe('terminal');
    expect(use({ key: 'Escape' })).toBe('terminal');
    expect(use({ key: 'c', ctrlKey: true })).toBe('terminal');
    expect(use({ key: 'c', ctrlKey: true }, true)).toBe('copy');
    expect(use({ key: 'C', ctrlKey: true, shiftKey: true }, true)).toBe('copy');
    expect(use({ key: 'v', ctrlKey: true })).toBe('paste');
    expect(use({ key: 'f', ctrlKey: true })).toBe('find');
    expect(use({ key: 'P', ctrlKey: true, shiftKey: true })).toBe('window');
    expect(use({ key: 'F1' })).toBe('window');
    expect(use({ key: 'f2' })).toBe('terminal');
    expect(use({ key: 'F6' })).toBe('leave');
    expect(use({ key: 'F6', shiftKey: true })).toBe('window');
    expect(use({ key: 'r', ctrlKey: true })).toBe('terminal');
  });

  test('of macOS leaves Ctrl to the program', () => {
    expect(use({ key: 'c', ctrlKey: true }, true, true)).toBe('terminal');
    expect(use({ key: 'c', metaKey: true }, true, true)).toBe('copy');
    expect(use({ key: 'f', metaKey: true }, false, true)).toBe('find');
    expect(use({ key: 'k', metaKey: true }, false, true)).toBe('window');
  });
});

describe('the colours', () => {
  test('are read as browsers tell them', () => {
    expect(hexOf('rgb(31, 31, 31)')).toBe('#1f1f1f');
    expect(hexOf('rgba(255, 0, 10, 0.5)')).toBe('#ff000a80');
    expect(hexOf('rgba(1, 2, 3, 1)')).toBe('#010203');
    expect(hexOf('currentcolor')).toBeUndefined();
  });

  test('are the theme’s, with the editor’s where the terminal has none of its own', () => {
    const known: Record<string, string> = {
      'editor-background': '#101010ff',
      'terminal-foreground': '#eeeeee',
      'terminal-ansiBrightCyan': '#00ffff',
    };
    const theme = themeOf((...names) => names.map((name) => known[name]).find((one) => one !== undefined));
    expect(theme).toMatchObject({ background: '#101010ff', foreground: '#eeeeee', brightCyan: '#00ffff' });
    expect(theme.red).toBeUndefined();
    expect(colorsOf(theme)).toEqual({ foreground: '#eeeeee', background: '#101010' });
  });
});

describe('the contract of the terminal’s document', () => {
  test('passes through a line that another contract uses, too', async () => {
    const [host, view] = pair();
    const opened: string[] = [];
    const answer = () => null;
    const server = new RpcServer<TerminalViewContract>(terminalPort(host), terminalViewSchemas, {
      ready: () => {
        throw new Error('not asked');
      },
      open: answer,
      restart: answer,
      input: answer,
      resize: answer,
      ack: answer,
      copy: answer,
      'link.open': ({ href }) => {
        opened.push(href);
        return null;
      },
      'files.known': ({ paths }) => ({ known: paths.map(() => true) }),
      'file.open': answer,
      tab: answer,
      integrated: answer,
    });
    const client = new RpcClient<TerminalViewContract>(terminalPort(view));
    // Of another contract on the same line: nobody here is meant.
    view.send({ id: 1, method: 'link.open', params: { href: 'https://else.where' } });
    await client.request('link.open', { href: 'https://example.org/a' });
    expect(opened).toEqual(['https://example.org/a']);
    for (const href of ['command:x', 'file:///etc/passwd', 'vscode://x', ' https://example.org']) {
      await expect(client.request('link.open', { href })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    await expect(client.request('input', { data: 'x'.repeat(70_000) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    server.dispose();
    client.dispose();
  });
});

/** Two ends of a line. */
function pair(): [MessagePort, MessagePort] {
  const listeners: [Set<(message: unknown) => void>, Set<(message: unknown) => void>] = [
    new Set(),
    new Set(),
  ];
  const end = (own: 0 | 1, other: 0 | 1): MessagePort => ({
    send: (message) => {
      for (const listener of [...listeners[other]]) listener(message);
    },
    onMessage(listener) {
      listeners[own].add(listener);
      return { dispose: () => void listeners[own].delete(listener) };
    },
    onClose: () => ({ dispose() {} }),
  });
  return [end(0, 1), end(1, 0)];
}
