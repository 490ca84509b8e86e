import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/shared/events.ts';
import { boundOutput, OUTPUT_HEAD, OUTPUT_TAIL, reduce } from '../../src/shared/reducer.ts';
import {
  type Approval,
  answerOf,
  hasEnded,
  type Item,
  type SessionSnapshot,
  stateOf,
  summaryOf,
  type TokenUsage,
} from '../../src/shared/session.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

function run(session: SessionSnapshot, ...events: SessionEvent[]): SessionSnapshot {
  return events.reduce((state, event) => reduce(state, { seq: state.seq + 1, event }), session);
}

function message(id: string, text = '', status: Item['status'] = 'running'): Item {
  return { type: 'agent_message', id, text, status, startedAt: 1 };
}

function approval(id: string, turn: string): Approval {
  return {
    id,
    turn,
    item: 'i',
    createdAt: 1,
    decisions: ['accept', 'decline'],
    request: { kind: 'command', command: 'rm x', cwd: '/f' },
  };
}

const usage = (total: number): TokenUsage => ({
  input: total,
  cachedInput: 0,
  output: 0,
  reasoningOutput: 0,
  total,
});

const started = (turn: string): SessionEvent => ({ type: 'turn.started', turn, at: 2 });
const ended = (turn: string): SessionEvent => ({ type: 'turn.ended', turn, at: 9, status: 'completed' });
const running = () => run(sessionWith([queuedTurn('t1')]), started('t1'));

describe('a turn', () => {
  test('from the queue to its end', () => {
    const session = run(
      sessionWith(),
      { type: 'turn.queued', turn: queuedTurn('t1', { createdAt: 3 }) },
      { type: 'turn.started', turn: 't1', at: 4, model: 'm' },
      { type: 'turn.accepted', turn: 't1', codexTurn: 'ct' },
      { type: 'item.started', turn: 't1', item: message('i') },
      { type: 'item.delta', turn: 't1', item: 'i', field: 'text', text: 'Hello ' },
      { type: 'item.delta', turn: 't1', item: 'i', field: 'text', text: 'you' },
      { type: 'item.completed', turn: 't1', item: message('i', 'Hello you', 'completed') },
      { type: 'turn.ended', turn: 't1', at: 8, status: 'completed' },
    );
    expect(session.turns[0]).toMatchObject({
      status: 'completed',
      model: 'm',
      codexTurn: 'ct',
      startedAt: 4,
      endedAt: 8,
    });
    expect(session).toMatchObject({ seq: 8, updatedAt: 8 });
    expect(answerOf(session.turns[0] ?? queuedTurn('?'))).toBe('Hello you');
    expect(stateOf(session.turns)).toBe('idle');
  });

  test('what was still running at its end has failed, with its text', () => {
    const session = run(
      running(),
      { type: 'item.started', turn: 't1', item: message('i', 'so far') },
      { type: 'turn.ended', turn: 't1', at: 9, status: 'interrupted', error: { code: 'X', message: 'x' } },
    );
    expect(session.turns[0]).toMatchObject({ status: 'interrupted', error: { code: 'X' } });
    expect(session.turns[0]?.items[0]).toMatchObject({ status: 'failed', text: 'so far', endedAt: 9 });
  });

  test('its usage counts once in the session, however often it is told', () => {
    const session = run(
      running(),
      { type: 'turn.usage', turn: 't1', usage: usage(10) },
      { type: 'turn.usage', turn: 't1', usage: usage(25), context: { used: 5, window: 9 } },
      ended('t1'),
      { type: 'turn.queued', turn: queuedTurn('t2') },
      started('t2'),
      { type: 'turn.usage', turn: 't2', usage: usage(7) },
    );
    expect(session.usage.total).toBe(32);
    expect(session.context).toEqual({ used: 5, window: 9 });
    expect(session.turns.map((turn) => turn.usage.total)).toEqual([25, 7]);
  });

  test('an event leaves the snapshot before it untouched', () => {
    const before = running();
    const copy = structuredClone(before);
    run(before, { type: 'item.started', turn: 't1', item: message('i') }, ended('t1'));
    expect(before).toEqual(copy);
  });
});

describe('the session', () => {
  test('title, settings, thread, archive', () => {
    const session = run(
      sessionWith(),
      { type: 'session.titled', title: 'New' },
      { type: 'session.settings', settings: { model: 'm' } },
      { type: 'session.thread', thread: 'th' },
      { type: 'session.archived', archived: true },
    );
    expect(session).toMatchObject({ title: 'New', settings: { model: 'm' }, thread: 'th', archived: true });
    expect(run(session, { type: 'session.thread', thread: null })).not.toHaveProperty('thread');
    expect(summaryOf(session)).not.toHaveProperty('thread');
    expect(summaryOf(session)).toMatchObject({ turns: 0, state: 'idle' });
  });
});

