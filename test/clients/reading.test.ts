import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';

describe.each(ERAS)('resources and prompts through MCP %s', (era) => {
  let bridge: RealBridge;
  let client: TestClient;
  let other: TestClient;

  beforeAll(async () => {
    bridge = await startRealBridge({ folders: 2 });
  });
  afterAll(() => bridge.close());

  beforeEach(async () => {
    client = await connect(0);
    other = await connect(1);
  });
  afterEach(async () => {
    await client.close();
    await other.close();
  });

  async function connect(index: number): Promise<TestClient> {
    const endpoint = bridge.endpoints.folders[index];
    if (endpoint === undefined) throw new Error(`there is no folder ${index}`);
    return connectClient(era, endpoint);
  }

  it('lists sessions, and reads their transcript and what they changed', async () => {
    const { data } = await client.call('ask', { prompt: `!patch read-${era}.txt hello` });
    const uri = `codex://sessions/${data['session']}`;
    const listed = await client.resources();
    expect(listed[0]?.uri).toBe('codex://sessions');
    expect(listed.map((one) => one.uri)).toContain(uri);
    expect(await client.templates()).toEqual([
      'codex://sessions/{session}',
      'codex://sessions/{session}/diff',
      'codex://sessions/{session}/screen',
    ]);
    const index: unknown = JSON.parse(await client.read('codex://sessions'));
    expect(index).toMatchObject({
      folders: [{ sessions: expect.arrayContaining([expect.objectContaining({ uri, state: 'idle' })]) }],
    });
    expect(await client.read(uri)).toContain(`!patch read-${era}.txt hello`);
    expect(await client.read(`${uri}/diff`)).toContain(
      `--- /dev/null\n+++ b/read-${era}.txt\n@@ -0,0 +1,1 @@\n+hello\n`,
    );
  });

  it('gives all pages of a long list', async () => {
    const { data } = await client.call('ask', { prompt: 'one of many' });
    const session = data['session'];
    const made = new Set<unknown>([session]);
    while (made.size < 60)
      made.add((await client.call('history', { action: 'fork', session })).data['session']);
    const uris = (await client.resources()).map((one) => one.uri);
    for (const id of made) expect(uris.filter((uri) => uri === `codex://sessions/${id}`)).toHaveLength(1);
    for (const id of made) await client.call('history', { action: 'delete', session: id });
  });

  it('shows nothing of another folder, and says so of what is not there', async () => {
    const { data } = await client.call('ask', { prompt: 'mine' });
    const uri = `codex://sessions/${data['session']}`;
    await expect(other.read(uri)).rejects.toThrow(/not found/i);
    expect((await other.resources()).map((one) => one.uri)).not.toContain(uri);
    for (const wrong of ['codex://sessions/none', `${uri}/else`, 'file:///etc/passwd']) {
      await expect(client.read(wrong)).rejects.toThrow(/not found/i);
    }
    await expect(client.read(`${uri}/screen`)).rejects.toThrow('no terminal open');
  });

  it('tells what changes, and nothing of another folder', async () => {
    const { data } = await client.call('ask', { prompt: 'to be watched' });
    const uri = `codex://sessions/${data['session']}`;
    const told = new Told();
    const toldOther = new Told();
    await client.listen([uri, `${uri}/diff`], told.add);
    await other.listen([uri], toldOther.add);
    await client.call('chat_msg', { session: data['session'], prompt: 'again' });
    await told.has(uri);
    await told.has(`${uri}/diff`);
    await client.call('ask', { prompt: 'a new one' });
    await told.has('list');
    // A change that both hear of comes after all those that only one may hear of.
    await other.call('ask', { prompt: 'another new one' });
    await toldOther.has('list');
    expect(toldOther.all).not.toContain(uri);
  });

  it('has prompts that name our tools, with completion', async () => {
    const { data } = await client.call('ask', { prompt: `find me by title ${era}` });
    expect((await client.prompts()).map((one) => one.name)).toEqual([
      'delegate',
      'second-opinion',
      'review',
      'continue',
    ]);
    expect(await client.prompt('delegate', { task: 'rename it' })).toMatch(/ask tool.*rename it/s);
    expect(await client.prompt('second-opinion')).toContain('read-only');
    expect(await client.prompt('review', { target: 'branch', ref: 'main' })).toContain(
      'target "branch", ref "main"',
    );
    expect(await client.prompt('continue', { session: 's_1' })).toContain('session "s_1"');
    expect(await client.complete('review', 'target', 'b')).toEqual(['branch']);
    expect(await client.complete('continue', 'session', `title ${era}`)).toEqual([data['session']]);
    expect(await other.complete('continue', 'session', `title ${era}`)).toEqual([]);
    await expect(client.prompt('delegate', { task: ' ' })).rejects.toThrow('needs "task"');
    await expect(client.prompt('none')).rejects.toThrow('There are: delegate');
  });
});

/** What was told, and a wait for something to be. */
class Told {
  readonly all: string[] = [];
  #waiting: { what: string; resolve: () => void }[] = [];

  readonly add = (what: string): void => {
    this.all.push(what);
    for (const one of this.#waiting.filter((each) => each.what === what)) one.resolve();
    this.#waiting = this.#waiting.filter((each) => each.what !== what);
  };

  has(what: string): Promise<void> {
    if (this.all.includes(what)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ what, resolve }));
  }
}
