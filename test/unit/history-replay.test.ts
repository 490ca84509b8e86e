import { statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../src/shared/events.ts';
import {
  hasEnded,
  type Item,
  type SessionSnapshot,
  summaryOf,
  type TurnEnd,
} from '../../src/shared/session.ts';
import { historyDir, Live, newSession, queuedTurn, tokens } from './history-support.ts';

/** One thing that may happen; what it means depends on where the session stands. */
interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly text: string;
  /** What comes after the step: more of the same append, an append, or a new process. */
  readonly after: 'go on' | 'append' | 'reopen';
}

const KINDS = [
  'queue',
  'start',
  'accept',
  'item',
  'delta',
  'delta',
  'delta',
  'complete',
  'plan',
  'diff',
  'usage',
  'notice',
  'ask',
  'answer',
  'end',
  'title',
  'archive',
  'settings',
  'thread',
] as const;

/** Any text, with halves of surrogate pairs, as a delta that was cut anywhere brings them. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('\ud83d', '\ude00', '\0'),
);

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(1000),
  text,
  // oneof, not constantFrom: an append is likelier than a new process.
  after: fc.oneof(
    { weight: 6, arbitrary: fc.constant('go on' as const) },
    { weight: 6, arbitrary: fc.constant('append' as const) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
  ),
});

const ENDS: readonly TurnEnd[] = ['completed', 'failed', 'cancelled', 'interrupted'];

function pickFrom<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)];
}

function newItem(id: string, { pick, text }: Step): Item {
  const base = { id, status: 'running', startedAt: pick } as const;
  const items: Item[] = [
    { ...base, type: 'agent_message', text },
    { ...base, type: 'reasoning', summary: '', text: '' },
    { ...base, type: 'command', command: text, cwd: '/', output: '', omitted: 0 },
    { ...base, type: 'plan', text },
    { ...base, type: 'web_search', query: text },
  ];
  return pickFrom(items, pick) ?? { ...base, type: 'compaction' };
}

/** The event that the step is here, or none where it would not be a valid one. */
function eventFor(session: SessionSnapshot, s: Step): SessionEvent | undefined {
  const open = session.turns.filter((turn) => !hasEnded(turn.status));
  const running = open.find((turn) => turn.status !== 'queued');
  const item = running && pickFrom(running.items, s.pick);
  const at = session.seq + 10_000;
  switch (s.kind) {
    case 'queue':
      return { type: 'turn.queued', turn: queuedTurn(`t_${session.seq}`, s.text, at) };
    case 'start': {
      const next = open[0];
      return next?.status === 'queued' ? { type: 'turn.started', turn: next.id, at, model: 'm' } : undefined;
    }
    case 'end': {
      const turn = pickFrom(open, s.pick);
      const status = turn?.status === 'queued' ? 'cancelled' : pickFrom(ENDS, s.pick);
      return turn && status && { type: 'turn.ended', turn: turn.id, at, status };
    }
    case 'answer': {
      const approval = pickFrom(session.approvals, s.pick)?.id;
      return approval === undefined
        ? undefined
        : { type: 'approval.resolved', approval, decision: 'accept', by: 'face', at };
    }
    case 'title':
      return { type: 'session.titled', title: s.text };
    case 'archive':
      return { type: 'session.archived', archived: s.pick % 2 === 0 };
    case 'settings':
      return { type: 'session.settings', settings: { instructions: s.text } };
    case 'thread':
      return { type: 'session.thread', thread: s.pick % 3 === 0 ? null : `thread-${s.pick}` };
  }
  if (running === undefined) return undefined;
  const turn = running.id;
  switch (s.kind) {
    case 'accept':
      return { type: 'turn.accepted', turn, codexTurn: `c-${s.pick}` };
    case 'item':
      return { type: 'item.started', turn, item: newItem(`i_${session.seq}`, s) };
    case 'delta': {
      const field = pickFrom(['text', 'summary', 'output'] as const, s.pick);
      return item && field && { type: 'item.delta', turn, item: item.id, field, text: s.text.repeat(s.pick) };
    }
    case 'complete':
      return item && { type: 'item.completed', turn, item: { ...item, status: 'completed', endedAt: at } };
    case 'plan':
      return { type: 'turn.plan', turn, plan: [{ step: s.text, status: 'pending' }] };
    case 'diff':
      return { type: 'turn.diff', turn, diff: s.text };
    case 'usage':
      return {
        type: 'turn.usage',
        turn,
        usage: tokens(s.pick, s.pick >> 1, s.pick),
        context: { used: s.pick, window: 1000 },
      };
    case 'notice':
      return { type: 'turn.notice', turn, notice: { kind: 'warning', text: s.text } };
    case 'ask':
      return {
        type: 'approval.requested',
        approval: {
          id: `a_${session.seq}`,
          turn,
          item: 'i',
          createdAt: at,
          decisions: ['accept'],
          request: { kind: 'question', text: s.text },
        },
      };
  }
}

