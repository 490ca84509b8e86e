import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, stall, text, usage, words } from '../support/scriptedModel.ts';

describe.each(ERAS)('real Codex through MCP %s', (era) => {
  let bridge: RealBridge;
  let client: TestClient;

  beforeAll(async () => {
    bridge = await startRealBridge({ folders: 2 });
  });
  afterAll(() => bridge.close());

  beforeEach(async () => {
    client = await connect(0);
  });
  afterEach(() => client.close());

  async function connect(index: number): Promise<TestClient> {
    const endpoint = bridge.endpoints.folders[index];
    if (endpoint === undefined) throw new Error(`there is no folder ${index}`);
    return connectClient(era, endpoint);
  }

  it('asks, and goes on with the context', async () => {
    const { data } = await client.call('ask', { prompt: `${era} remember 42` });
    expect(data).toMatchObject({ answer: `Echo: ${era} remember 42`, status: 'completed' });
    const again = await client.call('chat_msg', { session: data['session'], prompt: '!recall' });
    expect(again.data['answer']).toContain(`${era} remember 42`);
  });

  it('runs commands and changes files, and says which', async () => {
    const ran = await client.call('ask', { prompt: '!run echo hello > made.txt && cat made.txt' });
    expect(ran.data).toMatchObject({
      status: 'completed',
      answer: expect.stringContaining('hello'),
      commands: [{ command: expect.stringContaining('echo hello'), exit_code: 0 }],
    });
    const file = `notes-${era}.txt`;
    const patched = await client.call('ask', { prompt: `!patch ${file} first line` });
    expect(patched.data['files']).toEqual([{ path: file, kind: 'add', added: 1, removed: 0 }]);
    expect(readFileSync(join(bridge.folders[0] ?? '', file), 'utf8')).toBe('first line\n');
    const edited = await client.call('chat_msg', {
      session: patched.data['session'],
      prompt: `!edit ${file} first line => second line`,
    });
    expect(edited.data['files']).toEqual([{ path: file, kind: 'update', added: 1, removed: 1 }]);
  });

  it('counts tokens', async () => {
    bridge.model.script(() => [text('counted'), usage({ input: 100, cached: 40, output: 10, reasoning: 5 })]);
    const { data } = await client.call('ask', { prompt: 'count' });
    expect(data['usage']).toEqual({
      input: 100,
      cached_input: 40,
      output: 10,
      reasoning_output: 5,
      total: 110,
    });
  });

  it('streams progress, gives a handle after wait_seconds, and wait has the rest', async () => {
    const rest = new Latch();
    bridge.model.script(() => [
      words(['The first ', 'half', ' and the rest'], (index) => (index === 2 ? rest.wait() : undefined)),
    ]);
    const messages: string[] = [];
    const handle = await client.call(
      'ask',
      { prompt: 'slowly', wait_seconds: 1 },
      { onProgress: ({ message }) => messages.push(message) },
    );
    expect(handle.data).toMatchObject({ status: 'running', answer: 'The first half' });
    expect(messages.some((message) => message.startsWith('The first'))).toBe(true);
    const status = await client.call('status', { turn: handle.data['turn'] });
    expect(status.data['turn']).toMatchObject({ status: 'running', answer: 'The first half' });
    rest.open();
    const done = await client.call('wait', { turn: handle.data['turn'] });
    expect(done.data).toMatchObject({ status: 'completed', answer: 'The first half and the rest' });
  });

  it('a client that hangs up loses nothing', async () => {
    const rest = new Latch();
    bridge.model.script(() => [
      words(['Still ', 'here'], (index) => (index === 1 ? rest.wait() : undefined)),
    ]);
    const gone = new AbortController();
    const seen = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'hang up', idempotency_key: `hang-up-${era}` },
      { signal: gone.signal, onProgress: ({ message }) => message.startsWith('Still') && seen.resolve() },
    );
    const failed = expect(asking).rejects.toThrow();
    await seen.promise;
    gone.abort();
    await failed;
    rest.open();
    const again = await client.call('ask', { prompt: 'hang up', idempotency_key: `hang-up-${era}` });
    expect(again.data).toMatchObject({ status: 'completed', answer: 'Still here' });
    expect(bridge.model.prompts().filter((prompt) => prompt.includes('hang up'))).toHaveLength(1);
  });

  it('steers and cancels', async () => {
    const hold = new Latch();
    bridge.model.script((request) =>
      request.prompt.includes('more')
        ? [text('with more')]
        : [words(['a ', 'b'], (i) => (i === 1 ? hold.wait() : undefined))],
    );
    const { data } = await client.call('ask', { prompt: 'steer me', background: true });
    await bridge.model.request((request) => request.prompt === 'steer me');
    await client.call('steer', { turn: data['turn'], prompt: 'and more' });
    hold.open();
    expect((await client.call('wait', { turn: data['turn'] })).data).toMatchObject({ answer: 'with more' });

    bridge.model.script(() => [words(['x ', 'y'], (i) => (i === 1 ? new Latch().wait() : undefined))]);
    const second = await client.call('ask', { prompt: `cancel me ${era}`, background: true });
    await bridge.model.request((request) => request.prompt === `cancel me ${era}`);
    const cancelled = await client.call('cancel', { turn: second.data['turn'] });
    expect(cancelled.data).toMatchObject({ turns: [{ status: 'cancelled' }] });
    bridge.model.script(() => [text('usable')]);
    const after = await client.call('chat_msg', { session: second.data['session'], prompt: 'again' });
    expect(after.data).toMatchObject({ status: 'completed', answer: 'usable' });
  });

  it('tells that a person must approve, and goes on when one did', async () => {
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('touch approved.txt')] : [text('approved and done')],
    );
    const messages: string[] = [];
    const asked = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'needs approval', approval_policy: 'untrusted' },
      {
        onProgress({ message }) {
          messages.push(message);
          if (message.startsWith('waiting for your approval')) asked.resolve();
        },
      },
    );
    await asked.promise;
    expect(messages.at(-1)).toMatch(/^waiting for your approval in VS Code: run `.*touch approved\.txt/);
    const status = await client.call('status', {});
    const [live] = status.data['folders'] as {
      approvals: { turn: string; session: string; question: string }[];
    }[];
    const [approval] = live?.approvals ?? [];
    expect(approval?.question).toContain('touch approved.txt');
    const handle = await client.call('wait', { turn: approval?.turn, wait_seconds: 0 });
    expect(handle.data).toMatchObject({
      status: 'waiting_for_approval',
      waiting_for: [expect.stringContaining('touch approved.txt')],
    });
    const session = bridge.folder(0).session(approval?.session ?? '');
    session.answer(session.snapshot.approvals[0]?.id ?? '', 'accept', { kind: 'window' });
    expect((await asking).data).toMatchObject({ status: 'completed', answer: 'approved and done' });
  });

  it('hands files, text and images to the model', async () => {
    writeFileSync(join(bridge.folders[0] ?? '', 'lines.txt'), 'one\ntwo\nthree\n');
    bridge.model.script(() => [text('seen')]);
    const prompt = `look ${era}`;
    const { data } = await client.call('ask', {
      prompt,
      attachments: [
        { path: 'lines.txt', start_line: 2, end_line: 2 },
        { text: 'pasted words', name: 'note' },
        { uri: 'doc://x', text: 'resource words' },
        {
          image:
            'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
          mime_type: 'image/png',
        },
      ],
    });
    expect(data).toMatchObject({ status: 'completed' });
    const request = await bridge.model.request((one) => one.prompt.includes(prompt));
    const sent = JSON.stringify(request.input);
    expect(sent).toContain('two');
    expect(sent).not.toContain('three');
    expect(sent).toContain('pasted words');
    expect(sent).toContain('resource words');
    expect(sent).toContain('input_image');
  });

  it.each<[string, Record<string, unknown>]>([
    ['ATTACHMENT_NOT_FOUND', { attachments: [{ path: 'none.txt' }] }],
    ['ATTACHMENT_OUTSIDE_FOLDER', { attachments: [{ path: '../ch/config.toml' }] }],
    ['PROMPT_EMPTY', { prompt: '' }],
    ['RIGHTS_EXCEED_CEILING', { sandbox: 'danger-full-access' }],
    ['SESSION_NOT_FOUND', { session: 's_0000000000000000' }],
    ['FOLDER_UNKNOWN', { folder: '/' }],
  ])('%s, and leaves nothing behind', async (code, args) => {
    const before = bridge.folder(0).list({ limit: 500 }).sessions.length;
    const { data } = await client.call('ask', { prompt: 'p', ...args });
    expect(data['error']).toMatchObject({ code });
    expect(bridge.folder(0).list({ limit: 500 }).sessions).toHaveLength(before);
  });

  it('a model that fails is an error, and the session is usable afterwards', async () => {
    bridge.model.script((request) =>
      request.prompt === 'again' ? [text('fine')] : [{ do: 'fail', status: 500, message: 'no' }],
    );
    const { data, isError } = await client.call('ask', { prompt: 'break' });
    expect(isError).toBe(true);
    expect(data).toMatchObject({ status: 'failed', error: { code: 'MODEL_ERROR' } });
    const again = await client.call('chat_msg', { session: data['session'], prompt: 'again' });
    expect(again.data).toMatchObject({ status: 'completed', answer: 'fine' });
  });

  it('pages a long answer', async () => {
    const whole = Array.from({ length: 9_000 }, (_, i) => `line ${i} ä`).join('\n');
    bridge.model.script(() => [text(whole)]);
    let { data } = await client.call('ask', { prompt: 'long' });
    let joined = String(data['answer']);
    expect(data['cursor']).toBeDefined();
    while (data['cursor'] !== undefined) {
      data = (await client.call('wait', { turn: data['turn'], cursor: data['cursor'] })).data;
      joined += String(data['answer']);
    }
    expect(joined).toBe(whole);
  });

  it('keeps folders apart', async () => {
    bridge.model.script(() => [text('secret answer')]);
    const mine = (await client.call('ask', { prompt: 'secret' })).data;
    const stranger = await connect(1);
    try {
      for (const [tool, args] of [
        ['wait', { turn: mine['turn'] }],
        ['cancel', { turn: mine['turn'] }],
        ['chat_msg', { session: mine['session'], prompt: 'p' }],
        ['history', { action: 'read', session: mine['session'] }],
        ['history', { action: 'export', session: mine['session'] }],
        ['history', { action: 'delete', session: mine['session'] }],
        ['ask', { prompt: 'p', folder: bridge.folders[0] }],
      ] as const) {
        const { data, isError } = await stranger.call(tool, args);
        expect(isError).toBe(true);
        expect(JSON.stringify(data)).not.toContain('secret answer');
      }
      const found = await stranger.call('history', { action: 'search', query: 'secret' });
      expect(found.data['sessions']).toEqual([]);
    } finally {
      await stranger.close();
    }
  });

  it('remembers over a restart of everything: history and context', async () => {
    bridge.model.script((request) => [text(`I know: ${request.prompts.join(' / ')}`)]);
    const { data } = await client.call('chat_start', { title: `Kept ${era}`, prompt: 'the word is plum' });
    const session = data['session'];
    await client.close();
    await bridge.restart();
    client = await connect(0);
    const found = await client.call('history', { action: 'search', query: 'plum' });
    expect(found.data['sessions']).toContainEqual(expect.objectContaining({ session }));
    const read = await client.call('history', { action: 'read', session });
    expect(read.data['text']).toContain('the word is plum');
    const next = await client.call('chat_msg', { session, prompt: 'which word?' });
    expect(next.data['answer']).toBe('I know: the word is plum / which word?');

    const exported = await client.call('history', { action: 'export', session });
    const { imported } = (await client.call('history', { action: 'import', data: exported.data['text'] }))
      .data;
    expect(imported).toHaveLength(1);
    const fork = (await client.call('history', { action: 'fork', session })).data['session'];
    const forked = await client.call('chat_msg', { session: fork, prompt: 'and now?' });
    expect(forked.data['answer']).toContain('plum');
    await client.call('history', { action: 'delete', session });
    const gone = await client.call('chat_msg', { session, prompt: 'p' });
    expect(gone.data['error']).toMatchObject({ code: 'SESSION_NOT_FOUND' });
  });

  it('a bridge that ends tells whoever waits, and the text so far is kept', async () => {
    bridge.model.script(() => [words(['Begun never']), stall()]);
    const begun = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'interrupted' },
      { onProgress: ({ message }) => message.startsWith('Begun') && begun.resolve() },
    );
    await begun.promise;
    await bridge.restart();
    const { data, isError } = await asking;
    expect(isError).toBe(true);
    expect(data).toMatchObject({ status: 'interrupted', answer: 'Begun never' });
    await client.abandon();
    client = await connect(0);
    const later = await client.call('status', { turn: data['turn'] });
    expect(later.data['turn']).toMatchObject({ status: 'interrupted', answer: 'Begun never' });
  });

  it('status knows Codex', async () => {
    bridge.model.script(() => [text('up')]);
    await client.call('ask', { prompt: 'p' });
    const { data } = await client.call('status', {});
    expect(data['folders']).toMatchObject([
      { path: bridge.folders[0], codex: { state: 'ready', version: expect.stringMatching(/^\d+\.\d+/) } },
    ]);
    expect(JSON.stringify(data)).not.toContain(bridge.folders[1]);
    const restarted = await client.call('restart', {});
    expect(restarted.data).toMatchObject({ restarted: true });
    bridge.model.script(() => [text('back')]);
    expect((await client.call('ask', { prompt: 'p' })).data['answer']).toBe('back');
  });

  it('writes no token, prompt or answer to its log', () => {
    const log = bridge.log.join('\n');
    for (const secret of [bridge.endpoints.token, ...bridge.endpoints.folders.map((one) => one.token)]) {
      expect(log).not.toContain(secret);
    }
    expect(log).not.toContain('the word is plum');
  });
});
