import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TurnScheduler } from '../../src/bridge/sessions/turnScheduler.ts';

function scheduler(limit: number): { scheduler: TurnScheduler; started: string[] } {
  const started: string[] = [];
  return {
    scheduler: new TurnScheduler({ limit, start: (_session, turn) => void started.push(turn) }),
    started,
  };
}

describe('TurnScheduler', () => {
  test('a session runs one turn at a time, in order', () => {
    const { scheduler: it, started } = scheduler(10);
    for (const turn of ['a1', 'a2', 'a3']) it.request('a', turn);
    expect(started).toEqual(['a1']);
    it.done('a1');
    expect(started).toEqual(['a1', 'a2']);
    expect([it.running, it.queued]).toEqual([1, 1]);
  });

  test('sessions take turns, so that one with many prompts holds up nobody', () => {
    const { scheduler: it, started } = scheduler(1);
    for (const turn of ['a1', 'a2', 'a3']) it.request('a', turn);
    it.request('b', 'b1');
    for (const turn of ['a1', 'b1', 'a2', 'a3']) it.done(turn);
    expect(started).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect([it.running, it.queued]).toEqual([0, 0]);
  });

  test('a removed turn never starts; a running one is not removed', () => {
    const { scheduler: it, started } = scheduler(1);
    it.request('a', 'a1');
    it.request('b', 'b1');
    expect(it.remove('a1')).toBe(false);
    expect(it.remove('b1')).toBe(true);
    expect(it.remove('b1')).toBe(false);
    it.done('a1');
    expect(started).toEqual(['a1']);
  });

  test('a session that comes back after its turn was removed waits at the end', () => {
    const { scheduler: it, started } = scheduler(1);
    it.request('a', 'a1');
    it.request('b', 'b1');
    it.request('c', 'c1');
    it.remove('b1');
    it.request('b', 'b2');
    for (const turn of ['a1', 'c1', 'b2']) it.done(turn);
    expect(started).toEqual(['a1', 'c1', 'b2']);
  });

  test('done for a turn that is not running changes nothing', () => {
    const { scheduler: it, started } = scheduler(1);
    it.request('a', 'a1');
    it.request('a', 'a2');
    it.done('a2');
    it.done('unknown');
    expect(started).toEqual(['a1']);
    it.done('a1');
    it.done('a1');
    expect(started).toEqual(['a1', 'a2']);
  });

  test('the same turn twice is one', () => {
    const { scheduler: it, started } = scheduler(1);
    it.request('a', 'a1');
    it.request('a', 'a1');
    it.done('a1');
    expect(started).toEqual(['a1']);
    expect(it.queued).toBe(0);
  });

  test('a higher limit starts more at once; a lower one waits', () => {
    const { scheduler: it, started } = scheduler(1);
    for (const session of ['a', 'b', 'c']) it.request(session, `${session}1`);
    it.setLimit(2);
    expect(started).toEqual(['a1', 'b1']);
    it.setLimit(1);
    it.done('a1');
    expect(started).toEqual(['a1', 'b1']);
    it.done('b1');
    expect(started).toEqual(['a1', 'b1', 'c1']);
  });

  test('start may call back', () => {
    const started: string[] = [];
    const it: TurnScheduler = new TurnScheduler({
      limit: 1,
      start: (_session, turn) => {
        started.push(turn);
        if (turn === 'a1') it.request('a', 'a2');
        it.done(turn);
      },
    });
    it.request('a', 'a1');
    expect(started).toEqual(['a1', 'a2']);
    expect(it.running).toBe(0);
  });

  test('a start that throws frees its place', () => {
    let fail = true;
    const started: string[] = [];
    const it = new TurnScheduler({
      limit: 1,
      start: (_session, turn) => {
        if (fail) throw new Error('no');
        started.push(turn);
      },
    });
    expect(() => it.request('a', 'a1')).toThrow('no');
    fail = false;
    it.request('b', 'b1');
    expect(started).toEqual(['b1']);
  });

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('request' as const), session: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('done' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 4 }) }),
    },
  );

  test('never more than the limit, one per session, in order, no idle place, nobody starves', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let limit = 2;
        let count = 0;
        const sessions = new Map<string, string>();
        const waiting = new Map<string, string[]>();
        const running: string[] = [];
        const ready: string[] = [];
        const enter = (session: string) => {
          const busy = running.some((turn) => sessions.get(turn) === session);
          if (!busy && !ready.includes(session) && (waiting.get(session)?.length ?? 0) > 0)
            ready.push(session);
        };
        const it = new TurnScheduler({
          limit,
          start: (session, turn) => {
            expect(running.length).toBeLessThan(limit);
            expect(running.some((other) => sessions.get(other) === session)).toBe(false);
            expect(waiting.get(session)?.shift()).toBe(turn);
            // The session that has been ready for the longest time is next.
            expect(ready.shift()).toBe(session);
            running.push(turn);
          },
        });
        for (const { ...action } of steps) {
          if (action.do === 'request') {
            const session = `s${action.session}`;
            const turn = `t${count++}`;
            sessions.set(turn, session);
            waiting.set(session, [...(waiting.get(session) ?? []), turn]);
            enter(session);
            it.request(session, turn);
          } else if (action.do === 'done' && running.length > 0) {
            const [turn = ''] = running.splice(action.pick % running.length, 1);
            enter(sessions.get(turn) ?? '');
            it.done(turn);
          } else if (action.do === 'remove') {
            const all = [...waiting.values()].flat();
            const turn = all[action.pick % Math.max(1, all.length)];
            if (turn === undefined) continue;
            const session = sessions.get(turn) ?? '';
            const rest = (waiting.get(session) ?? []).filter((other) => other !== turn);
            waiting.set(session, rest);
            if (rest.length === 0 && ready.includes(session)) ready.splice(ready.indexOf(session), 1);
            expect(it.remove(turn)).toBe(true);
          } else if (action.do === 'limit') {
            limit = action.limit;
            it.setLimit(limit);
          }
          expect(it.running).toBe(running.length);
          expect(it.queued).toBe([...waiting.values()].flat().length);
          // No place stays empty while somebody could run.
          if (running.length < limit) expect(ready).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
