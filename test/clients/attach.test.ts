import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { attachCommand, buildOf, install, openWindow } from '../support/attached.ts';
import { CliBench, until, within } from '../support/cli.ts';
import { connectClient, ERAS, type Era, type TestClient } from '../support/mcpClients.ts';
import { alive } from '../support/processFamily.ts';
import { command, Latch, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;
let clients: TestClient[];

beforeEach(async () => {
  bench = await CliBench.create();
  clients = [];
});
afterEach(async () => {
  for (const client of clients) await client.close();
  vi.unstubAllEnvs();
  await bench.dispose();
});

async function attach(era: Era, options: { cwd?: string; args?: readonly string[] } = {}) {
  const client = await connectClient(era, attachCommand(bench, options));
  clients.push(client);
  return client;
}

describe.each(ERAS)('attach, a client of %s', (era) => {
  it('starts the bridge, lists the tools, asks with progress, and is shown as a client', async () => {
    await install(bench);
    const client = await attach(era, { args: ['--folder', '.'] });
    const tools = await client.tools();
    expect(tools.map(({ name }) => name)).toContain('ask');
    const rest = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : rest.wait()))]);
    const messages: string[] = [];
    const seen = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'count' },
      {
        onProgress: ({ message }) => {
          messages.push(message);
          if (message.startsWith('One')) seen.resolve();
        },
      },
    );
    await seen.promise;
    const { rpc } = await bench.face();
    const status = await rpc.request('clients', {});
    expect(status.clients).toMatchObject([
      { name: 'test-client', era, transport: 'stdio', turns: [{ title: 'count' }] },
    ]);
    rest.open();
    expect((await asking).data).toMatchObject({ status: 'completed', answer: 'One two.' });
    expect(bench.model.prompts()).toEqual(['count']);
    await client.close();
    await until('it is no longer shown', async () => {
      return (await rpc.request('clients', {})).clients.length === 0;
    });
  });

  it('a cancelled call ends its waiting, and the turn goes on', async () => {
    await install(bench);
    const client = await attach(era, { args: ['--folder', '.'] });
    const rest = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : rest.wait()))]);
    const gone = new AbortController();
    const seen = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'count', idempotency_key: 'k' },
      { signal: gone.signal, onProgress: ({ message }) => message.startsWith('One') && seen.resolve() },
    );
    const failed = expect(asking).rejects.toThrow();
    await seen.promise;
    gone.abort();
    await failed;
    rest.open();
    const { data } = await client.call('ask', { prompt: 'count', idempotency_key: 'k' });
    expect(data).toMatchObject({ status: 'completed', answer: 'One two.' });
    expect(bench.model.prompts()).toEqual(['count']);
  });

  it('a bridge that is killed in mid-call: the same call says what the turn came to, the next one works', async () => {
    await install(bench);
    const client = await attach(era, { args: ['--folder', '.'] });
    bench.model.script(() => [
      words(['One ', 'two.'], (index) => (index === 0 ? undefined : new Promise<void>(() => {}))),
    ]);
    const progress: number[] = [];
    const seen = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'count' },
      {
        onProgress: (update) => {
          progress.push(update.progress);
          if (update.message.startsWith('One')) seen.resolve();
        },
      },
    );
    await seen.promise;
    const { pid } = await bench.discovery();
    process.kill(pid, 'SIGKILL');
    const { data } = await asking;
    expect(data).toMatchObject({ status: 'interrupted', answer: 'One ' });
    expect((await bench.discovery()).pid).not.toBe(pid);
    expect(progress).toEqual([...new Set(progress)].toSorted((a, b) => a - b));
    bench.model.script(() => [text('again')]);
    const next = await client.call('chat_msg', { session: data['session'], prompt: 'go on' });
    expect(next.data).toMatchObject({ status: 'completed', answer: 'again' });
    expect(bench.model.prompts()).toEqual(['count', 'go on']);
  });

  it('a bridge that another version replaces in mid-call: the same call has the whole answer', async () => {
    const old = await install(bench);
    const window = await openWindow(bench, [bench.folders[0]], { runtime: old });
    const client = await attach(era);
    const rest = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : rest.wait()))]);
    const seen = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'count' },
      { onProgress: ({ message }) => message.startsWith('One') && seen.resolve() },
    );
    await seen.promise;
    const before = await bench.discovery();
    // The window reloads with the next version, whose folder is another one.
    window.dispose();
    const runtime = await install(bench, buildOf(bench, '9.9.9'), '9.9.9');
    const next = await openWindow(bench, [bench.folders[0]], { version: '9.9.9', runtime });
    expect(next.replacing).toBe(true);
    rmSync(old, { recursive: true });
    const left = new Promise<void>((resolve) => next.onClose(resolve));
    rest.open();
    expect((await asking).data).toMatchObject({ status: 'completed', answer: 'One two.' });
    await left;
    const status = await client.call('status', {});
    expect(status.data).toMatchObject({ bridge: { version: '9.9.9' } });
    expect((await bench.discovery()).instance).not.toBe(before.instance);
    expect(bench.model.prompts()).toEqual(['count']);
  });
});

