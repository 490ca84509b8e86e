import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import type { SessionId } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type Canaries, contentOf, sung, sungInArguments, sungInFiles } from '../support/canaries.ts';
import { CliBench, RUNTIME, until } from '../support/cli.ts';
import { joinBridge, RawFace } from '../support/faces.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { commandLine } from '../support/processFamily.ts';
import { command, fail, text } from '../support/scriptedModel.ts';
import { TerminalViewer } from '../support/terminalViewer.ts';

/** What the shell has that the bridge is started from: some tell by their form what they are, some do not. */
const SHELL = {
  ANTHROPIC_API_KEY: 'sk-ant-canaryOfTheShell0123456789',
  NPM_TOKEN: 'npm_canaryOfTheShell0123456789abcdefgh',
  ACME_PASSWORD: 'canary-without-a-form-of-its-own',
  DATABASE_URL: 'postgres://app:canary-in-an-address@db.example/app',
};
/** Codex's own, which it and its commands inherit (ADR 34). */
const OF_CODEX = { OPENAI_API_KEY: 'sk-proj-canaryOfCodex0123456789' };
const ENV = { ...SHELL, ...OF_CODEX };
/** What Codex is logged in with, what its configuration has, and what a client tells every server. */
const LOGIN = 'sk-canaryOfTheLogin0123456789';
const CONFIGURED = 'sk-canaryOfTheConfiguration0123456789';
const HEADER = 'canary-in-a-header-of-a-client';

let bench: CliBench;
let window: BridgeConnection;
let raw: RawFace;
let client: TestClient;
let attached: TestClient;
let tokens: Canaries;
let canaries: Canaries;
/** What anybody was told, by whom. */
const said: { who: string; text: string }[] = [];

function tell(who: string, what: unknown): void {
  said.push({ who, text: typeof what === 'string' ? what : JSON.stringify(what) });
}

async function cli(...args: string[]): Promise<void> {
  const { stdout, stderr } = await bench.run(args, { env: { ...ENV, PATH: listeningPath() } });
  tell(`codex-bridge ${args.join(' ')}`, stdout + stderr);
}

async function call(asked: TestClient, tool: string, args: Record<string, unknown>) {
  const answer = await asked.call(tool, args);
  tell(`the tool ${tool}`, answer);
  return answer.data;
}

/** A PATH with a git that notes the environment which it is given, before the real one. */
function listeningPath(): string {
  const bin = join(bench.dir.path, 'bin');
  const path = process.env['PATH'] ?? '';
  const file = join(bin, 'git');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    file,
    `#!/bin/sh\n(echo "git: $*"; env) >> '${gitEnvironment()}'\nPATH='${path}' exec git "$@"\n`,
  );
  chmodSync(file, 0o755);
  return `${bin}:${path}`;
}

const gitEnvironment = () => join(bench.dir.path, 'git-environment');

