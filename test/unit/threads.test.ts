import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CodexClient } from '../../src/bridge/codex/client.ts';
import { CodexRefusedError } from '../../src/bridge/codex/codexRefused.ts';
import { JsonRpcError } from '../../src/bridge/codex/jsonRpc.ts';
import type { CodexLink } from '../../src/bridge/folders/codexHost.ts';
import type { LiveSession } from '../../src/bridge/sessions/liveSession.ts';
import { conversationOf, MAX_RESTORED, Threads } from '../../src/bridge/sessions/threads.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import type { SessionSnapshot, TurnSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

function turn(prompt: string, answer: string, more: Partial<TurnSnapshot> = {}): TurnSnapshot {
  return queuedTurn(`t_${prompt.slice(0, 10)}`, {
    prompt,
    status: 'completed',
    items: [{ id: 'i', type: 'agent_message', status: 'completed', startedAt: 1, text: answer }],
    ...more,
  });
}

describe('the earlier conversation', () => {
  test('of nothing said is empty', () => {
    expect(conversationOf(sessionWith([]))).toBe('');
    expect(
      conversationOf(
        sessionWith([
          turn('a', 'x', { status: 'queued' }),
          turn('b', 'x', { status: 'running' }),
          turn('c', '', { status: 'failed' }),
          turn('d', '', { status: 'cancelled' }),
        ]),
      ),
    ).toBe('');
  });

  test('is what was asked and answered, in order, interrupted answers too', () => {
    const text = conversationOf(
      sessionWith([
        turn('one', 'first'),
        turn('two', 'half of', { status: 'interrupted' }),
        turn('three', ''),
      ]),
    );
    expect(text).toContain('User:\none\n\nAssistant:\nfirst\n\nUser:\ntwo\n\nAssistant:\nhalf of');
    expect(text.indexOf('three')).toBeGreaterThan(text.indexOf('two'));
    expect(text).toMatch(/no longer available.*The user goes on:$/s);
  });

  test('keeps the newest turns, and says that it left out others', () => {
    const turns = Array.from({ length: 100 }, (_, i) => turn(`p${i}.`, `a${i}.${'x'.repeat(1500)}`));
    const text = conversationOf(sessionWith(turns));
    expect(text).toContain('p99.');
    expect(text).not.toContain('p0.');
    expect(text.indexOf('(Earlier turns are left out.)')).toBeLessThan(text.indexOf('User:'));
    expect(text.length).toBeGreaterThan(MAX_RESTORED / 2);
  });

  test('is bounded and whole text, whatever was said', () => {
    const long = fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 8000 }))
      .map(([text, times]) => text.repeat(times));
    fc.assert(
      fc.property(fc.array(fc.tuple(long, long), { minLength: 1, maxLength: 4 }), (said) => {
        const text = conversationOf(sessionWith(said.map(([prompt, answer]) => turn(prompt, answer))));
        expect(text.length).toBeLessThan(MAX_RESTORED + 1000);
        expect(text.isWellFormed()).toBe(true);
        expect(text).toContain((said.at(-1)?.[0] ?? '').slice(0, 20).toWellFormed().slice(0, -1));
      }),
      { numRuns: 50 },
    );
  });
});

/** Codex as far as threads go: what it was asked, and whether it still knows a thread. */
function codex(generation: number) {
  const calls: [string, Record<string, unknown>][] = [];
  let lost = false;
  let next = 1;
  const client = {
    async call(method: string, params: Record<string, unknown>) {
      calls.push([method, params]);
      if (method === 'thread/resume' && lost)
        throw new CodexRefusedError(method, new JsonRpcError(-32600, 'no rollout found for thread id x'));
      const id = method === 'thread/resume' ? params['threadId'] : `thread-${generation}-${next++}`;
      return { thread: { id }, model: params['model'] ?? 'own', reasoningEffort: null };
    },
  };
  // Only `call` is used.
  const link: CodexLink = { client: client as unknown as CodexClient, generation };
  return { calls, link, lose: () => (lost = true), methods: () => calls.map(([method]) => method) };
}

