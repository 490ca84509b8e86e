import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ApprovalRequest, toApproval, toResponse } from '../../src/bridge/codex/approvals.ts';
import { TurnEventMapper, type TurnEventMapperOptions } from '../../src/bridge/codex/events/map.ts';
import type { ServerNotification } from '../../src/bridge/codex/generated/ServerNotification.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import { type Approval, answerOf, type TurnSnapshot } from '../../src/shared/session.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

/** What the real Codex said in one turn; see test/support/recordEvents.ts. */
function recorded(name: string): (ServerNotification | ApprovalRequest)[] {
  const file = new URL(`./fixtures/codex/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as (ServerNotification | ApprovalRequest)[]; // recorded as such
}

interface Replay {
  readonly turn: TurnSnapshot;
  readonly events: SessionEvent[];
  readonly approvals: Approval[];
  readonly requests: ApprovalRequest[];
}

function replay(name: string, options: Partial<TurnEventMapperOptions> = {}): Replay {
  const mapper = new TurnEventMapper({
    turn: 't_test',
    folder: '/repo/sub',
    diffPrefix: 'sub',
    now: () => 5_000,
    ...options,
  });
  const events: SessionEvent[] = [{ type: 'turn.started', turn: 't_test', at: 1 }];
  const approvals: Approval[] = [];
  const requests: ApprovalRequest[] = [];
  for (const message of recorded(name)) {
    if ('id' in message) {
      requests.push(message);
      const context = {
        id: `a${message.id}`,
        turn: 't_test',
        now: 7,
        folder: '/repo/sub',
        changesOf: (id: string) => mapper.changesOf(id),
      };
      approvals.push(toApproval(message, context));
    } else {
      events.push(...mapper.map(message));
    }
  }
  const session = events.reduce(
    (state, event, index) => reduce(state, { seq: index + 1, event }),
    sessionWith([queuedTurn('t_test')]),
  );
  const turn = session.turns[0];
  if (turn === undefined) throw new Error('the turn is gone');
  return { turn, events, approvals, requests };
}

const ALL = [
  'answer',
  'reasoning',
  'command',
  'commandApproval',
  'commandDeclined',
  'slowCommand',
  'patch',
  'patchOver',
  'patchApproval',
  'patchDeclined',
  'plan',
  'image',
  'steered',
  'interrupted',
  'modelError',
  'unauthorized',
  'rateLimit',
  'cut',
  'overloaded',
];

describe('every recorded turn', () => {
  test.each(ALL)('%s: one end, the last event, and nothing left running', (name) => {
    const { events, turn } = replay(name);
    expect(events.filter((event) => event.type === 'turn.ended')).toHaveLength(1);
    expect(events.at(-1)?.type).toBe('turn.ended');
    expect(turn.items.filter((item) => item.status === 'running')).toEqual([]);
    expect(turn.codexTurn).toBe('id-2');
    expect(events.filter((event) => event.type === 'turn.accepted')).toHaveLength(1);
  });

  test.each(ALL)('%s: what was streamed is what the item ends with', (name) => {
    const { events } = replay(name);
    const streamed = new Map<string, string>();
    for (const event of events) {
      if (event.type === 'item.delta') {
        const key = `${event.item} ${event.field}`;
        streamed.set(key, (streamed.get(key) ?? '') + event.text);
      }
      if (event.type !== 'item.completed') continue;
      const { item } = event;
      if (item.type === 'agent_message') expect(item.text).toBe(streamed.get(`${item.id} text`) ?? '');
      if (item.type === 'reasoning') expect(item.summary).toBe(streamed.get(`${item.id} summary`) ?? '');
      // Codex may leave the first bytes out of a command's deltas.
      if (item.type === 'command') {
        expect(item.output.endsWith(streamed.get(`${item.id} output`) ?? '')).toBe(true);
      }
    }
  });
});

describe('items', () => {
  test('an answer with its tokens; the prompt gives no item', () => {
    const { turn, events } = replay('answer');
    expect(turn.status).toBe('completed');
    expect(answerOf(turn)).toBe('Hello from the model.');
    expect(turn.items.map((item) => item.type)).toEqual(['agent_message']);
    expect(turn.usage).toEqual({ input: 120, cachedInput: 30, output: 7, reasoningOutput: 0, total: 127 });
    expect(events.filter((event) => event.type === 'item.delta').length).toBeGreaterThan(1);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'turn.usage', context: { used: 127, window: 258_400 } }),
    );
  });

  test('the parts of a reasoning summary, separated while they stream as at the end', () => {
    const { turn, events } = replay('reasoning');
    const summary = '**First**\n\nthought\n\n**Second**\n\nthought';
    expect(turn.items[0]).toMatchObject({ type: 'reasoning', summary, text: '', status: 'completed' });
    const deltas = events.flatMap((event) => (event.type === 'item.delta' ? [event] : []));
    expect(deltas.filter(({ field }) => field === 'summary').map(({ text }) => text)).toEqual([
      '**First**\n\nthought',
      '\n\n**Second**\n\nthought',
    ]);
  });

  test('a command with its exact string, output and exit code; the usage of both model calls', () => {
    const { turn } = replay('command');
    expect(turn.items.map((item) => item.type)).toEqual(['agent_message', 'command', 'agent_message']);
    expect(turn.items[1]).toMatchObject({
      status: 'failed',
      command: '/bin/bash -lc "printf \'one\\\\ntwo\\\\n\'; exit 3"',
      cwd: '/repo/sub',
      output: 'one\ntwo\n',
      omitted: 0,
      exitCode: 3,
      durationMs: 1000,
    });
    expect(turn.usage.total).toBe(220);
    expect(answerOf(turn)).toBe('It printed two lines.');
  });

  test('output that Codex left out of the deltas is there at the end', () => {
    const { turn, events } = replay('slowCommand');
    expect(events).toContainEqual(expect.objectContaining({ field: 'output', text: 'two' }));
    expect(turn.items[0]).toMatchObject({ type: 'command', output: 'onetwo', exitCode: 0 });
  });

  test('a command without output, approved', () => {
    const { turn, approvals, requests } = replay('commandApproval');
    expect(turn.items[0]).toMatchObject({ type: 'command', output: '', status: 'completed' });
    expect(approvals).toEqual([
      {
        id: 'a0',
        turn: 't_test',
        item: 'call_resp_1_0',
        createdAt: 7,
        decisions: ['accept', 'decline', 'cancel'],
        request: { kind: 'command', command: "/bin/bash -lc 'touch made.txt'", cwd: '/repo/sub' },
      },
    ]);
    const [request] = requests;
    if (request === undefined) throw new Error('no request');
    expect(toResponse(request, 'accept')).toEqual({ decision: 'accept' });
    // Not offered, so it must not widen what was allowed.
    expect(toResponse(request, 'accept_for_session')).toEqual({ decision: 'decline' });
  });

  test('a declined command', () => {
    expect(replay('commandDeclined').turn.items[0]).toMatchObject({ type: 'command', status: 'declined' });
  });

  test('a patch that updates, deletes, renames and adds', () => {
    const { turn } = replay('patch');
    expect(turn.items[0]).toMatchObject({
      type: 'file_change',
      status: 'completed',
      changes: [
        {
          path: 'change.txt',
          kind: 'update',
          added: 2,
          removed: 1,
          diff: '@@ -1,3 +1,4 @@\n one\n-two\n+TWO\n+two and a half\n three\n',
        },
        { path: 'gone.txt', kind: 'delete', added: 0, removed: 1, diff: '@@ -1 +0,0 @@\n-going\n' },
        {
          path: 'old-name.txt',
          kind: 'update',
          movedTo: 'new-name.txt',
          added: 1,
          removed: 1,
          diff: '@@ -1,2 +1,2 @@\n kept\n-changed\n+CHANGED\n',
        },
        {
          path: 'src/new.txt',
          kind: 'add',
          added: 2,
          removed: 0,
          diff: '@@ -0,0 +1,2 @@\n+first\n+second\n',
        },
      ],
    });
  });

  test("the turn's diff names paths from the folder, and is told once", () => {
    const { turn, events } = replay('patch');
    expect(events.filter((event) => event.type === 'turn.diff')).toHaveLength(1);
    expect(turn.diff).toContain('diff --git a/change.txt b/change.txt\n');
    expect(turn.diff).toContain('--- a/old-name.txt\n+++ b/new-name.txt\n');
    expect(turn.diff).not.toContain('sub/');
  });

  test('a patch over an existing file', () => {
    const { turn } = replay('patchOver');
    expect(turn.items[0]).toMatchObject({ changes: [{ path: 'over.txt', kind: 'add', added: 1 }] });
    expect(turn.diff).toContain('-old content\n+new content\n');
  });

  test('the approval of a patch shows the changes of its item', () => {
    const { approvals, turn } = replay('patchApproval');
    const item = turn.items[0];
    if (item?.type !== 'file_change') throw new Error('no file change');
    expect(approvals[0]?.request).toEqual({ kind: 'file_change', changes: item.changes });
    expect(approvals[0]?.decisions).toEqual(['accept', 'accept_for_session', 'decline', 'cancel']);
  });

  test('a declined patch changes nothing', () => {
    const { turn } = replay('patchDeclined');
    expect(turn.items[0]).toMatchObject({ type: 'file_change', status: 'declined' });
    expect(turn.diff).toBe('');
  });

  test('a plan', () => {
    expect(replay('plan').turn.plan).toEqual([
      { step: 'Look', status: 'completed' },
      { step: 'Change', status: 'in_progress' },
      { step: 'Test', status: 'pending' },
    ]);
  });

  test('an image that Codex looked at', () => {
    expect(replay('image').turn.items[0]).toMatchObject({ type: 'image', path: 'dot.png' });
  });

  test('a steer is an item, between what came before and after', () => {
    const { turn } = replay('steered');
    expect(turn.items.map((item) => item.type)).toEqual([
      'agent_message',
      'command',
      'user_message',
      'agent_message',
    ]);
    expect(turn.items[2]).toMatchObject({ text: 'And this too', status: 'completed' });
    expect(answerOf(turn)).toBe('Both, then.');
  });
});

describe('ends', () => {
  test('interrupted by somebody is cancelled, with the text so far', () => {
    const { turn } = replay('interrupted');
    expect(turn).toMatchObject({ status: 'cancelled', endedAt: 5_000 });
    expect(turn.error).toBeUndefined();
    expect(answerOf(turn)).toBe('I begin, ');
  });

  test('interrupted by the session is what the session says', () => {
    const error = { code: 'TURN_TIMEOUT', message: 'Too long.' };
    const { turn } = replay('interrupted', { interruptedAs: () => ({ status: 'interrupted', error }) });
    expect(turn).toMatchObject({ status: 'interrupted', error });
  });

  test.each([
    ['modelError', 'MODEL_ERROR', 'the model says no.'],
    ['unauthorized', 'CODEX_LOGGED_OUT', 'codex login'],
    ['rateLimit', 'MODEL_ERROR', 'Wait a little'],
    ['overloaded', 'MODEL_ERROR', 'Wait a little'],
    ['cut', 'MODEL_ERROR', 'stream disconnected'],
  ])('%s fails with %s and says what to do', (name, code, words) => {
    const { turn } = replay(name);
    expect(turn.status).toBe('failed');
    expect(turn.error?.code).toBe(code);
    expect(turn.error?.message).toContain(words);
    expect(turn.error?.message).not.toContain('{');
  });

  test('a cut stream keeps the text that was there', () => {
    expect(answerOf(replay('cut').turn)).toBe('I begin, and ');
  });
});
