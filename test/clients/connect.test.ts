import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node-pty';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientCommand } from '../../scripts/lib/clientTools.mjs';
import { readDiscovery } from '../../src/client/discovery.ts';
import { launcherFile } from '../../src/client/launcher.ts';
import { recordInstall } from '../../src/client/uninstall.ts';
import { attachCommand } from '../support/attached.ts';
import { CliBench, type Finished, RUNTIME, until, within } from '../support/cli.ts';
import { codexBinary } from '../support/codexHome.ts';
import { connectClient } from '../support/mcpClients.ts';
import { alive } from '../support/processFamily.ts';

/** Claude Code starts the server to see whether it answers. In ms. */
const LONG = 60_000;
const UNINSTALL = fileURLToPath(new URL('../../dist/uninstall.js', import.meta.url));

interface Result {
  readonly action: string;
  readonly outcome: string;
  readonly check?: { readonly ok: boolean; readonly detail: string };
}

let bench: CliBench;
let project: string;
/** The folder of the commands that stand before the others. */
let wrappers: string;

beforeEach(async () => {
  bench = await CliBench.create();
  project = bench.folders[0];
  wrappers = join(bench.dir.path, 'wrappers');
  await mkdir(wrappers);
  // Claude Code files what is local under the repository's root, and the tests lie in ours.
  await mkdir(join(project, '.git'));
});

afterEach(() => bench.dispose());

/** As a person has it: Claude Code on the PATH, and nothing of the person's who runs the tests. */
function env(): Record<string, string> {
  const path = [wrappers, dirname(clientCommand('claude')), bench.env['PATH']].join(delimiter);
  return { PATH: path, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' };
}

function cli(...args: string[]): Promise<Finished> {
  return bench.start(args, { env: env(), cwd: project }).ends(LONG);
}

async function connect(...args: string[]): Promise<Finished & { result: Result }> {
  const finished = await cli('connect', ...args, '--yes', '--json');
  if (finished.stdout === '') throw new Error(finished.stderr);
  // The line of our own command; the tests look at what they need.
  return { ...finished, result: JSON.parse(finished.stdout) as Result };
}

/** Runs a client's own command; its output, whatever its exit status. */
function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: project, env: { ...bench.env, ...env() }, timeout: LONG };
    execFile(program, args, options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

const claude = (...args: string[]) => run(clientCommand('claude'), 'mcp', ...args);
const codex = (...args: string[]) => run(codexBinary(), 'mcp', ...args);
const home = () => bench.env['HOME'] ?? '';

describe('Claude Code itself', () => {
  test('lists what was registered for one project, and no more when it is taken back', async () => {
    const first = await connect('claude-code');
    expect(first).toMatchObject({ code: 0, result: { action: 'add', outcome: 'connected' } });
    expect(first.result.check?.detail).toMatch(/Connected/);
    expect(await claude('list')).toMatch(
      /^codex-bridge: .*bin\/codex-bridge attach --folder .* ✔ Connected/m,
    );
    // Not a token, not even the address.
    expect(await readFile(join(home(), '.claude.json'), 'utf8')).not.toMatch(/Bearer|127\.0\.0\.1/);
    expect((await connect('claude-code')).result).toMatchObject({ action: 'none', outcome: 'connected' });
    const removed = await connect('claude-code', '--remove');
    expect(removed).toMatchObject({ code: 0, result: { outcome: 'removed' } });
    expect(await claude('list')).not.toContain('codex-bridge');
    expect((await connect('claude-code', '--remove')).result.outcome).toBe('not_registered');
    expect(existsSync(join(bench.home, 'registrations.json'))).toBe(false);
  });

  test('knows the entry in .mcp.json, which has the launcher and nothing else', async () => {
    const { code, result } = await connect('claude-code', '--scope', 'project');
    expect(code).toBe(0);
    expect(result.check?.detail).toMatch(/Pending approval/);
    const file = join(project, '.mcp.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      mcpServers: {
        'codex-bridge': {
          type: 'stdio',
          command: launcherFile(bench.home),
          args: ['attach', '--folder', '.'],
        },
      },
    });
    expect(await claude('get', 'codex-bridge')).toMatch(/Scope: Project config/);
    await connect('claude-code', '--scope', 'project', '--remove');
    expect(existsSync(file)).toBe(false);
  });

  test('keeps another server of that name unless told, and gets it back when something fails', async () => {
    await claude('add', 'codex-bridge', '--scope', 'user', '--env', 'KEY=secret', '--', '/bin/true', 'x');
    const refused = await cli('connect', 'claude-code', '--scope', 'user', '--yes');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/\/bin\/true x.*--replace.*\[REGISTRATION_EXISTS\]/);
    // A Claude Code that removes but does not add.
    const wrapper = join(wrappers, 'claude');
    const failing = `#!/bin/sh\ncase "$2" in add) echo "no room" >&2; exit 1;; esac\nexec '${clientCommand('claude')}' "$@"\n`;
    await writeFile(wrapper, failing, { mode: 0o755 });
    const failed = await cli('connect', 'claude-code', '--scope', 'user', '--yes', '--replace');
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toMatch(/no room \[REGISTRATION_FAILED\]/);
    expect(await claude('get', 'codex-bridge')).toMatch(/Command: \/bin\/true[\s\S]*KEY=secret/);
    await writeFile(wrapper, `#!/bin/sh\nexec '${clientCommand('claude')}' "$@"\n`, { mode: 0o755 });
    const replaced = await connect('claude-code', '--scope', 'user', '--replace');
    expect(replaced.result).toMatchObject({ action: 'replace', outcome: 'connected' });
  });

  test('inside the project is not run', async () => {
    const planted = join(project, 'node_modules/.bin');
    await mkdir(planted, { recursive: true });
    await writeFile(join(planted, 'claude'), `#!/bin/sh\ntouch '${project}/ran'\n`, { mode: 0o755 });
    const path = [planted, '/usr/bin', '/bin'].join(delimiter);
    const options = { env: { ...env(), PATH: path }, cwd: project };
    const finished = await bench.start(['connect', 'claude-code', '--yes'], options).ends(LONG);
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain('[CLIENT_NOT_FOUND]');
    expect(existsSync(join(project, 'ran'))).toBe(false);
  });
});