beforeAll(async () => {
  // Nobody is asked beyond this machine.
  const codexConfig = 'chatgpt_base_url = "http://127.0.0.1:9"';
  bench = await CliBench.create({ needsLogin: true, codexConfig });
  bench.model.script(({ prompt, outputs }) => {
    if (prompt.includes('refuse')) return [fail(400, `Incorrect API key provided: ${LOGIN}.`)];
    return prompt.includes('stay') && outputs.length === 0 ? [command('sleep 300')] : [text('Done.')];
  });
  execFileSync('git', ['init', '-q', bench.folders[0]]);
  // Answers what the TUI would ask at its first start.
  const config = join(bench.codex.home, 'config.toml');
  appendFileSync(config, '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n');
  mkdirSync(bench.home, { mode: 0o700 });
  const settings = { ...DEFAULT_SETTINGS, log: { level: 'debug' } };
  writeFileSync(join(bench.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });

  // A command in the person's shell starts the bridge, with all that the shell has.
  await cli('ask', 'logged out');
  window = await joinBridge(bench.home);
  const { url, token, folders } = await window.rpc.request('endpoints', {});
  const [{ key = '', token: ofFolder = '' } = {}] = folders;
  const { key: proof = '' } = JSON.parse(contentOf(join(bench.home, 'bridge.json')));
  tokens = {
    'the token': token,
    'the token of the folder': ofFolder,
    'the key of the discovery file': proof,
  };
  canaries = { ...tokens, ...ENV, 'the key of the login': LOGIN, CONFIGURED, HEADER };

  const method = { kind: 'api_key', apiKey: LOGIN } as const;
  tell('login.start', await window.rpc.request('login.start', { folder: key, method }));
  const loggedIn = async () => (await window.rpc.request('status', {})).folders[0]?.codex.loggedIn === true;
  await until('Codex is logged in', loggedIn);

  client = await connectClient('2026-07-28', { url, token });
  const args = [join(RUNTIME, 'cli.mjs'), 'attach'];
  const env = { ...bench.env, ...ENV };
  attached = await connectClient('2025-11-25', {
    command: process.execPath,
    args,
    cwd: bench.folders[0],
    env,
    stderr: 'inherit',
  });
  const { session } = await call(client, 'ask', { prompt: 'hello' });
  const id = String(session) as SessionId; // as the tool gave it
  raw = await RawFace.connect(bench.home);
  let heard = '';
  raw.socket.setEncoding('utf8').on('data', (piece: string) => {
    heard += piece;
  });
  raw.hello();
  raw.write(`${JSON.stringify({ id: 2, method: 'session.open', params: { session: id } })}\n`);
  await until('the face has the session', () => heard.includes('"id":2'));

  // What goes wrong is told most.
  await call(client, 'ask', { prompt: 'refuse', session });
  await call(attached, 'ask', { prompt: 'refuse' });
  await call(client, 'review', { session });
  await cli('ask', 'refuse');
  for (const [where, headers] of [
    [`${url}?token=${token}`, {}],
    [url, { Authorization: `Bearer ${token.slice(0, -1)}` }],
    [url, { Authorization: `Basic ${ofFolder}`, 'X-Api-Key': HEADER }],
    [url, { Authorization: `Bearer ${token}`, 'X-Api-Key': HEADER, 'MCP-Protocol-Version': HEADER }],
  ] as const) {
    const answer = await fetch(where, { method: 'POST', headers, body: `{"token":"${token}"` });
    tell(`HTTP ${answer.status}`, JSON.stringify([...answer.headers]) + (await answer.text()));
  }
  const written = readFileSync(config, 'utf8');
  writeFileSync(config, written.replace('wire_api = "responses"', `wire_api = "${CONFIGURED}"`));
  const broken = await window.rpc
    .request('restart', { folder: key })
    .catch((error: unknown) => String(error));
  tell('restart', broken);
  await call(client, 'ask', { prompt: 'hello' });
  await cli('doctor');
  writeFileSync(config, written);
  await window.rpc.request('restart', { folder: key });

  // A Codex that dies in the middle of a turn.
  const { turn } = await call(client, 'ask', { prompt: 'stay', session, background: true });
  const runs = (what: string) => bench.processes().filter((pid) => commandLine(pid).includes(what));
  await until('its command runs', () => runs('sleep 300').length > 0);
  for (const pid of runs('app-server')) process.kill(pid, 'SIGKILL');
  await call(client, 'wait', { turn });

  // And everything alive at once.
  await call(client, 'ask', { prompt: 'stay', session, background: true });
  await until('its command runs again', () => runs('sleep 300').length > 0);
  const viewer = await TerminalViewer.open(window.rpc, id, { cols: 80, rows: 24, name: 'v' });
  await viewer.shows('OpenAI Codex');
  tell('the terminal', viewer.text);
  viewer.dispose();
  for (const [tool, more] of [
    ['status', { counters: true }],
    ['history', { action: 'list' }],
  ] as const)
    await call(client, tool, more);
  await call(attached, 'status', {});
  const metrics = await fetch(new URL('/metrics', url), { headers: { Authorization: `Bearer ${token}` } });
  tell('/metrics', await metrics.text());
  for (const method of ['status', 'clients', 'statistics'] as const)
    tell(method, await window.rpc.request(method, {}));
  for (const format of ['json', 'markdown'] as const)
    tell(`the export as ${format}`, await window.rpc.request('session.export', { session: id, format }));
  tell('the list of sessions', await window.rpc.request('session.list', { folder: key }));
  await cli('doctor', '--diagnostics');
  tell('the private socket', heard);
}, 120_000);

