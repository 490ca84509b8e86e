import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderKey } from '../../src/bridge/ids.ts';
import { connectBridge } from '../../src/client/connect.ts';
import { CliBench, jsonLines, RUNTIME, until, within } from '../support/cli.ts';
import { connectClient } from '../support/mcpClients.ts';
import { alive } from '../support/processFamily.ts';
import { command, Latch, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;
beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

const snapshotOf = async (session: string) => {
  const { rpc } = await bench.face();
  await rpc.request('folder.add', { path: bench.folders[0] });
  return rpc.request('session.open', { session });
};

describe('one bridge for a state directory', () => {
  test('faces that start at once end with one', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((prompt) => bench.ask(prompt)));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    const { rpc, hello } = await bench.face();
    const { folders, faces } = await rpc.request('status', {});
    const { sessions } = await rpc.request('session.list', { folder: folders[0]?.key ?? '' });
    expect([sessions.length, faces, folders.length]).toEqual([3, 1, 1]);
    expect(hello.pid).toBe((await bench.discovery()).pid);
  });

  test('ends itself when nobody has been there for the grace, and not while a face is', async () => {
    bench.writeSettings({ graceSeconds: 1 });
    await bench.ask('hello');
    const { pid, socket } = await bench.discovery();
    const family = bench.processes();
    expect(family).toContain(pid);
    await until('it has ended', () => alive(family) === 0, 10_000);
    expect([existsSync(join(bench.home, 'bridge.json')), existsSync(socket)]).toEqual([false, false]);
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const asking = bench.start(['ask', 'count']);
    await asking.prints(/One /);
    const next = await bench.discovery();
    expect(next.instance).not.toBe((await bench.face()).hello.pid);
    latch.open();
    expect((await asking.ends()).code).toBe(0);
    expect(alive([next.pid])).toBe(1);
  });

  test('a running turn keeps it, also when the face that asked is killed', async () => {
    bench.writeSettings({ graceSeconds: 1 });
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const asking = bench.start(['ask', '--json', 'count']);
    await asking.prints(/One /);
    const [turn] = jsonLines(asking.stdout.split('\n', 1)[0] ?? '');
    const { pid } = await bench.discovery();
    asking.signal('SIGKILL');
    await asking.ends();
    latch.open();
    await until('the bridge has ended after the turn', () => alive([pid]) === 0);
    bench.model.script(() => [text('next')]);
    await bench.ask('another');
    const { turns } = await snapshotOf(String(turn?.['session']));
    expect(turns.map(({ status }) => status)).toEqual(['completed']);
  });
});

describe('killed with -9', () => {
  test('Codex and its commands end; the next ask goes on with the context, each prompt sent once', async () => {
    const { result } = await bench.ask('the word is heron');
    const { session } = result;
    // Detached from everything, as an unsandboxed server would be.
    bench.model.script((request) =>
      request.outputs.length === 0
        ? [
            words(['I begin, ']),
            command('setsid sleep 300 & echo started; sleep 300', { yield_time_ms: 500 }),
          ]
        : [words(['and ', 'then'], (index) => (index === 0 ? undefined : new Promise<void>(() => {})))],
    );
    const asking = bench.start(['ask', '--session', session, 'work on']);
    await asking.prints(/and /);
    const { pid, socket, instance } = await bench.discovery();
    const family = bench.processes();
    expect(family.length).toBeGreaterThan(4);
    process.kill(pid, 'SIGKILL');
    const lost = await asking.ends(5_000);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/\[CONNECTION_CLOSED\]/);
    await until('Codex and its commands are gone', () => alive(family) === 0, 10_000);
    expect([existsSync(join(bench.home, 'bridge.json')), existsSync(socket)]).toEqual([true, true]);
    bench.model.script(() => [text('Heron.')]);
    const next = await bench.ask('which word?', '--session', session);
    expect(next.result).toMatchObject({ status: 'completed', answer: 'Heron.' });
    expect((await bench.discovery()).instance).not.toBe(instance);
    const { turns } = await snapshotOf(session);
    expect(turns.map(({ prompt, status }) => [prompt, status])).toEqual([
      ['the word is heron', 'completed'],
      ['work on', 'interrupted'],
      ['which word?', 'completed'],
    ]);
    const shown = turns[1]?.items.flatMap((item) => (item.type === 'agent_message' ? [item.text] : []));
    expect(shown?.join('')).toBe('I begin, and ');
    expect(bench.model.prompts()).toEqual(['the word is heron', 'work on', 'which word?']);
    expect(bench.model.requests.at(-1)?.prompts).toContain('the word is heron');
  });
});