describe('what is read back', () => {
  it('is what the reducer made in memory, however events were batched and whenever the process ended', async () => {
    const dir = await historyDir();
    let run = 0;
    try {
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 1, maxLength: 120 }),
          fc.integer({ min: 1, max: 5000 }),
          (steps, checkpointLength) => {
            const file = `${dir.path}/run-${run++}.db`;
            let store = dir.open({ file, checkpointLength });
            const live = new Live(newSession('s_1'));
            store.createSession(live.snapshot);
            let batch: ReturnType<Live['apply']> = [];
            for (const s of [...steps, { kind: 'title', pick: 0, text: 'end', after: 'reopen' } as const]) {
              const event = eventFor(live.snapshot, s);
              if (event !== undefined) batch.push(...live.apply(event));
              if (s.after === 'go on') continue;
              store.append(live.snapshot, batch);
              batch = [];
              if (s.after === 'reopen') {
                store.close();
                store = dir.open({ file, checkpointLength });
              }
              expect(store.read('s_1')).toStrictEqual(live.snapshot);
            }
            expect(store.summary('s_1')).toStrictEqual(summaryOf(live.snapshot));
            expect(store.unfinished().map(({ turn }) => turn)).toStrictEqual(
              live.snapshot.turns.filter((turn) => !hasEnded(turn.status)),
            );
            store.close();
          },
        ),
        { numRuns: 150 },
      );
    } finally {
      await dir.dispose();
    }
  }, 60_000);

  it('holds after a flood of output, with a file that stays near to what is kept', async () => {
    const dir = await historyDir();
    try {
      let store = dir.open();
      const live = new Live(newSession('s_1'));
      store.createSession(live.snapshot);
      const base = { id: 'i', status: 'running', startedAt: 1 } as const;
      live.append(store, { type: 'turn.queued', turn: queuedTurn('t_1', 'p') });
      live.append(
        store,
        { type: 'turn.started', turn: 't_1', at: 1 },
        {
          type: 'item.started',
          turn: 't_1',
          item: { ...base, type: 'command', command: 'c', cwd: '/', output: '', omitted: 0 },
        },
      );
      for (let i = 0; i < 400; i++) {
        const part = String(i % 10).repeat(30_000);
        const output = { type: 'item.delta', turn: 't_1', item: 'i', field: 'output', text: part } as const;
        live.append(store, output, output, output);
      }
      expect(store.read('s_1')).toStrictEqual(live.snapshot);
      store.close();
      store = dir.open();
      expect(store.read('s_1')).toStrictEqual(live.snapshot);
      expect(statSync(dir.file).size).toBeLessThan(8 * 1024 * 1024);
      live.append(store, { type: 'turn.ended', turn: 't_1', at: 2, status: 'completed' });
      expect(store.read('s_1')).toStrictEqual(live.snapshot);
    } finally {
      await dir.dispose();
    }
  });
});