describe('a held prompt', () => {
  const held = () =>
    run(sessionWith(), { type: 'turn.queued', turn: queuedTurn('t1') }, { type: 'turn.held', turn: 't1' });

  test('is marked until it is released, started or ended', () => {
    expect(held().turns[0]).toMatchObject({ status: 'queued', held: true });
    expect(summaryOf(held())).toMatchObject({ held: 1, state: 'queued' });
    for (const event of [{ type: 'turn.released', turn: 't1' } as const, started('t1'), ended('t1')]) {
      const session = run(held(), event);
      expect(session.turns[0]).not.toHaveProperty('held');
      expect(summaryOf(session)).not.toHaveProperty('held');
    }
  });

  test('can only be what was never sent', () => {
    expect(run(running(), { type: 'turn.held', turn: 't1' }).turns[0]).not.toHaveProperty('held');
  });
});

test('an event of a newer bridge changes nothing but the number', () => {
  const before = running();
  // What no version of this code can say.
  const unknown = { type: 'turn.blessed', turn: 't1' } as unknown as SessionEvent;
  expect(run(before, unknown)).toEqual({ ...before, seq: before.seq + 1 });
});

describe('approvals', () => {
  test('a turn waits exactly while one is pending', () => {
    const asked = run(
      running(),
      { type: 'approval.requested', approval: approval('a1', 't1') },
      { type: 'approval.requested', approval: approval('a2', 't1') },
    );
    const resolve = (id: string): SessionEvent => ({
      type: 'approval.resolved',
      approval: id,
      decision: 'accept',
      by: 'face',
      at: 5,
    });
    expect(asked.turns[0]?.status).toBe('waiting_for_approval');
    const one = run(asked, resolve('a1'), resolve('unknown'));
    expect(one.turns[0]?.status).toBe('waiting_for_approval');
    const none = run(one, resolve('a2'));
    expect(none.turns[0]?.status).toBe('running');
    expect(none.approvals).toEqual([]);
  });

  test('the end of a turn takes its own away, not those of others', () => {
    const session = run(
      sessionWith([queuedTurn('t1'), queuedTurn('t2')]),
      started('t1'),
      started('t2'),
      { type: 'approval.requested', approval: approval('a1', 't1') },
      { type: 'approval.requested', approval: approval('a2', 't2') },
      ended('t1'),
    );
    expect(session.approvals.map(({ id }) => id)).toEqual(['a2']);
  });

  test('one for a turn that is unknown or has ended is not asked', () => {
    const session = run(running(), ended('t1'));
    for (const turn of ['t1', 'unknown']) {
      const after = run(session, { type: 'approval.requested', approval: approval('a', turn) });
      expect(after).toEqual({ ...session, seq: session.seq + 1 });
    }
  });
});

const TURNS = ['t1', 't2', 't3'];
const turnId = fc.constantFrom(...TURNS);
const itemId = fc.constantFrom('i1', 'i2');
const itemArb: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    type: fc.constant('agent_message' as const),
    id: itemId,
    text: fc.string(),
    status: fc.constantFrom('running' as const, 'completed' as const),
    startedAt: fc.constant(1),
  }),
  fc.record({
    type: fc.constant('command' as const),
    id: itemId,
    command: fc.string(),
    cwd: fc.constant('/f'),
    output: fc.string(),
    omitted: fc.constant(0),
    status: fc.constantFrom('running' as const, 'failed' as const),
    startedAt: fc.constant(1),
  }),
);

/** Events about turns, in any order, also such as never happen. */
const turnEvent: fc.Arbitrary<Extract<SessionEvent, { turn: string }>> = fc.oneof(
  turnId.map((turn) => ({ type: 'turn.started' as const, turn, at: 2 })),
  turnId.map((turn) => ({ type: 'turn.accepted' as const, turn, codexTurn: 'ct' })),
  turnId.map((turn) => ({ type: 'turn.diff' as const, turn, diff: 'd' })),
  turnId.map((turn) => ({ type: 'turn.plan' as const, turn, plan: [] })),
  fc.tuple(turnId, fc.nat(99)).map(([turn, n]) => ({ type: 'turn.usage' as const, turn, usage: usage(n) })),
  fc.tuple(turnId, itemArb).map(([turn, item]) => ({ type: 'item.started' as const, turn, item })),
  fc.tuple(turnId, itemArb).map(([turn, item]) => ({ type: 'item.completed' as const, turn, item })),
  fc
    .tuple(turnId, itemId, fc.constantFrom('text' as const, 'output' as const), fc.string())
    .map(([turn, item, field, text]) => ({ type: 'item.delta' as const, turn, item, field, text })),
  fc
    .tuple(turnId, fc.constantFrom('completed' as const, 'failed' as const, 'cancelled' as const))
    .map(([turn, status]) => ({ type: 'turn.ended' as const, turn, at: 9, status })),
);

