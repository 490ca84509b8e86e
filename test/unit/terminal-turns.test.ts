import { beforeEach, describe, expect, test } from 'vitest';
import type { ServerRequest } from '../../src/bridge/codex/generated/ServerRequest.ts';
import { NO_ANSWER } from '../../src/bridge/codex/jsonRpc.ts';
import type { LiveSession } from '../../src/bridge/sessions/liveSession.ts';
import type { SessionWork } from '../../src/bridge/sessions/sessionWork.ts';
import { TurnScheduler } from '../../src/bridge/sessions/turnScheduler.ts';
import { type Call, THREAD, WorkBench } from './support/workBench.ts';

/**
 * A prompt of ours and one that is typed in the terminal at the same moment: the order in which Codex tells of
 * them can't be arranged with the real one.
 */
const source = { kind: 'mcp' } as const;

let bench: WorkBench;
let work: SessionWork;
let session: LiveSession;

beforeEach(() => {
  bench = new WorkBench();
  ({ work, session } = bench);
});

function called(method: string, n = 1): Promise<Call> {
  return bench.called(method, n);
}

function tell(method: string, params: object): void {
  bench.tell(method, params);
}

function started(turn: string): void {
  tell('turn/started', { turn: { id: turn } });
}

function message(turn: string, id: string, clientId: string, text: string): void {
  const item = { type: 'userMessage', id, clientId, content: [{ type: 'text', text }] };
  tell('item/started', { turnId: turn, item, startedAtMs: 1 });
  tell('item/completed', { turnId: turn, item, completedAtMs: 1 });
}

function completed(turn: string, status = 'completed'): void {
  tell('turn/completed', { turn: { id: turn, status, error: null } });
}

async function prompt(text: string): Promise<string> {
  return (await session.prompt({ prompt: text, source })).turn;
}

describe('a session that a terminal keeps busy', () => {
  const begun: string[] = [];
  let scheduler: TurnScheduler;

  beforeEach(() => {
    begun.length = 0;
    scheduler = new TurnScheduler({ limit: 1, start: (_session, turn) => begun.push(turn) });
  });

  test('starts none of its own turns until that one has ended, beyond the limit as well', () => {
    scheduler.request('a', 'a1');
    scheduler.occupy('b', 'typed');
    scheduler.request('b', 'b1');
    expect([scheduler.running, scheduler.queued]).toEqual([2, 1]);
    scheduler.done('a1');
    expect(begun).toEqual(['a1']);
    expect(scheduler.remove('typed')).toBe(false);
    scheduler.done('typed');
    expect(begun).toEqual(['a1', 'b1']);
  });

  test('also where it began before the last of ours was wholly over', () => {
    scheduler.request('a', 'a1');
    scheduler.request('a', 'a2');
    scheduler.occupy('a', 'typed');
    expect([scheduler.running, scheduler.queued]).toEqual([2, 1]);
    expect(scheduler.remove('typed')).toBe(false);
    scheduler.done('a1');
    expect(begun).toEqual(['a1']);
    expect([scheduler.running, scheduler.queued]).toEqual([1, 1]);
    scheduler.done('typed');
    expect(begun).toEqual(['a1', 'a2']);
    scheduler.occupy('a', 'short');
    scheduler.done('short');
    scheduler.done('a2');
    expect([scheduler.running, scheduler.queued]).toEqual([0, 0]);
  });
});

describe('a preview beside a terminal', () => {
  test('leaves the thread in the folder, not in a copy that is gone', async () => {
    const { turn } = await session.prompt({ prompt: 'preview', source, mode: 'preview' });
    const start = await called('turn/start');
    expect(start.params).toMatchObject({ cwd: '/copies/t/folder', approvalPolicy: 'never' });
    start.answer({ turn: { id: 'own' } });
    completed('own');
    const update = await called('thread/settings/update');
    expect(update.params).toEqual({ threadId: THREAD, cwd: process.cwd() });
    update.answer({});
    expect((await session.ended(turn)).status).toBe('completed');
  });
});

