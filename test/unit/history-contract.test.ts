import { rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/bridge/history/database.ts';
import type { History } from '../../src/bridge/history/history.ts';
import { summaryOf } from '../../src/shared/session.ts';
import { addSession, historyDir, Live, message, newSession, queuedTurn, tokens } from './history-support.ts';

let dir: Awaited<ReturnType<typeof historyDir>>;

beforeEach(async () => {
  dir = await historyDir();
});
afterEach(() => dir.dispose());

describe.each(['a file', ':memory:'])('HistoryStore on %s', (place) => {
  let store: History;

  beforeEach(() => {
    store = dir.open(place === ':memory:' ? { file: place } : {});
  });

  it('reads back a session as it was created', () => {
    const session = newSession('s_1', {
      settings: { model: 'm', sandbox: 'read-only', instructions: 'Be short.' },
      context: { used: 1, window: 2 },
      forkedFrom: 's_0',
      thread: 'thread-1',
      createdAt: 1.5,
    });
    store.createSession(session);
    expect(store.read('s_1')).toStrictEqual(session);
    expect(store.summary('s_1')).toStrictEqual(summaryOf(session));
    expect(store.read('s_2')).toBeUndefined();
    expect(store.summary('s_2')).toBeUndefined();
  });

  it('takes a fork with its ended turns, and no session with a turn that has not ended', () => {
    const { snapshot } = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const turns = snapshot.turns.map((turn) => ({ ...turn, id: 't_2' }));
    const fork = { ...snapshot, id: 's_2', forkedFrom: 's_1', turns, seq: 0 };
    store.createSession(fork);
    expect(store.read('s_2')).toStrictEqual(fork);
    expect(() => store.createSession(newSession('s_3', { turns: [queuedTurn('t_3', 'p')] }))).toThrow(/t_3/);
    expect(store.read('s_3')).toBeUndefined();
  });

  it('refuses a session of another folder, and ids that are there', () => {
    expect(() => store.createSession(newSession('s_1', { folder: 'other' }))).toThrow(/another folder/);
    const { snapshot } = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    expect(() => store.createSession(newSession('s_1'))).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
    expect(() => store.createSession({ ...snapshot, id: 's_2' })).toThrow(/another session/);
    expect(store.read('s_2')).toBeUndefined();
  });

  it('keeps an open turn with its approval, and finds it again as unfinished', () => {
    const live = new Live(newSession('s_1'));
    store.createSession(live.snapshot);
    const approval = {
      id: 'a_1',
      turn: 't_1',
      item: 'i_1',
      createdAt: 5,
      decisions: ['accept', 'decline'] as const,
      request: { kind: 'command', command: 'npm test', cwd: '/' } as const,
    };
    live.append(store, { type: 'turn.queued', turn: queuedTurn('t_1', 'p') });
    live.append(
      store,
      { type: 'turn.started', turn: 't_1', at: 3, model: 'm' },
      { type: 'approval.requested', approval },
      { type: 'approval.requested', approval: { ...approval, id: 'a_2' } },
    );
    live.append(store, { type: 'turn.queued', turn: queuedTurn('t_2', 'q') });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.unfinished()).toStrictEqual([
      { session: 's_1', turn: live.snapshot.turns[0], hasInput: false },
      { session: 's_1', turn: live.snapshot.turns[1], hasInput: false },
    ]);
    live.append(store, { type: 'approval.resolved', approval: 'a_1', decision: 'accept', by: 'face', at: 6 });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.summary('s_1')?.state).toBe('waiting_for_approval');
    live.append(store, { type: 'turn.ended', turn: 't_1', at: 7, status: 'interrupted' });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.unfinished().map(({ turn }) => turn.id)).toEqual(['t_2']);
  });

  it('keeps what a queued turn needs until it starts or ends, and says which are held', () => {
    const live = new Live(newSession('s_1'));
    store.createSession(live.snapshot);
    const input = { input: [{ type: 'text', text: 'p \u0000 \ud800' }], settings: { model: 'm' } };
    for (const turn of ['t_1', 't_2', 't_3']) {
      const queued = live.apply({ type: 'turn.queued', turn: queuedTurn(turn, 'p') });
      store.append(live.snapshot, queued, turn === 't_3' ? {} : { input });
    }
    expect(store.unfinished().map(({ hasInput }) => hasInput)).toEqual([true, true, false]);
    live.append(store, { type: 'turn.held', turn: 't_1' }, { type: 'turn.held', turn: 't_2' });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.summary('s_1')).toMatchObject({ held: 2, state: 'queued', turns: 3 });
    expect(store.inputOf('t_1')).toStrictEqual(input);
    live.append(store, { type: 'turn.released', turn: 't_1' });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.inputOf('t_1')).toStrictEqual(input);
    live.append(store, { type: 'turn.started', turn: 't_1', at: 3 });
    expect(store.inputOf('t_1')).toBeUndefined();
    live.append(store, { type: 'turn.ended', turn: 't_2', at: 4, status: 'cancelled' });
    expect([store.inputOf('t_2'), store.summary('s_1')?.held]).toEqual([undefined, undefined]);
    expect(live.snapshot.turns.some(({ held }) => held === true)).toBe(false);
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
  });

  it('finds sessions by turn, key and thread', () => {
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    live.append(store, { type: 'session.thread', thread: 'thread-1' });
    const queued = live.apply({ type: 'turn.queued', turn: queuedTurn('t_2', 'p') });
    store.append(live.snapshot, queued, { idempotencyKey: 'key-1' });
    expect(store.sessionOfTurn('t_2')).toBe('s_1');
    expect(store.sessionOfTurn('t_9')).toBeUndefined();
    expect(store.turnByKey('key-1')).toEqual({ session: 's_1', turn: 't_2' });
    expect(store.turnByKey('key-2')).toBeUndefined();
    expect(store.sessionOfThread('thread-1')).toBe('s_1');
    live.append(store, { type: 'turn.ended', turn: 't_2', at: 1, status: 'cancelled' });
    expect(store.turnByKey('key-1')).toEqual({ session: 's_1', turn: 't_2' });
    live.append(store, { type: 'session.thread', thread: null });
    expect(store.sessionOfThread('thread-1')).toBeUndefined();
  });

  it('refuses the same key for a second turn, and then has changed nothing', () => {
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const queued = live.apply({ type: 'turn.queued', turn: queuedTurn('t_2', 'p') });
    store.append(live.snapshot, queued, { idempotencyKey: 'k' });
    const before = live.snapshot;
    const again = live.apply({ type: 'turn.queued', turn: queuedTurn('t_3', 'p') });
    expect(() => store.append(live.snapshot, again, { idempotencyKey: 'k' })).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
    expect(store.read('s_1')).toStrictEqual(before);
  });

  it('deletes a session with all that belongs to it', () => {
    const live = addSession(store, 's_1', { prompt: 'needle', answer: 'a' });
    live.append(store, { type: 'turn.queued', turn: queuedTurn('t_2', 'p') });
    live.append(store, { type: 'turn.started', turn: 't_2', at: 1 });
    store.deleteSession('s_1');
    expect(store.read('s_1')).toBeUndefined();
    expect(store.unfinished()).toEqual([]);
    expect(store.sessionOfTurn('t_2')).toBeUndefined();
    expect(store.list({ query: 'needle' }).sessions).toEqual([]);
    expect(() => live.append(store, { type: 'session.titled', title: 'x' })).toThrow(
      expect.objectContaining({ code: 'SESSION_NOT_FOUND' }),
    );
    store.deleteSession('s_1');
    addSession(store, 's_1', { prompt: 'again', answer: 'a' });
    expect(store.list({ query: 'needle' }).sessions).toEqual([]);
    expect(store.list({ query: 'again' }).sessions).toHaveLength(1);
  });

  it('lists archived sessions apart, and the state of each', () => {
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const other = addSession(store, 's_2', { prompt: 'p', answer: 'a', at: 3000 });
    live.append(store, { type: 'session.archived', archived: true });
    other.append(store, { type: 'turn.queued', turn: queuedTurn('t_5', 'p', 4000) });
    expect(store.list({}).sessions).toStrictEqual([summaryOf(other.snapshot)]);
    expect(store.list({ archived: true }).sessions).toStrictEqual([summaryOf(live.snapshot)]);
    other.append(store, { type: 'turn.started', turn: 't_5', at: 5000 });
    expect(store.list({}).sessions[0]?.state).toBe('running');
    other.append(store, { type: 'turn.ended', turn: 't_5', at: 6000, status: 'failed' });
    expect(store.list({}).sessions).toStrictEqual([summaryOf(other.snapshot)]);
    expect(store.list({}).sessions[0]?.state).toBe('failed');
  });

  it('knows the sessions that were not used, but for those with an open turn', () => {
    addSession(store, 's_1', { prompt: 'p', answer: 'a', at: 3000 });
    addSession(store, 's_2', { prompt: 'p', answer: 'a', at: 2000 });
    const open = addSession(store, 's_3', { prompt: 'p', answer: 'a', at: 1000 });
    open.append(store, { type: 'turn.queued', turn: queuedTurn('t_9', 'p', 1000) });
    addSession(store, 's_4', { prompt: 'p', answer: 'a', at: 5000 });
    expect(store.unusedSince(5000)).toEqual(['s_2', 's_1']);
  });

  it('writes a session again that lived on while the disk refused', () => {
    const live = addSession(store, 's_1', { prompt: 'first', answer: 'a' });
    // These never come to the store.
    live.apply(
      { type: 'session.titled', title: 'renamed' },
      { type: 'turn.queued', turn: queuedTurn('t_2', 'second') },
      { type: 'turn.started', turn: 't_2', at: 1, model: 'm' },
      { type: 'item.started', turn: 't_2', item: message('i', 'lost ') },
    );
    live.append(store, { type: 'item.delta', turn: 't_2', item: 'i', field: 'text', text: 'found' });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    live.append(store, { type: 'turn.usage', turn: 't_2', usage: tokens(10, 5, 2) });
    live.append(store, { type: 'turn.ended', turn: 't_2', at: 9, status: 'completed' });
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
    expect(store.list({ query: 'second' }).sessions).toHaveLength(1);
  });

  it('makes one commit of several appends, or none', () => {
    const one = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const two = addSession(store, 's_2', { prompt: 'p', answer: 'a' });
    const before = [one.snapshot, two.snapshot];
    expect(() =>
      store.transaction(() => {
        one.append(store, { type: 'session.titled', title: 'x' });
        two.append(store, { type: 'turn.queued', turn: queuedTurn('t_3', 'p') });
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect([store.read('s_1'), store.read('s_2')]).toStrictEqual(before);
    const answer = store.transaction(() => {
      one.append(store, { type: 'session.titled', title: 'y' });
      // What fails inside takes back itself only.
      expect(() => store.createSession(newSession('s_1'))).toThrow();
      two.append(store, { type: 'session.titled', title: 'z' });
      return 42;
    });
    expect(answer).toBe(42);
    expect([store.read('s_1'), store.read('s_2')]).toStrictEqual([one.snapshot, two.snapshot]);
  });

  it('refuses everything once closed, and may be closed twice', () => {
    store.close();
    store.close();
    // Whoever asks while the bridge leaves is not sent to look at the disk.
    const stopping = expect.objectContaining({ code: 'BRIDGE_STOPPING' });
    expect(() => store.list({})).toThrow(stopping);
    expect(() => store.createSession(newSession('s_1'))).toThrow(stopping);
  });
});

describe('cursors', () => {
  it('lead through 1,000 sessions without a gap or a double, in order of use', () => {
    const store = dir.open({ file: ':memory:' });
    store.transaction(() => {
      for (let i = 0; i < 1000; i++) {
        const id = `s_${String(i).padStart(4, '0')}`;
        // Many with the same time: the order among them is by id.
        store.createSession(newSession(id, { updatedAt: Math.floor(i / 7) }));
      }
    });
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = store.list({ limit: 37, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.sessions.map(({ id }) => id));
      cursor = page.cursor;
      pages++;
    } while (cursor !== undefined);
    expect(pages).toBe(28);
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => `s_${String(999 - i).padStart(4, '0')}`));
  });

  it('go on after the same session when others were deleted or came', () => {
    const store = dir.open({ file: ':memory:' });
    for (let i = 0; i < 6; i++) store.createSession(newSession(`s_${i}`, { updatedAt: i }));
    const { sessions, cursor } = store.list({ limit: 2 });
    expect(sessions.map(({ id }) => id)).toEqual(['s_5', 's_4']);
    store.deleteSession('s_4');
    store.createSession(newSession('s_9', { updatedAt: 9 }));
    const next = store.list({ limit: 10, cursor: cursor ?? '' });
    expect(next.sessions.map(({ id }) => id)).toEqual(['s_3', 's_2', 's_1', 's_0']);
    expect(next.cursor).toBeUndefined();
  });

  it.each([
    '',
    'nonsense',
    '!!!',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('{"a":1}').toString('base64url'),
    Buffer.from('["1","s"]').toString('base64url'),
    'x'.repeat(100_000),
  ])('refuse nonsense (%#)', (cursor) => {
    const store = dir.open({ file: ':memory:' });
    expect(() => store.list({ cursor })).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
  });

  it('bound the page', () => {
    const store = dir.open({ file: ':memory:' });
    store.transaction(() => {
      for (let i = 0; i < 501; i++) store.createSession(newSession(`s_${i}`));
    });
    expect(store.list({}).sessions).toHaveLength(50);
    expect(store.list({ limit: 10_000 }).sessions).toHaveLength(500);
    expect(store.list({ limit: 0 }).sessions).toHaveLength(1);
  });
});

