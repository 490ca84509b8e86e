import { beforeEach, describe, expect, test } from 'vitest';
import { ApprovalBroker } from '../../src/bridge/sessions/approvalBroker.ts';
import type { LiveSession } from '../../src/bridge/sessions/liveSession.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import type { AnswerDetails, Approval, ApprovalDecision } from '../../src/shared/session.ts';
import { SkewClock } from '../support/skewClock.ts';

const MINUTE = 60_000;

/** Who answers. */
const YOU = { kind: 'window' } as const;

let clock: SkewClock;
let answerMs: number;
let broker: ApprovalBroker;

beforeEach(() => {
  clock = new SkewClock();
  answerMs = 0;
  broker = new ApprovalBroker({ clock, aloneMs: () => 5 * MINUTE, answerMs: () => answerMs });
});

/** What a broker uses of a session: a place for events. */
function sessionStub(): { session: LiveSession; events: SessionEvent[] } {
  const events: SessionEvent[] = [];
  const stub = { emit: (event: SessionEvent) => void events.push(event) };
  // Only `emit` is used, and identity.
  return { session: stub as unknown as LiveSession, events };
}

function approval(id: string, turn = 't_1'): Approval {
  return {
    id,
    turn,
    item: 'i_1',
    createdAt: 0,
    decisions: ['accept', 'decline', 'cancel'],
    request: { kind: 'command', command: 'make', cwd: '/' },
  };
}

/** The decisions as they are made, by the approval's id. */
function asking() {
  const { session, events } = sessionStub();
  const decided: Record<string, ApprovalDecision | undefined> = {};
  const ask = (id: string, turn?: string) =>
    broker.ask(session, approval(id, turn), `codex-${id}`).then((answered) => {
      decided[id] = answered?.decision;
    });
  const resolutions = () =>
    events.flatMap((event) =>
      event.type === 'approval.resolved' ? [[event.approval, event.decision, event.by]] : [],
    );
  return { session, events, decided, ask, resolutions };
}

describe('an answer', () => {
  test('A10: counts once, and is told', async () => {
    const { session, events, decided, ask, resolutions } = asking();
    const asked = ask('a');
    expect(events).toEqual([{ type: 'approval.requested', approval: approval('a') }]);
    expect(broker.size).toBe(1);
    broker.answer(session, 'a', 'accept', YOU);
    await asked;
    expect(decided).toEqual({ a: 'accept' });
    expect(resolutions()).toEqual([['a', 'accept', 'face']]);
    expect(broker.size).toBe(0);
    expect(() => broker.answer(session, 'a', 'decline', YOU)).toThrow(
      expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
    );
    broker.resolvedElsewhere('codex-a');
    broker.void('t_1');
    clock.advance(10 * MINUTE);
    expect(resolutions()).toHaveLength(1);
  });

  test('A10: must be to a question of that session, and one that was offered', async () => {
    const { session, ask, resolutions } = asking();
    const asked = ask('a');
    expect(() => broker.answer(session, 'b', 'accept', YOU)).toThrow(
      expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
    );
    expect(() => broker.answer(sessionStub().session, 'a', 'accept', YOU)).toThrow(
      expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
    );
    expect(() => broker.answer(session, 'a', 'accept_for_session', YOU)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('accept, decline, cancel'),
      }),
    );
    expect(resolutions()).toEqual([]);
    broker.answer(session, 'a', 'decline', YOU);
    await asked;
  });

  test('may be given while the question is told', async () => {
    const decisions: string[] = [];
    const session = {
      emit: (event: SessionEvent) => {
        if (event.type === 'approval.requested') broker.answer(live, event.approval.id, 'accept', YOU);
        else decisions.push(event.type);
      },
    };
    // Only `emit` is used, and identity.
    const live = session as unknown as LiveSession;
    expect(await broker.ask(live, approval('a'), 'codex-a')).toEqual({
      decision: 'accept',
      by: 'face',
      who: YOU,
    });
    expect(decisions).toEqual(['item.completed', 'approval.resolved']);
    expect(clock.pending).toBe(0);
  });
});

