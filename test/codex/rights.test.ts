import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { JsonRpcConnection, JsonRpcError } from '../../src/bridge/codex/jsonRpc.ts';
import { ToolSet } from '../../src/bridge/mcp/toolSet.ts';
import { Terminal } from '../../src/bridge/terminal/terminal.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { type Answer, connectClient, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, stall, text } from '../support/scriptedModel.ts';
import { connectWindow, TerminalViewer } from '../support/terminalViewer.ts';

type Arguments = Record<string, unknown>;

/** What a program would add to a call to get more than the person allows; no tool knows any of it. */
const RAISING: Readonly<Arguments> = {
  cwd: '/',
  config: { sandbox_mode: 'danger-full-access' },
  profile: 'full',
  permissions: 'all',
  sandbox_policy: { type: 'dangerFullAccess' },
  sandboxPolicy: { type: 'dangerFullAccess' },
  writable_roots: ['/'],
  runtimeWorkspaceRoots: ['/'],
  network: true,
  environments: [],
  env: { PATH: '/' },
  model_provider: 'other',
  modelProvider: 'other',
  approvals_reviewer: 'auto',
  dynamicTools: [],
  'dangerously-bypass-approvals-and-sandbox': true,
};

/** config.toml's keys that would pass by the ceiling, through `codex`'s own `config`. */
const CONFIG: Readonly<Arguments> = {
  'sandbox_workspace_write.network_access': true,
  sandbox_workspace_write: { writable_roots: ['/'] },
  mcp_servers: { x: { command: 'sh' } },
  model_provider: 'other',
  model_providers: {},
  projects: { '/': { trust_level: 'trusted' } },
  shell_environment_policy: { inherit: 'all' },
  notify: ['sh'],
  hooks: {},
  features: {},
  profile: 'full',
  cwd: '/',
};

/** Methods of the app-server, from the types that the pinned Codex generates. */
const METHODS = [
  ...readFileSync(
    fileURLToPath(new URL('../../src/bridge/codex/generated/ClientRequest.ts', import.meta.url)),
    'utf8',
  ).matchAll(/"method": "([^"]+)"/g),
].map(([, method = '']) => method);

/** Of those that pass by the sandbox, or write what the person has configured, one of each kind. */
const UNSAFE = METHODS.filter((method) =>
  [
    'fs/writeFile',
    'fs/readFile',
    'command/exec',
    'process/spawn',
    'config/value/write',
    'thread/shellCommand',
  ].includes(method),
);

/** All of them take a minute: where CI has the time. */
const EACH = process.env['CI'] === undefined ? UNSAFE : METHODS;

/** What is taken as it is. Whatever else is a text names something that has to be there. */
const TEXT = new Set([
  'prompt',
  'title',
  'instructions',
  'model',
  'effort',
  'query',
  'developer-instructions',
  'base-instructions',
  'profile',
  'compact-prompt',
]);
/** Names something that need not be there yet, or that the tool's other arguments make no use of. */
const MAY_BE_NEW = new Set(['conversationId', 'data', 'session', 'ref', 'cursor', 'turn']);
/** What a prompt, a steering text or a cancellation becomes at Codex. */
const OF_PROMPTS = new Set([
  'thread/start',
  'thread/resume',
  'thread/settings/update',
  'turn/start',
  'turn/steer',
  'turn/interrupt',
  'review/start',
]);

const TOOLS = new ToolSet().definitions;

