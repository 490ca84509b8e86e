import { join } from 'node:path';
import { type Bench, structured } from './bench.ts';
import { type Figure, median } from './figure.ts';
import { LineClient } from './lineClient.ts';
import { PostClient } from './postClient.ts';
import { RawCodex } from './rawCodex.ts';

/** Node compiles what runs often: a bridge that has served some calls is what people have. */
const WARM_UP = 20;
const ROUNDS = 60;
/** The peers start a Codex for each call: every so many rounds are enough. */
const PEERS_EVERY = 3;
const PROMPT = 'Say hello.';

/**
 * One warm turn: raw, through us, and through the peers, in turn and on the same model. All of them are asked by
 * the least client there can be; what the SDK's own client adds is measured afterwards.
 *
 * Raw names the rights in its first turn and leaves them so, as `ask` does. What it costs to name them in every
 * turn, which `ask` does where somebody has opened a terminal, is measured afterwards on the same app-server.
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
  const raw = await RawCodex.start(bench.codex, bench.home.env, bench.folder, bench.dir.path);
  bench.atEnd(() => raw.close());
  const [left, named] = [await raw.startThread(bench.folder), await raw.startThread(bench.folder)];
  await raw.turn(left, PROMPT, rights);

  const serving = await bench.serve();
  const post = new PostClient(serving.url, serving.token);
  bench.atEnd(async () => post.close());
  // The output schema of `ask`.
  const { session } = (await post.call('ask', { prompt: PROMPT })) as { session: string };
  const ours: Run = () => post.call('ask', { session, prompt: PROMPT });
  const client = await serving.client();
  const sdk: Run = async () =>
    structured(await client.callTool({ name: 'ask', arguments: { session, prompt: PROMPT } }));
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
  const times = await inTurn({ raw: () => raw.turn(left, PROMPT), ours }, peers);
  const second = await inTurn({ named: () => raw.turn(named, PROMPT, rights), sdk }, {});
  const of = (name: string) => median(times[name] ?? []);
  const group = 'Warm turn';
  const note = `median of ${ROUNDS}`;
  return [
    { group, name: 'raw app-server', value: of('raw'), unit: 'ms', note },
    { group, name: '`ask` over HTTP', value: of('ours'), unit: 'ms', note },
    {
      group,
      name: 'raw app-server, naming its rights each time',
      value: median(second['named'] ?? []),
      unit: 'ms',
      note: `${note}, afterwards`,
    },
    {
      group,
      name: "`ask` over HTTP, the SDK's client",
      value: median(second['sdk'] ?? []),
      unit: 'ms',
      note: `${note}, afterwards`,
    },
    ...Object.keys(peers).map(
      (name): Figure => ({
        group,
        name,
        value: of(name),
        unit: 'ms',
        note: `median of ${times[name]?.length ?? 0}`,
      }),
    ),
    { group, name: '`ask` to raw', value: of('ours') / of('raw'), unit: '×', most: 1.15 },
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

type Run = () => Promise<unknown>;

/** What each run took, in ms, round by round; `sometimes` are due every so many rounds. */
async function inTurn(
  always: Readonly<Record<string, Run>>,
  sometimes: Readonly<Record<string, Run>>,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const due = round % PEERS_EVERY === 0 ? { ...always, ...sometimes } : always;
    for (const [name, run] of Object.entries(due)) {
      const begin = performance.now();
      await run();
      const took = performance.now() - begin;
      if (round < 0) continue;
      times[name] ??= [];
      times[name].push(took);
    }
  }
  return times;
}

/** An MCP server on stdio that answers one prompt. */
async function peer(bench: Bench, script: string, tool: string): Promise<Run> {
  const { env } = bench.home;
  // They find Codex on the PATH.
  const path = `${join(bench.codex, '..')}:${env['PATH'] ?? ''}`;
  const client = await LineClient.start(
    process.execPath,
    [script],
    bench.folder,
    { ...env, PATH: path },
    'ignore',
  );
  bench.atEnd(() => client.close());
  return async () => {
    const { result } = await client.request('tools/call', { name: tool, arguments: { prompt: PROMPT } });
    // A failure must not look like a fast answer.
    if (result?.isError === true || !JSON.stringify(result?.content ?? '').includes(PROMPT)) {
      throw new Error(`${script} failed: ${JSON.stringify(result).slice(0, 500)}`);
    }
  };
}