describe('the folder', () => {
  it('is the deepest open one around the working directory, through links too', async () => {
    await install(bench);
    const [outer, other] = bench.folders;
    const inner = join(outer, 'inner');
    mkdirSync(join(inner, 'src'), { recursive: true });
    symlinkSync(join(inner, 'src'), join(other, 'link'));
    await openWindow(bench, [outer, other, inner]);
    const folderOf = async (cwd: string) => {
      const { data } = await (await attach('2026-07-28', { cwd })).call('status', {});
      return data['folders'];
    };
    expect(await folderOf(outer)).toMatchObject([{ path: outer }]);
    expect(await folderOf(join(inner, 'src'))).toMatchObject([{ path: inner }]);
    expect(await folderOf(join(other, 'link'))).toMatchObject([{ path: inner }]);
    expect(await folderOf(other)).toMatchObject([{ path: other }]);
  });

  it('none: tools are listed, a call says what to do, and works once the folder is open', async () => {
    await install(bench);
    const window = await openWindow(bench, [bench.folders[1]]);
    const client = await attach('2025-11-25');
    expect((await client.tools()).length).toBeGreaterThan(5);
    const refused = await client.call('ask', { prompt: 'hello' });
    expect(refused).toMatchObject({ isError: true, data: { error: { code: 'FOLDER_UNKNOWN' } } });
    expect(refused.text).toContain('attach --folder');
    await window.rpc.request('folder.add', { path: bench.folders[0] });
    expect((await client.call('ask', { prompt: 'hello' })).data).toMatchObject({ status: 'completed' });
    // It keeps the folder, also where the next bridge does not know it.
    window.dispose();
    process.kill((await bench.discovery()).pid, 'SIGKILL');
    expect((await client.call('ask', { prompt: 'again' })).data).toMatchObject({ status: 'completed' });
    expect(bench.model.prompts()).toEqual(['hello', 'again']);
  });
});

describe.each(ERAS)('what a client of %s has arranged holds over bridges', (era) => {
  it('subscriptions; and that the tools are others is told', async () => {
    await install(bench);
    bench.writeSettings({});
    const client = await attach(era, { args: ['--folder', '.'] });
    const told = new Signal();
    await client.listen(['codex://sessions'], (what) => told.say(what));
    const before = await client.tools();
    process.kill((await bench.discovery()).pid, 'SIGKILL');
    writeFileSync(
      join(bench.home, 'settings.json'),
      JSON.stringify({ ...DEFAULT_SETTINGS, mcp: { ...DEFAULT_SETTINGS.mcp, toolProfile: 'compat' } }),
    );
    const after = await client.tools();
    expect(after.length).toBeLessThan(before.length);
    await told.heard('tools');
    await bench.ask('new session', '--folder', bench.folders[0]);
    await told.heard('codex://sessions');
    await told.heard('list');
  });

  it('a form of the bridge’s reaches the client, and its answer the bridge', async () => {
    await install(bench);
    mkdirSync(bench.home, { recursive: true, mode: 0o700 });
    writeFileSync(
      join(bench.home, 'settings.json'),
      JSON.stringify({ ...DEFAULT_SETTINGS, mcp: { ...DEFAULT_SETTINGS.mcp, elicitApprovals: true } }),
    );
    const asked: string[] = [];
    const client = await connectClient(era, {
      ...attachCommand(bench, { args: ['--folder', '.'] }),
      elicit: async (message) => {
        asked.push(message);
        return { action: 'decline' };
      },
    });
    clients.push(client);
    bench.model.script((request) =>
      request.outputs.length === 0 ? [command('touch made.txt')] : [text('as you like')],
    );
    const { data } = await client.call('ask', { prompt: 'make it', approval_policy: 'untrusted' });
    expect(asked).toEqual([expect.stringContaining('touch made.txt')]);
    expect(data['status']).toMatch(/completed|interrupted/);
    expect(existsSync(join(bench.folders[0], 'made.txt'))).toBe(false);
  });

  it('what would be done twice is not repeated by itself', async () => {
    await install(bench);
    const client = await attach(era, { args: ['--folder', '.'] });
    const { data } = await client.call('ask', { prompt: 'one' });
    const { pid } = await bench.discovery();
    // It takes the request, and dies before it has done anything about it.
    process.kill(pid, 'SIGSTOP');
    const forking = client.call('history', { action: 'fork', session: data['session'] });
    const reading = client.call('history', { action: 'read', session: data['session'] });
    process.kill(pid, 'SIGKILL');
    expect(await forking).toMatchObject({ isError: true, data: { error: { code: 'CONNECTION_CLOSED' } } });
    expect((await reading).text).toContain('Echo: one');
  });
});

