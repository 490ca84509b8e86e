import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type Bench, structured } from './bench.ts';
import { type Figure, median } from './figure.ts';
import { RawCodex } from './rawCodex.ts';

/** Node compiles what runs often: a bridge that has served some calls is what people have. */
const WARM_UP = 20;
const ROUNDS = 60;
/** The peers start a Codex for each call: every so many rounds are enough. */
const PEERS_EVERY = 3;
const PROMPT = 'Say hello.';

/**
 * One warm turn: raw, through us, and through the peers, in turn and on the same model.
 *
 * Raw is measured twice, each on an app-server of its own: with the rights named in every turn, which is the
 * turn that `ask` makes (else a turn would run with what somebody set in a terminal), and with the thread's
 * rights left as they are, which costs Codex less.
 */
export async function warmTurn(bench: Bench, peersFolder: string): Promise<Figure[]> {
  const rights = {
    cwd: bench.folder,
    sandboxPolicy: {
      type: 'workspaceWrite',
      writableRoots: [],
      networkAccess: false,
      excludeTmpdirEnvVar: false,
      excludeSlashTmp: false,
    },
    approvalPolicy: 'on-request',
    approvalsReviewer: 'user',
  };
  const raw = await rawTurn(bench, 'raw', rights);
  const plain = await rawTurn(bench, 'plain');

  const client = await (await bench.serve()).client();
  const { session } = structured(await client.callTool({ name: 'ask', arguments: { prompt: PROMPT } }));

  const runs: Record<string, () => Promise<unknown>> = {
    raw,
    plain,
    ours: async () =>
      structured(await client.callTool({ name: 'ask', arguments: { session, prompt: PROMPT } })),
  };
  const peers = {
    'codex-mcp-server 1.4.10': await peer(
      bench,
      join(peersFolder, 'codex-mcp-server/dist/index.js'),
      'codex',
    ),
    '@trishchuk/codex-mcp-tool 2.5.0': await peer(
      bench,
      join(peersFolder, '@trishchuk/codex-mcp-tool/dist/index.js'),
      'ask-codex',
    ),
  };
  const times: Record<string, number[]> = {};
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const due = round % PEERS_EVERY === 0 ? { ...runs, ...peers } : runs;
    for (const [name, run] of Object.entries(due)) {
      const begin = performance.now();
      await run();
      const took = performance.now() - begin;
      if (round < 0) continue;
      times[name] ??= [];
      times[name].push(took);
    }
  }
  const of = (name: string) => median(times[name] ?? []);
  const group = 'Warm turn';
  const note = `median of ${ROUNDS}`;
  return [
    { group, name: 'raw app-server, the same rights', value: of('raw'), unit: 'ms', note },
    { group, name: 'raw app-server, rights of the thread', value: of('plain'), unit: 'ms', note },
    { group, name: '`ask` over HTTP', value: of('ours'), unit: 'ms', note },
    ...Object.keys(peers).map(
      (name): Figure => ({
        group,
        name,
        value: of(name),
        unit: 'ms',
        note: `median of ${times[name]?.length ?? 0}`,
      }),
    ),
    { group, name: '`ask` to raw, the same rights', value: of('ours') / of('raw'), unit: '×', most: 1.15 },
    { group, name: '`ask` to raw, rights of the thread', value: of('ours') / of('plain'), unit: '×' },
    ...Object.keys(peers).map(
      (name): Figure => ({
        group,
        name: `${name} to \`ask\``,
        value: of(name) / of('ours'),
        unit: '×',
        least: 3,
      }),
    ),
  ];
}

/** A turn on an app-server and a thread of its own. */
async function rawTurn(bench: Bench, name: string, overrides?: object): Promise<() => Promise<void>> {
  const directory = join(bench.dir.path, name);
  mkdirSync(directory);
  const raw = await RawCodex.start(bench.codex, bench.home.env, bench.folder, directory);
  bench.atEnd(() => raw.close());
  const thread = await raw.startThread(bench.folder);
  return () => raw.turn(thread, PROMPT, overrides);
}

/** An MCP server on stdio that answers one prompt. */
async function peer(bench: Bench, script: string, tool: string): Promise<() => Promise<void>> {
  const client = new Client({ name: 'bench', version: '0' });
  const { env } = bench.home;
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [script],
      cwd: bench.folder,
      stderr: 'ignore',
      // They find Codex on the PATH.
      env: { ...env, PATH: `${join(bench.codex, '..')}:${env['PATH'] ?? ''}` },
    }),
  );
  bench.atEnd(() => client.close());
  return async () => {
    const result = await client.callTool({ name: tool, arguments: { prompt: PROMPT } });
    // A failure must not look like a fast answer.
    if (result.isError || !JSON.stringify(result.content).includes(PROMPT)) {
      throw new Error(`${script} failed: ${JSON.stringify(result).slice(0, 500)}`);
    }
  };
}
