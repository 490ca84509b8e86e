import { signal } from '@preact/signals';
import { describe, expect, test } from 'vitest';
import { ComposerMemory } from '../../src/extension/composerMemory.ts';
import { rank, score } from '../../src/extension/composerRank.ts';
import type { TurnSnapshot } from '../../src/shared/session.ts';
import type { ChosenAttachment } from '../../src/shared/webview.ts';
import { completionAt, without } from '../../webview-ui/chat/composer/completion.ts';
import { keepAttachments } from '../../webview-ui/chat/composer/keptAttachments.ts';
import { base64, uriList } from '../../webview-ui/chat/composer/pasted.ts';
import { PromptHistory } from '../../webview-ui/chat/composer/promptHistory.ts';
import { commandsFor, parseCommand } from '../../webview-ui/chat/composer/slashCommands.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

describe('what is completed', () => {
  test('a command at the very beginning, and @ at the beginning of a word', () => {
    expect(completionAt('/re', 3)).toEqual({ kind: 'command', query: 're', from: 0, to: 3 });
    expect(completionAt('see @src/a', 10)).toEqual({ kind: 'context', query: 'src/a', from: 4, to: 10 });
    expect(completionAt('@', 1)).toEqual({ kind: 'context', query: '', from: 0, to: 1 });
  });

  test('nothing elsewhere: paths, mail addresses, behind the caret', () => {
    for (const text of ['a /re', '/etc/hosts', '/plan it', 'me@example', '@a b']) {
      expect(completionAt(text, text.length), text).toBeNull();
    }
    expect(completionAt('look @file', 2)).toBeNull();
  });

  test('what was typed for it leaves the text', () => {
    const completion = completionAt('see @src now', 8);
    expect(completion === null ? '' : without('see @src now', completion)).toBe('see  now');
  });
});

describe('earlier prompts', () => {
  test('are walked through and lead back to what was being written', () => {
    const history = new PromptHistory();
    history.load(['one', 'two']);
    expect(history.later()).toBeUndefined();
    expect(history.earlier('unsent')).toBe('two');
    expect(history.earlier('two')).toBe('one');
    expect(history.earlier('one')).toBeUndefined();
    expect(history.later()).toBe('two');
    expect(history.later()).toBe('unsent');
    expect(history.walking).toBe(false);
  });

  test('a prompt that was changed is the own text from then on', () => {
    const history = new PromptHistory();
    history.load(['one', 'two']);
    history.earlier('');
    history.stop();
    expect(history.earlier('two, changed')).toBe('two');
    expect(history.later()).toBe('two, changed');
  });
});

describe('commands', () => {
  test('those that need a session are offered with one only', () => {
    const names = (hasSession: boolean) => commandsFor('', hasSession).map(({ name }) => name);
    expect(names(false)).toEqual(['new', 'plan', 'review', 'clear']);
    expect(names(true)).toContain('fork');
    expect(commandsFor('comp', true).map(({ name }) => name)).toEqual(['compact']);
    expect(commandsFor('re', true).map(({ name }) => name)).toEqual(['review', 'rename']);
  });

  test('a text that only looks like one is a prompt', () => {
    expect(parseCommand('/etc/hosts is odd', true)).toBeUndefined();
    expect(parseCommand('/fork', false)).toBeUndefined();
    expect(parseCommand('/new is what I want', true)).toBeUndefined();
    expect(parseCommand('please /new', true)).toBeUndefined();
    expect(parseCommand('/plan  a\nb ', true)).toMatchObject({ command: { name: 'plan' }, argument: 'a\nb' });
  });
});

describe('files for a query', () => {
  const paths = ['src/index.ts', 'test/index.test.ts', 'docs/readme.md', 'src/shared/', 'index.ts'];

  test('the name counts more than the path, its beginning more than its middle', () => {
    expect(rank(paths, 'index', 3)).toEqual(['index.ts', 'src/index.ts', 'test/index.test.ts']);
    expect(rank(paths, 'shared', 1)).toEqual(['src/shared/']);
    expect(rank(paths, 'src/ind', 1)).toEqual(['src/index.ts']);
  });

  test('characters may be left out, but not swapped', () => {
    expect(rank(paths, 'rdme', 5)).toEqual(['docs/readme.md']);
    expect(score('docs/readme.md', 'emdr')).toBeUndefined();
  });

  test('without a query the order stays', () => {
    expect(rank(paths, '', 2)).toEqual(['src/index.ts', 'test/index.test.ts']);
  });
});