test('Codex itself lists it, with time for a long call, and its file is as before when it is taken back', async () => {
  const config = join(home(), 'config.toml');
  await appendFile(config, '\n# mine\n[mcp_servers.other]\ncommand = "x" # why\n');
  const before = await readFile(config, 'utf8');
  expect(await connect('codex')).toMatchObject({ code: 0, result: { action: 'add', outcome: 'connected' } });
  const list: unknown = JSON.parse(await codex('list', '--json'));
  expect(list).toContainEqual(
    expect.objectContaining({
      name: 'codex-bridge',
      tool_timeout_sec: 300,
      transport: expect.objectContaining({ command: launcherFile(bench.home), args: ['attach'] }),
    }),
  );
  expect(await readFile(config, 'utf8')).toContain('# mine\n[mcp_servers.other]\ncommand = "x" # why');
  expect((await connect('codex')).result.action).toBe('none');
  expect((await connect('codex', '--remove')).result.outcome).toBe('removed');
  expect(await readFile(config, 'utf8')).toBe(before);
});

describe('without a person', () => {
  test('nothing is done that was not confirmed; --dry-run only shows', async () => {
    for (const args of [['cursor'], ['cursor', '--json']]) {
      const asked = await cli('connect', ...args);
      expect(asked.code).toBe(2);
      expect(asked.stderr).toContain('--yes');
    }
    const shown = await cli('connect', 'cursor', '--dry-run');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/create .*\.cursor\/mcp\.json[\s\S]*\+.*"attach"[\s\S]*Nothing was changed/);
    expect(existsSync(join(project, '.cursor'))).toBe(false);
    expect(existsSync(launcherFile(bench.home))).toBe(false);
  });

  test.each([
    [['nobody'], /one of claude-code/],
    [[], /Which client/],
    [['json', '--remove'], /nothing to remove/],
    [['cursor', 'codex'], /One client/],
    [['cursor', '--scope', 'world'], /--scope wants/],
  ])('%j is wrong usage', async (args, message) => {
    const finished = await cli('connect', ...args);
    expect(finished.code).toBe(2);
    expect(finished.stderr).toMatch(message);
  });

  test('the entry for other clients is printed, and nothing else', async () => {
    const { stdout, code } = await cli('connect', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mcpServers: { 'codex-bridge': { command: launcherFile(bench.home), args: ['attach'] } },
    });
  });
});

