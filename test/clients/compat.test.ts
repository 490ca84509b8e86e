import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ABOUT } from '../../src/bridge/mcp/marked.ts';
import { codexBinary } from '../support/codexHome.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, fail, Latch, text, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

describe.each(ERAS)('codex and codex-reply through MCP %s', (era) => {
  const clock = new SkewClock();
  let bridge: RealBridge;
  let client: TestClient;
  let root: string;

  beforeAll(async () => {
    bridge = await startRealBridge({ folders: 2, clock });
    root = bridge.folders[0] ?? '';
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

  it('have the names, arguments and result shape of codex mcp-server', async () => {
    const tools = await client.tools();
    const schemaOf = (name: string, side: 'inputSchema' | 'outputSchema') =>
      tools.find((tool) => tool.name === name)?.[side] as {
        properties: Record<string, unknown>;
        required: string[];
      };
    expect(Object.keys(schemaOf('codex', 'inputSchema').properties).sort()).toEqual(
      [
        'approval-policy',
        'base-instructions',
        'compact-prompt',
        'config',
        'cwd',
        'developer-instructions',
        'include-plan-tool',
        'model',
        'profile',
        'prompt',
        'sandbox',
      ].sort(),
    );
    expect(schemaOf('codex', 'inputSchema').required).toEqual(['prompt']);
    expect(Object.keys(schemaOf('codex-reply', 'inputSchema').properties).sort()).toEqual([
      'conversationId',
      'prompt',
      'threadId',
    ]);
    expect(schemaOf('codex-reply', 'inputSchema').required).toEqual(['prompt']);
    for (const name of ['codex', 'codex-reply']) {
      expect(schemaOf(name, 'outputSchema').required.toSorted()).toEqual(['content', 'threadId']);
    }
  });

  it('hold a conversation, by threadId and conversationId, also after a restart of everything', async () => {
    bridge.model.script((request) => [text(`I know: ${request.prompts.join(' / ')}`)]);
    const first = await client.call('codex', { prompt: `${era} one`, 'include-plan-tool': true });
    expect(first.isError).toBe(false);
    expect(first.data).toEqual({
      threadId: expect.stringMatching(/./),
      content: `I know: ${era} one`,
      about: ABOUT,
    });
    expect(first.text).toBe(`I know: ${era} one\n${ABOUT}`);
    const { threadId } = first.data;
    const second = await client.call('codex-reply', { threadId, prompt: 'two' });
    expect(second.data).toEqual({ threadId, content: `I know: ${era} one / two`, about: ABOUT });
    await client.close();
    await bridge.restart();
    client = await connect(0);
    const third = await client.call('codex-reply', { conversationId: threadId, prompt: 'three' });
    expect(third.data).toEqual({ threadId, content: `I know: ${era} one / two / three`, about: ABOUT });
    const own = bridge.folder(0).session(String(threadId)).snapshot.thread;
    const fourth = await client.call('codex-reply', { threadId: own, prompt: 'four' });
    expect(fourth.data).toEqual({
      threadId,
      content: `I know: ${era} one / two / three / four`,
      about: ABOUT,
    });
  });

  it("goes on with a thread that Codex itself began in the folder, and with no other folder's", async () => {
    bridge.model.script((request) => [text(`I know: ${request.prompts.join(' / ')}`)]);
    const exec = async (cwd: string | undefined, prompt: string) => {
      const running = promisify(execFile)(
        codexBinary(),
        ['exec', '--json', '--skip-git-repo-check', prompt],
        {
          ...(cwd === undefined ? {} : { cwd }),
          env: { ...process.env, CODEX_HOME: join(bridge.stateDir, '..', 'ch') },
        },
      );
      running.child.stdin?.end();
      const { stdout } = await running;
      const id = /"thread_id":"([^"]+)"/.exec(stdout)?.[1];
      if (id === undefined) throw new Error(`no thread in ${stdout}`);
      return id;
    };
    const thread = await exec(root, `${era} begun outside`);
    const both = await Promise.all([
      client.call('codex-reply', { threadId: thread, prompt: 'and on' }),
      client.call('codex-reply', { threadId: thread, prompt: 'and on' }),
    ]);
    expect(both[0].data['threadId']).toBe(both[1].data['threadId']);
    // Which of the two comes first is theirs.
    const first = `I know: ${era} begun outside / and on`;
    expect(both.map(({ data }) => data['content']).sort()).toEqual([first, `${first} / and on`]);
    const session = bridge.folder(0).session(String(both[0].data['threadId'])).snapshot;
    expect(session.turns.map(({ prompt }) => prompt).slice(0, 2)).toEqual([`${era} begun outside`, 'and on']);
    const foreign = await exec(bridge.folders[1], 'elsewhere');
    const refused = await client.call('codex-reply', { threadId: foreign, prompt: 'p' });
    expect(refused.isError).toBe(true);
    expect(refused.data).toMatchObject({ threadId: foreign, error: { code: 'SESSION_NOT_FOUND' } });
  });

  it('a turn of more than four minutes: the text so far, and codex-reply has the rest', async () => {
    const hold = new Latch();
    bridge.model.script(() => [words(['Half ', 'of it'], (i) => (i === 1 ? hold.wait() : undefined))]);
    const asking = client.call('codex', { prompt: `long ${era}` });
    await bridge.model.request((request) => request.prompt === `long ${era}`);
    const folder = bridge.folder(0);
    const [pending] = folder.pendingTurns();
    if (pending === undefined) throw new Error('nothing runs');
    await new Promise<void>((resolve) => {
      const seen = () => JSON.stringify(pending.session.turn(pending.turn.id).items).includes('Half');
      if (seen()) return resolve();
      const subscription = pending.session.onChange(() => {
        if (!seen()) return;
        subscription.dispose();
        resolve();
      });
    });
    clock.advance(240_000);
    const partial = await asking;
    expect(partial.isError).toBe(false);
    const { threadId, content } = partial.data as { threadId: string; content: string };
    expect(content).toMatch(/^Half \n\n\[Codex is still working.*codex-reply.*empty prompt/s);
    expect(content).toContain(threadId);
    const waiting = client.call('codex-reply', { threadId, prompt: '' });
    hold.open();
    expect((await waiting).data).toEqual({ threadId, content: 'Half of it', about: ABOUT });
    // Asked for once more, because that answer was lost.
    expect((await client.call('codex-reply', { threadId, prompt: '' })).data['content']).toBe('Half of it');
    expect(bridge.model.prompts().filter((prompt) => prompt === `long ${era}`)).toHaveLength(1);
  });

  it('works where cwd says, with the instructions of the caller', async () => {
    mkdirSync(join(root, 'sub/dir'), { recursive: true });
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('pwd > where.txt')] : [text('done')],
    );
    const prompt = `in a directory ${era}`;
    const { data } = await client.call('codex', {
      prompt,
      cwd: join(root, 'sub/dir'),
      'developer-instructions': 'Say yes.',
      'base-instructions': 'Be someone else.',
    });
    expect(data['notices']).toEqual([expect.stringContaining('base-instructions')]);
    expect(readFileSync(join(root, 'where.txt'), 'utf8').trim()).toBe(root);
    const sent = JSON.stringify((await bridge.model.request((one) => one.prompt === prompt)).body);
    expect(sent).toContain('Say yes.');
    expect(sent).toContain('Be someone else.');
    expect(sent).toContain('sub/dir');
    for (const cwd of ['..', join(root, 'nowhere'), bridge.folders[1]]) {
      const refused = await client.call('codex', { prompt: 'p', cwd });
      expect(refused.data).toMatchObject({ threadId: '', error: { code: 'FOLDER_UNKNOWN' } });
    }
  });

  it('says what it did not use', async () => {
    bridge.model.script(() => [text('fine')]);
    const { data, text: shown } = await client.call('codex', {
      prompt: 'p',
      profile: 'fast',
      'compact-prompt': 'c',
      'include-plan-tool': false,
      'approval-policy': 'on-failure',
      config: { model_reasoning_effort: 'low', sandbox_mode: 'read-only' },
    });
    expect(data['content']).toBe('fine');
    expect(data['notices']).toHaveLength(4);
    expect(shown).toContain('"on-failure" is gone');
    const session = bridge.folder(0).session(String(data['threadId'])).snapshot;
    expect(session.settings).toEqual({ effort: 'low', sandbox: 'read-only', approvalPolicy: 'on-request' });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['RIGHTS_EXCEED_CEILING', { sandbox: 'danger-full-access' }, 'more than this person allows'],
    ['RIGHTS_EXCEED_CEILING', { 'approval-policy': 'never' }, 'more than this person allows'],
    ['RIGHTS_EXCEED_CEILING', { config: { approval_policy: 'never' } }, 'more than this person allows'],
    ['INVALID_INPUT', { config: { mcp_servers: {} } }, '"mcp_servers" is not taken'],
    ['INVALID_INPUT', { config: { 'sandbox_workspace_write.network_access': true } }, 'is not taken'],
    ['INVALID_INPUT', { threadId: 'x' }, 'no argument "threadId"'],
    ['PROMPT_EMPTY', { prompt: '' }, 'empty'],
  ])('%s for %o, in its own shape, and nothing is left', async (code, args, why) => {
    const before = bridge.folder(0).list({ limit: 500 }).sessions.length;
    const { data, isError } = await client.call('codex', { prompt: 'p', ...args });
    expect(isError).toBe(true);
    expect(data).toMatchObject({ content: expect.stringContaining(why), error: { code } });
    expect(bridge.folder(0).list({ limit: 500 }).sessions).toHaveLength(before);
  });

  it.each<[string, Record<string, unknown>]>([
    ['SESSION_NOT_FOUND', { threadId: 's_none' }],
    ['SESSION_NOT_FOUND', { threadId: 'nonsense' }],
    ['SESSION_NOT_FOUND', { threadId: '019b8c02-92aa-7ac1-acc3-ec39a218a3d4' }],
    ['INVALID_INPUT', {}],
  ])('codex-reply: %s for %o', async (code, args) => {
    const { data, isError } = await client.call('codex-reply', { prompt: 'p', ...args });
    expect(isError).toBe(true);
    expect(data).toMatchObject({ error: { code } });
  });

  it('a model that fails is an error with the threadId to go on with', async () => {
    bridge.model.script(() => [fail(500)]);
    const { data, isError } = await client.call('codex', { prompt: 'break' });
    expect(isError).toBe(true);
    expect(data).toMatchObject({ threadId: expect.stringMatching(/./), error: { code: 'MODEL_ERROR' } });
    bridge.model.script(() => [text('fine')]);
    const next = await client.call('codex-reply', { threadId: data['threadId'], prompt: 'again' });
    expect(next.data['content']).toBe('fine');
  });
});
