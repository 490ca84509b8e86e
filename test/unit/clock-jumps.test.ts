import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CodexHost } from '../../src/bridge/folders/codexHost.ts';
import { Housekeeping } from '../../src/bridge/folders/housekeeping.ts';
import type { Clock } from '../../src/bridge/ports.ts';
import { ApprovalBroker } from '../../src/bridge/sessions/approvalBroker.ts';
import type { LiveSession } from '../../src/bridge/sessions/liveSession.ts';
import { RestartPolicy } from '../../src/bridge/sessions/restartPolicy.ts';
import { SessionMap } from '../../src/bridge/sessions/sessionMap.ts';
import { Threads } from '../../src/bridge/sessions/threads.ts';
import { answerOf } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { SkewClock } from '../support/skewClock.ts';
import { addSession, historyDir, Live, newSession, queuedTurn } from './history-support.ts';
import { WorkBench } from './support/workBench.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const source = { kind: 'cli' } as const;

/** A clock of the wall that is put, beside time that passes. As after a suspend: then only the wall's goes on. */
class JumpingClock implements Clock {
  readonly #time = new SkewClock();
  #jumped = 0;

  readonly now = (): number => this.#time.now() + this.#jumped;
  readonly monotonic = this.#time.monotonic;
  readonly after = this.#time.after;

  jump(ms: number): void {
    this.#jumped += ms;
  }

  pass(ms: number): void {
    this.#time.advance(ms);
  }
}

let clock: JumpingClock;

beforeEach(() => {
  clock = new JumpingClock();
});

describe('B27: the clock jumps', () => {
  it.each([DAY, -DAY])(
    'B27: by %d ms: a turn ends at its deadline, not before, and its events stay in order',
    async (ms) => {
      const bench = new WorkBench({ clock });
      const { session } = bench;
      const seqs: number[] = [];
      session.onChange(({ seq }) => seqs.push(seq));
      const { turn } = await session.prompt({ prompt: 'first', source });
      clock.jump(ms);
      const { turn: next } = await session.prompt({ prompt: 'second', source });
      (await bench.called('turn/start')).answer({ turn: { id: 'c1' } });
      bench.tell('turn/started', { turn: { id: 'c1' } });
      const item = { type: 'agentMessage', id: 'm', text: '', phase: null };
      bench.tell('item/started', { turnId: 'c1', item, startedAtMs: 1 });
      bench.tell('item/agentMessage/delta', { turnId: 'c1', itemId: 'm', delta: 'So ' });
      while (session.head.turns[0]?.codexTurn === undefined) await setImmediate();
      clock.jump(ms);
      bench.tell('item/agentMessage/delta', { turnId: 'c1', itemId: 'm', delta: 'far' });
      clock.pass(DEFAULT_SETTINGS.limits.turnTimeoutMinutes * MINUTE - SECOND);
      await setImmediate();
      expect([session.turn(turn).status, bench.calls.at(-1)?.method]).toEqual(['running', 'turn/start']);
      clock.jump(-3 * ms);
      clock.pass(2 * SECOND);
      await bench.called('turn/interrupt');
      bench.tell('turn/completed', { turn: { id: 'c1', status: 'interrupted', error: null } });
      const ended = await session.ended(turn);
      expect(ended).toMatchObject({ status: 'interrupted', error: { code: 'TURN_TIMEOUT' } });
      expect(answerOf(ended)).toBe('So far');
      (await bench.called('turn/start', 2)).answer({ turn: { id: 'c2' } });
      bench.tell('turn/completed', { turn: { id: 'c2', status: 'completed', error: null } });
      expect((await session.ended(next)).status).toBe('completed');
      expect(session.snapshot.turns.map(({ prompt }) => prompt)).toEqual(['first', 'second']);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    },
  );

  it.each([DAY, -DAY])(
    'B27: by %d ms: a question waits its five minutes, and crashes count within theirs',
    async (ms) => {
      const broker = new ApprovalBroker({ clock, aloneMs: () => 5 * MINUTE, answerMs: () => 0 });
      // Only `emit` is used, and identity.
      const session = { emit: () => {} } as unknown as LiveSession;
      const request = { kind: 'command', command: 'make', cwd: '/' } as const;
      const asked = broker.ask(
        session,
        { id: 'a', turn: 't', item: 'i', createdAt: 0, decisions: ['accept', 'decline'], request },
        'codex-a',
      );
      clock.jump(ms);
      clock.pass(5 * MINUTE - SECOND);
      expect(broker.size).toBe(1);
      clock.pass(2 * SECOND);
      expect(await asked).toEqual({ decision: 'decline', by: 'timeout' });

      const policy = new RestartPolicy(clock);
      const decisions = Array.from({ length: 5 }, () => {
        clock.jump(ms);
        return policy.crashed().action;
      });
      expect(decisions).toEqual(['restart', 'restart', 'restart', 'restart', 'stop']);
    },
  );
});

describe('B27: the history and a clock that jumps', () => {
  let dir: Awaited<ReturnType<typeof historyDir>>;

  beforeEach(async () => {
    dir = await historyDir();
  });
  afterEach(() => dir.dispose());

  it('B27: turns are read in the order in which they were asked, whatever their times say', () => {
    const store = dir.open();
    const live = new Live(newSession('s_1'));
    store.createSession(live.snapshot);
    const times = [5, 3, 4, 1, 2].map((days) => days * DAY);
    for (const [index, at] of times.entries()) {
      const turn = `t_${index}`;
      live.append(store, { type: 'turn.queued', turn: queuedTurn(turn, `prompt ${index}`, at) });
      live.append(store, { type: 'turn.started', turn, at });
      live.append(store, { type: 'turn.ended', turn, at: at - DAY, status: 'completed' });
    }
    store.close();
    const again = dir.open();
    const turns = again.read('s_1')?.turns ?? [];
    expect(turns.map(({ prompt }) => prompt)).toEqual(times.map((_, index) => `prompt ${index}`));
    expect(again.statistics({ prices: {}, currency: 'USD' }).turns.durationMs.total).toBe(0);
  });

  it('B27: no session expires because the clock was put forward or the machine slept', () => {
    const store = dir.open();
    addSession(store, 's_1', { prompt: 'p', answer: 'a', at: clock.now() });
    const deleted: string[] = [];
    const settings = () => ({
      ...DEFAULT_SETTINGS,
      limits: { ...DEFAULT_SETTINGS.limits, sessionExpiryDays: 10, idleUnloadMinutes: 0 },
    });
    const housekeeping = () =>
      new Housekeeping({
        ...{ clock, logger: new MemoryLogger(), settings, history: store },
        live: new SessionMap(),
        // Nothing is loaded.
        codex: { connected: undefined } as unknown as CodexHost,
        threads: new Threads({ folder: dir.path, settings }),
        session: () => {
          throw new Error('no session is loaded');
        },
        hasTerminal: () => false,
        activeTurns: () => 0,
        delete: async (id) => void deleted.push(id),
      });
    const kept = housekeeping();
    kept.start();
    for (const jump of [400 * DAY, -800 * DAY, 800 * DAY]) {
      clock.jump(jump);
      clock.pass(2 * MINUTE);
    }
    expect(deleted).toEqual([]);
    kept.dispose();
    // Time that has passed here does count.
    const clean = new JumpingClock();
    clock = clean;
    const counted = housekeeping();
    counted.start();
    clean.pass(11 * DAY);
    expect(deleted[0]).toBe('s_1');
    counted.dispose();
  });
});
