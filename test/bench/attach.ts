import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { installRuntime, launcherFile } from '../../src/client/launcher.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type Bench, type Serving, structured } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';

const runtime = fileURLToPath(new URL('../../dist/runtime', import.meta.url));

const STARTS = 15;
const WARM_UP = 50;
const ROUNDS = 300;
const CLIENTS = 50;
const CALLS = 10;
const TURNS = 20;
/** A word every 100 ms, longer than the calls take. */
const PROMPT = `!slow 100 ${Array.from({ length: 150 }, (_, at) => `w${at}`).join(' ')}`;

/** What the way over stdio costs, and many clients on it at once. */
export async function attach(bench: Bench): Promise<Figure[]> {
  const serving = await bench.serve({
    ...DEFAULT_SETTINGS,
    limits: { ...DEFAULT_SETTINGS.limits, runningTurns: TURNS, loadedSessions: 2 * TURNS },
  });
  const { state: home } = serving;
  await installRuntime({ home, runtime, version: '0.0.0', node: process.execPath });
  return [
    ...(await starting(bench, serving)),
    ...(await relaying(bench, serving)),
    ...(await together(bench, serving)),
  ];
}

async function starting(bench: Bench, serving: Serving): Promise<Figure[]> {
  const times: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const begin = performance.now();
    const client = await attached(bench, serving, 'legacy');
    times.push(performance.now() - begin);
    await client.close();
  }
  return [
    {
      group: 'attach',
      name: 'start to `initialize` answered',
      value: median(times),
      unit: 'ms',
      most: 250,
      note: `through the launcher, a bridge runs, median of ${STARTS}`,
    },
  ];
}

/** The same call over HTTP and over stdio, in turn. */
async function relaying(bench: Bench, serving: Serving): Promise<Figure[]> {
  const ways = { http: await serving.client(), stdio: await attached(bench, serving, 'auto') };
  const times: Record<keyof typeof ways, number[]> = { http: [], stdio: [] };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const way of ['http', 'stdio'] as const) {
      const took = await timed(ways[way], {});
      if (round >= 0) times[way].push(took);
    }
  }
  await ways.stdio.close();
  const http = median(times.http);
  const stdio = median(times.stdio);
  const note = `median of ${ROUNDS}`;
  return [
    { group: 'attach', name: '`status` over HTTP', value: http, unit: 'ms', note },
    { group: 'attach', name: '`status` over `attach`', value: stdio, unit: 'ms', note },
    { group: 'attach', name: 'what `attach` adds', value: stdio - http, unit: 'ms', most: 3 },
  ];
}

/** Each client asks for its own session in between: an answer that is another's would show. */
async function together(bench: Bench, serving: Serving): Promise<Figure[]> {
  const asking = await serving.client();
  const clients: { client: Client; session: string }[] = [];
  for (let at = 0; at < CLIENTS; at++) {
    const client = await attached(bench, serving, 'auto');
    const title = `client ${at}`;
    const { session } = structured(await client.callTool({ name: 'chat_start', arguments: { title } }));
    clients.push({ client, session });
  }
  const turns = await Promise.all(
    Array.from({ length: TURNS }, async () =>
      structured(await asking.callTool({ name: 'ask', arguments: { prompt: PROMPT, background: true } })),
    ),
  );
  await until(async () => (await running(asking)) === TURNS);
  const times = await Promise.all(
    clients.map(async ({ client, session }) => {
      const own: number[] = [];
      for (let call = 0; call < CALLS; call++) own.push(await timed(client, call % 2 ? {} : { session }));
      return own;
    }),
  );
  const left = await running(asking);
  if (left !== TURNS) throw new Error(`only ${left} of ${TURNS} turns ran to the end of the measurement`);
  for (const { turn } of turns) await asking.callTool({ name: 'cancel', arguments: { turn } });
  for (const { client } of clients) await client.close();
  const group = `attach, ${CLIENTS} clients with ${CALLS} calls each, ${TURNS} turns running`;
  const all = times.flat();
  return [
    { group, name: '`status`, median', value: median(all), unit: 'ms' },
    { group, name: '`status`, 99th percentile', value: quantile(all, 0.99), unit: 'ms', most: 50 },
  ];
}

/** @throws when the answer is an error, or about another session */
async function timed(client: Client, args: { session?: string }): Promise<number> {
  const begin = performance.now();
  const result = await client.callTool({ name: 'status', arguments: args });
  const took = performance.now() - begin;
  // The output schema of `status`.
  const data = result.structuredContent as { session?: { session: string } } | undefined;
  if (result.isError || data === undefined || data.session?.session !== args.session) {
    throw new Error(`not the answer to ${JSON.stringify(args)}: ${JSON.stringify(data)}`);
  }
  return took;
}

async function running(client: Client): Promise<number> {
  const { structuredContent } = await client.callTool({ name: 'status', arguments: {} });
  // The output schema of `status`.
  return (structuredContent as { folders: { running: number }[] }).folders[0]?.running ?? 0;
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** A client on stdio, as it is registered. */
async function attached(bench: Bench, { state }: Serving, mode: 'auto' | 'legacy'): Promise<Client> {
  const client = new Client({ name: 'bench', version: '0' }, { versionNegotiation: { mode } });
  await client.connect(
    new StdioClientTransport({
      command: launcherFile(state),
      args: ['attach'],
      cwd: bench.folder,
      env: { ...bench.home.env, CODEX_BRIDGE_HOME: state },
      stderr: 'inherit',
    }),
  );
  return client;
}