describe('without an answer', () => {
  test('A8: a question is declined after its own time alone', async () => {
    const { decided, ask, resolutions } = asking();
    const first = ask('a');
    clock.advance(4 * MINUTE);
    const second = ask('b');
    clock.advance(MINUTE);
    await first;
    expect(decided).toEqual({ a: 'decline' });
    clock.advance(4 * MINUTE - 1000);
    expect(resolutions()).toHaveLength(1);
    clock.advance(1000);
    await second;
    expect(resolutions()).toEqual([
      ['a', 'decline', 'timeout'],
      ['b', 'decline', 'timeout'],
    ]);
    expect(clock.pending).toBe(0);
  });

  test('B23: a question waits while somebody is there, and has its whole time after they left', async () => {
    const { decided, ask, resolutions } = asking();
    const asked = ask('a');
    clock.advance(4 * MINUTE);
    broker.setAttended(true);
    clock.advance(60 * MINUTE);
    expect(resolutions()).toEqual([]);
    expect(clock.pending).toBe(0);
    broker.setAttended(false);
    // Faces that come and go, and cannot answer, change nothing.
    broker.setAttended(false);
    clock.advance(4 * MINUTE);
    broker.setAttended(false);
    expect(resolutions()).toEqual([]);
    clock.advance(MINUTE);
    await asked;
    expect(decided).toEqual({ a: 'decline' });
  });

  test('A8: a question is declined at its deadline also while somebody is there, where the person wants one', async () => {
    answerMs = 10 * MINUTE;
    broker.setAttended(true);
    const { decided, ask, resolutions } = asking();
    const asked = ask('a');
    clock.advance(9 * MINUTE);
    // Who comes and goes does not buy it time.
    broker.setAttended(true);
    expect(resolutions()).toEqual([]);
    clock.advance(MINUTE);
    await asked;
    expect(decided).toEqual({ a: 'decline' });
    expect(resolutions()).toEqual([['a', 'decline', 'timeout']]);
    expect(clock.pending).toBe(0);
  });

  test('A10: a question is void with its turn, or with Codex', async () => {
    const { session, decided, ask, resolutions } = asking();
    const asked = [ask('a', 't_1'), ask('b', 't_2'), ask('c', 't_2')];
    broker.void('t_1');
    await asked[0];
    expect(() => broker.answer(session, 'a', 'accept', YOU)).toThrow(
      expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
    );
    expect(decided).toEqual({ a: 'cancel' });
    broker.void();
    await Promise.all(asked);
    expect(resolutions().map(([id, , by]) => [id, by])).toEqual([
      ['a', 'turn_ended'],
      ['b', 'turn_ended'],
      ['c', 'turn_ended'],
    ]);
    expect(clock.pending).toBe(0);
  });

  test('a question that another client has answered is closed', async () => {
    const { decided, ask, resolutions } = asking();
    const asked = [ask('a'), ask('b')];
    broker.resolvedElsewhere('codex-b');
    await asked[1];
    // Codex has its answer: there is none to give.
    expect(decided).toEqual({ b: undefined });
    expect(resolutions()).toEqual([['b', 'cancel', 'codex']]);
    broker.dispose();
    await asked[0];
    expect(clock.pending).toBe(0);
  });
});