describe('what a caller may ask for', () => {
  let bridge: RealBridge;
  let client: TestClient;
  let window: BridgeConnection;
  let root: string;
  let other: string;
  /** The least that each tool takes, with a session and turns that are there. */
  let least: Readonly<Record<string, Arguments>>;

  beforeAll(async () => {
    bridge = await startRealBridge({ folders: 2 });
    [root = '', other = ''] = bridge.folders;
    const [endpoint] = bridge.endpoints.folders;
    if (endpoint === undefined) throw new Error('there is no folder');
    client = await connectClient('2026-07-28', endpoint);
    window = await connectWindow(bridge.stateDir);
    const done = await client.call('ask', { prompt: 'first' });
    bridge.model.script(({ prompt }) => (prompt === 'runs on' ? [stall()] : [text('done')]));
    const runs = await client.call('ask', { prompt: 'runs on', background: true });
    await bridge.model.request(({ prompt }) => prompt === 'runs on');
    const { session, turn } = done.data;
    least = {
      ask: { prompt: 'p' },
      chat_start: { prompt: 'p' },
      chat_msg: { session, prompt: 'p' },
      plan: { prompt: 'p' },
      patch: { prompt: 'p' },
      review: { target: 'custom', instructions: 'p' },
      wait: { turn },
      steer: { turn: runs.data['turn'], prompt: 'p' },
      cancel: { turn },
      status: {},
      restart: {},
      history: { action: 'list' },
      codex: { prompt: 'p' },
      'codex-reply': { threadId: session, prompt: 'p' },
    };
  });
  afterAll(async () => {
    await client.close();
    window.dispose();
    await bridge.close();
  });
  afterEach(() => vi.restoreAllMocks());

  /** What is sent to Codex from now on; it is refused there where it would begin or continue a turn. */
  function sent(): { method: string; params: unknown }[] {
    const all: { method: string; params: unknown }[] = [];
    vi.spyOn(JsonRpcConnection.prototype, 'request').mockImplementation((method, params) => {
      all.push({ method, params });
      return Promise.reject(new JsonRpcError(-32600, 'not in this test'));
    });
    return all;
  }

  const codeOf = ({ data }: Answer) => (data['error'] as { code?: string } | undefined)?.code;
  const propertiesOf = (tool: string) => {
    const schema = TOOLS.find(({ name }) => name === tool)?.inputSchema;
    // Made by zod from our own schemas.
    return (schema?.['properties'] ?? {}) as Record<string, { type?: string; enum?: string[] }>;
  };

  it('A6: no tool takes an argument that it does not know', async () => {
    expect(Object.keys(least)).toEqual(TOOLS.map(({ name }) => name));
    const all = sent();
    const taken: string[] = [];
    for (const { name, inputSchema } of TOOLS) {
      expect(inputSchema['additionalProperties'], name).toBe(false);
      for (const [argument, value] of Object.entries(RAISING)) {
        if (argument in propertiesOf(name)) continue;
        const code = codeOf(await client.call(name, { ...least[name], [argument]: value }));
        if (code !== 'INVALID_INPUT') taken.push(`${name} ${argument}: ${code}`);
      }
      for (const attachment of [
        { path: 'a', permissions: 'all' },
        { text: 't', cwd: '/' },
      ]) {
        if (!('attachments' in propertiesOf(name))) continue;
        const code = codeOf(await client.call(name, { ...least[name], attachments: [attachment] }));
        if (code !== 'INVALID_INPUT') taken.push(`${name} attachment: ${code}`);
      }
    }
    expect(taken).toEqual([]);
    expect(all).toEqual([]);
  });

  it('A6: nor more than the ceiling, another folder, or an override of the configuration', async () => {
    const all = sent();
    const before = bridge.status().folders.map(({ running, queued }) => [running, queued]);
    const places = [other, dirname(root), '/', `${root}/..`, `${root}/../${basename(other)}`, `${root}\0`];
    const asked: [tool: string, args: Arguments, code: string][] = [];
    for (const { name } of TOOLS) {
      const known = propertiesOf(name);
      if ('sandbox' in known) asked.push([name, { sandbox: 'danger-full-access' }, 'RIGHTS_EXCEED_CEILING']);
      for (const policy of ['approval_policy', 'approval-policy'])
        if (policy in known) asked.push([name, { [policy]: 'never' }, 'RIGHTS_EXCEED_CEILING']);
      if ('folder' in known) for (const folder of places) asked.push([name, { folder }, 'FOLDER_UNKNOWN']);
    }
    for (const cwd of [...places, '..', `../${basename(other)}`])
      asked.push(['codex', { cwd }, 'FOLDER_UNKNOWN']);
    for (const [key, value] of Object.entries(CONFIG))
      asked.push(['codex', { config: { [key]: value } }, 'INVALID_INPUT']);
    asked.push(['codex', { config: { sandbox_mode: 'danger-full-access' } }, 'RIGHTS_EXCEED_CEILING']);
    const taken: unknown[] = [];
    for (const [tool, args, code] of asked) {
      const got = codeOf(await client.call(tool, { ...least[tool], ...args }));
      if (got !== code) taken.push([tool, args, got]);
    }
    expect(asked.length).toBeGreaterThan(80);
    expect(taken).toEqual([]);
    expect(all).toEqual([]);
    expect(bridge.status().folders.map(({ running, queued }) => [running, queued])).toEqual(before);
  });

  it('A7: a name of a method is text to every tool, and no tool writes to a terminal', {
    timeout: 180_000,
  }, async () => {
    expect(METHODS.length).toBeGreaterThan(100);
    expect(UNSAFE).toHaveLength(6);
    const session = String(least['chat_msg']?.['session']);
    const viewer = await TerminalViewer.open(window.rpc, session, { cols: 80, rows: 24, name: 'v' });
    await viewer.shows('OpenAI Codex');
    const typed = vi.spyOn(Terminal.prototype, 'input');
    const all = sent();
    const taken: string[] = [];
    for (const { name } of TOOLS) {
      const known = propertiesOf(name);
      const begun = 'background' in known ? { background: true } : {};
      const texts = Object.keys(known).filter((argument) => known[argument]?.type === 'string');
      const free = texts.filter((argument) => TEXT.has(argument));
      if (free.length > 0) {
        const names = name === 'steer' ? METHODS : EACH;
        const calls = names.map((method) => Object.fromEntries(free.map((argument) => [argument, method])));
        await Promise.all(calls.map((args) => client.call(name, { ...least[name], ...begun, ...args })));
      }
      for (const argument of texts.filter((one) => !TEXT.has(one))) {
        // What is one of a few words is none of these: the door's schema says so.
        const words = known[argument]?.enum;
        if (argument === 'idempotency_key') continue;
        if (words !== undefined) taken.push(...METHODS.filter((method) => words.includes(method)));
        else
          await Promise.all(
            EACH.map(async (method) => {
              const { isError } = await client.call(name, { ...least[name], ...begun, [argument]: method });
              if (!isError && !MAY_BE_NEW.has(argument)) taken.push(`${name} ${argument}: ${method}`);
            }),
          );
      }
    }
    expect(taken).toEqual([]);
    // They went on as texts: a new thread's, a running turn's.
    const methods = new Set(all.map(({ method }) => method));
    expect([...methods]).toEqual(expect.arrayContaining(['thread/start', 'turn/steer']));
    expect([...methods].filter((method) => !OF_PROMPTS.has(method))).toEqual([]);
    const begins = all.filter(({ method }) => /^(turn\/start|thread\/settings\/update)$/.test(method));
    expect(begins.length).toBeGreaterThan(0);
    for (const { params } of begins)
      expect(params).toMatchObject({ sandboxPolicy: expect.anything(), approvalPolicy: 'on-request' });
    expect(typed).not.toHaveBeenCalled();
    viewer.dispose();
  });

  it('A13: a folder that has become a link to another one is worked in no more', async () => {
    const folder = bridge.folder(1);
    const away = `${other}-away`;
    const elsewhere = join(dirname(other), 'elsewhere');
    mkdirSync(elsewhere);
    bridge.model.script(({ outputs }) =>
      outputs.length === 0 ? [command('touch was-here')] : [text('done')],
    );
    const session = folder.createSession({});
    const say = async () => {
      const { turn } = await session.prompt({ prompt: 'go', source: { kind: 'cli' } });
      return session.ended(turn);
    };
    const { id: turn } = await say();
    expect(existsSync(join(other, 'was-here'))).toBe(true);
    renameSync(other, away);
    symlinkSync(elsewhere, other);
    try {
      const requests = bridge.model.prompts().length;
      expect(await say()).toMatchObject({
        status: 'failed',
        error: { code: 'FOLDER_NOT_FOUND', message: expect.stringContaining('elsewhere') },
      });
      expect(bridge.model.prompts()).toHaveLength(requests);
      const size = { cols: 80, rows: 24, name: 'w' };
      await expect(TerminalViewer.open(window.rpc, session.id, size)).rejects.toMatchObject({
        code: 'FOLDER_NOT_FOUND',
      });
      // What the first turn made there is made again under the link, and is not reverted in its place.
      writeFileSync(join(elsewhere, 'was-here'), '');
      const where = { session: session.id, turn, path: 'was-here' };
      await expect(window.rpc.request('changes.revert', where)).rejects.toBeInstanceOf(Error);
      expect(readdirSync(elsewhere)).toEqual(['was-here']);
    } finally {
      rmSync(other);
      renameSync(away, other);
    }
    expect((await say()).status).toBe('completed');
  });

  it('A12: the agent writes neither the state of the bridge, nor settings, programs and configuration', async () => {
    const beside = join(dirname(root), 'extension');
    mkdirSync(beside);
    mkdirSync(join(root, '.git'));
    mkdirSync(join(root, '.codex'));
    const guarded = [bridge.stateDir, bridge.codexHome, beside, join(root, '.git'), join(root, '.codex')];
    const tries = [root, ...guarded].map((directory) => `echo x > '${directory}/planted'`).join('; ');
    bridge.model.script(({ outputs }) => (outputs.length === 0 ? [command(tries)] : [text('tried')]));
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({
      prompt: 'plant',
      source: { kind: 'cli' },
      settings: { sandbox: 'workspace-write' },
    });
    expect((await session.ended(turn)).status).toBe('completed');
    const written = [root, ...guarded].filter((directory) => existsSync(join(directory, 'planted')));
    expect(written).toEqual([root]);
  });
});
