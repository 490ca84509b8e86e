import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { COMMAND_IDS } from '../../src/extension/commandIds.ts';

interface Entry {
  readonly command?: string;
  readonly submenu?: string;
  readonly when?: string;
  readonly group?: string;
}
interface Contributes {
  readonly configuration: { readonly properties: Readonly<Record<string, { scope?: string }>> };
  readonly commands: readonly {
    readonly command: string;
    readonly title: string;
    readonly category?: string;
    readonly icon?: string;
    readonly enablement?: string;
  }[];
  readonly menus: Readonly<Record<string, readonly Entry[]>>;
  readonly keybindings: readonly {
    readonly command: string;
    readonly key: string;
    readonly mac?: string;
    readonly when?: string;
  }[];
}

const read = (file: string): unknown =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8'));
// Our own files.
const { contributes } = read('package.json') as { contributes: Contributes };
const texts = read('package.nls.json') as Readonly<Record<string, string>>;
const { commands, menus, keybindings } = contributes;

/** They say what is missing where nothing can be done yet, so they are there in every window. */
const EVERYWHERE = ['codexBridge.showChat', 'codexBridge.showLog'];
/** These work on the open session, or on the one that the keyboard is on in the list. */
const OF_A_SESSION = [
  'openInEditor',
  'openTerminal',
  'openIntegratedTerminal',
  'exportSession',
  'renameSession',
  'forkSession',
  'archiveSession',
  'deleteSession',
  'compact',
].map((name) => `codexBridge.${name}`);

describe('the commands of package.json', () => {
  test('are those that have a handler', () => {
    expect(commands.map(({ command }) => command).sort()).toEqual([...COMMAND_IDS].sort());
  });

  test.each(commands.map((one) => [one.command, one] as const))(
    '%s has a category and a title',
    (_, { category, title }) => {
      expect(category).toBe('Codex Bridge');
      expect(texts[title.replaceAll('%', '')]).toMatch(/^[A-Z]/);
    },
  );

  test('are enabled only in a trusted window with a folder', () => {
    const elsewhere = commands
      .filter(({ enablement }) => !enablement?.includes('workspaceFolderCount != 0 && isWorkspaceTrusted'))
      .map(({ command }) => command);
    expect(elsewhere.sort()).toEqual(EVERYWHERE);
  });

  test('are in the palette only with a session where they need one', () => {
    const shown = Object.fromEntries(
      (menus['commandPalette'] ?? []).map((entry) => [entry.command, entry.when]),
    );
    for (const command of OF_A_SESSION) {
      const focused = ' || focusedView == codexBridge.sessions';
      expect(shown[command]?.replace(focused, ''), command).toBe('codexBridge.sessionOpen');
    }
    expect(shown['codexBridge.cancel']).toBe('codexBridge.busy');
  });

  test('have an icon where they stand in a title or in a row', () => {
    const named = Object.entries(menus).flatMap(([menu, entries]) =>
      entries.filter(({ group }) => menu.endsWith('/title') || group?.startsWith('inline')),
    );
    const without = commands
      .filter(({ command, icon }) => icon === undefined && named.some((entry) => entry.command === command))
      .map(({ command }) => command);
    expect(without).toEqual([]);
  });

  test('are the only ones that menus and keys name', () => {
    const known = new Set(commands.map(({ command }) => command));
    const named = [...Object.values(menus).flat(), ...keybindings].flatMap(({ command }) => command ?? []);
    expect(named.filter((command) => !known.has(command))).toEqual([]);
  });

  test('stand once in each group of a menu', () => {
    for (const [menu, entries] of Object.entries(menus)) {
      const places = entries.map(({ command, submenu, when, group }) =>
        [command ?? submenu, when, group?.split('@')[0]].join(' '),
      );
      expect(new Set(places).size, menu).toBe(places.length);
    }
  });
});

describe('the keys of package.json', () => {
  // test/host/editor.ts compares them with the defaults of a VS Code on Linux.
  test('are the same chords everywhere, with Cmd for Ctrl on macOS', () => {
    for (const { command, key, mac, when } of keybindings) {
      if (when?.includes('focusedView == ') === true) continue;
      expect(key, command).toMatch(/^ctrl\+k [a-z]$/);
      expect(mac, command).toBe(key.replace('ctrl+', 'cmd+'));
    }
  });

  test('of a single stroke are in force only in our own views', () => {
    const single = keybindings.filter(({ key }) => !key.includes(' '));
    expect(single.length).toBeGreaterThan(0);
    for (const { command, when } of single) {
      expect(when, command).toMatch(/^focusedView == codexBridge\.\w+ && listFocus && !inputFocus$/);
    }
  });
});

describe('A12: the settings of package.json', () => {
  test('A12: are the person’s own: no workspace can set one', () => {
    const properties = Object.entries(contributes.configuration.properties);
    expect(properties.length).toBeGreaterThan(20);
    expect(properties.filter(([, { scope }]) => scope !== 'application').map(([name]) => name)).toEqual([]);
  });
});
