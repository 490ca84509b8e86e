import { describe, expect, it } from 'vitest';
import { Once } from '../../src/bridge/mcp/once.ts';

describe('Once', () => {
  it('runs the work of a key once while it is under way, and again afterwards', async () => {
    const once = new Once<number>();
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const work = async () => {
      runs++;
      await gate.promise;
      return runs;
    };
    const both = [once.run('a', work), once.run('a', work)];
    const other = once.run('b', work);
    expect(runs).toBe(2);
    gate.resolve();
    expect(new Set(await Promise.all(both)).size).toBe(1);
    await other;
    await once.run('a', work);
    expect(runs).toBe(3);
  });

  it('shares a failure and forgets it', async () => {
    const once = new Once<number>();
    const fail = () => Promise.reject(new Error('no'));
    const both = [once.run('a', fail), once.run('a', fail)];
    for (const one of both) await expect(one).rejects.toThrow('no');
    expect(await once.run('a', async () => 1)).toBe(1);
  });
});