describe('a person in a terminal', () => {
  /** Answers each question when it is asked. */
  async function answer(args: string[], ...answers: readonly (readonly [RegExp, string])[]) {
    const terminal = spawn(process.execPath, [join(RUNTIME, 'cli.mjs'), 'connect', ...args], {
      cwd: project,
      env: { ...bench.env, ...env() },
      cols: 200,
    });
    const left = [...answers];
    let shown = '';
    let seen = 0;
    terminal.onData((data) => {
      shown += data;
      const [question, keys] = left[0] ?? [];
      if (question === undefined || keys === undefined || !question.test(shown.slice(seen))) return;
      seen = shown.length;
      left.shift();
      terminal.write(keys);
    });
    const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    const code = await within(() => `the end; it has shown: ${shown}`, ended, LONG);
    return { code, shown };
  }

  const SCOPE = /Which scope in Cursor[\s\S]*\[1\] /;
  const DO = /Do this\? \[y\/N\] /;
  const file = () => join(project, '.cursor/mcp.json');

  test('is asked for the scope, sees what will be done, and says yes', async () => {
    const { code, shown } = await answer(['cursor'], [SCOPE, '7\r'], [SCOPE, '1\r'], [DO, 'y\r']);
    expect(code).toBe(0);
    expect(shown.indexOf('create ')).toBeLessThan(shown.indexOf('Do this?'));
    expect(shown).toMatch(/Cursor is connected[\s\S]*Undo: codex-bridge connect cursor --scope project/);
    expect(existsSync(file())).toBe(true);
    expect((await answer([...shownUndo(shown)], [DO, 'y\r'])).code).toBe(0);
    expect(existsSync(file())).toBe(false);
  });

  test.each([
    [
      'Enter',
      1,
      [
        [SCOPE, 'project\r'],
        [DO, '\r'],
      ],
    ],
    [
      'no',
      1,
      [
        [SCOPE, '\r'],
        [DO, 'n\r'],
      ],
    ],
    [
      'Ctrl+C',
      130,
      [
        [SCOPE, '\r'],
        [DO, '\x03'],
      ],
    ],
    ['Ctrl+C at the first question', 130, [[SCOPE, '\x03']]],
    ['Ctrl+D', 1, [[SCOPE, '\x04']]],
  ] as const)('%s is no yes', async (_name, status, answers) => {
    const { code, shown } = await answer(['cursor'], ...answers);
    expect(code).toBe(status);
    expect(shown).toContain('Nothing was changed.');
    expect(existsSync(file())).toBe(false);
  });

  /** The arguments of the command that was told. */
  function shownUndo(shown: string): string[] {
    return (/Undo: codex-bridge connect (.*)/.exec(shown)?.[1] ?? '').trim().split(' ');
  }
});

