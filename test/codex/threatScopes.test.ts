import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SessionSnapshot } from '../../src/shared/session.ts';
import { connectClient, ERAS, type Era, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { stall } from '../support/scriptedModel.ts';

// Two folders, a client with the token of each. What is the first one's is tried with the second one's token.

const SECRET = 'heron-secret';

let bridge: RealBridge;
/** The first folder's: a turn that runs, and one that is done. */
let mine: { session: string; turn: string; done: string; thread: string; path: string; key: string };

beforeAll(async () => {
  bridge = await startRealBridge({ folders: 2 });
  const client = await connect('2026-07-28', 0);
  const first = await client.call('ask', { prompt: `!patch ${SECRET}.txt ${SECRET}` });
  const session = String(first.data['session']);
  bridge.model.script(() => [stall()]);
  const running = await client.call('chat_msg', { session, prompt: SECRET, background: true });
  await client.close();
  await vi.waitUntil(() => bridge.model.prompts().includes(SECRET), { timeout: 20_000 });
  const { info } = bridge.folder(0);
  mine = {
    session,
    turn: String(running.data['turn']),
    done: String(first.data['turn']),
    thread: truth().thread ?? '',
    path: info.path,
    key: info.key,
  };
  expect(mine.thread).not.toBe('');
});
afterAll(() => bridge.close());

function endpoint(index: number): { url: string; token: string } {
  return bridge.endpoints.folders[index] ?? expect.fail();
}

function connect(era: Era, index: number): Promise<TestClient> {
  return connectClient(era, endpoint(index));
}

const truth = (): SessionSnapshot => bridge.folder(0).session(mine?.session ?? newest()).snapshot;
/** What a caller could have changed, and nothing that goes on by itself. */
const stand = () => {
  const { title, archived, settings, turns } = truth();
  return {
    title,
    archived,
    settings,
    turns: turns.map(({ id, prompt, status }) => ({ id, prompt, status })),
  };
};
const newest = () => bridge.folder(0).list({ limit: 1 }).sessions[0]?.id ?? '';

/** Every way in which a tool can be told of what is another folder's. */
function tries(): Record<string, Record<string, unknown>[]> {
  const { session, turn, done, thread, path, key } = mine;
  const prompt = 'x';
  const places = [{ folder: path }, { folder: key }, { folder: `${path}/../f0` }];
  const all = (base: object) => [{ ...base, session }, ...places.map((place) => ({ ...base, ...place }))];
  return {
    ask: all({ prompt }),
    chat_start: places,
    chat_msg: [
      { session, prompt },
      { session, turn },
      { session, prompt, folder: key },
    ],
    plan: all({ prompt }),
    patch: [...all({ prompt }), { turn: done }, { turn: done, mode: 'apply' }],
    review: all({ target: 'custom', instructions: prompt }),
    wait: [{ turn }, { turn: done }, { turns: [turn, done], until: 'any' }, { session }],
    steer: [{ turn, prompt }],
    cancel: [{ turn }, { session }],
    status: [{ turn }, ...all({})],
    restart: places,
    history: [
      ...['read', 'export', 'delete', 'fork', 'archive', 'unarchive'].map((action) => ({ action, session })),
      { action: 'rename', session, title: 'taken' },
      ...places.map((place) => ({ action: 'list', ...place })),
      { action: 'search', query: SECRET, folder: path },
      { action: 'import', data: '{}', folder: key },
    ],
    codex: [{ prompt, cwd: path }],
    'codex-reply': [session, thread].flatMap((id) => [
      { prompt, threadId: id },
      { prompt: '', conversationId: id },
    ]),
  };
}

/** Arguments by which a caller names what may be another's. */
const NAMING = ['session', 'turn', 'turns', 'folder', 'cwd', 'threadId', 'conversationId'];

describe.each(ERAS)('A19: another folder’s token, %s', (era) => {
  let other: TestClient;

  beforeAll(async () => {
    other = await connect(era, 1);
  });
  afterAll(() => other.close());

  it('A19: no tool finds the session, turn, thread or folder by any of its arguments', async () => {
    const before = stand();
    const prompts = bridge.model.requests.length;
    for (const [tool, attempts] of Object.entries(tries())) {
      for (const args of attempts) {
        const { data, text, isError } = await other.call(tool, args);
        expect([tool, args, isError]).toEqual([tool, args, true]);
        expect(data['error']).toMatchObject({
          code: expect.stringMatching(/^(?:SESSION_NOT_FOUND|TURN_NOT_FOUND|FOLDER_UNKNOWN)$/),
        });
        expect(text + JSON.stringify(data)).not.toContain(SECRET);
      }
    }
    expect(stand()).toEqual(before);
    expect(bridge.model.requests.length).toBe(prompts);
    expect(bridge.folder(1).list({ limit: 10 }).sessions).toEqual([]);
  });

  it('A19: no argument of a tool by which something is named was left out above', async () => {
    const listed = new Map((await other.tools()).map(({ name, inputSchema }) => [name, inputSchema]));
    for (const [name, schema] of listed) {
      // A JSON schema, by the protocol.
      const { properties } = schema as { properties: object };
      const naming = Object.keys(properties).filter((property) => NAMING.includes(property));
      const tried = (tries()[name] ?? []).flatMap((args) => Object.keys(args));
      for (const property of naming)
        expect([name, tried]).toEqual([name, expect.arrayContaining([property])]);
    }
  });

  it('A19: nothing that can be listed, read or completed shows it', async () => {
    expect(JSON.stringify(await other.resources())).not.toContain(mine.session);
    for (const part of ['', '/diff', '/screen']) {
      await expect(other.read(`codex://sessions/${mine.session}${part}`)).rejects.toThrow(
        /not found|no terminal/i,
      );
    }
    expect(await other.read('codex://sessions')).not.toContain(mine.key);
    expect(await other.complete('continue', 'session', mine.session.slice(0, 4))).toEqual([]);
    expect(
      JSON.stringify((await other.call('history', { action: 'search', query: SECRET })).data),
    ).not.toContain(mine.session);
    const status = await other.call('status', {});
    expect(status.text + JSON.stringify(status.data)).not.toContain(mine.key);
  });
});

const BODY = { jsonrpc: '2.0', id: 1 };
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};

