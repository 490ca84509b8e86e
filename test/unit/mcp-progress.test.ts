import { describe, expect, it } from 'vitest';
import type { ProgressSink } from '../../src/bridge/mcp/call.ts';
import { standOf, stepOf, textSoFar } from '../../src/bridge/mcp/progress.ts';
import { ProgressReporter } from '../../src/bridge/mcp/progressReporter.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { type Approval, type Item, NO_USAGE, type TurnSnapshot } from '../../src/shared/session.ts';
import { FakeClock } from '../support/fakeBridge.ts';

const base = { id: 'i1', status: 'running', startedAt: 1 } as const;
const turn: TurnSnapshot = {
  id: 't_1',
  source: { kind: 'mcp' },
  prompt: 'p',
  attachments: [],
  status: 'running',
  createdAt: 1,
  items: [],
  plan: [],
  diff: '',
  usage: NO_USAGE,
  notices: [],
};
const started = (item: Item): SessionEvent => ({ type: 'item.started', turn: 't_1', item });
const change = { path: 'src/a.ts', kind: 'update', added: 1, removed: 0, diff: '' } as const;
const approval: Approval = {
  id: 'a1',
  turn: 't_1',
  item: 'i1',
  createdAt: 1,
  decisions: ['accept', 'decline'],
  request: { kind: 'command', command: 'rm -r build', cwd: '/x' },
};

describe('stepOf', () => {
  it.each<[SessionEvent, unknown]>([
    [
      started({ ...base, type: 'command', command: 'npm\n  test', cwd: '/', output: '', omitted: 0 }),
      'running `npm test`',
    ],
    [started({ ...base, type: 'file_change', changes: [change] }), 'editing src/a.ts'],
    [started({ ...base, type: 'reasoning', summary: '', text: '' }), 'thinking'],
    [started({ ...base, type: 'reasoning', summary: '**Reading** x', text: '' }), 'thinking: Reading'],
    [started({ ...base, type: 'web_search', query: 'zod' }), 'searching the web: zod'],
    [started({ ...base, type: 'agent_message', text: '' }), undefined],
    [
      {
        type: 'turn.plan',
        turn: 't_1',
        plan: [
          { step: 'read', status: 'completed' },
          { step: 'write', status: 'in_progress' },
        ],
      },
      'step 2 of 2: write',
    ],
    [{ type: 'approval.requested', approval }, 'waiting for your approval in VS Code: run `rm -r build`'],
    [{ type: 'approval.resolved', approval: 'a1', decision: 'decline', by: 'face', at: 1 }, 'not approved'],
    [{ type: 'turn.usage', turn: 't_1', usage: NO_USAGE }, undefined],
  ])('%j', (event, expected) => {
    expect(stepOf(event, turn)).toEqual(expected);
  });

  it('tells growing text of the answer, not of other items', () => {
    const delta: SessionEvent = { type: 'item.delta', turn: 't_1', item: 'i1', field: 'text', text: 'x' };
    const message: Item = { ...base, type: 'agent_message', text: 'x' };
    expect(stepOf(delta, { ...turn, items: [message] })).toEqual({ text: true });
    expect(stepOf(delta, { ...turn, items: [{ ...base, type: 'plan', text: 'x' }] })).toBeUndefined();
  });

  it('says where a turn stands', () => {
    expect(standOf({ ...turn, status: 'queued' }, [], 2)).toBe('queued, 2 before it in this session');
    expect(standOf(turn, [approval], 0)).toContain('waiting for your approval');
    expect(standOf(turn, [], 0)).toBe('working');
  });

  it('shows the end of a long text, from a whole character on', () => {
    const text = `${'😀'.repeat(400)}x`;
    const shown = textSoFar({ ...turn, items: [{ ...base, type: 'agent_message', text }] });
    expect(shown.startsWith('…😀')).toBe(true);
    expect(shown.isWellFormed()).toBe(true);
    expect(shown.length).toBeLessThanOrEqual(501);
  });
});

describe('ProgressReporter', () => {
  function setup() {
    const clock = new FakeClock();
    const sent: string[] = [];
    const sink = { congested: false };
    const port: ProgressSink = {
      send: (text) => void sent.push(`${clock.now()} ${text}`),
      congested: () => sink.congested,
    };
    return { clock, sent, sink, reporter: new ProgressReporter(port, clock) };
  }

  it('sends the first at once, then at most five a second, the latest of each time', () => {
    const { clock, sent, reporter } = setup();
    for (let i = 0; i < 10; i++) {
      reporter.offer(() => `m${i}`);
      clock.advance(50);
    }
    expect(sent).toEqual(['0 m0', '200 m3', '400 m7']);
    clock.advance(1_000);
    expect(sent.at(-1)).toBe('600 m9');
    reporter.dispose();
    expect(clock.pending).toBe(0);
  });

  it('does not let the first text wait', () => {
    const { clock, sent, reporter } = setup();
    reporter.offer(() => 'thinking');
    clock.advance(1);
    reporter.offer(() => 'Hello', true);
    expect(sent).toEqual(['0 thinking', '1 Hello']);
    reporter.dispose();
  });

  it('repeats the last step every 15 seconds while nothing happens', () => {
    const { clock, sent, reporter } = setup();
    reporter.offer(() => 'running `make`');
    clock.advance(31_000);
    expect(sent).toEqual(['0 running `make`', '15000 running `make`', '30000 running `make`']);
    reporter.dispose();
  });

  it('B10: keeps only the latest while the client does not read', () => {
    const { clock, sent, sink, reporter } = setup();
    sink.congested = true;
    for (let i = 0; i < 100; i++) {
      reporter.offer(() => `m${i}`);
      clock.advance(100);
    }
    expect(sent).toEqual([]);
    sink.congested = false;
    clock.advance(300);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('m99');
    reporter.dispose();
  });

  it('sends nothing after its end', () => {
    const { clock, sent, reporter } = setup();
    reporter.dispose();
    reporter.offer(() => 'late', true);
    clock.advance(60_000);
    expect(sent).toEqual([]);
  });
});
