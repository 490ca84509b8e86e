import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import fc from 'fast-check';
import { fill, withoutToken, withToken } from '../support/doorNonsense.ts';
import type { Bench, Serving } from './bench.ts';
import { type Figure, median } from './figure.ts';
import { PostClient } from './postClient.ts';
import { canMeasureProcesses } from './processes.ts';

const REQUESTS = 100_000;
const AT_ONCE = 50;
/** Sent again and again: to make one takes longer than to send it. */
const KINDS = 10_000;
const SEED = 20_261_121;
/** What begins is a bridge in use, not one whose heap has never been asked for anything. */
const WARM_UP = 5_000;
const SAMPLES = 51;
const AFTER = 21;
/** What is garbage goes within so many milliseconds; what is held stays. */
const SETTLE_MS = 60_000;
const MOST_MB = 50;

/** A flood of nonsense at the HTTP door: what it costs the bridge, and whoever asks right after it. */
export async function door(bench: Bench): Promise<Figure[]> {
  const serving = await bench.serve();
  const client = new PostClient(serving.url, serving.token);
  const kinds = fc.sample(fc.oneof(withoutToken, withToken), { numRuns: KINDS, seed: SEED });
  for (let round = 0; round < WARM_UP; round++) await client.call('status', {});
  const usual = await ask(client, SAMPLES);
  const before = resident(serving);
  const begin = performance.now();
  for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, at) => kinds[(sent + at) % KINDS] ?? '');
    await Promise.all(batch.map((text) => send(serving, text)));
  }
  const took = performance.now() - begin;
  // A bridge that had gone down would not answer.
  const right = await ask(client, AFTER);
  const grown = await settled(() => resident(serving) - before);
  client.close();
  const group = `${REQUESTS.toLocaleString('en')} malformed requests at the HTTP door`;
  return [
    { group, name: 'one of them', value: took / REQUESTS, unit: 'ms', note: `${AT_ONCE} at once` },
    ...(canMeasureProcesses
      ? ([
          {
            group,
            name: 'memory of the bridge, more than before',
            value: grown,
            unit: 'MB',
            most: MOST_MB,
            note: `within ${SETTLE_MS / 1000} s`,
          },
        ] as const)
      : []),
    { group, name: 'a good request before', value: usual, unit: 'ms', note: `median of ${SAMPLES}` },
    {
      group,
      name: 'a good request right after, against before',
      value: right / usual,
      unit: '×',
      most: 2,
      note: `median of the first ${AFTER}`,
    },
  ];
}

async function ask(client: PostClient, samples: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < samples; round++) {
    const begin = performance.now();
    await client.call('status', {});
    times.push(performance.now() - begin);
  }
  return median(times);
}

/** Resolves when the door has closed the connection. */
function send({ url, token }: Serving, text: string): Promise<void> {
  const port = Number(new URL(url).port);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      socket.end(fill(text, token, port)),
    );
    // Closed while we still wrote.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** As soon as it is as small as it should be, else when the time is over. */
async function settled(measure: () => number): Promise<number> {
  const end = performance.now() + SETTLE_MS;
  while (measure() > MOST_MB && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 500));
  return measure();
}

/** Megabytes resident now. */
function resident({ pid }: Serving): number {
  if (!canMeasureProcesses) return 0;
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