describe('turns of the terminal beside ours', () => {
  test('one that began while ours was on its way is theirs, and ours goes on', async () => {
    const ours = await prompt('ours');
    const start = await called('turn/start');
    started('theirs');
    message('theirs', 'i1', 'tui', 'typed');
    completed('theirs');
    started('own');
    message('own', 'i2', ours, 'ours');
    start.answer({ turn: { id: 'own' } });
    completed('own');
    await session.ended(ours);
    const typed = session.snapshot.turns.find((turn) => turn.source.kind === 'terminal');
    await session.ended(typed?.id ?? '');
    expect(session.snapshot.turns).toMatchObject([
      { id: ours, status: 'completed', codexTurn: 'own' },
      { prompt: 'typed', source: { kind: 'terminal' }, status: 'completed', codexTurn: 'theirs' },
    ]);
  });

  test.each(['before the answer', 'after the answer'])(
    'a prompt that joined theirs is not run with their rights: both stop (told %s)',
    async (when) => {
      const ours = await prompt('ours');
      const start = await called('turn/start');
      const theirs = () => {
        started('joined');
        message('joined', 'i1', 'tui', 'typed');
      };
      if (when === 'before the answer') theirs();
      start.answer({ turn: { id: 'joined' } });
      if (when === 'after the answer') {
        started('joined');
        await new Promise((resolve) => setImmediate(resolve));
        message('joined', 'i1', 'tui', 'typed');
      }
      const interrupt = await called('turn/interrupt');
      expect(interrupt.params).toEqual({ threadId: THREAD, turnId: 'joined' });
      const ended = await session.ended(ours);
      expect(ended).toMatchObject({ status: 'interrupted', error: { code: 'SESSION_BUSY' } });
      completed('joined', 'interrupted');
      const typed = session.snapshot.turns.find((turn) => turn.source.kind === 'terminal');
      expect(await session.ended(typed?.id ?? '')).toMatchObject({
        prompt: 'typed',
        status: 'interrupted',
        error: { code: 'SESSION_BUSY' },
      });
      // And the session is usable.
      const again = await prompt('again');
      (await called('turn/start', 2)).answer({ turn: { id: 'own' } });
      message('own', 'i3', again, 'again');
      completed('own');
      expect((await session.ended(again)).status).toBe('completed');
    },
  );

  test('ours waits for theirs, and can be cancelled meanwhile', async () => {
    const first = await prompt('first');
    (await called('turn/start')).answer({ turn: { id: 'own' } });
    completed('own');
    await session.ended(first);
    started('theirs');
    const second = await prompt('second');
    expect(session.turn(second).status).toBe('queued');
    await session.cancel(second);
    const third = await prompt('third');
    message('theirs', 'i1', 'tui', 'typed');
    expect(bench.calls.filter(({ method }) => method === 'turn/start')).toHaveLength(1);
    completed('theirs');
    (await called('turn/start', 2)).answer({ turn: { id: 'own2' } });
    completed('own2');
    expect((await session.ended(third)).status).toBe('completed');
  });

  test('one that begins while ours is prepared goes first, and ours can be cancelled meanwhile', async () => {
    const copied = Promise.withResolvers<void>();
    bench.copying = copied.promise;
    const first = await prompt('first');
    await called('thread/start');
    started('theirs');
    message('theirs', 'i1', 'tui', 'typed');
    copied.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(bench.calls.map(({ method }) => method)).not.toContain('turn/start');
    await session.cancel(first);
    const second = await prompt('second');
    await new Promise((resolve) => setImmediate(resolve));
    expect(bench.calls.map(({ method }) => method)).not.toContain('turn/start');
    completed('theirs');
    (await called('turn/start')).answer({ turn: { id: 'own' } });
    completed('own');
    await session.ended(second);
    expect(session.snapshot.turns.map(({ status }) => status)).toEqual([
      'cancelled',
      'completed',
      'completed',
    ]);
  });

  test('a turn of which nothing is told but its end leaves no trace', async () => {
    const first = await prompt('first');
    (await called('turn/start')).answer({ turn: { id: 'own' } });
    completed('own');
    await session.ended(first);
    started('empty');
    completed('empty');
    const second = await prompt('second');
    (await called('turn/start', 2)).answer({ turn: { id: 'own2' } });
    completed('own2');
    await session.ended(second);
    expect(session.snapshot.turns.map(({ prompt: text }) => text)).toEqual(['first', 'second']);
  });

  test('a compaction of ours is the turn that begins with one, whoever types meanwhile', async () => {
    const first = await prompt('first');
    (await called('turn/start')).answer({ turn: { id: 'own' } });
    completed('own');
    await session.ended(first);
    const task = { kind: 'compact' } as const;
    const { turn } = await session.prompt({ task, prompt: '', source });
    (await called('thread/settings/update')).answer({});
    const compact = await called('thread/compact/start');
    started('theirs');
    message('theirs', 'i1', 'tui', 'typed');
    compact.answer({});
    started('compaction');
    tell('item/started', { turnId: 'compaction', item: { type: 'contextCompaction', id: 'c' } });
    tell('item/completed', { turnId: 'compaction', item: { type: 'contextCompaction', id: 'c' } });
    completed('compaction');
    expect((await session.ended(turn)).items).toMatchObject([{ type: 'compaction' }]);
    completed('theirs');
    const theirs = session.snapshot.turns.find(({ source: { kind } }) => kind === 'terminal');
    expect(theirs?.prompt).toBe('typed');
    expect(await session.ended(theirs?.id ?? '')).toMatchObject({ status: 'completed' });
  });

  test('a question that comes before the answer to our start waits for it', async () => {
    const turn = await prompt('first');
    const start = await called('turn/start');
    const params = { threadId: THREAD, turnId: 'own', itemId: 'i', kind: 'command', command: 'make' };
    const request = { method: 'item/commandExecution/requestApproval', id: 1, params };
    // Only what is read of a request.
    const answered = work.request(request as unknown as ServerRequest);
    const asked = new Promise<string>((resolve) => {
      session.onChange(({ event }) => {
        if (event.type === 'approval.requested') resolve(event.approval.id);
      });
    });
    start.answer({ turn: { id: 'own' } });
    session.answer(await asked, 'accept', { kind: 'window' });
    expect(await answered).toEqual({ decision: 'accept' });
    completed('own');
    await session.ended(turn);
  });

  test('questions of threads that are not ours: left to an open terminal, else a no', async () => {
    const request = {
      id: 1,
      method: 'item/commandExecution/requestApproval',
      params: { threadId: 'another', turnId: 't', itemId: 'i', command: 'rm' },
      // Only what is read of it.
    } as unknown as ServerRequest;
    expect(await work.request(request)).toEqual({ decision: 'decline' });
    bench.terminalOpen = true;
    expect(await work.request(request)).toBe(NO_ANSWER);
  });
});
