import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { getNodeValue, parseTree } from 'jsonc-parser';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launcherFile } from '../../src/client/launcher.ts';
import { describePlan } from '../../src/client/registrations/apply.ts';
import { carryOut, undo } from '../../src/client/registrations/carryOut.ts';
import { readGet } from '../../src/client/registrations/claudeCode.ts';
import { genericConfiguration, registrars } from '../../src/client/registrations/clients.ts';
import { withoutTables, withTables } from '../../src/client/registrations/codexConfig.ts';
import { isOurs, portable } from '../../src/client/registrations/entry.ts';
import { readList } from '../../src/client/registrations/fileClients.ts';
import { withValue } from '../../src/client/registrations/jsonFile.ts';
import { commandLine } from '../../src/client/registrations/program.ts';
import { readRegistrations } from '../../src/client/registrations/record.ts';
import type { Place, Scope, Surroundings } from '../../src/client/registrations/registration.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

const PATH = ['mcpServers', 'codex-bridge'] as const;
const ENTRY = { command: '/s/bin/codex-bridge', args: ['attach'] };

describe('an edit of a JSON file', () => {
  // A file has no negative zero.
  const inFile = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));
  /** Without these two keys, which are ours, and without what JSON itself can't hold. */
  const json = fc
    .dictionary(fc.string(), fc.jsonValue())
    .map((object) => inFile(object))
    .filter((object) => !Object.hasOwn(object, 'mcpServers') && !Object.hasOwn(object, '__proto__'));
  const layout = fc.record({
    indent: fc.constantFrom(2, 4, '\t', ''),
    eol: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    comment: fc.boolean(),
    servers: fc.option(
      fc.dictionary(
        fc.string().filter((key) => key !== 'codex-bridge' && key !== '__proto__'),
        fc.jsonValue(),
      ),
      { nil: undefined },
    ),
  });

  test('changes our entry alone, and keeps comments, line ends and mark', () => {
    fc.assert(
      fc.property(json, layout, (object, { indent, eol, bom, comment, servers }) => {
        const whole = servers === undefined ? object : { ...object, mcpServers: servers };
        const body = JSON.stringify(whole, undefined, indent);
        const commented = comment ? `// first\n${body}\n/* last */\n` : body;
        const text = (bom ? '\uFEFF' : '') + commented.replaceAll('\n', eol);
        const added = withValue('/f', text, PATH, ENTRY);
        expect(parse(added.replace('\uFEFF', ''))).toEqual({
          ...inFile(whole),
          mcpServers: { ...inFile(servers ?? {}), 'codex-bridge': ENTRY },
        });
        expect(added.startsWith('\uFEFF')).toBe(bom);
        if (comment) expect(added).toMatch(/\/\/ first[\s\S]*\/\* last \*\//);
        if (eol === '\r\n' && text.includes('\n')) expect(added).not.toMatch(/[^\r]\n/);
        // Nothing of what was there has gone: what was added can be cut out.
        expect(isSubsequence(text, added)).toBe(true);
        // Once more changes nothing, and away again leaves what was there.
        expect(withValue('/f', added, PATH, ENTRY)).toBe(added);
        const removed = withValue('/f', added, PATH, undefined);
        expect(parse(removed.replace('\uFEFF', ''))).toEqual({
          ...inFile(whole),
          mcpServers: inFile(servers ?? {}),
        });
        if (comment) expect(removed).toMatch(/\/\/ first[\s\S]*\/\* last \*\//);
        // Byte for byte, where our neighbours were there before and stood on lines of their own.
        if (Object.keys(servers ?? {}).length > 0 && indent !== '') expect(removed).toBe(text);
      }),
    );
  });

  test('makes a file where there is none, or nothing in it', () => {
    const fresh = withValue('/f', null, PATH, ENTRY);
    expect(JSON.parse(fresh)).toEqual({ mcpServers: { 'codex-bridge': ENTRY } });
    expect(fresh.endsWith('}\n')).toBe(true);
    expect(withValue('/f', ' \n', PATH, ENTRY)).toBe(fresh);
    expect(withValue('/f', '// mine\n', PATH, ENTRY)).toBe(`// mine\n${fresh}`);
  });

  test.each([
    ['a comma at the end', '{\n  "mcpServers": {\n    // why\n    "other": { "command": "x" },\n  },\n}\n'],
    ['a comment behind the last', '{\n\t"mcpServers": {\n\t\t"other": [1,2] // why\n\t}\n}'],
    ['everything in one line', '{"mcpServers":{"other":{"command":"x"},"more":{}}}'],
    ['a comment before the comma', '{ "mcpServers": { "a": 1 /* , */ , "b": 2 } /* } */ }'],
  ])('leaves no trace when it is taken back: %s', (_name, text) => {
    const added = withValue('/f', text, PATH, ENTRY);
    expect(parse(added)).toMatchObject({ mcpServers: { 'codex-bridge': ENTRY } });
    const removed = withValue('/f', added, PATH, undefined);
    expect(removed.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
    if (text.includes('\n')) expect(removed).toBe(text);
  });

  test.each([
    ['no JSON', '{ "mcpServers": ', /no JSON \(line 1/],
    ['no JSON on a later line', '{\n"a": 1\n"b": 2 }', /no JSON \(line 3/],
    ['an array', '[]', /no JSON object/],
    ['servers that are none', '{"mcpServers": []}', /"mcpServers" is no object/],
    ['the same key twice', '{"mcpServers": {}, "mcpServers": {}}', /twice/],
  ])('refuses %s', (_name, text, message) => {
    expect(() => withValue('/f', text, PATH, ENTRY)).toThrow(message);
  });
});

describe('our tables in config.toml', () => {
  const entry = { command: 'C:\\s "x"', args: ['attach'] };

  test('are written as TOML, at the end', () => {
    expect(withTables('a = 1', entry, 300)).toBe(
      'a = 1\n\n[mcp_servers.codex-bridge]\ncommand = "C:\\\\s \\"x\\""\nargs = ["attach"]\n' +
        'tool_timeout_sec = 300\n',
    );
  });

  test.each([
    ['nothing', ''],
    ['a key', 'a = 1\n'],
    ['comments', '# first\n[mcp_servers.other] # why\ncommand = "x"\n# last\n'],
    ['other line ends', 'a = 1\r\n\r\n[b]\r\nc = 2\r\n'],
    ['blank lines at the end', 'a = 1\n\n\n'],
    ['a name that begins like ours', '[mcp_servers.codex-bridge-2]\ncommand = "x"\n'],
  ])('leave no trace when they go: %s', (_name, text) => {
    const added = withTables(text, entry, 300);
    expect(added.startsWith(text)).toBe(true);
    expect(withTables(added, entry, 300)).toBe(added);
    expect(withoutTables(added)).toBe(text);
    expect(withoutTables(text)).toBeUndefined();
  });

  test('go from the middle with what belongs to them; an update keeps what a person decided', () => {
    const text =
      'a = 1\n\n[mcp_servers."codex-bridge"]\ncommand = "old"\n\n[mcp_servers.codex-bridge.tools.ask]\n' +
      'approval_mode = "approve"\n\n# of b\n[b]\nc = 2\n';
    expect(withoutTables(text)).toBe('a = 1\n\n# of b\n[b]\nc = 2\n');
    const updated = withTables(text, ENTRY, 300);
    expect(updated).toContain('[mcp_servers.codex-bridge.tools.ask]\napproval_mode = "approve"');
    expect(updated).not.toContain('old');
  });
});

describe('our entry', () => {
  test.each([
    [{ command: '/home/a/.local/state/codex-bridge/bin/codex-bridge', args: ['attach'] }, true],
    [
      { command: 'C:\\Users\\a\\codex-bridge\\bin\\codex-bridge.cmd', args: ['attach', '--folder', '.'] },
      true,
    ],
    [{ type: 'http', url: 'http://127.0.0.1:4100/mcp', headers: { Authorization: 'Bearer x' } }, true],
    [{ type: 'http', url: 'http://127.0.0.1:4100/mcp/0a1b' }, true],
    [{ type: 'http', url: 'https://example.com/mcp' }, false],
    [{ command: 'npx', args: ['-y', 'codex-bridge'] }, false],
    [{ command: '/x/codex-bridge', args: ['serve'] }, false],
    [{ command: '/x/codex-bridge' }, false],
    ['text', false],
    [null, false],
  ])('%j: %s', (entry, ours) => {
    expect(isOurs(entry)).toBe(ours);
  });

  test('in a shared file names the home directory by the client’s own variable', () => {
    const entry = { command: '/home/a/x/codex-bridge', args: ['attach'] };
    expect(portable(entry, surroundings('/home/a'), '<home>').command).toBe('<home>/x/codex-bridge');
    expect(portable(entry, surroundings('/home/ab'), '<home>')).toBe(entry);
  });
});

describe('a client with a file', () => {
  let dir: TempDir;
  let around: Surroundings;
  let project: string;

  beforeEach(async () => {
    dir = await tempDir('rg');
    around = surroundings(join(dir.path, 'home'));
    project = join(dir.path, 'project');
    await mkdir(join(around.home, 'bin'), { recursive: true });
    await mkdir(project);
    await writeFile(launcherFile(around.home, around.platform), '');
  });

  afterEach(() => dir.dispose());

  const place = (scope: Scope): Place => ({ scope, folder: project });
  const files = { project: () => join(project, '.cursor/mcp.json'), user: () => home('.cursor/mcp.json') };
  const home = (path: string) => join(around.userHome, path);
  const cursor = () => registrars(around).cursor;

  test.each(['project', 'user'] as const)('is connected, checked and disconnected: %s', async (scope) => {
    const plan = await cursor().plan(place(scope));
    expect(plan).toMatchObject({ action: 'add', steps: [{ kind: 'write', before: null }] });
    expect(describePlan(plan)).toContain(`create ${files[scope]()}`);
    // Planning has changed nothing.
    expect(await cursor().check(place(scope))).toMatchObject({ ok: false });
    await carryOut(plan, around);
    expect(await cursor().check(place(scope))).toMatchObject({ ok: true });
    expect(await readRegistrations(around.home)).toEqual([{ client: 'cursor', ...place(scope) }]);
    expect(await cursor().plan(place(scope))).toMatchObject({ action: 'none', steps: [] });
    await carryOut(await cursor().planRemoval(place(scope)), around);
    expect(await readRegistrations(around.home)).toEqual([]);
    expect(await cursor().planRemoval(place(scope))).toMatchObject({ action: 'none', steps: [] });
    // The folder that was made for the file, too.
    expect(await readdir(scope === 'user' ? around.userHome : project)).not.toContain('.cursor');
  });

  test('has no token and, in a project, no name of this machine in its entry', async () => {
    for (const name of ['cursor', 'vscode', 'gemini', 'claude-code'] as const) {
      const { steps } = await registrars(around)[name].plan(place('project'));
      const text = steps.map((step) => (step.kind === 'write' ? step.after : '')).join('');
      expect(text, name).toContain('"attach"');
      expect(text, name).not.toMatch(/token|Bearer|authorization/i);
      expect(text, name).not.toContain(dir.path);
    }
    expect(genericConfiguration(around)).not.toMatch(/token|Bearer/i);
  });

  test('keeps the mode and the rest of its file, and gives it back', async () => {
    const text = '{ // mine\n\t"mcpServers": { "other": { "command": "x" } }\n}';
    await mkdir(join(project, '.cursor'));
    await writeFile(files.project(), text);
    // More than the umask would leave.
    await chmod(files.project(), 0o666);
    const plan = await cursor().plan(place('project'));
    await carryOut(plan, around);
    expect(await readFile(files.project(), 'utf8')).toMatch(/^\{ \/\/ mine\n\t"mcpServers"[\s\S]*"other"/);
    expect((await stat(files.project())).mode & 0o777).toBe(0o666);
    await undo(plan, cursor(), around);
    expect(await readFile(files.project(), 'utf8')).toBe(text);
    expect(await readdir(join(project, '.cursor'))).toEqual(['mcp.json']);
    expect(await readRegistrations(around.home)).toEqual([]);
  });

  test('updates an entry of ours and does not touch another of that name unless told', async () => {
    const write = async (entry: unknown) => {
      await mkdir(join(project, '.cursor'), { recursive: true });
      await writeFile(files.project(), JSON.stringify({ mcpServers: { 'codex-bridge': entry } }));
    };
    await write({ command: '/old/bin/codex-bridge', args: ['attach'] });
    expect((await cursor().plan(place('project'))).action).toBe('update');
    await write({ command: 'npx', args: ['another'] });
    await expect(cursor().plan(place('project'))).rejects.toMatchObject({ code: 'REGISTRATION_EXISTS' });
    await expect(cursor().planRemoval(place('project'))).rejects.toThrow(/npx another/);
    expect((await cursor().plan(place('project'), { replace: true })).action).toBe('replace');
    await write('nonsense');
    await expect(cursor().plan(place('project'))).rejects.toMatchObject({ code: 'REGISTRATION_EXISTS' });
  });

  test('writes nothing where the file has changed since it was shown', async () => {
    const plan = await cursor().plan(place('project'));
    await mkdir(join(project, '.cursor'));
    await writeFile(files.project(), '{"mine": 1}');
    await expect(carryOut(plan, around)).rejects.toMatchObject({ code: 'CLIENT_CONFIG_UNUSABLE' });
    expect(await readFile(files.project(), 'utf8')).toBe('{"mine": 1}');
    expect(await readRegistrations(around.home)).toEqual([]);
  });

  test('writes nothing where our own record is broken', async () => {
    await writeFile(join(around.home, 'registrations.json'), '{"registrations": [{"client": "nobody"}]}');
    const plan = await cursor().plan(place('project'));
    await expect(carryOut(plan, around)).rejects.toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
    expect(await readdir(project)).toEqual([]);
  });

  test('takes back the first edit where a later step fails', async () => {
    const plan = await cursor().plan(place('project'));
    const steps = [...plan.steps, { kind: 'run' as const, argv: ['/bin/false'] as const, cwd: project }];
    await expect(carryOut({ ...plan, steps }, around)).rejects.toMatchObject({ code: 'REGISTRATION_FAILED' });
    expect(await readdir(project)).toEqual([]);
  });

  test('follows links inside the home directory only, and inside the project for its file', async () => {
    const dotfiles = home('dotfiles');
    await mkdir(dotfiles, { recursive: true });
    await writeFile(join(dotfiles, 'cursor.json'), '{}');
    await mkdir(home('.cursor'));
    await symlink(join(dotfiles, 'cursor.json'), files.user());
    await carryOut(await cursor().plan(place('user')), around);
    expect(await readFile(join(dotfiles, 'cursor.json'), 'utf8')).toContain('codex-bridge');
    // A repository's link to a file of the person's.
    await mkdir(join(project, '.cursor'));
    await symlink(join(dotfiles, 'cursor.json'), files.project());
    await expect(cursor().plan(place('project'))).rejects.toThrow(/outside of/);
    // A folder that leads elsewhere, and a link into nothing.
    await symlink(dotfiles, join(project, '.gemini'));
    await expect(registrars(around).gemini.plan(place('project'))).rejects.toThrow(/outside of/);
    await mkdir(join(project, '.vscode'));
    await symlink(join(project, 'nowhere'), join(project, '.vscode/mcp.json'));
    await expect(registrars(around).vscode.plan(place('project'))).rejects.toThrow(/link to nothing/);
  });

  test.each([
    ['a folder', async (file: string) => void (await mkdir(file, { recursive: true })), /no file/],
    ['no UTF-8', (file: string) => writeFile(file, Buffer.from([0x7b, 0xff, 0x7d])), /not UTF-8/],
    ['no JSON', (file: string) => writeFile(file, 'nonsense'), /no JSON/],
  ])('refuses %s and leaves it alone', async (_name, make, message) => {
    await mkdir(join(project, '.cursor'));
    await make(files.project());
    await expect(cursor().plan(place('project'))).rejects.toThrow(message);
  });

  test('has its own scopes', async () => {
    await expect(cursor().plan(place('local'))).rejects.toThrow(/no scope "local". Use "project" or "user"/);
  });
});

describe('what Claude Code says', () => {
  const said = (scope: string, status: string, more = '') =>
    `codex-bridge:\n  Scope: ${scope}\n  Status: ${status}\n${more}  Type: stdio\n`;

  test.each([
    ['Local config (private to you in this project)', '✔ Connected', 'local', true, /Connected/],
    [
      'Project config (shared via .mcp.json)',
      '⏸ Pending approval (run `claude` to approve)',
      'project',
      true,
      /approv/,
    ],
    ['Local config (private to you in this project)', '✔ Connected', 'user', false, /another registration/],
    ['User config (available in all your projects)', '✘ Failed to connect', 'user', false, /Failed/],
  ] as const)('%s, %s', (scope, status, wanted, ok, detail) => {
    const check = readGet(said(scope, status), { scope: wanted, folder: '/p' });
    expect(check.ok).toBe(ok);
    expect(check.detail).toMatch(detail);
  });

  test('tells the issue', () => {
    const text = said('Local config', '✘ Failed to connect', '  Issue: Connection closed\n');
    expect(readGet(text, { scope: 'local', folder: '/p' }).detail).toContain('Connection closed');
  });
});

/** As a client reads it, with a key like `__proto__` as the key that it is. */
function parse(text: string): unknown {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  return tree === undefined ? undefined : structuredClone(getNodeValue(tree));
}

/** Whether all characters of the first are in the second, in their order. */
function isSubsequence(short: string, long: string): boolean {
  let at = 0;
  for (const character of long.split('')) if (character === short.charAt(at)) at++;
  return at === short.length;
}

describe('what Gemini CLI lists', () => {
  test.each([
    ['✓ codex-bridge: /s/bin/codex-bridge attach --folder . (stdio) - Connected', true, /Connected/],
    ['✗ codex-bridge: /s/bin/codex-bridge attach (stdio) - Disconnected', false, /Disconnected/],
    ['○ codex-bridge: /s/bin/codex-bridge attach (stdio) - Disabled', true, /trust/],
    ['✓ codex-bridge-2: /x - Connected', false, /does not list/],
  ])('%s', (line, ok, detail) => {
    const check = readList('Gemini CLI', `Configured MCP servers:\n\n✓ other: x - Connected\n${line}\n`);
    expect(check.ok).toBe(ok);
    expect(check.detail).toMatch(detail);
  });
});

test('a command is shown as a shell takes it', () => {
  expect(commandLine(['/a b/claude', "it's", '--x=1', ''])).toBe("'/a b/claude' 'it'\\''s' --x=1 ''");
});

function surroundings(userHome: string): Surroundings {
  return {
    home: join(userHome, '.local/state/codex-bridge'),
    userHome,
    env: {},
    platform: process.platform,
    installLauncher: async () => {},
  };
}