const anyEvent: fc.Arbitrary<SessionEvent> = fc.oneof(
  { weight: 6, arbitrary: turnEvent },
  {
    weight: 2,
    arbitrary: fc.tuple(turnId, fc.constantFrom('a1', 'a2')).map(([turn, id]) => ({
      type: 'approval.requested' as const,
      approval: approval(id, turn),
    })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('a1', 'a2').map((id) => ({
      type: 'approval.resolved' as const,
      approval: id,
      decision: 'decline' as const,
      by: 'face' as const,
      at: 5,
    })),
  },
);

describe('whatever happens', () => {
  test('events about unknown and ended turns change nothing but the number', () => {
    fc.assert(
      fc.property(fc.array(turnEvent, { maxLength: 30 }), turnEvent, (events, event) => {
        const session = run(sessionWith([queuedTurn('t1'), queuedTurn('t2')]), ...events);
        const turn = session.turns.find(({ id }) => id === event.turn);
        const after = run(session, event);
        expect(after.seq).toBe(session.seq + 1);
        if (turn === undefined || hasEnded(turn.status))
          expect({ ...after, seq: session.seq }).toEqual(session);
      }),
    );
  });

  test('a turn ends once, as the first end says', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const session = run(sessionWith(TURNS.map((id) => queuedTurn(id))), ...events);
        for (const turn of session.turns) {
          const end = events.find((event) => event.type === 'turn.ended' && event.turn === turn.id);
          expect(hasEnded(turn.status)).toBe(end !== undefined);
          if (end?.type === 'turn.ended') expect(turn.status).toBe(end.status);
        }
      }),
    );
  });

  test('a started turn waits exactly while an approval of its own is pending, an ended one has none', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const session = run(sessionWith(TURNS.map((id) => queuedTurn(id))), ...events);
        for (const turn of session.turns) {
          const pending = session.approvals.some((one) => one.turn === turn.id);
          if (hasEnded(turn.status)) expect(pending).toBe(false);
          else if (turn.status !== 'queued') expect(turn.status === 'waiting_for_approval').toBe(pending);
        }
      }),
    );
  });

  test('the usage of the session is the sum of its turns', () => {
    fc.assert(
      fc.property(fc.array(turnEvent, { maxLength: 60 }), (events) => {
        const session = run(sessionWith(TURNS.map((id) => queuedTurn(id))), ...events);
        const sum = session.turns.reduce((total, turn) => total + turn.usage.total, 0);
        expect(session.usage.total).toBe(sum);
      }),
    );
  });

  test('deltas put together are the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        const deltas = texts.map((text) => ({
          type: 'item.delta' as const,
          turn: 't1',
          item: 'i',
          field: 'text' as const,
          text,
        }));
        const session = run(running(), { type: 'item.started', turn: 't1', item: message('i') }, ...deltas);
        expect(session.turns[0]?.items[0]).toMatchObject({ text: texts.join('') });
      }),
    );
  });
});

describe('boundOutput', () => {
  test('short output stays whole', () => {
    expect(boundOutput('short', 0)).toEqual({ output: 'short', omitted: 0 });
  });

  test('streamed in any pieces: the head, the tail, and exactly what is missing', () => {
    const size = fc.integer({ min: 0, max: 150_000 });
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 20 }), (sizes) => {
        let whole = '';
        let kept = { output: '', omitted: 0 };
        for (const [index, length] of sizes.entries()) {
          const piece = String.fromCharCode(97 + (index % 26)).repeat(length);
          whole += piece;
          kept = boundOutput(kept.output + piece, kept.omitted);
        }
        expect(kept.output.length + kept.omitted).toBe(whole.length);
        expect(kept.output.length).toBeLessThanOrEqual(OUTPUT_HEAD + 2 * OUTPUT_TAIL);
        const head = kept.omitted === 0 ? whole : whole.slice(0, OUTPUT_HEAD);
        expect(kept.output.startsWith(head)).toBe(true);
        if (kept.omitted > 0) {
          expect(kept.output.slice(OUTPUT_HEAD)).toBe(whole.slice(-(kept.output.length - OUTPUT_HEAD)));
        }
      }),
      { numRuns: 50 },
    );
  });
});
