import type { Bench } from './bench.ts';
import { type Figure, median } from './figure.ts';
import { PostClient } from './postClient.ts';
import { RawCodex } from './rawCodex.ts';

/** Not counted: Node and Codex compile, and open what they need, in the first turns. */
const WARM_UP = 20;
const TURNS = 1_000;
const PART = 100;
const PROMPT = 'Say hello.';

/**
 * One session with very many turns, and the same conversation with Codex alone, turn by turn beside it: what
 * Codex itself needs for a longer conversation is no matter of ours.
 */
export async function longSession(bench: Bench): Promise<Figure[]> {
  const raw = await RawCodex.start(bench.codex, bench.home.env, bench.folder, bench.dir.path);
  bench.atEnd(() => raw.close());
  const thread = await raw.startThread(bench.folder);
  const serving = await bench.serve();
  const post = new PostClient(serving.url, serving.token);
  bench.atEnd(async () => post.close());
  const { session } = (await post.call('ask', { prompt: PROMPT })) as { session: string };

  const times = { raw: [] as number[], ours: [] as number[] };
  for (let turn = -WARM_UP; turn < TURNS; turn++) {
    const begin = performance.now();
    await raw.turn(thread, PROMPT);
    const between = performance.now();
    await post.call('ask', { session, prompt: PROMPT });
    const end = performance.now();
    // Each holds the whole conversation.
    bench.model.requests.length = 0;
    if (turn < 0) continue;
    times.raw.push(between - begin);
    times.ours.push(end - between);
  }
  const group = `${TURNS.toLocaleString('en')} turns in a row on one session`;
  const rows = (name: string, all: readonly number[], most?: number): Figure[] => {
    const [first, last] = [median(all.slice(0, PART)), median(all.slice(-PART))];
    const note = `median of ${PART}`;
    return [
      { group, name: `${name}, the first hundred`, value: first, unit: 'ms', note },
      { group, name: `${name}, the last hundred`, value: last, unit: 'ms', note },
      {
        group,
        name: `${name}, the last to the first`,
        value: last / first,
        unit: '×',
        ...(most === undefined ? {} : { most }),
      },
    ];
  };
  return [...rows('`ask` over HTTP', times.ours, 1.2), ...rows('raw app-server', times.raw)];
}
