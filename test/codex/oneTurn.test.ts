import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { answerOf, type SessionId, type TurnId } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { joinBridge } from '../support/faces.ts';
import { connectClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

const RUNNING = 4;
const source = { kind: 'cli' } as const;

let bridge: RealBridge;

beforeAll(async () => {
  const limits = { ...DEFAULT_SETTINGS.limits, runningTurns: RUNNING };
  bridge = await startRealBridge({ settings: { limits } });
});
afterAll(() => bridge.close());

const create = () => bridge.folder(0).createSession({});
const asked = (prompt: string) => bridge.model.prompts().filter((one) => one === prompt).length;

describe('B15: the same request comes again', () => {
  /** One request of a client of 2025-11-25, as it goes over the wire. Answers what came for it, and its session. */
  async function post(message: object, session?: string, signal?: AbortSignal) {
    const { url, token } = bridge.endpoints;
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      signal: signal ?? AbortSignal.timeout(20_000),
    });
    const body = await response.text();
    const data =
      body
        .split('\n')
        .findLast((line) => line.startsWith('data: {'))
        ?.slice(6) ?? body;
    const answer: { result?: { structuredContent?: Record<string, unknown> } } =
      data === '' ? {} : JSON.parse(data);
    return {
      session: response.headers.get('mcp-session-id') ?? undefined,
      data: answer.result?.structuredContent,
    };
  }

  it('B15: a POST that is sent again, while its turn runs and after it, finds that turn', async () => {
    const gate = new Latch();
    bridge.model.script(() => [words(['Once ', 'only'], (i) => (i === 1 ? gate.wait() : undefined))]);
    const { session } = await post({
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'again', version: '1' },
      },
    });
    await post({ method: 'notifications/initialized' }, session);
    const call = { method: 'tools/call', params: { name: 'ask', arguments: { prompt: 'once' } } };
    const hangsUp = new AbortController();
    const first = post({ id: 7, ...call }, session, hangsUp.signal);
    await bridge.model.request(({ prompt }) => prompt === 'once');
    hangsUp.abort();
    await expect(first).rejects.toThrow();
    const again = post({ id: 7, ...call }, session);
    gate.open();
    const { data } = await again;
    expect(data).toMatchObject({ answer: 'Once only', status: 'completed' });
    expect((await post({ id: 7, ...call }, session)).data).toMatchObject({ turn: data?.['turn'] });
    expect(asked('once')).toBe(1);
    // Another request with the same words is another prompt.
    const other = await post({ id: 8, ...call }, session);
    expect(other.data?.['turn']).not.toBe(data?.['turn']);
    expect(asked('once')).toBe(2);
  });

  it('B15: one key at the same time from clients of both eras and a window: one turn', async () => {
    bridge.model.script(() => [text('Kept.')]);
    const clients = await Promise.all([
      connectClient('2025-11-25', bridge.endpoints),
      connectClient('2026-07-28', bridge.endpoints),
    ]);
    const window = await joinBridge(bridge.stateDir, false);
    const session = create();
    const key = { prompt: 'one key', session: session.id, idempotency_key: 'the key' };
    const turns = await Promise.all([
      ...[...clients, ...clients].map(async (client) => (await client.call('chat_msg', key)).data['turn']),
      window.rpc
        .request('session.prompt', {
          ...{ session: session.id, prompt: 'one key', idempotencyKey: 'the key' },
          source: { kind: 'window' },
        })
        .then(({ turn }) => turn),
    ]);
    expect(new Set(turns).size).toBe(1);
    expect(session.snapshot.turns).toHaveLength(1);
    expect(asked('one key')).toBe(1);
    window.dispose();
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('B16: a cancel races the completion', () => {
  it('B16: cancelled at the moment of its completion a turn has one end, the same for everybody, and the session goes on', async () => {
    bridge.model.script(({ prompt }) => [words(['All ', 'done ', prompt])]);
    const session = create();
    const events: SessionEvent[] = [];
    session.onChange(({ event }) => events.push(event));
    const ends: string[] = [];
    const race = async (moment: SessionEvent['type'], ticks: number) => {
      const prompt = `race ${moment} ${ticks}`;
      const come = happens(session, moment);
      const { turn } = await session.prompt({ prompt, source });
      await come;
      for (let i = 0; i < ticks; i++) await setImmediate();
      // Two at once: of those who ask for it nobody waits for ever, and too late is an answer.
      const cancels = [session.cancel(turn), session.cancel(turn)].map((one) =>
        one.then(
          () => 'ended',
          ({ code }) => code,
        ),
      );
      const ended = await session.ended(turn);
      ends.push(ended.status);
      expect(['completed', 'cancelled']).toContain(ended.status);
      if (ended.status === 'completed') expect(answerOf(ended)).toBe(`All done ${prompt}`);
      for (const cancel of await Promise.all(cancels))
        expect(['ended', 'TURN_NOT_RUNNING']).toContain(cancel);
    };
    for (const moment of ['turn.accepted', 'item.delta', 'item.completed'] as const) {
      for (const ticks of [0, 1, 2, 4, 8, 16]) await race(moment, ticks);
    }
    // Later and later where Codex takes long to say that it is done.
    for (let ticks = 32; !ends.includes('completed') && ticks < 100_000; ticks *= 2)
      await race('item.completed', ticks);
    // It was a race: both have won.
    expect(new Set(ends)).toEqual(new Set(['completed', 'cancelled']));
    const told = events.flatMap((event) => (event.type === 'turn.ended' ? [event.status] : []));
    expect(told).toEqual(ends);
    const stored = JSON.parse(bridge.folder(0).exportSession(session.id, 'json')).session;
    expect(stored.turns.map(({ status }: { status: string }) => status)).toEqual(ends);
    const { turn } = await session.prompt({ prompt: 'and now', source });
    expect(answerOf(await session.ended(turn))).toBe('All done and now');
    const prompts = bridge.model.prompts().filter((prompt) => prompt.startsWith('race '));
    expect(new Set(prompts).size).toBe(prompts.length);
  });

  function happens(session: Session, type: SessionEvent['type']): Promise<void> {
    return new Promise((resolve) => {
      const subscription = session.onChange(({ event }) => {
        if (event.type !== type) return;
        // Of the items only the answer: the prompt is one, too.
        if (event.type === 'item.completed' && event.item.type !== 'agent_message') return;
        subscription.dispose();
        resolve();
      });
    });
  }
});

describe('B20: many sessions', () => {
  it('B20: of 100 sessions that are prompted at once no more run than the limit, the rest in their order', async () => {
    let atTheModel = 0;
    let most = 0;
    bridge.model.script(({ prompt }) => [
      words([prompt, ' is', ' done'], (index) => {
        if (index === 0) most = Math.max(most, ++atTheModel);
        if (index === 2) atTheModel--;
      }),
    ]);
    const queued: SessionId[] = [];
    const started: SessionId[] = [];
    const running = new Set<TurnId>();
    let mostRunning = 0;
    const sessions = Array.from({ length: 100 }, create);
    for (const session of sessions) {
      session.onChange(({ event }) => {
        if (event.type === 'turn.queued') queued.push(session.id);
        if (event.type === 'turn.started') started.push(session.id);
        if (event.type === 'turn.started') running.add(event.turn);
        if (event.type === 'turn.ended') running.delete(event.turn);
        mostRunning = Math.max(mostRunning, running.size);
      });
    }
    const ended = await Promise.all(
      sessions.map(async (session, index) => {
        const { turn } = await session.prompt({ prompt: `of many ${index}`, source });
        return session.ended(turn);
      }),
    );
    expect(ended.map((turn) => [turn.status, answerOf(turn)])).toEqual(
      sessions.map((_, index) => ['completed', `of many ${index} is done`]),
    );
    expect(queued).toHaveLength(100);
    // Those that have places at the same time make room and begin beside each other.
    const ahead = queued.map((id, index) => index - started.indexOf(id));
    expect(Math.max(...ahead)).toBeLessThan(RUNNING);
    expect(started.toSorted()).toEqual(queued.toSorted());
    expect([mostRunning, Math.min(most, RUNNING)]).toEqual([RUNNING, most]);
    expect(bridge.folder(0).status()).toMatchObject({ running: 0, queued: 0 });
    expect(bridge.model.prompts().filter((prompt) => prompt.startsWith('of many '))).toHaveLength(100);
  }, 60_000);
});
