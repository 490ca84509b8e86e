import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, structured } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';
import { RawCodex } from './rawCodex.ts';

const ROUNDS = 60;
const PROMPT = '!slow 5 alpha beta gamma';

/** How much later than Codex's own first delta the first text is at the MCP client. */
export async function firstText(bench: Bench): Promise<Figure[]> {
  const serving = await bench.serve();
  const client = await serving.client();
  const { session } = structured(await client.callTool({ name: 'ask', arguments: { prompt: 'Hello' } }));

  // A second client of the bridge's own app-server sees each delta when Codex sends it.
  const run = join(serving.state, 'run');
  const socket = readdirSync(run).find((name) => name.endsWith('.sock') && name !== 'bridge.sock');
  if (socket === undefined) throw new Error(`there is no app-server's socket in ${run}`);
  const raw = await RawCodex.join(join(run, socket));
  bench.atEnd(() => raw.close());
  const loaded = (await raw.call('thread/loaded/list', {})) as { data: string[] }; // ThreadLoadedListResponse
  const [threadId] = loaded.data;
  await raw.call('thread/resume', { threadId, excludeTurns: true });

  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let delta = Number.NaN;
    let text = Number.NaN;
    const off = raw.on((message) => {
      if (message.method === 'item/agentMessage/delta' && Number.isNaN(delta)) delta = performance.now();
    });
    const result = await client.callTool(
      { name: 'ask', arguments: { session, prompt: PROMPT } },
      {
        onprogress: ({ message }) => {
          if (Number.isNaN(text) && message?.startsWith('alpha')) text = performance.now();
        },
      },
    );
    structured(result);
    off();
    if (Number.isNaN(delta) || Number.isNaN(text)) throw new Error('a turn ended without streaming its text');
    // It may be here first: the two come by different ways.
    delays.push(Math.max(0, text - delta));
  }
  const group = 'First streamed text';
  const note = `after the app-server's own delta, ${ROUNDS} turns`;
  return [
    { group, name: 'median', value: median(delays), unit: 'ms', note },
    { group, name: 'p95', value: quantile(delays, 0.95), unit: 'ms', most: 5, note },
  ];
}
