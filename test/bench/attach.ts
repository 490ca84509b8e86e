import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { installRuntime, launcherFile } from '../../src/client/launcher.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type Bench, type Serving, structured } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';
import { LineClient } from './lineClient.ts';

const runtime = fileURLToPath(new URL('../../dist/runtime', import.meta.url));

const STARTS = 15;
const WARM_UP = 50;
const ROUNDS = 300;
const CLIENTS = 50;
const CALLS = 10;
const FIRST_CALLS = 5;
const BURSTS = 5;
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
      const took = await timed(ways[way]);
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
  const clients: { client: LineClient; session: string }[] = [];
  for (let at = 0; at < CLIENTS; at++) {
    const { command, args, cwd, env } = commandOf(bench, serving);
    const client = await LineClient.start(command, args, cwd, env);
    const { session } = sessionOf(await client.call('chat_start', { title: `client ${at}` }));
    // Node compiles what runs: a client that has asked before is what people have.
    for (let call = 0; call < FIRST_CALLS; call++)
      checkAnswer(await client.call('status', { session }), session);
    clients.push({ client, session });
  }
  const turns = await Promise.all(
    Array.from({ length: TURNS }, async () =>
      structured(await asking.callTool({ name: 'ask', arguments: { prompt: PROMPT, background: true } })),
    ),
  );
  // All of them stream: what it takes to start 20 turns is another figure.
  for (const { turn } of turns) await until(async () => (await textOf(asking, turn)) !== '');
  const bursts: number[][] = [];
  for (let round = 0; round < BURSTS; round++) bursts.push(await burst(clients));
  const left = await running(asking);
  if (left !== TURNS) throw new Error(`only ${left} of ${TURNS} turns ran to the end of the measurement`);
  for (const { turn } of turns) await asking.callTool({ name: 'cancel', arguments: { turn } });
  for (const { client } of clients) await client.close();
  const group = `attach, ${CLIENTS} clients with ${CALLS} calls each, ${TURNS} turns running`;
  const note = `median of ${BURSTS} bursts`;
  const over = (share: number) => median(bursts.map((times) => quantile(times, share)));
  return [
    { group, name: '`status`, median', value: over(0.5), unit: 'ms', note },
    { group, name: '`status`, 99th percentile', value: over(0.99), unit: 'ms', most: 50, note },
  ];
}

/** All of them at once, each call as soon as the one before is answered. What each took, in ms. */
async function burst(clients: readonly { client: LineClient; session: string }[]): Promise<number[]> {
  const times = await Promise.all(
    clients.map(async ({ client, session }) => {
      const own: number[] = [];
      for (let call = 0; call < CALLS; call++) {
        const asked = call % 2 === 0 ? session : undefined;
        const begin = performance.now();
        const data = await client.call('status', asked === undefined ? {} : { session: asked });
        own.push(performance.now() - begin);
        checkAnswer(data, asked);
      }
      return own;
    }),
  );
  return times.flat();
}

async function timed(client: Client): Promise<number> {
  const begin = performance.now();
  const { isError, structuredContent } = await client.callTool({ name: 'status', arguments: {} });
  const took = performance.now() - begin;
  if (isError) throw new Error(JSON.stringify(structuredContent));
  checkAnswer(structuredContent, undefined);
  return took;
}

/** @throws when the answer of `status` is about another session than was asked for, or about one at all */
function checkAnswer(data: unknown, asked: string | undefined): void {
  // The output schema of `status`.
  const { session } = data as { session?: { session: string } };
  if (session?.session !== asked) throw new Error(`asked for ${asked}, got ${session?.session}`);
}

/** The output schema of `chat_start`. */
function sessionOf(data: unknown): { session: string } {
  return data as { session: string };
}

async function running(client: Client): Promise<number> {
  const { structuredContent } = await client.callTool({ name: 'status', arguments: {} });
  // The output schema of `status`.
  return (structuredContent as { folders: { running: number }[] }).folders[0]?.running ?? 0;
}

async function textOf(client: Client, turn: string): Promise<string> {
  const { structuredContent } = await client.callTool({ name: 'status', arguments: { turn } });
  // The output schema of `status`.
  return (structuredContent as { turn: { answer?: string } }).turn.answer ?? '';
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** What a registration names. */
function commandOf(bench: Bench, { state }: Serving) {
  return {
    command: launcherFile(state),
    args: ['attach'],
    cwd: bench.folder,
    env: { ...bench.home.env, CODEX_BRIDGE_HOME: state },
  };
}

async function attached(bench: Bench, serving: Serving, mode: 'auto' | 'legacy'): Promise<Client> {
  const client = new Client({ name: 'bench', version: '0' }, { versionNegotiation: { mode } });
  await client.connect(new StdioClientTransport({ ...commandOf(bench, serving), stderr: 'inherit' }));
  return client;
}