afterAll(async () => {
  raw?.dispose();
  await client?.close();
  await attached?.close();
  window?.dispose();
  await bench.dispose();
});

describe('A18: secrets of the bridge, of the shell, of a login, of a configuration and of a client', () => {
  it('A18: are in no file but those that are there for them', () => {
    expect(contentOf(join(bench.home, 'logs', 'bridge.log'))).toMatch(/"level":"debug"/);
    const discovery = join(bench.home, 'bridge.json');
    expect(sung(discovery, contentOf(discovery), tokens)).not.toEqual([]);
    expect(sungInFiles(bench.home, canaries, [discovery])).toEqual([]);
    const login = join(bench.codex.home, 'auth.json');
    expect(contentOf(login)).toContain(LOGIN);
    // Codex's record has what its model and its own variables say; nothing of the bridge's, the shell's or a client's.
    expect(sungInFiles(bench.codex.home, { ...tokens, ...SHELL, HEADER }, [login])).toEqual([]);
  });

  it('A18: are in no answer, error, event, export, report, terminal or metric', () => {
    const failed = said.filter(({ text: told }) => told.includes('Incorrect API key provided'));
    expect(failed.map(({ who }) => who)).toContain('the tool ask');
    // Codex quotes of a configuration what it can't read.
    const quoting = said.filter(({ text: told }) => told.includes('unknown variant'));
    expect(quoting.map(({ who }) => who)).toEqual(
      expect.arrayContaining(['the tool ask', 'codex-bridge doctor']),
    );
    expect(said.flatMap(({ who, text: told }) => sung(who, told, canaries))).toEqual([]);
  });

  it('A18: are in the arguments of no process, and no child has them in its environment', () => {
    expect(sungInArguments(canaries)).toEqual([]);
    const all = bench.processes().map((pid) => ({ pid, name: commandLine(pid) }));
    const environ = ({ pid, name }: { pid: number; name: string }, what: Canaries) =>
      sung(`environment of ${name}`, contentOf(`/proc/${pid}/environ`), what);
    expect(all.flatMap((each) => environ(each, tokens))).toEqual([]);
    // Ours, started from the shell itself.
    const children = all.filter(({ name }) => !name.includes('cli.mjs'));
    for (const kind of ['guard', 'app-server', 'resume', 'sleep 300'])
      expect(
        children.some(({ name }) => name.includes(kind)),
        kind,
      ).toBe(true);
    expect(children.flatMap((each) => environ(each, { ...SHELL, LOGIN, CONFIGURED, HEADER }))).toEqual([]);
    const guard = children.filter(({ name }) => name.includes('guard'));
    expect(guard.flatMap((each) => environ(each, OF_CODEX))).toEqual([]);
    const [, ...gits] = contentOf(gitEnvironment()).split('git:');
    const ofBridge = gits.filter((environment) => environment.includes('GIT_TERMINAL_PROMPT=0'));
    expect(ofBridge.length).toBeGreaterThan(0);
    expect(ofBridge.flatMap((environment) => sung('environment of git', environment, canaries))).toEqual([]);
    // Codex asks git, too, and hands on what it has.
    expect(sung('environment of any git', gits.join(), { ...tokens, ...SHELL })).toEqual([]);
  });
});
