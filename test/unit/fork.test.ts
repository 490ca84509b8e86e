import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/bridge/clock.ts';
import type { CodexLink } from '../../src/bridge/folders/codexHost.ts';
import { forkOf } from '../../src/bridge/sessions/fork.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { WorkBench } from './support/workBench.ts';

const source = { kind: 'cli' } as const;

/** A session with one turn, and a Codex that forks when the test says so. */
async function forking() {
  const bench = new WorkBench();
  const { session } = bench;
  const { turn } = await session.prompt({ prompt: 'p', source });
  await bench.called('turn/start');
  session.endTurn(turn, 'completed');
  const forked = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const calls: [string, unknown][] = [];
  const forgotten: string[] = [];
  const client = { call: async (method: string, params: unknown) => void calls.push([method, params]) };
  const fork = forkOf(session, {
    codex: { link: async () => ({ client, generation: 1 }) as unknown as CodexLink },
    threads: {
      fork: () => {
        asked.resolve();
        return forked.promise;
      },
      forget: (id) => void forgotten.push(id),
    },
    clock: systemClock,
    logger: new MemoryLogger(),
  });
  // Looked at when the test is ready to.
  fork.catch(() => undefined);
  await asked.promise;
  return { session, turn, fork, calls, forgotten, answer: () => forked.resolve('th_fork') };
}

describe('a fork', () => {
  it('has the turns of its session, and its own thread', async () => {
    const { session, fork, answer, calls } = await forking();
    answer();
    expect(await fork).toMatchObject({ forkedFrom: session.id, thread: 'th_fork', turns: [{ prompt: 'p' }] });
    expect(calls).toEqual([]);
  });

  it('is refused where a prompt came meanwhile, and nothing is left of it', async () => {
    const { session, fork, answer, calls, forgotten } = await forking();
    const { turn } = await session.prompt({ prompt: 'q', source });
    answer();
    await expect(fork).rejects.toMatchObject({ code: 'SESSION_BUSY' });
    expect(calls).toEqual([['thread/delete', { threadId: 'th_fork' }]]);
    expect(forgotten.length).toBe(1);
    session.endTurn(turn, 'completed');
  });

  it('is refused also where the turn that came is over already', async () => {
    const { session, fork, answer } = await forking();
    const { turn } = await session.prompt({ prompt: 'q', source });
    session.endTurn(turn, 'completed');
    answer();
    await expect(fork).rejects.toMatchObject({ code: 'SESSION_BUSY' });
  });
});
