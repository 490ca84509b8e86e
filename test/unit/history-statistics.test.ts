import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { History } from '../../src/bridge/history/history.ts';
import { costOf, mergeStatistics } from '../../src/bridge/history/statistics.ts';
import { NO_USAGE, type TokenUsage, type TurnEnd } from '../../src/shared/session.ts';
import { historyDir, Live, newSession, queuedTurn, tokens } from './history-support.ts';

let dir: Awaited<ReturnType<typeof historyDir>>;
let store: History;

beforeEach(async () => {
  dir = await historyDir();
  store = dir.open({ file: ':memory:' });
});
afterEach(() => dir.dispose());

const PRICES = { m: { input: 2, cachedInput: 0.5, output: 10 }, n: { input: 1, output: 4 } };

let turns = 0;

/** A session with one turn for each of the lengths (ms). */
function session(
  into: History,
  id: string,
  model: string,
  lengths: readonly number[],
  usage: TokenUsage,
  status: TurnEnd = 'completed',
): Live {
  const live = new Live(newSession(id));
  into.createSession(live.snapshot);
  for (const ms of lengths) {
    const turn = `t_${turns++}`;
    live.append(into, { type: 'turn.queued', turn: queuedTurn(turn, 'p') });
    live.append(
      into,
      { type: 'turn.started', turn, at: 1000, model },
      { type: 'turn.usage', turn, usage },
      { type: 'turn.ended', turn, at: 1000 + ms, status },
    );
  }
  return live;
}

describe('statistics', () => {
  it('of nothing are zero', () => {
    expect(store.statistics({ prices: {}, currency: 'EUR' })).toEqual({
      sessions: { total: 0, active: 0, archived: 0 },
      turns: { total: 0, byStatus: {}, durationMs: { total: 0, mean: 0, p50: 0, p95: 0 } },
      usage: NO_USAGE,
      byModel: {},
    });
  });

  it('count sessions, turns, durations, tokens and cost exactly', () => {
    const one = session(store, 's_1', 'm', [100, 200, 300], tokens(1_000_000, 400_000, 100_000));
    session(store, 's_2', 'n', [1000], tokens(10, 4, 5), 'failed');
    one.append(store, { type: 'session.archived', archived: true });
    // Taken from the queue: it never ran, has no model and no duration.
    one.append(store, { type: 'turn.queued', turn: queuedTurn('t_q', 'p') });
    one.append(store, { type: 'turn.ended', turn: 't_q', at: 5000, status: 'cancelled' });
    // Still running: its tokens count, its duration doesn't.
    one.append(store, { type: 'turn.queued', turn: queuedTurn('t_r', 'p') });
    one.append(store, { type: 'turn.started', turn: 't_r', at: 1, model: 'n' });
    one.append(store, { type: 'turn.usage', turn: 't_r', usage: tokens(90, 0, 0) });
    const statistics = store.statistics({ prices: PRICES, currency: 'EUR' });
    expect(statistics).toEqual({
      sessions: { total: 2, active: 1, archived: 1 },
      turns: {
        total: 6,
        byStatus: { completed: 3, failed: 1, cancelled: 1, running: 1 },
        durationMs: { total: 1600, mean: 400, p50: 200, p95: 1000 },
      },
      usage: {
        input: 3_000_100,
        cachedInput: 1_200_004,
        output: 300_005,
        reasoningOutput: 0,
        total: 3_300_105,
      },
      byModel: {
        m: {
          turns: 3,
          usage: tokens(3_000_000, 1_200_000, 300_000),
          // 1.8 M at 2, 1.2 M cached at 0.5, 0.3 M out at 10
          cost: expect.closeTo(3.6 + 0.6 + 3, 9),
        },
        // Cached tokens without a price of their own cost what input costs.
        n: { turns: 2, usage: tokens(100, 4, 5), cost: expect.closeTo((100 + 20) / 1e6, 12) },
        unknown: { turns: 1, usage: NO_USAGE },
      },
      cost: { amount: expect.closeTo(7.2 + 0.00012, 9), currency: 'EUR' },
    });
  });

  it('tell no cost where a model that used tokens has no price', () => {
    session(store, 's_1', 'm', [1], tokens(10, 0, 1));
    session(store, 's_2', 'other', [1], tokens(10, 0, 1));
    const statistics = store.statistics({ prices: PRICES, currency: 'EUR' });
    expect(statistics.cost).toBeUndefined();
    expect(statistics.byModel['m']?.cost).toBeCloseTo(30 / 1e6, 12);
    expect(statistics.byModel['other']).toEqual({ turns: 1, usage: tokens(10, 0, 1) });
  });

  it('take a model named like a part of JavaScript for a model', () => {
    session(store, 's_1', 'constructor', [1], tokens(10, 0, 1));
    expect(store.statistics({ prices: PRICES, currency: 'EUR' }).cost).toBeUndefined();
  });

  it('never go below zero when the clock was put back', () => {
    session(store, 's_1', 'm', [-5000, 10], tokens(1, 0, 1));
    const { durationMs } = store.statistics({ prices: {}, currency: 'EUR' }).turns;
    expect(durationMs).toEqual({ total: 10, mean: 5, p50: 0, p95: 10 });
  });

  it('of several folders take percentiles over all turns', () => {
    const other = dir.open({ file: ':memory:' });
    session(store, 's_1', 'm', [1, 2, 3, 4, 5, 6, 7, 8, 9], tokens(1, 0, 1));
    session(
      other,
      's_2',
      'm',
      Array.from({ length: 11 }, (_, i) => 10 + i),
      tokens(2, 0, 2),
    );
    const merged = mergeStatistics([store, other], { prices: PRICES, currency: 'USD' });
    expect(merged.turns.durationMs).toEqual({ total: 210, mean: 10.5, p50: 10, p95: 19 });
    expect(merged.sessions.total).toBe(2);
    expect(merged.byModel['m']?.turns).toBe(20);
    expect(merged.usage).toEqual(tokens(31, 0, 31));
    expect(merged.cost?.amount).toBeCloseTo((31 * 2 + 31 * 10) / 1e6, 12);
  });

  it('count a cached token once', () => {
    expect(costOf(tokens(100, 100, 0), { input: 2, cachedInput: 1, output: 0 })).toBeCloseTo(100 / 1e6, 12);
    expect(costOf(tokens(100, 0, 0), { input: 2, cachedInput: 1, output: 0 })).toBeCloseTo(200 / 1e6, 12);
  });
});
