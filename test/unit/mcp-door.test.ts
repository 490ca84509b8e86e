import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';

const TOOLS = [
  'ask',
  'chat_start',
  'chat_msg',
  'plan',
  'patch',
  'review',
  'wait',
  'steer',
  'cancel',
  'status',
  'restart',
  'history',
  'codex',
  'codex-reply',
];

describe.each(ERAS)('MCP %s', (era) => {
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

  /** The turn of the only prompt so far, once it is there. */
  async function firstTurn() {
    for (;;) {
      const session = [...doors.home.sessions.values()].at(-1);
      const turn = session?.snapshot.turns.at(-1);
      if (session !== undefined && turn !== undefined) return { session, turn: turn.id };
      await setImmediate();
    }
  }

  async function waitsFor(count: number, list: () => unknown[]): Promise<void> {
    while (list().length < count) await setImmediate();
  }

  async function isWaitedFor(session: { readonly listenerCount: number }): Promise<void> {
    while (session.listenerCount === 0) await setImmediate();
  }

  it('speaks its era and lists closed schemas', async () => {
    expect(client.version).toBe(era);
    const tools = await client.tools();
    expect(tools.map((tool) => tool.name)).toEqual(TOOLS);
    for (const tool of tools) {
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object' });
      // A newer bridge may say more than a client's listing knows.
      expect(JSON.stringify(tool.outputSchema)).not.toContain('"additionalProperties":false');
    }
  });

  it('ask: answers with a result that stands by itself, the answer first', async () => {
    const { data, text, isError } = await client.call('ask', { prompt: 'Hello' });
    expect(isError).toBe(false);
    expect(Object.keys(data)[0]).toBe('answer');
    expect(data).toMatchObject({ answer: 'Echo: Hello', status: 'completed', files: [], commands: [] });
    expect(text).toContain('Echo: Hello');
    expect([...doors.home.sessions.values()][0]?.prompts[0]?.source).toEqual({
      kind: 'mcp',
      name: 'test-client',
    });
  });

  it('chat_start and chat_msg hold a conversation', async () => {
    const started = await client.call('chat_start', {
      title: 'T',
      instructions: 'Be brief',
      sandbox: 'read-only',
    });
    const { session } = started.data;
    expect(started.data['next']).toContain('chat_msg');
    const first = await client.call('chat_msg', { session, prompt: 'one' });
    expect(first.data).toMatchObject({ session, answer: 'Echo: one' });
    await client.call('ask', { session, prompt: 'two', effort: 'low' });
    const made = doors.home.session(String(session));
    expect(made.snapshot.settings).toEqual({ instructions: 'Be brief', sandbox: 'read-only' });
    expect(made.prompts.map((one) => one.settings)).toEqual([undefined, { effort: 'low' }]);
    expect(doors.home.sessions.size).toBe(1);
  });

  it('gives a handle when the wait is over, and wait picks the turn up', async () => {
    doors.home.script = (session, turn) => {
      session.start(turn);
      session.say(turn, 'Half of', false);
    };
    const asking = client.call('ask', { prompt: 'slow', wait_seconds: 1 });
    const { session, turn } = await firstTurn();
    await isWaitedFor(session);
    doors.clock.advance(1_000);
    const handle = await asking;
    expect(handle.isError).toBe(false);
    expect(handle.data).toMatchObject({ status: 'running', turn, session: session.id, answer: 'Half of' });
    expect(handle.data['next']).toContain(`wait with turn "${turn}"`);

    const waiting = client.call('wait', { turn });
    await isWaitedFor(session);
    session.say(turn, 'Half of it, and the rest');
    session.end(turn, 'completed');
    expect((await waiting).data).toMatchObject({ status: 'completed', answer: 'Half of it, and the rest' });
    expect(session.listenerCount).toBe(0);
  });

  it('B14: waits 45 seconds without progress and four minutes with it', async () => {
    doors.home.script = (session, turn) => session.start(turn);
    const plain = client.call('ask', { prompt: 'slow' });
    const { session } = await firstTurn();
    await isWaitedFor(session);
    doors.clock.advance(44_999);
    await setImmediate();
    expect(session.listenerCount).toBe(1);
    doors.clock.advance(1);
    const { turn } = (await plain).data;
    const messages: string[] = [];
    const followed = client.call('wait', { turn }, { onProgress: ({ message }) => messages.push(message) });
    await waitsFor(1, () => messages);
    doors.clock.advance(239_000);
    await waitsFor(10, () => messages);
    expect(session.listenerCount).toBeGreaterThan(0);
    doors.clock.advance(1_000);
    expect((await followed).data).toMatchObject({ status: 'running', turn });
  });

  it('background returns at once', async () => {
    doors.home.script = () => undefined;
    const { data } = await client.call('ask', { prompt: 'later', background: true });
    expect(data).toMatchObject({ status: 'queued', answer: '' });
  });

  it('tells progress: steps, then the first text at once, with rising numbers', async () => {
    doors.home.script = (session, turn) => session.start(turn);
    const seen: { progress: number; message: string }[] = [];
    const asking = client.call('ask', { prompt: 'p' }, { onProgress: (update) => seen.push(update) });
    const { session, turn } = await firstTurn();
    await waitsFor(1, () => seen);
    session.emit({
      type: 'item.started',
      turn,
      item: {
        id: 'c',
        type: 'command',
        status: 'running',
        startedAt: 1,
        command: 'npm test',
        cwd: '/',
        output: '',
        omitted: 0,
      },
    });
    doors.clock.advance(200);
    await waitsFor(2, () => seen);
    const item = session.say(turn, 'Hel', false);
    await waitsFor(3, () => seen);
    session.delta(turn, item, 'lo');
    doors.clock.advance(200);
    await waitsFor(4, () => seen);
    session.end(turn, 'completed');
    await asking;
    expect(seen.map(({ message }) => message).slice(1)).toEqual(['running `npm test`', 'Hel', 'Hello']);
    const numbers = seen.map(({ progress }) => progress);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  });

  it('a cancelled or dropped call leaves the turn alone', async () => {
    doors.home.script = (session, turn) => session.start(turn);
    const gone = new AbortController();
    const asking = client.call('ask', { prompt: 'p' }, { signal: gone.signal });
    const { session, turn } = await firstTurn();
    await isWaitedFor(session);
    gone.abort();
    await expect(asking).rejects.toThrow();
    while (session.listenerCount > 0) await setImmediate();
    expect(session.turn(turn).status).toBe('running');
  });

  it('finds the same turn by its key, also while it is being taken', async () => {
    const args = { prompt: 'once', idempotency_key: 'k' };
    const [first, second] = await Promise.all([client.call('ask', args), client.call('ask', args)]);
    const third = await client.call('ask', args);
    expect(second.data['turn']).toBe(first.data['turn']);
    expect(third.data['turn']).toBe(first.data['turn']);
    expect(doors.home.sessions.size).toBe(1);
  });

  it('pages a long answer, and the pages are the whole of it', async () => {
    const whole = Array.from({ length: 30_000 }, (_, i) => `line ${i} 😀`).join('\n');
    doors.home.script = (session, turn) => {
      session.start(turn);
      session.say(turn, whole);
      session.end(turn, 'completed');
    };
    let { data } = await client.call('ask', { prompt: 'long' });
    let text = String(data['answer']);
    while (data['cursor'] !== undefined) {
      expect(data['next']).toContain('cursor');
      data = (await client.call('wait', { turn: data['turn'], cursor: data['cursor'] })).data;
      text += String(data['answer']);
    }
    expect(text).toBe(whole);
    const wrong = await client.call('wait', { turn: data['turn'], cursor: 'nonsense' });
    expect(wrong.data['error']).toMatchObject({ code: 'CURSOR_INVALID' });
  });

  it('hands attachments on in the words of the session', async () => {
    await client.call('ask', {
      prompt: 'p',
      attachments: [
        { path: 'a.ts', start_line: 1, end_line: 3 },
        { text: 't' },
        { image: 'aGk=', mime_type: 'image/png' },
        { uri: 'x://y', text: 'z' },
      ],
    });
    expect([...doors.home.sessions.values()][0]?.prompts[0]?.attachments).toEqual([
      { kind: 'file', path: 'a.ts', startLine: 1, endLine: 3 },
      { kind: 'text', name: 'text', text: 't' },
      { kind: 'image', mimeType: 'image/png', data: 'aGk=' },
      { kind: 'resource', uri: 'x://y', text: 'z' },
    ]);
  });

  it('a failed turn is an error with a code, and the session goes on', async () => {
    doors.home.script = (session, turn) => {
      session.start(turn);
      session.say(turn, 'so far');
      session.end(turn, 'failed', { code: 'MODEL_ERROR', message: 'The model refused. Try again.' });
    };
    const { data, isError } = await client.call('ask', { prompt: 'p' });
    expect(isError).toBe(true);
    expect(data).toMatchObject({
      answer: 'so far',
      status: 'failed',
      error: { code: 'MODEL_ERROR', message: 'The model refused. Try again.' },
    });
    const { data: status } = await client.call('status', { turn: data['turn'] });
    expect(status['turn']).toMatchObject({ status: 'failed' });
  });

  it('steers, cancels, restarts', async () => {
    doors.home.script = (session, turn) => session.start(turn);
    const { data } = await client.call('ask', { prompt: 'p', background: true });
    await client.call('steer', { turn: data['turn'], prompt: 'also this' });
    const session = doors.home.session(String(data['session']));
    expect(session.steers).toEqual([{ turn: data['turn'], text: 'also this' }]);
    const cancelled = await client.call('cancel', { turn: data['turn'] });
    expect(cancelled.data).toMatchObject({ cancelled: [data['turn']], turns: [{ status: 'cancelled' }] });
    const late = await client.call('steer', { turn: data['turn'], prompt: 'too late' });
    expect(late.data['error']).toMatchObject({ code: 'TURN_NOT_RUNNING' });
    expect((await client.call('restart', {})).data).toMatchObject({ restarted: true, codex: 'ready' });
    expect(doors.home.restarts).toBe(1);
  });

  it('status tells what is going on, of this folder only', async () => {
    doors.home.script = (session, turn) => session.start(turn);
    doors.other.createSession({ title: 'secret' });
    await client.call('ask', { prompt: 'p', background: true });
    const { data } = await client.call('status', {});
    expect(data['folders']).toMatchObject([
      {
        path: '/tmp/home',
        running: 1,
        codex: { state: 'ready', version: '0.169.0', logged_in: true },
        turns: [{ status: 'running', doing: 'working', asked_by: 'test-client' }],
      },
    ]);
    expect(JSON.stringify(data)).not.toContain('secret');
    expect(JSON.stringify(data)).not.toContain('/tmp/other');
  });

  it('status tells of every turn and question, also of sessions that it does not list; what waits for a person first', async () => {
    doors.home.script = (session, turn, { prompt }) => {
      if (prompt !== 'queued') session.start(turn);
      if (prompt !== 'asks') return;
      const request = { kind: 'question' as const, text: 'May I?' };
      const approval = {
        id: 'a1',
        turn,
        item: 'i1',
        request,
        decisions: ['accept' as const],
        createdAt: 1_002,
      };
      session.emit({ type: 'approval.requested', approval });
    };
    for (let at = 0; at < 12; at++) await client.call('ask', { prompt: 'runs', background: true });
    await client.call('ask', { prompt: 'queued', background: true });
    const { data: asks } = await client.call('ask', { prompt: 'asks', background: true });
    const [folder] = (await client.call('status', {})).data['folders'] as Record<string, object[]>[];
    expect(folder?.['sessions']).toHaveLength(10);
    expect(folder?.['turns']?.map((turn) => 'status' in turn && turn.status)).toEqual([
      'waiting_for_approval',
      ...Array<string>(12).fill('running'),
      'queued',
    ]);
    expect(folder?.['approvals']).toEqual([
      { turn: asks['turn'], session: asks['session'], question: 'May I?' },
    ]);
    for (let at = 0; at < 60; at++) await client.call('ask', { prompt: 'queued', background: true });
    const [full] = (await client.call('status', {})).data['folders'] as Record<string, object>[];
    expect(full).toMatchObject({ running: 12, queued: 61, waiting_for_approval: 1 });
    expect(full?.['turns']).toHaveLength(50);
  });

  it('status tells of each running turn in one short line, the end of what it says', async () => {
    doors.home.script = (session, turn) => {
      session.start(turn);
      session.say(turn, `${'word '.repeat(60)}\nthe end`, false);
    };
    await client.call('ask', { prompt: 'p', background: true });
    const { data } = await client.call('status', {});
    const [folder] = data['folders'] as { turns: { doing: string }[] }[];
    const doing = folder?.turns[0]?.doing ?? '';
    expect(doing).toMatch(/^…[^\n]+word the end$/);
    expect(doing).toHaveLength(120);
  });

  it('history lists, searches, reads, exports, imports and changes sessions', async () => {
    const { session } = (await client.call('chat_start', { title: 'Find me', prompt: 'question' })).data;
    const history = (args: Record<string, unknown>) => client.call('history', args);
    expect((await history({ action: 'list' })).data['sessions']).toMatchObject([
      { session, title: 'Find me' },
    ]);
    expect((await history({ action: 'search', query: 'Find' })).data['sessions']).toHaveLength(1);
    expect((await history({ action: 'search', query: 'none' })).data['sessions']).toEqual([]);
    expect((await history({ action: 'read', session })).data['text']).toContain('Echo: question');
    const { text } = (await history({ action: 'export', session })).data;
    expect((await history({ action: 'import', data: text })).data['imported']).toHaveLength(1);
    await history({ action: 'rename', session, title: 'New name' });
    expect(doors.home.session(String(session)).snapshot.title).toBe('New name');
    const fork = (await history({ action: 'fork', session })).data['session'];
    expect(doors.home.session(String(fork)).snapshot.title).toBe('Fork of New name');
    await history({ action: 'archive', session });
    expect((await history({ action: 'list', archived: true })).data['sessions']).toMatchObject([{ session }]);
    await history({ action: 'delete', session });
    expect(doors.home.sessions.has(String(session))).toBe(false);
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['INVALID_INPUT', 'ask', { prompt: 'p', dangerous: true }],
    ['INVALID_INPUT', 'ask', { prompt: 7 }],
    ['INVALID_INPUT', 'ask', {}],
    ['INVALID_INPUT', 'ask', { prompt: 'p', attachments: [{ path: 'a', text: 'b' }] }],
    ['INVALID_INPUT', 'ask', { prompt: 'p', wait_seconds: 1_000 }],
    ['INVALID_INPUT', 'wait', {}],
    ['INVALID_INPUT', 'cancel', {}],
    ['INVALID_INPUT', 'history', { action: 'rename', session: 's_none' }],
    ['INVALID_INPUT', 'history', { action: 'read' }],
    ['INVALID_INPUT', 'no_such_tool', {}],
    ['PROMPT_EMPTY', 'ask', { prompt: ' \n' }],
    ['RIGHTS_EXCEED_CEILING', 'ask', { prompt: 'p', sandbox: 'danger-full-access' }],
    ['SESSION_NOT_FOUND', 'chat_msg', { session: 's_none', prompt: 'p' }],
    ['SESSION_NOT_FOUND', 'history', { action: 'read', session: 's_none' }],
    ['TURN_NOT_FOUND', 'wait', { turn: 't_none' }],
    ['FOLDER_UNKNOWN', 'ask', { prompt: 'p', folder: '/nowhere' }],
    ['FOLDER_UNKNOWN', 'ask', { prompt: 'p', folder: '/tmp/other' }],
    ['IMPORT_INVALID', 'history', { action: 'import', data: 'nonsense' }],
    ['CURSOR_INVALID', 'history', { action: 'list', cursor: 'nonsense' }],
  ])('%s: %s %j', async (code, tool, args) => {
    if (tool === 'history' && args['session'] === 's_none' && code === 'INVALID_INPUT') {
      args = { ...args, session: doors.home.createSession({}).id };
    }
    const before = doors.home.sessions.size;
    const { data, text, isError } = await client.call(tool, args);
    expect(isError).toBe(true);
    expect(data['error']).toMatchObject({ code });
    expect(text).toContain(code);
    // Nothing is left of what was refused.
    expect(doors.home.sessions.size).toBe(before);
  });

  it('takes no prompt of 10 MB, and says so', async () => {
    const { data } = await client.call('ask', { prompt: 'x'.repeat(10 * 1024 * 1024) });
    expect(data['error']).toMatchObject({ code: 'PROMPT_TOO_LARGE' });
  });

  it("never shows another folder's sessions and turns", async () => {
    const foreign = doors.other.createSession({ title: 'secret' });
    doors.other.script = (session, turn) => session.start(turn);
    const { turn } = await foreign.prompt({ prompt: 'x', source: { kind: 'window' } });
    const refused = async (code: string, tool: string, args: Record<string, unknown>) => {
      const { data } = await client.call(tool, args);
      expect(data['error']).toMatchObject({ code });
      expect(JSON.stringify(data)).not.toContain('secret');
    };
    await refused('TURN_NOT_FOUND', 'wait', { turn });
    await refused('TURN_NOT_FOUND', 'cancel', { turn });
    await refused('TURN_NOT_FOUND', 'steer', { turn, prompt: 'x' });
    await refused('TURN_NOT_FOUND', 'status', { turn });
    await refused('SESSION_NOT_FOUND', 'chat_msg', { session: foreign.id, prompt: 'x' });
    await refused('SESSION_NOT_FOUND', 'status', { session: foreign.id });
    for (const action of ['read', 'export', 'delete', 'rename', 'fork', 'archive']) {
      await refused('SESSION_NOT_FOUND', 'history', { action, session: foreign.id, title: 'x' });
    }
    expect(foreign.turn(turn).status).toBe('running');
  });

  it('counts its client while it is there', async () => {
    await client.call('status', {});
    expect(doors.mcp.clients()).toMatchObject([
      { name: 'test-client', era, scope: { kind: 'folder', folder: doors.home.info.key } },
    ]);
    await client.close();
    doors.clock.advance(6 * 60_000);
    while (doors.mcp.clients().length > 0) await setImmediate();
  });
});