describe('what comes along', () => {
  const QUESTION: Approval['request'] = {
    kind: 'question',
    text: 'Name?',
    fields: [
      { id: 'name', label: 'Name?', required: true, secret: false, input: { kind: 'text' } },
      { id: 'key', label: 'Key?', required: false, secret: true, input: { kind: 'text' } },
    ],
  };

  function put(request: Approval['request'] = approval('a').request) {
    const { session, events } = sessionStub();
    const asked = broker.ask(session, { ...approval('a'), request }, 'codex-a');
    return {
      asked,
      events,
      items: () => events.flatMap((event) => (event.type === 'item.completed' ? [event.item] : [])),
      answer: (decision: ApprovalDecision, details?: AnswerDetails) =>
        broker.answer(session, 'a', decision, YOU, details),
    };
  }

  test('the reason of a no is in the transcript before the question is closed', async () => {
    const { asked, events, items, answer } = put();
    answer('decline', { reason: ' use npm \n' });
    expect(await asked).toEqual({ decision: 'decline', by: 'face', who: YOU, reason: 'use npm' });
    expect(events.map(({ type }) => type)).toEqual([
      'approval.requested',
      'item.completed',
      'approval.resolved',
    ]);
    expect(items()).toMatchObject([
      { type: 'decision', status: 'declined', about: 'command', subject: 'make', reason: 'use npm' },
    ]);
  });

  test('A10: every decision is kept: what was asked, how it was decided, who did it and when', async () => {
    const diff = '@@ -1 +1 @@\n-a\n+b';
    const change = { path: 'a.ts', kind: 'update', added: 1, removed: 1, diff } as const;
    clock.advance(1000);
    const command = put();
    command.answer('accept');
    await command.asked;
    expect(command.items()).toEqual([
      {
        type: 'decision',
        id: 'a',
        status: 'completed',
        startedAt: 0,
        endedAt: expect.any(Number),
        about: 'command',
        subject: 'make',
        cwd: '/',
        decision: 'accept',
        by: 'face',
        who: YOU,
      },
    ]);
    const patch = put({ kind: 'file_change', changes: [change], grantRoot: '/opt' });
    broker.void('t_1');
    await patch.asked;
    expect(patch.items()).toMatchObject([
      {
        subject: 'a.ts',
        diff: `update a.ts\n${diff}\nand to write below /opt`,
        by: 'turn_ended',
        status: 'failed',
      },
    ]);
    const rights = put({ kind: 'permissions', text: 'Write /opt' });
    broker.resolvedElsewhere('codex-a');
    await rights.asked;
    // How it was answered in Codex's own terminal is not told.
    expect(rights.items()).toMatchObject([{ subject: 'Write /opt', by: 'codex', status: 'completed' }]);
    expect(rights.items()[0]).not.toHaveProperty('decision');
  });

  test('an empty reason is none', async () => {
    for (const details of [undefined, {}, { reason: ' ' }]) {
      const { asked, answer } = put();
      answer('decline', details);
      expect(await asked).toEqual({ decision: 'decline', by: 'face', who: YOU });
    }
  });

  test('a reason goes with a no only', async () => {
    const { asked, answer } = put();
    expect(() => answer('accept', { reason: 'why not' })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
    answer('accept');
    expect(await asked).toEqual({ decision: 'accept', by: 'face', who: YOU });
  });

  test('answers are checked, and a secret one is kept nowhere', async () => {
    const { asked, events, items, answer } = put(QUESTION);
    for (const answers of [[], [{ id: 'name', value: 3 }], [{ id: 'other', value: 'x' }]]) {
      expect(() => answer('accept', { answers })).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('does not fit') }),
      );
    }
    expect(events).toHaveLength(1);
    const answers = [
      { id: 'key', value: 'hunter2' },
      { id: 'name', value: 'Ada' },
    ];
    answer('accept', { answers });
    expect(await asked).toMatchObject({ decision: 'accept', answers: answers.toReversed() });
    expect(items()).toMatchObject([
      { status: 'completed', answers: [{ question: 'Name?', answer: 'Ada' }, { question: 'Key?' }] },
    ]);
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });

  test('a question that nobody could answer says so; one that was answered elsewhere says that', async () => {
    const alone = put(QUESTION);
    clock.advance(5 * MINUTE);
    expect(await alone.asked).toEqual({ decision: 'decline', by: 'timeout' });
    expect(alone.items()).toMatchObject([{ type: 'decision', decision: 'decline', by: 'timeout' }]);
    const elsewhere = put(QUESTION);
    broker.resolvedElsewhere('codex-a');
    expect(await elsewhere.asked).toBeUndefined();
    expect(elsewhere.items()).toMatchObject([{ by: 'codex' }]);
  });
});
