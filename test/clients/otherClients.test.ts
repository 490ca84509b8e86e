import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientCommand } from '../../scripts/lib/clientTools.mjs';
import { RawCodex } from '../bench/rawCodex.ts';
import { attachCommand, install, openWindow } from '../support/attached.ts';
import { CliBench } from '../support/cli.ts';
import { codexBinary, makeCodexHome } from '../support/codexHome.ts';

/** Looked up before a test changes where home is. */
const INSPECTOR = clientCommand('mcp-inspector');

let bench: CliBench;

beforeEach(async () => {
  bench = await CliBench.create();
  await install(bench);
  await openWindow(bench, [bench.folders[0]]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.dispose();
});

describe('the Inspector', () => {
  /** One method of its command line, over `attach`; what it prints is the result as JSON. */
  async function inspect(...args: string[]): Promise<unknown> {
    const { command, args: attach = [], env } = attachCommand(bench);
    const config = join(bench.dir.path, 'inspector.json');
    writeFileSync(config, JSON.stringify({ mcpServers: { codex: { command, args: attach, env } } }));
    const home = join(bench.dir.path, 'inspector');
    mkdirSync(home, { recursive: true });
    const { stdout, stderr, code } = await bench.run(
      ['--cli', '--config', config, '--server', 'codex', ...args],
      { program: [INSPECTOR], env: { HOME: home } },
    );
    if (code !== 0) throw new Error(`the Inspector ended with ${code}: ${stdout}\n${stderr}`);
    return JSON.parse(stdout);
  }

  it('lists what there is, calls a tool and reads what came of it', async () => {
    expect(await inspect('--method', 'tools/list')).toMatchObject({
      tools: expect.arrayContaining([expect.objectContaining({ name: 'ask' })]),
    });
    expect(await inspect('--method', 'prompts/list')).toMatchObject({
      prompts: expect.arrayContaining([expect.objectContaining({ name: 'delegate' })]),
    });
    const called = await inspect(
      ...['--method', 'tools/call', '--tool-name', 'ask', '--tool-arg', 'prompt=hello inspector'],
    );
    expect(called).toMatchObject({
      structuredContent: { answer: 'Echo: hello inspector', status: 'completed' },
    });
    const read = await inspect('--method', 'resources/read', '--uri', 'codex://sessions');
    expect(JSON.stringify(read)).toContain('hello inspector');
  });
});

it('Codex itself calls a tool of the bridge', async () => {
  const { command, args = [], env = {} } = attachCommand(bench);
  const table = `[mcp_servers.bridge]
command = ${JSON.stringify(command)}
args = ${JSON.stringify(args)}
env = { ${Object.entries(env)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ')} }
`;
  const home = await makeCodexHome({
    modelUrl: bench.model.url,
    dir: join(bench.dir.path, 'client'),
    config: table,
  });
  const codex = await RawCodex.start(codexBinary(), home.env, bench.folders[0], bench.dir.path);
  try {
    const started = await codex.call('thread/start', { cwd: bench.folders[0], sandbox: 'read-only' });
    const threadId = (started as { thread: { id: string } }).thread.id; // ThreadStartResponse
    const result = await codex.call('mcpServer/tool/call', {
      threadId,
      server: 'bridge',
      tool: 'ask',
      arguments: { prompt: 'hello from Codex' },
    });
    expect(result).toMatchObject({
      structuredContent: { answer: 'Echo: hello from Codex', status: 'completed' },
    });
    expect(bench.model.prompts()).toEqual(['hello from Codex']);
  } finally {
    await codex.close();
  }
});