describe('uninstalling', () => {
  /** As VS Code runs it: from the extension's folder, which it is about to remove. */
  async function uninstall(extension: string): Promise<Finished> {
    const script = join(extension, 'dist/uninstall.js');
    await mkdir(dirname(script), { recursive: true });
    await writeFile(script, await readFile(UNINSTALL));
    const start = bench.start([], { program: [process.execPath, script] });
    return start.ends();
  }

  const extension = (name: string) => join(bench.dir.path, name, 'codex-bridge-0.1.0');

  test('ends the bridge and says which registrations remain; removing them removes the launcher', async () => {
    await mkdir(extension('code'), { recursive: true });
    await recordInstall(bench.home, extension('code'));
    await connect('cursor');
    await connect('codex');
    await bench.ask('hello');
    const bridge = (await readDiscovery(bench.home))?.pid ?? 0;
    const { code, stdout, ms } = await uninstall(extension('code'));
    expect(code).toBe(0);
    // VS Code gives it five seconds.
    expect(ms).toBeLessThan(5_000);
    expect(stdout).toMatch(/bridge has ended/);
    expect(stdout).toContain(`"${launcherFile(bench.home)}" connect --remove`);
    expect(stdout).toMatch(/cursor, for .*f0\n[\s\S]*codex, for all your projects/);
    expect(await readFile(join(bench.home, 'logs/uninstall.log'), 'utf8')).toContain('connect --remove');
    await until('the bridge has gone', () => alive([bridge]) === 0);
    // A client that is still registered starts nothing.
    const launcher: [string] = [launcherFile(bench.home)];
    const again = await bench.run(['ask', 'hello'], { program: launcher });
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/was uninstalled/);
    const attached = connectClient('2025-11-25', attachCommand(bench, { args: ['--folder', project] }));
    await expect(attached).rejects.toThrow(/was uninstalled.*connect --remove/s);
    const removed = await bench
      .start(['connect', '--remove', '--yes'], { program: launcher, env: env(), cwd: project })
      .ends(LONG);
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    expect(removed.stdout).toContain('2 of 2 removed');
    expect(existsSync(join(project, '.cursor'))).toBe(false);
    expect(existsSync(launcher[0])).toBe(false);
    expect(existsSync(join(bench.home, 'runtime'))).toBe(false);
  });

  test('leaves everything to another VS Code that has the extension, too', async () => {
    for (const name of ['code', 'insiders']) {
      await mkdir(extension(name), { recursive: true });
      await recordInstall(bench.home, extension(name));
    }
    await bench.ask('hello');
    const { stdout } = await uninstall(extension('code'));
    expect(stdout).toContain(`${extension('insiders')} uses`);
    expect(await bench.ask('again')).toMatchObject({ code: 0 });
  });

  test('without registrations removes the launcher at once, and installing again brings all back', async () => {
    await connect('cursor');
    await connect('cursor', '--remove');
    expect(existsSync(launcherFile(bench.home))).toBe(true);
    const { stdout } = await uninstall(extension('code'));
    expect(stdout).toMatch(/No bridge was running\. No client has a registration/);
    expect(existsSync(launcherFile(bench.home))).toBe(false);
    await recordInstall(bench.home, extension('code'));
    expect(await bench.ask('hello')).toMatchObject({ code: 0 });
  });
});

describe('the bridge’s own Codex', () => {
  /** What a registration names: leaves a file where it was started, and says nothing. */
  async function trap(): Promise<string> {
    const file = join(bench.dir.path, 'codex-bridge');
    await writeFile(file, `#!/bin/sh\ntouch '${bench.dir.path}/started'\n`, { mode: 0o755 });
    return file;
  }

  test.each([
    ['as a command', async () => `command = ${JSON.stringify(await trap())}\nargs = ["attach"]\n`],
    ['by its address', async () => 'url = "http://127.0.0.1:9/mcp"\n'],
    ['not at all', async () => undefined],
  ])('A8: does not start the bridge for itself, which is registered %s', async (_how, entry) => {
    const text = await entry();
    const config = join(home(), 'config.toml');
    await appendFile(config, `\n[mcp_servers.other]\ncommand = "${await trap()}-2"\n`);
    await writeFile(`${await trap()}-2`, `#!/bin/sh\ntouch '${bench.dir.path}/other'\n`, { mode: 0o755 });
    if (text !== undefined) await appendFile(config, `\n[mcp_servers.codex-bridge]\n${text}`);
    expect(await bench.ask('hello')).toMatchObject({ code: 0 });
    // Codex starts the servers with its thread: the other one tells that it has.
    await until('the other server was started', () => existsSync(join(bench.dir.path, 'other')));
    expect(existsSync(join(bench.dir.path, 'started'))).toBe(false);
  });
});