describe('2025-11-25 sessions', () => {
  let doors: Doors;

  beforeEach(async () => {
    doors = await openDoors({ folders: 2 });
  });
  afterEach(() => doors.close());

  function send(
    method: string,
    options: { headers?: Record<string, string>; body?: unknown; folder?: number; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const key = (options.folder === 1 ? doors.other : doors.home).info.key;
    return fetch(doors.http.folderUrl(key), {
      method,
      headers: {
        Authorization: `Bearer ${doors.tokens.folder(key)}`,
        'Content-Type': 'application/json',
        Accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  async function initialize(): Promise<Record<string, string>> {
    const response = await send('POST', {
      body: {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'raw', version: '1' },
        },
      },
    });
    await response.text();
    return {
      'Mcp-Session-Id': response.headers.get('mcp-session-id') ?? '',
      'Mcp-Protocol-Version': '2025-11-25',
    };
  }

  const asks = (id: number, args: Record<string, unknown>, progressToken?: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: {
      name: 'ask',
      arguments: args,
      ...(progressToken === undefined ? {} : { _meta: { progressToken } }),
    },
  });

  it('belong to the token that began them, and end with DELETE', async () => {
    const headers = await initialize();
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect((await send('POST', { headers, body: list })).status).toBe(200);
    expect((await send('POST', { headers, body: list, folder: 1 })).status).toBe(404);
    expect((await send('DELETE', { headers })).status).toBe(200);
    expect((await send('POST', { headers, body: list })).status).toBe(404);
    expect((await send('POST', { body: list })).status).toBe(400);
    expect(doors.mcp.clients()).toEqual([]);
  });

  it('take the same request sent twice for one', async () => {
    const headers = await initialize();
    const body = asks(7, { prompt: 'twice' });
    const first = await (await send('POST', { headers, body })).text();
    const second = await (await send('POST', { headers, body })).text();
    const turn = /"turn":"(t_\w+)"/;
    expect(turn.exec(second)?.[1]).toBe(turn.exec(first)?.[1]);
    expect(doors.home.sessions.size).toBe(1);
  });

  it('B12: give a cut stream the rest, exactly', async () => {
    const headers = await initialize();
    doors.home.script = (session, turn) => session.start(turn);
    const cut = new AbortController();
    const response = await send('POST', {
      headers,
      body: asks(1, { prompt: 'p' }, 'tok'),
      signal: cut.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    while (!seen.includes('notifications/progress')) seen += (await reader?.read())?.value ?? '';
    const lastId = [...seen.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
    cut.abort();
    await reader?.cancel().catch(() => undefined);

    const session = [...doors.home.sessions.values()][0];
    const turn = session?.snapshot.turns[0]?.id ?? '';
    session?.say(turn, 'the rest');
    session?.end(turn, 'completed');
    const resumed = await send('GET', { headers: { ...headers, 'Last-Event-ID': lastId } });
    const more = resumed.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('"result"')) text += (await more?.read())?.value ?? '';
    await more?.cancel();
    expect(text).toContain('the rest');
    expect(text).not.toContain(`id: ${lastId}\n`);
  });

  it('are refused what is no JSON, and too long a batch', async () => {
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect((await send('POST', { body: Array.from({ length: 21 }, () => list) })).status).toBe(400);
    const headers = { 'Content-Type': 'text/plain' };
    expect((await send('POST', { headers, body: list })).status).toBeGreaterThanOrEqual(400);
  });

  it('end when they were idle for long, and the oldest gives way to a new one', async () => {
    const headers = await initialize();
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    await (await send('POST', { headers, body: list })).text();
    doors.clock.advance(5 * 60 * 60_000);
    expect((await send('POST', { headers, body: list })).status).toBe(404);
    const first = await initialize();
    for (let i = 0; i < 200; i++) await initialize();
    expect((await send('POST', { headers: first, body: list })).status).toBe(404);
  });
});

describe('the endpoint for all folders', () => {
  let doors: Doors;
  let clients: TestClient[];

  beforeEach(async () => {
    doors = await openDoors({ folders: 2 });
    clients = [];
  });

  afterEach(async () => {
    for (const client of clients) await client.close();
    await doors.close();
  });

  async function connect(era: (typeof ERAS)[number], roots?: string[]): Promise<TestClient> {
    const client = await connectClient(era, {
      url: doors.http.url,
      token: doors.tokens.all,
      ...(roots === undefined ? {} : { roots }),
    });
    clients.push(client);
    return client;
  }

  it.each(ERAS)(
    '%s: asks for the folder when there are several, and takes path, key or name',
    async (era) => {
      const client = await connect(era);
      const { data } = await client.call('ask', { prompt: 'p' });
      expect(data['error']).toMatchObject({
        code: 'FOLDER_AMBIGUOUS',
        message: expect.stringMatching(/\/tmp\/home.*\/tmp\/other/),
      });
      for (const folder of ['/tmp/other', doors.other.info.key, 'other']) {
        await client.call('ask', { prompt: 'p', folder });
      }
      expect(doors.other.sessions.size).toBe(3);
      expect(doors.home.sessions.size).toBe(0);
    },
  );

  it("2025-11-25: takes the folder of the client's root", async () => {
    const client = await connect('2025-11-25', ['file:///elsewhere', 'file:///tmp/other/deep/below']);
    const { data } = await client.call('ask', { prompt: 'p' });
    expect(data).toMatchObject({ status: 'completed' });
    expect(doors.other.sessions.size).toBe(1);
  });

  it('keeps a session to the folder that is named with it', async () => {
    const client = await connect('2026-07-28');
    const { session } = (await client.call('ask', { prompt: 'p', folder: 'home' })).data;
    expect((await client.call('chat_msg', { session, prompt: 'q' })).isError).toBe(false);
    const { data } = await client.call('chat_msg', { session, prompt: 'q', folder: 'other' });
    expect(data['error']).toMatchObject({ code: 'SESSION_NOT_FOUND' });
  });
});
