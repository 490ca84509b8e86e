import { expect, it } from 'vitest';
import { WorkBench } from './support/workBench.ts';

const source = { kind: 'cli' } as const;

it('a prompt is on its way to Codex before the disk has it, and acknowledged only then', async () => {
  const bench = new WorkBench();
  const synced = Promise.withResolvers<void>();
  bench.syncing = synced.promise;
  const order: string[] = [];
  const prompt = bench.session.prompt({ prompt: 'p', source }).then(({ turn }) => {
    order.push('acknowledged');
    return turn;
  });
  const start = await bench.called('turn/start');
  order.push('sent', 'synced');
  synced.resolve();
  expect(start.params['clientUserMessageId']).toBe(await prompt);
  expect(order).toEqual(['sent', 'synced', 'acknowledged']);
});