it('many clients whose bridge is killed meet in the next one, each with its own answer', async () => {
  await install(bench);
  bench.writeSettings({ runningTurns: 6, loadedSessions: 6 });
  const all = await Promise.all(
    ERAS.flatMap((era) => [0, 1, 2].map(() => attach(era, { args: ['--folder', '.'] }))),
  );
  bench.model.script(({ prompt }) => [
    words([`${prompt} `, 'rest'], (index) => (index === 0 ? undefined : new Promise<void>(() => {}))),
  ]);
  const asking = all.map((client, at) => client.call('ask', { prompt: `prompt ${at}` }));
  for (const at of all.keys()) {
    const asked = bench.model.request(({ prompt }) => prompt === `prompt ${at}`);
    await within(() => `prompt ${at}`, asked);
  }
  const window = await openWindow(bench, []);
  const folder = (await window.rpc.request('status', {})).folders[0]?.key ?? '';
  const { sessions } = await window.rpc.request('session.list', { folder });
  for (const { id } of sessions) {
    await until('its text has come', async () => {
      const { turns } = await window.rpc.request('session.open', { session: id });
      return turns[0]?.items.some((item) => item.type === 'agent_message') === true;
    });
  }
  process.kill((await bench.discovery()).pid, 'SIGKILL');
  const answers = await within(() => 'the answers', Promise.all(asking));
  expect(answers.map(({ data }) => data['answer'])).toEqual(all.map((_client, at) => `prompt ${at} `));
  const { rpc } = await bench.face();
  expect((await rpc.request('clients', {})).clients.length).toBe(all.length);
  expect(bench.model.prompts().toSorted()).toEqual(all.map((_client, at) => `prompt ${at}`));
});

it('a silent client is there again with the next bridge', async () => {
  await install(bench);
  const window = await openWindow(bench, [bench.folders[0]]);
  const client = await attach('2025-11-25');
  await client.tools();
  const { pid } = await bench.discovery();
  window.dispose();
  expect((await bench.run(['stop'])).code).toBe(0);
  const next = await openWindow(bench, [bench.folders[0]]);
  expect((await bench.discovery()).pid).not.toBe(pid);
  await until('it is there', async () => {
    const { clients: there } = await next.rpc.request('clients', {});
    return there.some(({ name, transport }) => name === 'test-client' && transport === 'stdio');
  });
});

it('a bridge that was ended stays ended until somebody asks', async () => {
  await install(bench);
  const client = await attach('2025-11-25', { args: ['--folder', '.'] });
  await client.tools();
  const { pid } = await bench.discovery();
  const ended = await bench.run(['stop']);
  expect(ended.code).toBe(0);
  expect([alive([pid]), alive(bench.processes().filter((one) => one === pid))]).toEqual([0, 0]);
  await expect(bench.discovery()).rejects.toThrow();
  expect((await client.tools()).length).toBeGreaterThan(5);
  expect((await bench.discovery()).pid).not.toBe(pid);
});

it('keeps the bridge from ending itself', async () => {
  await install(bench);
  bench.writeSettings({ graceSeconds: 0.2 });
  const client = await attach('2026-07-28', { args: ['--folder', '.'] });
  await client.tools();
  const { pid } = await bench.discovery();
  const gone = until('the bridge has ended', () => alive([pid]) === 0, 1_500).then(
    () => 'gone',
    () => 'there',
  );
  expect(await gone).toBe('there');
  await client.close();
  await until('nobody needs it', () => alive([pid]) === 0);
});

it('goes on when the folder that it runs from was removed: the launcher starts the next bridge', async () => {
  const old = await install(bench);
  const client = await attach('2025-11-25', { args: ['--folder', '.'] });
  await client.tools();
  await install(bench, buildOf(bench, '9.9.9'), '9.9.9');
  rmSync(old, { recursive: true });
  process.kill((await bench.discovery()).pid, 'SIGKILL');
  const { data } = await client.call('status', {});
  expect(data).toMatchObject({ bridge: { version: '9.9.9' } });
});

/** Words that are said some time, and waited for. */
class Signal {
  readonly #said = new Set<string>();
  readonly #waiting = new Set<() => void>();

  say(word: string): void {
    this.#said.add(word);
    for (const wake of this.#waiting) wake();
  }

  async heard(word: string): Promise<void> {
    const wait = async () => {
      while (!this.#said.has(word)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    };
    await within(() => `"${word}"; said were ${[...this.#said]}`, wait());
  }
}
