import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliBench, jsonLines, until } from '../support/cli.ts';
import { connectClient } from '../support/mcpClients.ts';

let bench: CliBench;
beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

const serve = (...args: string[]) => bench.start(['serve', '--json', '--port', '0', ...args]);

describe('serve', () => {
  test('prints one line with exactly the contract’s fields, and the rest on stderr', async () => {
    const [a, b] = bench.folders;
    const serving = serve('--folder', a, '--folder', b);
    const line = await serving.ready();
    expect(Object.keys(line).sort()).toEqual(['folders', 'pid', 'token', 'url', 'version']);
    expect(line.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect(line.pid).toBe(serving.pid);
    expect(line.folders.map(({ path, name }) => ({ path, name }))).toEqual([
      { path: a, name: 'f0' },
      { path: b, name: 'f1' },
    ]);
    for (const folder of line.folders) {
      expect(Object.keys(folder).sort()).toEqual(['key', 'name', 'path', 'token', 'url']);
      expect(folder.url).toBe(`${line.url}/${folder.key}`);
    }
    expect(new Set([line.token, ...line.folders.map(({ token }) => token)]).size).toBe(3);
    serving.signal('SIGTERM');
    const { code, stdout, stderr } = await serving.ends();
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(jsonLines(stderr).length).toBeGreaterThan(0);
    for (const secret of [line.token, ...line.folders.map(({ token }) => token)])
      expect(stderr).not.toContain(secret);
  });

  test('without --json prints no token', async () => {
    const serving = bench.start(['serve', '--port', '0']);
    await serving.prints(/Ctrl\+C ends it/);
    const { token, url } = await bench.discovery();
    expect(serving.stdout).toContain(url);
    expect(serving.stdout).not.toContain(token);
  });

  test('each folder’s token and URL see that folder only, the common one both', async () => {
    const [a, b] = bench.folders;
    const { url, token, folders } = await serve('--folder', a, '--folder', b).ready();
    const [first, second] = folders;
    if (first === undefined || second === undefined) throw new Error('two folders were asked for');
    const one = await connectClient('2026-07-28', first);
    const two = await connectClient('2025-11-25', second);
    const both = await connectClient('2026-07-28', { url, token });
    const { data } = await one.call('ask', { prompt: 'hello' });
    expect(data).toMatchObject({ status: 'completed', answer: 'Echo: hello' });
    const list = { action: 'list' };
    expect(JSON.stringify((await one.call('history', list)).data)).toContain(String(data['session']));
    expect(JSON.stringify((await two.call('history', list)).data)).not.toContain(String(data['session']));
    const across = await two.call('ask', { prompt: 'and now', session: data['session'] });
    expect(across.isError).toBe(true);
    const onward = await both.call('ask', { prompt: '!recall', session: data['session'], folder: a });
    expect(onward.data['answer']).toContain('hello');
    await expect(connectClient('2026-07-28', { url: first.url, token: second.token })).rejects.toThrow();
    await Promise.all([one.close(), two.close(), both.close()]);
  });

  test('lists the tools of the profile that it is given', async () => {
    const { url, token } = await serve('--tool-profile', 'compat').ready();
    const client = await connectClient('2026-07-28', { url, token });
    expect((await client.tools()).map(({ name }) => name)).toEqual(['codex', 'codex-reply']);
    const { data } = await client.call('codex', { prompt: 'hello' });
    expect(data).toMatchObject({ content: 'Echo: hello' });
    await client.close();
  });

  test('takes the port that is demanded, and says when it is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise<void>((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = String(typeof address === 'object' ? address?.port : '');
    const refused = await bench.run(['serve', '--json', '--port', port]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/--port.*\[PORT_TAKEN\]/);
    await new Promise<void>((resolve) => other.close(() => resolve()));
    const line = await bench.start(['serve', '--json', '--port', port]).ready();
    expect(line.url).toBe(`http://127.0.0.1:${port}/mcp`);
  });

  test('wrong usage exits with 2 and shows the usage, an unknown folder with 1', async () => {
    for (const args of [
      ['serve', '--nonsense'],
      ['serve', '--port', 'x'],
      ['serve', '--tool-profile', 'few'],
      ['nonsense'],
      [],
      ['serve', 'x'],
    ]) {
      const { code, stdout, stderr } = await bench.run(args);
      expect([args, code, stdout]).toEqual([args, 2, '']);
      expect(stderr).toContain('Usage: codex-bridge');
    }
    const unknown = await bench.run(['serve', '--json', '--folder', join(bench.dir.path, 'nowhere')]);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toMatch(/nowhere.*\[FOLDER_NOT_FOUND\]/);
    const help = await bench.run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it cleanly, in the middle of a turn too',
    async (name) => {
      const serving = serve('--folder', bench.folders[0]);
      const { url, token } = await serving.ready();
      const { socket } = await bench.discovery();
      const client = await connectClient('2026-07-28', { url, token });
      const asked = client.call('ask', { prompt: '!stall', wait_seconds: 30 });
      await bench.model.request();
      const family = bench.processes();
      expect(family.length).toBeGreaterThan(1);
      serving.signal(name);
      const { code } = await serving.ends();
      expect(code).toBe(0);
      await asked.catch(() => undefined);
      await client.abandon();
      expect([existsSync(join(bench.home, 'bridge.json')), existsSync(socket)]).toEqual([false, false]);
      await until('its processes are gone', () => bench.processes().length === 0);
    },
  );

  test('a second signal ends it at once', async () => {
    const serving = serve();
    const { url, token } = await serving.ready();
    const client = await connectClient('2026-07-28', { url, token });
    // A request on its way gets a moment at the first signal: the second comes within it.
    const asked = client.call('ask', { prompt: '!stall', wait_seconds: 30 }).catch(() => undefined);
    await bench.model.request();
    serving.signal('SIGTERM');
    await serving.prints(/about to end/, 'stderr');
    serving.signal('SIGTERM');
    expect((await serving.ends()).code).toBe(130);
    await asked;
    await client.abandon();
    await until('its processes are gone', () => bench.processes().length === 0);
  });

  test('a second one joins the first with its folder, and leaves it alive', async () => {
    const [a, b] = bench.folders;
    const first = serve('--folder', a);
    const { pid, url } = await first.ready();
    const second = serve('--folder', b);
    const line = await second.ready();
    expect(line).toMatchObject({ pid, url });
    expect(line.folders.map(({ path }) => path)).toEqual([a, b]);
    expect(second.stderr).toMatch(/joined the bridge that already runs/);
    second.signal('SIGTERM');
    expect((await second.ends()).code).toBe(0);
    expect(first.running).toBe(true);
    const client = await connectClient('2026-07-28', { url: line.url, token: line.token });
    expect((await client.call('ask', { prompt: 'hello', folder: b })).data['answer']).toBe('Echo: hello');
    await client.close();
  });

  test('two that start at once are one bridge, and who joined says when it is gone', async () => {
    const [a, b] = bench.folders;
    const both = [serve('--folder', a), serve('--folder', b)];
    const lines = await Promise.all(both.map((one) => one.ready()));
    expect(lines[0]?.pid).toBe(lines[1]?.pid);
    const owner = both.find(({ pid }) => pid === lines[0]?.pid);
    const joined = both.find(({ pid }) => pid !== lines[0]?.pid);
    owner?.signal('SIGKILL');
    const ended = await joined?.ends();
    expect(ended?.code).toBe(1);
    expect(ended?.stderr).toMatch(/\[CONNECTION_CLOSED\]/);
    await until('what it started is gone', () => bench.processes().length === 0);
  });

  test('"stop" ends it and whoever joined it, both with 0', async () => {
    const [a, b] = bench.folders;
    const first = serve('--folder', a);
    await first.ready();
    const second = serve('--folder', b);
    await second.ready();
    expect((await bench.run(['stop'])).code).toBe(0);
    expect((await first.ends()).code).toBe(0);
    const joined = await second.ends();
    expect(joined.code).toBe(0);
    expect(joined.stderr).toMatch(/The bridge ends as soon as its turns are done/);
  });

  test.runIf(process.platform !== 'win32')('nobody else can read its files', async () => {
    bench.writeSettings({});
    const line = await bench.start(['serve', '--json']).ready();
    const [folder] = line.folders;
    const face = await bench.face();
    const { DEFAULT_SETTINGS } = await import('../../src/shared/settings.ts');
    await face.rpc.request('settings.set', { settings: DEFAULT_SETTINGS });
    const { socket } = await bench.discovery();
    const directories = [[], ['run'], ['folders'], ['folders', folder?.key ?? '']];
    for (const path of directories) expect([path, await bench.mode(...path)]).toEqual([path, 0o700]);
    const files = [
      ['bridge.json'],
      ['settings.json'],
      ['port'],
      ['folders', folder?.key ?? '', 'history.db'],
      ['folders', folder?.key ?? '', 'history.db-wal'],
    ];
    for (const path of files) expect([path, await bench.mode(...path)]).toEqual([path, 0o600]);
    expect(socket).toBe(join(bench.home, 'run', 'bridge.sock'));
    expect(await bench.mode('run', 'bridge.sock')).toBe(0o600);
  });
});
