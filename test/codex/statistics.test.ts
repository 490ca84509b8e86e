import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { connectBridge } from '../../src/client/connect.ts';
import type { SessionSettings, TurnSnapshot } from '../../src/shared/session.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { text, usage } from '../support/scriptedModel.ts';

const source = { kind: 'cli' } as const;
/** The model of the tests' config.toml, and another one that Codex knows. */
const OWN = 'gpt-5.5';
const OTHER = 'gpt-5.4';

let bridge: RealBridge;

afterEach(() => bridge.close());

async function say(session: Session, prompt: string, settings: SessionSettings = {}): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source, settings });
  return session.ended(turn);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const lasted = (turn: TurnSnapshot) => (turn.endedAt ?? 0) - (turn.startedAt ?? 0);

describe('statistics', () => {
  it('are exact for each folder and for all, with the cost of every model', async () => {
    bridge = await startRealBridge({
      folders: 2,
      settings: {
        prices: { [OWN]: { input: 2, cachedInput: 1, output: 10 }, [OTHER]: { input: 1, output: 4 } },
        currency: 'EUR',
      },
    });
    bridge.model.script((request) =>
      request.prompt === '!fail'
        ? [{ do: 'fail', status: 400, message: 'refused' }]
        : [text('ok'), usage({ input: 1000, cached: 400, output: 100, reasoning: 50 })],
    );
    const [one, two] = [bridge.folder(0), bridge.folder(1)];
    const first = one.createSession({});
    const other = one.createSession({ settings: { model: OTHER } });
    const far = two.createSession({});
    const near = [await say(first, 'a'), await say(first, 'b'), await say(other, 'c')];
    near.push(await say(other, '!fail'));
    const there = [await say(far, 'd')];
    await one.createSession({}).archive(true);
    expect(near.map((turn) => turn.model)).toEqual([OWN, OWN, OTHER, OTHER]);

    const tokens = (n: number) => ({
      input: 1000 * n,
      cachedInput: 400 * n,
      output: 100 * n,
      reasoningOutput: 50 * n,
      total: 1100 * n,
    });
    const own = (600 * 2 + 400 * 1 + 100 * 10) / 1e6;
    const dear = (1000 * 1 + 100 * 4) / 1e6;
    expect(one.statistics()).toEqual({
      sessions: { total: 3, active: 2, archived: 1 },
      turns: {
        total: 4,
        byStatus: { completed: 3, failed: 1 },
        durationMs: {
          total: sum(near.map(lasted)),
          mean: sum(near.map(lasted)) / 4,
          p50: near.map(lasted).toSorted((a, b) => a - b)[1],
          p95: Math.max(...near.map(lasted)),
        },
      },
      usage: tokens(3),
      byModel: {
        [OWN]: { turns: 2, usage: tokens(2), cost: expect.closeTo(2 * own, 12) },
        [OTHER]: { turns: 2, usage: tokens(1), cost: expect.closeTo(dear, 12) },
      },
      cost: { amount: expect.closeTo(2 * own + dear, 12), currency: 'EUR' },
    });

    const face = await connectBridge({
      home: bridge.stateDir,
      kind: 'cli',
      canAnswer: false,
      version: '0.0.0-test',
      start: false,
    });
    try {
      const all = await face.rpc.request('statistics', {});
      expect(all.sessions).toEqual({ total: 4, active: 3, archived: 1 });
      expect(all.turns.byStatus).toEqual({ completed: 4, failed: 1 });
      expect(all.turns.durationMs.total).toBe(sum([...near, ...there].map(lasted)));
      expect(all.usage).toEqual(tokens(4));
      expect(all.byModel[OWN]).toMatchObject({ turns: 3, usage: tokens(3) });
      expect(all.cost?.amount).toBeCloseTo(3 * own + dear, 12);
      expect(await face.rpc.request('statistics', { folder: two.info.key })).toEqual(two.statistics());
    } finally {
      face.dispose();
    }
  });
});

describe('the model of a turn', () => {
  it('is known without being asked for, on disk too, and what one turn asks for does not stay', async () => {
    bridge = await startRealBridge();
    const { id } = bridge.folder(0).createSession({});
    const session = bridge.folder(0).session(id);
    const used = () => bridge.model.requests.at(-1)?.body.model;
    const effort = () => bridge.model.requests.at(-1)?.body['reasoning'];
    expect(await say(session, 'a')).toMatchObject({ model: OWN });
    expect(used()).toBe(OWN);
    const before = effort();
    expect(await say(session, 'b', { model: OTHER, effort: 'high' })).toMatchObject({ model: OTHER });
    expect(used()).toBe(OTHER);
    expect(effort()).toMatchObject({ effort: 'high' });
    expect(await say(session, 'c')).toMatchObject({ model: OWN });
    expect(used()).toBe(OWN);
    expect(effort()).toEqual(before);
    await bridge.restart();
    expect(
      bridge
        .folder(0)
        .session(id)
        .snapshot.turns.map((turn) => turn.model),
    ).toEqual([OWN, OTHER, OWN]);
    expect(await say(bridge.folder(0).session(id), 'd')).toMatchObject({ model: OWN });
    expect(Object.keys(bridge.folder(0).statistics().byModel).toSorted()).toEqual([OTHER, OWN]);
  });
});

describe('a thread that Codex has lost', () => {
  it('leaves its conversation to the next prompt also when the session was forked first', async () => {
    bridge = await startRealBridge();
    const { id } = bridge.folder(0).createSession({});
    await say(bridge.folder(0).session(id), 'the word is heron');
    await bridge.restart();
    for (const name of ['sessions', 'archived_sessions'])
      rmSync(join(dirname(bridge.stateDir), 'ch', name), { recursive: true, force: true });
    const fork = await bridge.folder(0).fork(id);
    for (const session of [bridge.folder(0).session(id), fork]) {
      const turn = await say(session, `which word? ${session.id}`);
      expect(turn.notices).toMatchObject([{ kind: 'thread_restored' }]);
      const request = bridge.model.requests.at(-1);
      expect(JSON.stringify(request?.input)).toContain('the word is heron');
    }
  });
});