describe('the file', () => {
  it.skipIf(process.platform === 'win32')('can be read by its owner only', async () => {
    const store = dir.open();
    addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    expect((await stat(dirname(dir.file))).mode & 0o777).toBe(0o700);
    for (const side of ['', '-wal', '-shm']) {
      expect((await stat(dir.file + side)).mode & 0o777).toBe(0o600);
    }
  });

  it('is synced at each commit', () => {
    dir.open().close();
    const db = Database.open(dir.file);
    try {
      expect(db.get('PRAGMA journal_mode')).toMatchObject({ journal_mode: 'wal' });
      // 2 is FULL: only a power cut could tell, and a test can't make one.
      expect(db.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 });
      expect(db.get('PRAGMA foreign_keys')).toMatchObject({ foreign_keys: 1 });
    } finally {
      db.close();
    }
  });

  it('is synced beside where a commit did not wait for it', async () => {
    const store = dir.open();
    addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    // Without its log a sync fails: so it is the log that is synced, and only when something is new in it.
    await rename(`${dir.file}-wal`, `${dir.file}-away`);
    await store.sync();
    const write = () => store.transaction(() => store.deleteSession('s_1'), 'written');
    write();
    await expect(store.sync()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
    // Neither that it failed nor a commit of nothing makes it synced.
    store.transaction(() => {});
    await expect(store.sync()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
    await rename(`${dir.file}-away`, `${dir.file}-wal`);
    write();
    const [first, second] = [store.sync(), store.sync()];
    expect(second).toBe(first);
    await first;
    write();
    store.close();
    await store.sync();
  });

  it('has what it had, after it was opened again', () => {
    const first = dir.open();
    const live = addSession(first, 's_1', { prompt: 'p', answer: 'a' });
    live.append(first, { type: 'turn.queued', turn: queuedTurn('t_2', 'p') });
    first.close();
    const second = dir.open();
    expect(second.read('s_1')).toStrictEqual(live.snapshot);
    expect(second.recovered).toBeUndefined();
  });
});