describe('what an earlier bridge or another program left', () => {
  test.each([
    ['not JSON', '{"contract":'],
    ['another shape', '{"pid":"x"}'],
    ['a dead bridge’s', 'dead'],
  ])('a bridge.json that is %s', async (_name, content) => {
    const socket = join(bench.home, 'run', 'bridge.sock');
    bench.writeSettings({});
    const dead = {
      contract: 1,
      version: '0.1.0',
      pid: 1,
      instance: 'i',
      socket,
      key: 'k',
      url: 'http://x',
      token: 't',
    };
    const file = join(bench.home, 'bridge.json');
    await writeFile(file, content === 'dead' ? JSON.stringify(dead) : content, { mode: 0o600 });
    expect(await bench.run(['stop'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No bridge'),
    });
    expect((await bench.ask('hello')).result.answer).toBe('Echo: hello');
    expect((await bench.discovery()).socket).toBe(socket);
  });

  test('a bridge.json removed or spoilt under a running bridge stops nobody who is connected', async () => {
    const { result } = await bench.ask('hello');
    const face = await bench.face();
    await unlink(join(bench.home, 'bridge.json'));
    await face.rpc.request('stop', { now: true });
    await until('it has ended', () => bench.processes().length === 0);
    expect((await bench.ask('again', '--session', result.session)).code).toBe(0);
  });

  test('B25: a program at the last port: another one is used, and bridge.json says so', async () => {
    await bench.ask('hello');
    const { url } = await bench.discovery();
    await bench.run(['stop', '--now']);
    const port = Number(new URL(url).port);
    const foreign = await listenOn(port);
    try {
      const line = await bench.start(['serve', '--json']).ready();
      expect(line.url).not.toBe(url);
      const told = await bench.discovery();
      expect([told.url, told.pid]).toEqual([line.url, line.pid]);
      const client = await connectClient('2026-07-28', { url: told.url, token: told.token });
      expect((await client.call('ask', { prompt: 'x' })).data['status']).toBe('completed');
      await client.close();
    } finally {
      await close(foreign);
    }
  });

  test('B25: a program at the place of our socket: the bridge takes its place, and bridge.json names it', async () => {
    const socket = join(bench.home, 'run', 'bridge.sock');
    await mkdir(dirname(socket), { recursive: true, mode: 0o700 });
    await chmod(bench.home, 0o700);
    const foreign = await listenOn(socket);
    try {
      const { pid } = await bench.start(['serve', '--json']).ready();
      const told = await bench.discovery();
      expect([told.pid, told.socket]).toEqual([pid, socket]);
      expect((await bench.face()).hello.pid).toBe(pid);
      expect((await bench.ask('there?')).result.answer).toBe('Echo: there?');
    } finally {
      await close(foreign);
    }
  });

  test('B25: the lock held: who comes second joins, and the first one’s bridge.json stays', async () => {
    const first = await bench.start(['serve', '--json']).ready();
    const second = await bench.start(['serve', '--json', '--folder', bench.folders[1]]).ready();
    expect([second.pid, second.url]).toEqual([first.pid, first.url]);
    expect((await bench.discovery()).pid).toBe(first.pid);
    expect(second.folders.map(({ path }) => path)).toContain(bench.folders[1]);
  });

  test('a program at the socket that never answers is no bridge; a bridge that hangs is told', async () => {
    bench.writeSettings({});
    const socket = join(bench.dir.path, 'x.sock');
    const foreign = await listenOn(socket);
    const named = {
      contract: 1,
      version: '0.1.0',
      pid: 1,
      instance: 'i',
      socket,
      key: 'k',
      url: 'u',
      token: 't',
    };
    await writeFile(join(bench.home, 'bridge.json'), JSON.stringify(named), { mode: 0o600 });
    try {
      expect((await bench.ask('hello')).result.answer).toBe('Echo: hello');
    } finally {
      await close(foreign);
    }
    const { pid } = await bench.discovery();
    process.kill(pid, 'SIGSTOP');
    try {
      for (const args of [['stop'], ['ask', 'x'], ['serve']]) {
        const { code, stderr } = await bench.run(args);
        expect(code).toBe(1);
        expect(stderr).toMatch(new RegExp(`process ${pid}.*End that process.*\\[REQUEST_TIMEOUT\\]`));
      }
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

describe('the state directory', () => {
  test.each(['/dev/null', '/dev/null/below', '/proc/self/fdinfo/below'])(
    '%s can’t be one: said at once',
    async (home) => {
      for (const args of [['ask', 'x'], ['serve']]) {
        const { code, stderr, ms } = await bench.run(args, { env: { CODEX_BRIDGE_HOME: home } });
        expect(code).toBe(1);
        expect(stderr).toMatch(/CODEX_BRIDGE_HOME.*\[STATE_DIR_UNUSABLE\]/);
        expect(ms).toBeLessThan(2_000);
      }
    },
  );

  test('a relative one is refused', async () => {
    const { code, stderr } = await bench.run(['ask', 'x'], { env: { CODEX_BRIDGE_HOME: 'here' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/absolute.*\[STATE_DIR_UNUSABLE\]/);
  });

  test('too long for a socket: a short place is used; where there is none either, it says so', async () => {
    const env = { CODEX_BRIDGE_HOME: join(bench.home, 'long'.repeat(30)) };
    const { code, stdout } = await bench.run(['ask', 'hello'], { env });
    expect([code, stdout]).toEqual([0, 'Echo: hello\n']);
    const doctor = await bench.run(['doctor', '--json'], { env });
    expect(doctor.code).toBe(0);
    expect(await bench.run(['stop', '--now'], { env })).toMatchObject({ code: 0 });
    const short = `codex-bridge-${process.getuid?.() ?? 0}-${folderKey(env.CODEX_BRIDGE_HOME)}`;
    // Empty, or this fails: the sockets are gone with their bridge.
    await rmdir(join(tmpdir(), short));
    const both = {
      CODEX_BRIDGE_HOME: join(bench.home, 'longer'.repeat(30)),
      TMPDIR: join(bench.home, 'l'.repeat(120)),
    };
    for (const args of [
      ['ask', 'x'],
      ['serve', '--json'],
    ]) {
      const refused = await bench.run(args, { env: both });
      expect([refused.code, refused.stdout]).toEqual([1, '']);
      expect(refused.stderr).toMatch(/shorter path.*\[SOCKET_PATH_TOO_LONG\]/);
    }
  });
});

describe('an older bridge', () => {
  const window = (version: string) =>
    connectBridge({
      home: bench.home,
      kind: 'window',
      canAnswer: true,
      version,
      start: { runtime: RUNTIME },
    });
  const inEnvironment = async <T>(act: () => Promise<T>): Promise<T> => {
    const before = { ...process.env };
    Object.assign(process.env, bench.env);
    try {
      return await act();
    } finally {
      process.env = before;
    }
  };

  test('without turns makes room for a newer window’s at once', async () => {
    await bench.ask('hello');
    const old = await bench.discovery();
    const face = bench.keep(await inEnvironment(() => window('99.0.0')));
    expect(face.replacing).toBeUndefined();
    expect(face.hello.pid).not.toBe(old.pid);
    expect(alive([old.pid])).toBe(0);
  });

  test('with a turn is used until that is done, and leaves then', async () => {
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const asking = bench.start(['ask', '--json', 'count']);
    await asking.prints(/One /);
    const old = await bench.discovery();
    const face = bench.keep(await inEnvironment(() => window('99.0.0')));
    expect([face.replacing, face.hello.pid]).toEqual([true, old.pid]);
    const folder = await face.rpc.request('folder.add', { path: bench.folders[0] });
    const { sessions } = await face.rpc.request('session.list', { folder: folder.key });
    expect(sessions).toHaveLength(1);
    const closed = new Promise<void>((resolve) => face.onClose(resolve));
    latch.open();
    await within(() => 'the end of the old bridge', closed);
    expect((await asking.ends()).code).toBe(0);
    const next = bench.keep(await inEnvironment(() => window('99.0.0')));
    expect(next.hello.pid).not.toBe(old.pid);
    const again = await next.rpc.request('folder.add', { path: bench.folders[0] });
    const list = await next.rpc.request('session.list', { folder: again.key });
    expect(list.sessions.map(({ id }) => id)).toEqual(sessions.map(({ id }) => id));
  });

  test('is left alone by a window of the same age, by a command, and by who only looks', async () => {
    await bench.ask('hello');
    const { pid } = await bench.discovery();
    const same = bench.keep(await inEnvironment(() => window('0.1.0')));
    const older = bench.keep(await inEnvironment(() => window('0.0.9')));
    const looks = bench.keep(
      await connectBridge({
        home: bench.home,
        kind: 'window',
        canAnswer: true,
        version: '99.0.0',
        start: false,
      }),
    );
    expect([same.hello.pid, older.hello.pid, looks.hello.pid]).toEqual([pid, pid, pid]);
  });
});

test('a prompt of 10 MB over the socket is refused with its own code, and the session is usable', async () => {
  const { result } = await bench.ask('hello');
  const { rpc } = await bench.face();
  const send = (prompt: string) =>
    rpc.request('session.prompt', { session: result.session, prompt, source: { kind: 'window' } });
  const before = performance.now();
  await expect(send('x'.repeat(10 * 1024 * 1024))).rejects.toMatchObject({ code: 'PROMPT_TOO_LARGE' });
  expect(performance.now() - before).toBeLessThan(2_000);
  await expect(send('')).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
  expect((await bench.ask('again', '--session', result.session)).result.answer).toBe('Echo: again');
});

test('a log that has grown too large is set aside at the next start', async () => {
  bench.writeSettings({});
  const log = join(bench.home, 'logs', 'bridge.log');
  await mkdir(dirname(log), { mode: 0o700 });
  await writeFile(log, `${'x'.repeat(6 * 1024 * 1024)}\n`, { mode: 0o600 });
  await bench.ask('hello');
  const [now, before] = await Promise.all([stat(log), stat(`${log}.1`)]);
  expect([now.size < 10_000, before.size > 6_000_000]).toEqual([true, true]);
});

test('the log is where errors say it is, and names no token', async () => {
  await bench.ask('hello');
  const { token } = await bench.discovery();
  const log = await readFile(join(bench.home, 'logs', 'bridge.log'), 'utf8');
  expect(jsonLines(log).map(({ message }) => message)).toContain('the bridge is ready');
  expect(log).not.toContain(token);
});

function listenOn(where: number | string): Promise<Server> {
  // Reads and says nothing.
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'number') server.listen(where, '127.0.0.1', () => resolve(server));
    else server.listen(where, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