describe('what the composer remembers', () => {
  function store() {
    let value: unknown;
    return {
      // Whoever asks names the type of what it has put there.
      get: <T>(_key: string) => value as T | undefined,
      update: async (_key: string, next: unknown) => {
        value = next;
      },
      size: () => JSON.stringify(value).length,
    };
  }
  const fail = (error: unknown) => {
    throw error;
  };

  test('prompts by folder, the same one once, over a reload', () => {
    const memento = store();
    const memory = new ComposerMemory(memento, fail);
    for (const prompt of ['a', 'b', 'a']) memory.addPrompt('f', prompt);
    memory.addPrompt('g', 'other');
    memory.setChoice({ model: 'm' });
    memory.setChoice({ effort: 'high' });
    const again = new ComposerMemory(memento, fail);
    expect(again.prompts('f')).toEqual(['b', 'a']);
    expect(again.prompts('g')).toEqual(['other']);
    expect(again.choice).toEqual({ effort: 'high' });
  });

  test('B9: prompts that VS Code has lost come back with a session, and then no more', () => {
    const memory = new ComposerMemory(store(), fail);
    const asked = (prompt: string, more: Partial<TurnSnapshot> = {}) =>
      queuedTurn(`t_${prompt}`, { prompt, source: { kind: 'window' }, ...more });
    const turns = [
      ...['a', 'b', 'a'].map((prompt, index) => asked(prompt, { id: `t_${index}` })),
      asked('of a client', { source: { kind: 'mcp' } }),
      asked('Review', { task: { kind: 'compact' } }),
    ];
    const session = { ...sessionWith(turns), folder: 'f' };
    memory.restore(session);
    expect(memory.prompts('f')).toEqual(['b', 'a']);
    memory.addPrompt('f', 'c');
    memory.restore({ ...session, turns: [asked('older')] });
    expect(memory.prompts('f')).toEqual(['b', 'a', 'c']);
    expect(memory.prompts('g')).toEqual([]);
  });

  test('stays small: the oldest prompts go, too long ones are not kept', () => {
    const memento = store();
    const memory = new ComposerMemory(memento, fail);
    memory.addPrompt('f', 'x'.repeat(2_001));
    for (let folder = 0; folder < 40; folder++) {
      for (let n = 0; n < 60; n++) memory.addPrompt(`f${folder}`, `${n} ${'x'.repeat(100)}`);
    }
    expect(memory.prompts('f')).toEqual([]);
    expect(memory.prompts('f0')).toEqual([]);
    expect(memory.prompts('f39')).toHaveLength(50);
    expect(memory.prompts('f39').at(-1)).toMatch(/^59 /);
    expect(memento.size()).toBeLessThan(50_000);
  });
});

describe('what is attached', () => {
  const chip = (text: string) => ({
    attachment: { kind: 'text' as const, name: 'a', text },
    label: 'a',
    icon: 'text' as const,
  });

  test('outlives a view that is hidden, unless it is too much to keep', () => {
    let state: unknown = { other: 1 };
    const api = {
      getState: () => state,
      setState: (next: unknown) => {
        state = next;
      },
    };
    const opened = () => {
      const store = { attachments: signal<readonly ChosenAttachment[]>([]) };
      keepAttachments(store, api);
      return store;
    };
    opened().attachments.value = [chip('small')];
    const again = opened();
    expect(again.attachments.value).toEqual([chip('small')]);
    expect(state).toMatchObject({ other: 1 });
    again.attachments.value = [chip('x'.repeat(600_000))];
    expect(opened().attachments.value).toEqual([]);
  });
});

describe('what is pasted and dropped', () => {
  test('bytes become base64, also many of them', () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, place) => place % 256);
    expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
  });

  test('a list of addresses is read without its comments', () => {
    expect(uriList('# dragged\r\nfile:///a\r\n\r\nfile:///b c')).toEqual(['file:///a', 'file:///b c']);
  });
});