/** What threads use of a session: its head, and a place for events. */
function live(snapshot: SessionSnapshot): LiveSession {
  const session = {
    id: snapshot.id,
    head: snapshot,
    emit(event: SessionEvent) {
      session.head = reduce(session.head, { seq: session.head.seq + 1, event });
    },
  };
  // Only these are used.
  return session as unknown as LiveSession;
}

function threads() {
  return new Threads({ folder: '/f', settings: () => DEFAULT_SETTINGS });
}

const noDefault = () => undefined;

describe('a thread', () => {
  test('is started once, read-only, and resumed by another Codex', async () => {
    const all = threads();
    const session = live(sessionWith([]));
    const one = codex(1);
    const { thread, model, restored } = await all.load(session, one.link);
    expect({ thread, model, restored }).toEqual({ thread: 'thread-1-1', model: 'own' });
    expect(session.head.thread).toBe('thread-1-1');
    await all.load(session, one.link);
    expect(one.calls).toEqual([
      ['thread/start', { cwd: '/f', sandbox: 'read-only', approvalPolicy: 'on-request' }],
    ]);
    const two = codex(2);
    expect(await all.load(session, two.link)).toEqual({ thread: 'thread-1-1', model: 'own' });
    expect(two.calls).toMatchObject([
      ['thread/resume', { threadId: 'thread-1-1', sandbox: 'read-only', approvalPolicy: 'on-request' }],
    ]);
    expect(all.loaded()).toEqual([session.id]);
  });

  test('that is lost is replaced, and the conversation told until a turn has it', async () => {
    const all = threads();
    const session = live({ ...sessionWith([turn('one', 'first')]), thread: 'old' });
    const { link, lose, methods } = codex(1);
    lose();
    expect((await all.load(session, link)).restored).toContain('one');
    // Nobody has sent it: cancelled in between.
    expect((await all.load(session, link)).restored).toContain('one');
    expect(await all.fork(session, link, 's_fork')).toBeUndefined();
    all.accepted(session.id, {});
    expect((await all.load(session, link)).restored).toBeUndefined();
    expect(methods()).toEqual(['thread/resume', 'thread/start']);
    expect(await all.fork(session, link, 's_fork')).toBe('thread-1-2');
  });

  test('that Codex will not resume for another reason stays', async () => {
    const all = threads();
    const session = live({ ...sessionWith([]), thread: 'old' });
    const client = {
      call: async (method: string) => {
        throw new CodexRefusedError(method, new JsonRpcError(-32600, 'already has an active writer'));
      },
    };
    // Only `call` is used.
    const link: CodexLink = { client: client as unknown as CodexClient, generation: 1 };
    await expect(all.load(session, link)).rejects.toMatchObject({ code: 'CODEX_REFUSED' });
    expect(session.head.thread).toBe('old');
    expect(all.loaded()).toEqual([]);
  });

  test('is unloaded in the Codex that has it, and only there', async () => {
    const all = threads();
    const session = live(sessionWith([]));
    const one = codex(1);
    await all.load(session, one.link);
    await all.unload(session.id, one.link);
    expect(one.methods()).toEqual(['thread/start', 'thread/unsubscribe']);
    await all.unload(session.id, one.link);
    await all.load(session, one.link);
    const two = codex(2);
    await all.unload(session.id, two.link);
    expect(two.calls).toEqual([]);
    expect(all.loaded()).toEqual([]);
  });
});

describe('the choice of model and effort', () => {
  test('is the thread’s own again after a turn that asked for another', async () => {
    const all = threads();
    const session = live(sessionWith([]));
    await all.load(session, codex(1).link);
    expect(all.choice(session.id, {}, () => 'medium')).toEqual({});
    const asked = { model: 'other', effort: 'high' };
    expect(all.choice(session.id, asked, () => 'medium')).toEqual(asked);
    all.accepted(session.id, asked);
    expect(all.choice(session.id, {}, (model) => `${model}’s`)).toEqual({ model: 'own', effort: 'own’s' });
    expect(all.choice(session.id, { model: 'other' }, (model) => `${model}’s`)).toEqual({
      model: 'other',
      effort: 'other’s',
    });
    expect(all.choice(session.id, {}, noDefault)).toEqual({ model: 'own' });
    expect(all.choice('s_not_loaded', { effort: 'low' }, noDefault)).toEqual({ effort: 'low' });
  });
});
