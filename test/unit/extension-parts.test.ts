import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMAND_IDS } from '../../src/extension/commandIds.ts';
import { linkTarget } from '../../src/extension/links.ts';
import { SessionIndex } from '../../src/extension/sessionIndex.ts';
import { SessionList } from '../../src/extension/sessionList.ts';
import { readSettings } from '../../src/extension/settings.ts';
import { NO_USAGE, type SessionSummary } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly configuration: {
      readonly properties: Readonly<Record<string, { default: unknown; scope: string }>>;
    };
  };
}

// The project's own manifest.
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;
const properties = manifest.contributes.configuration.properties;

describe('the manifest', () => {
  test('declares the commands that the code registers', () => {
    expect(manifest.contributes.commands.map(({ command }) => command).sort()).toEqual(
      [...COMMAND_IDS].sort(),
    );
  });

  test('has a text for every key that it names, and no other', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const named = [...text.matchAll(/"%([\w.-]+)%"/g)].map((match) => match[1]);
    const nls: unknown = JSON.parse(readFileSync(new URL('../../package.nls.json', import.meta.url), 'utf8'));
    expect([...new Set(named)].sort()).toEqual(Object.keys(nls ?? {}).sort());
  });

  test('has pictures that are there', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const pictures = [...text.matchAll(/"(media\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(pictures.length).toBeGreaterThan(4);
    for (const picture of pictures) {
      expect(existsSync(new URL(`../../${picture}`, import.meta.url)), picture).toBe(true);
    }
  });

  test('has settings that no workspace can change', () => {
    for (const [name, { scope }] of Object.entries(properties)) expect(scope, name).toBe('application');
  });

  test('has the defaults of the bridge', () => {
    expect(readSettings(configuration({}))).toEqual(DEFAULT_SETTINGS);
  });
});

describe('settings', () => {
  test('that are set reach the bridge, empty texts do not', () => {
    const settings = readSettings(
      configuration({ codexPath: '/opt/codex', 'defaults.model': ' ', 'limits.runningTurns': 9 }),
    );
    expect(settings.codexPath).toBe('/opt/codex');
    expect(settings.defaults).not.toHaveProperty('model');
    expect(settings.limits.runningTurns).toBe(9);
  });

  test('with a wrong value are named', () => {
    expect(() => readSettings(configuration({ 'ceiling.sandbox': 'everything' }))).toThrow(
      /codexBridge\.ceiling\.sandbox/,
    );
  });
});

function configuration(set: Readonly<Record<string, unknown>>) {
  return {
    get<T>(name: string): T | undefined {
      const value = name in set ? set[name] : properties[`codexBridge.${name}`]?.default;
      return value as T | undefined; // the caller checks it
    },
  };
}

describe('the session index', () => {
  test('stays below 100 KB, whatever it is given', async () => {
    let written = '';
    const index = new SessionIndex(
      {
        get: () => undefined,
        update: async (_key, value) => {
          written = JSON.stringify(value);
        },
      },
      fail,
    );
    index.setSessions(Array.from({ length: 2000 }, (_, n) => summary(`s_${n}`, '橋'.repeat(500), n)));
    index.setDraft('橋'.repeat(10_000));
    await index.flush();
    expect(Buffer.byteLength(written)).toBeGreaterThan(50_000);
    expect(Buffer.byteLength(written)).toBeLessThan(100_000);
    index.setDraft('橋'.repeat(10_001));
    expect(index.draft).toBe('');
  });

  test('is read back, and begins anew where it is of another version', async () => {
    const stored = new Map<string, unknown>();
    const store = {
      get: <T>(key: string) => stored.get(key) as T | undefined, // what was stored
      update: async (key: string, value: unknown) => void stored.set(key, structuredClone(value)),
    };
    const index = new SessionIndex(store, fail);
    index.setSessions([{ ...summary('s_1', 'One', 5), state: 'running' }]);
    index.setFolders([{ path: '/a', key: 'k' }]);
    index.setSelected('s_1');
    index.setDraft('unsent');
    await index.flush();
    const again = new SessionIndex(store, fail);
    // What ran when the window closed may have ended since.
    expect(again.sessions()).toMatchObject([{ id: 's_1', title: 'One', state: 'idle', updatedAt: 5 }]);
    expect([again.selected, again.draft, again.folderKey('/a')]).toEqual(['s_1', 'unsent', 'k']);
    for (const key of stored.keys()) stored.set(key, { version: 99, sessions: 'nonsense' });
    expect(new SessionIndex(store, fail).sessions()).toEqual([]);
  });
});

describe('the session list', () => {
  test('shows the sessions of its folders, most recently used first, without archived ones', () => {
    const list = new SessionList([]);
    list.replace(
      ['f'],
      [summary('a', 'A', 1), summary('b', 'B', 3), { ...summary('c', 'C', 2), archived: true }],
    );
    expect(list.list().map(({ id }) => id)).toEqual(['b', 'a']);
    expect(list.put({ ...summary('x', 'X', 9), folder: 'of another window' })).toBe(false);
    expect(list.put(summary('a', 'A', 4))).toBe(true);
    expect(list.list().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(list.remove('a')).toBe(true);
    expect(list.remove('a')).toBe(false);
  });
});

describe('links', () => {
  test.each([
    ['https://example.com/a', { kind: 'web', href: 'https://example.com/a' }],
    ['mailto:a@example.com', { kind: 'web', href: 'mailto:a@example.com' }],
    ['src/a.ts', { kind: 'file', path: 'src/a.ts' }],
    ['src/a.ts:12', { kind: 'file', path: 'src/a.ts', line: 12 }],
    ['src/a.ts:12:3', { kind: 'file', path: 'src/a.ts', line: 12 }],
    ['src/a.ts#L7', { kind: 'file', path: 'src/a.ts', line: 7 }],
    ['src/a.ts#L7-L9', { kind: 'file', path: 'src/a.ts', line: 7 }],
    ['my%20file.md', { kind: 'file', path: 'my file.md' }],
    ['100%.md', { kind: 'file', path: '100%.md' }],
    ['file:///tmp/a.ts', { kind: 'file', path: '/tmp/a.ts' }],
    ['javascript:alert(1)', { kind: 'refused' }],
    ['JavaScript:alert(1)', { kind: 'refused' }],
    ['command:workbench.action.quit', { kind: 'refused' }],
    ['vscode://ext/x', { kind: 'refused' }],
    ['data:text/html,x', { kind: 'refused' }],
    ['//example.com/x', { kind: 'refused' }],
    ['file:////server/share', { kind: 'refused' }],
    ['#heading', { kind: 'refused' }],
    ['a%00b', { kind: 'refused' }],
    ['', { kind: 'refused' }],
  ])('%s', (href, target) => {
    expect(linkTarget(href)).toEqual(target);
  });
});

function summary(id: string, title: string, updatedAt: number): SessionSummary {
  return {
    id,
    folder: 'f',
    title,
    state: 'idle',
    archived: false,
    createdAt: 0,
    updatedAt,
    turns: 1,
    usage: NO_USAGE,
    settings: {},
  };
}

function fail(error: unknown): never {
  throw error;
}