function post(
  { url, token }: { url: string; token: string },
  init: { headers?: object; body?: object; method?: string },
) {
  return fetch(url, {
    method: init.method ?? 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify({ ...BODY, ...init.body }) }),
  });
}

it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
  'A19: %s finds no task of another folder',
  async (method) => {
    const ask = async (index: number, taskId: string) => {
      const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, 'Mcp-Name': taskId };
      const body = { method, params: { taskId, inputResponses: {}, _meta: META } };
      return (await post(endpoint(index), { headers, body })).text();
    };
    const before = stand();
    expect(await ask(1, mine.turn)).toContain('"error"');
    expect(stand()).toEqual(before);
    // The right token finds it, so that it was the token above.
    expect(await ask(0, mine.done)).toContain('"result"');
  },
);

it('A19: an MCP session answers to no token but its own, and no other one ends it', async () => {
  const initialize = {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  };
  const everything = { url: bridge.endpoints.url, token: bridge.endpoints.token };
  const begun = await post(endpoint(0), { body: initialize });
  const headers = { 'Mcp-Session-Id': begun.headers.get('mcp-session-id') ?? '' };
  const list = { method: 'tools/list' };
  for (const wrong of [endpoint(1), everything]) {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const refused = await post(wrong, { headers, method, ...(method === 'POST' ? { body: list } : {}) });
      expect([method, refused.status]).toEqual([method, 404]);
    }
  }
  // The right path with the wrong token.
  expect((await post({ ...endpoint(0), token: endpoint(1).token }, { headers, body: list })).status).toBe(
    403,
  );
  expect((await post(endpoint(0), { headers, body: list })).status).toBe(200);
});

it.each(ERAS)('A19: nobody hears of what changes in another folder, %s', async (era) => {
  const other = await connect(era, 1);
  try {
    const uri = `codex://sessions/${mine.session}`;
    const heard: string[] = [];
    await other.listen([uri, 'codex://sessions'], (what) => heard.push(what));
    bridge.folder(0).session(mine.session).rename(`renamed for ${era}`);
    await other.call('chat_start', { title: era });
    // Told in order: what came of the other folder would have come before.
    await expect.poll(() => heard, { timeout: 20_000 }).toContain('codex://sessions');
    expect(heard).not.toContain(uri);
  } finally {
    await other.close();
  }
});
