import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToolSet } from '../../src/bridge/mcp/toolSet.ts';
import type { ToolProfile } from '../../src/shared/settings.ts';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';

/** Words that a client may look for, and the tool that has to come up. */
const SEARCHES: Readonly<Record<string, string>> = {
  prompt: 'ask',
  conversation: 'chat_start',
  steps: 'plan',
  'unified diff': 'patch',
  'running turn': 'wait',
  correction: 'steer',
  interrupt: 'cancel',
  approvals: 'status',
  hangs: 'restart',
  export: 'history',
};

describe('the tools', () => {
  const { definitions } = new ToolSet();

  it('have short, exact descriptions, each its own', () => {
    for (const { name, title, description, inputSchema } of definitions) {
      expect(description.length, name).toBeLessThanOrEqual(300);
      expect(description.length, name).toBeGreaterThan(40);
      expect(description, name).toMatch(/^[A-Z].*\.$/s);
      expect(title.length, name).toBeLessThan(50);
      const { properties } = inputSchema as unknown as {
        properties: Record<string, { description?: string }>;
      };
      for (const [argument, { description: about = '' }] of Object.entries(properties)) {
        expect(about.length, `${name}.${argument}`).toBeLessThanOrEqual(160);
      }
    }
    expect(new Set(definitions.map(({ description }) => description)).size).toBe(definitions.length);
  });

  it('are found by the words that one would look for', () => {
    for (const [word, name] of Object.entries(SEARCHES)) {
      const tool = definitions.find((one) => one.name === name);
      expect(tool?.description.toLowerCase(), name).toContain(word);
    }
  });

  it('cost a client that loads all of them no more than this', () => {
    // Characters of JSON without the schemas of results, at about four to a token.
    const size = (profile: ToolProfile) =>
      JSON.stringify(
        new ToolSet()
          .listed(profile)
          .map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
      ).length;
    expect(size('all')).toBeLessThan(24_000);
    expect(size('core')).toBeLessThan(14_000);
    expect(size('compat')).toBeLessThan(4_000);
  });
});

describe.each(ERAS)('tool profiles in MCP %s', (era) => {
  let doors: Doors;
  let client: TestClient;

  beforeEach(async () => {
    doors = await openDoors();
    client = await connectClient(era, {
      url: doors.http.folderUrl(doors.home.info.key),
      token: doors.tokens.folder(doors.home.info.key),
    });
  });
  afterEach(async () => {
    await client.close();
    await doors.close();
  });

  function choose(toolProfile: ToolProfile): void {
    const { settings } = doors.bridge;
    doors.bridge.setSettings({ ...settings, mcp: { ...settings.mcp, toolProfile } });
  }

  it('list what was chosen, and tell clients when it changes', async () => {
    const changes: string[] = [];
    await client.listen([], (what) => changes.push(what));
    const all = (await client.tools()).map(({ name }) => name);
    // The stream that carries notifications of the older era opens some time after the handshake.
    for (let odd = false; !changes.includes('tools'); odd = !odd) {
      choose(odd ? 'all' : 'core');
      await setImmediate();
    }
    choose('core');
    const core = (await client.tools()).map(({ name }) => name);
    expect(core).toEqual(all.filter((name) => core.includes(name)));
    expect(core).toContain('ask');
    expect(core).not.toContain('history');
    choose('all');
    expect((await client.tools()).map(({ name }) => name)).toEqual(all);
  });

  it('a tool that is not listed still answers: what runs can be waited for', async () => {
    choose('compat');
    expect((await client.call('ask', { prompt: 'p' })).data).toMatchObject({ answer: 'Echo: p' });
  });
});

describe.each(ERAS)('wait for several turns in MCP %s', (era) => {
  let doors: Doors;
  let client: TestClient;

  beforeEach(async () => {
    doors = await openDoors({ folders: 2 });
    client = await connectClient(era, {
      url: doors.http.folderUrl(doors.home.info.key),
      token: doors.tokens.folder(doors.home.info.key),
    });
  });
  afterEach(async () => {
    await client.close();
    await doors.close();
  });

  async function started(count: number) {
    doors.home.script = (session, turn) => session.start(turn);
    const turns = [];
    for (let i = 0; i < count; i++) {
      const { data } = await client.call('ask', { prompt: `p${i}`, background: true });
      turns.push({ turn: String(data['turn']), session: doors.home.session(String(data['session'])) });
    }
    return turns;
  }

  it('all: returns with the last one, answers in the order that was asked for', async () => {
    const [a, b] = await started(2);
    if (a === undefined || b === undefined) throw new Error('no turns');
    const waiting = client.call('wait', { turns: [a.turn, b.turn, a.turn] });
    while (b.session.listenerCount === 0) await setImmediate();
    b.session.say(b.turn, 'second');
    b.session.end(b.turn, 'completed');
    await setImmediate();
    expect(a.session.listenerCount).toBeGreaterThan(0);
    a.session.say(a.turn, 'first');
    a.session.end(a.turn, 'failed', { code: 'MODEL_ERROR', message: 'm' });
    const { data, isError, text } = await waiting;
    expect(isError).toBe(false);
    expect(data).toMatchObject({
      turns: [
        { turn: a.turn, status: 'failed', answer: 'first', error: { code: 'MODEL_ERROR' } },
        { turn: b.turn, status: 'completed', answer: 'second' },
      ],
      ended: [a.turn, b.turn],
      running: [],
    });
    expect(text).toContain('second');
    expect(a.session.listenerCount + b.session.listenerCount).toBe(0);
  });

  it('any: returns with the first one, and says which still run', async () => {
    const [a, b] = await started(2);
    if (a === undefined || b === undefined) throw new Error('no turns');
    const messages: string[] = [];
    const waiting = client.call(
      'wait',
      { turns: [a.turn, b.turn], until: 'any' },
      { onProgress: ({ message }) => messages.push(message) },
    );
    while (b.session.listenerCount === 0) await setImmediate();
    b.session.end(b.turn, 'completed');
    expect((await waiting).data).toMatchObject({
      ended: [b.turn],
      running: [a.turn],
      next: expect.stringContaining(a.turn),
    });
    expect(messages.every((message) => /^[12]\/2 /.test(message))).toBe(true);
    expect(a.session.listenerCount).toBe(0);
  });

  it('a finished one counts, and the time is bounded', async () => {
    const [a, b] = await started(2);
    if (a === undefined || b === undefined) throw new Error('no turns');
    a.session.end(a.turn, 'completed');
    expect((await client.call('wait', { turns: [b.turn, a.turn], until: 'any' })).data).toMatchObject({
      ended: [a.turn],
    });
    const waiting = client.call('wait', { turns: [b.turn], wait_seconds: 5 });
    while (b.session.listenerCount === 0) await setImmediate();
    doors.clock.advance(5_000);
    expect((await waiting).data).toMatchObject({ turns: [{ status: 'running' }], running: [b.turn] });
  });

  it('a wrong one is refused before anything is waited for', async () => {
    const [a] = await started(1);
    const other = doors.other.createSession({});
    const { turn: foreign } = await other.prompt({ prompt: 'p', source: { kind: 'window' } });
    for (const turn of ['t_none', foreign]) {
      const { data, isError } = await client.call('wait', { turns: [a?.turn, turn] });
      expect(isError).toBe(true);
      expect(data['error']).toMatchObject({ code: 'TURN_NOT_FOUND', message: expect.stringContaining(turn) });
    }
    for (const args of [
      { turns: [a?.turn], turn: a?.turn },
      { turns: [a?.turn], cursor: 'x' },
      { turns: [] },
      { turn: a?.turn, until: 'any' },
      {},
    ]) {
      expect((await client.call('wait', args)).data['error']).toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});
