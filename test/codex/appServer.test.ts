import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/bridge/clock.ts';
import { AppServer, type AppServerOptions } from '../../src/bridge/codex/appServer.ts';
import { CodexClient } from '../../src/bridge/codex/client.ts';
import { isActiveWriter, isThreadLost } from '../../src/bridge/codex/codexRefused.ts';
import { GuardClient } from '../../src/bridge/codex/guardClient.ts';
import { endMarked, identify, markedProcesses, sweep } from '../../src/bridge/codex/processes.ts';
import { connectUnixSocket } from '../../src/bridge/codex/unixSocket.ts';
import { AppServerBench, MemoryLogger, Notifications } from '../support/appServers.ts';
import { codexBinary } from '../support/codexHome.ts';
import { command, stall, words } from '../support/scriptedModel.ts';

const STAND_IN = fileURLToPath(new URL('../support/bridgeStandIn.ts', import.meta.url));

/** See guard.ts. */
const GRACE_MS = 3_000;

let bench: AppServerBench;
let stateHash: string;

beforeEach(async () => {
  bench = await AppServerBench.create();
  // Marks of one test only, whatever runs beside it.
  stateHash = `t${process.pid}x${performance.now().toString(36).replace('.', '')}`;
});
afterEach(async () => {
  await bench.dispose();
  const left = await marked();
  // A failed test must not leave its processes to the next one.
  await endMarked((mark) => mark.startsWith(`${stateHash}:`));
  expect(left).toEqual([]);
});

async function marked(): Promise<string[]> {
  const found = await markedProcesses((mark) => mark.startsWith(`${stateHash}:`));
  return found.map((one) => one.mark);
}

/** A turn with full access that leaves `setsid sleep` behind, and then stalls. */
function leaveSleeping(client: CodexClient): Promise<{ threadId: string; told: Notifications }> {
  bench.model.script((request) =>
    request.startsTurn
      ? [command('setsid sleep 600 </dev/null >/dev/null 2>&1 & echo started')]
      : [words(['I go on ']), stall()],
  );
  return fullAccessTurn(client);
}

/** Resolves when the model has begun its second answer. */
async function fullAccessTurn(client: CodexClient): Promise<{ threadId: string; told: Notifications }> {
  const told = new Notifications(client);
  const { thread } = await client.call('thread/start', { cwd: bench.dir.path, sandbox: 'read-only' });
  await client.call('turn/start', {
    threadId: thread.id,
    input: [{ type: 'text', text: 'leave a sleeper', text_elements: [] }],
    approvalPolicy: 'never',
    sandboxPolicy: { type: 'dangerFullAccess' },
  });
  await told.next('item/agentMessage/delta');
  return { threadId: thread.id, told };
}

/** Resolves when nothing runs as `pid` any more. */
async function gone(pid: number): Promise<void> {
  while ((await identify(pid)) !== undefined) await new Promise((resolve) => setImmediate(resolve));
}

describe('start', () => {
  test('works in the folder, hears nothing of VS Code, and its socket is private', async () => {
    bench.home.env['VSCODE_PID'] = '1';
    bench.home.env['ELECTRON_RUN_AS_NODE'] = '1';
    bench.home.env['NODE_OPTIONS'] = '--no-warnings';
    bench.home.env['CODEX_BRIDGE_HOME'] = '/nowhere';
    const server = await bench.start('unix', `${stateHash}:i:f`);
    const environ = (await readFile(`/proc/${server.pid}/environ`, 'utf8')).split('\0');
    const names = environ.map((entry) => entry.split('=')[0]);
    expect(names).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(VSCODE|ELECTRON|NODE_OPTIONS)/)]),
    );
    expect(names.filter((name) => name?.startsWith('CODEX_BRIDGE_'))).toEqual(['CODEX_BRIDGE_MARK']);
    expect(environ).toContain(`CODEX_BRIDGE_MARK=${server.mark}`);
    expect(await realpath(`/proc/${server.pid}/cwd`)).toBe(bench.dir.path);
    const socket = server.remote?.url.replace('unix://', '') ?? '';
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    await server.stop();
    expect(await readdir(bench.dir.path)).toEqual([]);
  });

  test('a program that fails is told with its own last words', async () => {
    const fake = join(bench.dir.path, 'codex');
    await writeFile(fake, '#!/bin/sh\necho "config.toml: line 3 is wrong" >&2\nexit 7\n');
    await chmod(fake, 0o755);
    await expect(startProgram(fake)).rejects.toMatchObject({
      code: 'CODEX_START_FAILED',
      message: expect.stringMatching(/status 7.*doctor.*config\.toml: line 3 is wrong/s),
    });
  });

  test('a program that is not there', async () => {
    const missing = join(bench.dir.path, 'nothing');
    await expect(startProgram(missing)).rejects.toMatchObject({
      code: 'CODEX_START_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
  });

  test('a folder that is gone is told as such', async () => {
    const cwd = join(bench.dir.path, 'gone');
    await expect(startProgram(codexBinary(), { cwd })).rejects.toMatchObject({ code: 'FOLDER_NOT_FOUND' });
  });

  test('a program that never listens is ended at the deadline', async () => {
    const fake = join(bench.dir.path, 'codex');
    await writeFile(fake, '#!/bin/sh\nexec sleep 600\n');
    await chmod(fake, 0o755);
    // The clock makes the ten seconds of the deadline pass at once; all shorter waits are real.
    const hasty = {
      ...systemClock,
      after: (ms: number, then: () => void) => systemClock.after(ms >= 10_000 ? 50 : ms, then),
    };
    await expect(startProgram(fake, { clock: hasty })).rejects.toMatchObject({
      code: 'CODEX_START_FAILED',
      message: expect.stringContaining('did not listen'),
    });
  });

  test('a socket path that is too long is told before anything starts', async () => {
    const runDir = join(bench.dir.path, 'x'.repeat(90));
    await mkdir(runDir);
    await expect(startProgram(codexBinary(), { runDir })).rejects.toMatchObject({
      code: 'SOCKET_PATH_TOO_LONG',
    });
  });

  test('without a guard nothing runs', async () => {
    const guard = new GuardClient({ logger: bench.logger, script: join(bench.dir.path, 'no-guard.mjs') });
    await expect(startProgram(codexBinary(), { guard })).rejects.toMatchObject({
      code: 'CODEX_START_FAILED',
      message: expect.stringContaining('guard'),
    });
    guard.dispose();
  });

  function startProgram(codex: string, more: Partial<AppServerOptions> = {}): Promise<AppServer> {
    return AppServer.start({
      codex,
      cwd: bench.dir.path,
      runDir: bench.dir.path,
      transport: 'unix',
      mark: `${stateHash}:i:f`,
      env: bench.home.env,
      clock: systemClock,
      logger: bench.logger,
      guard: bench.guard,
      ...more,
    });
  }
});

test('a thread that another app-server writes is told from one that is lost', async () => {
  const [one, two] = await Promise.all([bench.start(), bench.start()]);
  const [writer, other] = await Promise.all([bench.connect(one), bench.connect(two)]);
  const told = new Notifications(writer);
  const { thread } = await writer.call('thread/start', { cwd: bench.dir.path, sandbox: 'read-only' });
  const input = [{ type: 'text' as const, text: 'hello', text_elements: [] }];
  await writer.call('turn/start', { threadId: thread.id, input });
  await told.next('turn/completed');
  const error = await other.call('thread/resume', { threadId: thread.id }).catch((reason: unknown) => reason);
  expect(isActiveWriter(error)).toBe(true);
  expect(isThreadLost(error)).toBe(false);
});

describe('end', () => {
  test('B3: stop in mid-turn ends Codex and an unsandboxed command that left its group', async () => {
    const server = await bench.start('unix', `${stateHash}:i:f`);
    const client = await bench.connect(server);
    await leaveSleeping(client);
    expect((await marked()).length).toBeGreaterThan(1);
    await Promise.all([server.stop(), server.stop()]);
    expect(await marked()).toEqual([]);
    expect(await server.exited).toMatchObject({ asked: true });
    expect(await readdir(bench.dir.path)).toEqual([]);
  });

  test('a Codex that ignores SIGTERM is killed', async () => {
    const server = await bench.start('unix', `${stateHash}:i:f`);
    // It listens a moment before it has its signal handlers; after an answer they are there.
    await bench.connect(server);
    process.kill(server.pid ?? 0, 'SIGSTOP');
    await server.stop();
    expect((await server.exited).signal).toBe('SIGKILL');
  });

  test('B3: what a crashed Codex leaves behind is ended, and not what its successor starts', async () => {
    const first = await bench.start('unix', `${stateHash}:i:f`);
    await leaveSleeping(await bench.connect(first));
    process.kill(first.pid ?? 0, 'SIGKILL');
    await first.exited;
    const second = await bench.start('unix', `${stateHash}:i:f`);
    await first.stop();
    expect(await marked()).toEqual([second.mark]);
    const client = await bench.connect(second);
    expect((await client.call('account/read', {})).account).toBeNull();
  });

  test('B3: the bridge killed with -9: the guard ends Codex, its commands, and itself', async () => {
    const bridge = await standIn('one');
    const client = await attach(bridge.socket);
    await leaveSleeping(client);
    expect((await marked()).length).toBeGreaterThan(1);
    bridge.process.kill('SIGKILL');
    await Promise.all([bridge.codex, bridge.guard].map(gone));
    expect(await marked()).toEqual([]);
    client.dispose();
  });

  test('B3: what clears its environment ends too, as long as its parents are there to tell whose it is', async () => {
    const bridge = await standIn('one');
    const client = await attach(bridge.socket);
    const pidFile = join(bench.dir.path, 'pid');
    bench.model.script((request) =>
      request.startsTurn
        ? [
            command(
              `setsid sh -c 'env -i sleep 601 & echo $! > ${pidFile}; wait' </dev/null >/dev/null 2>&1 &`,
            ),
          ]
        : [words(['I go on ']), stall()],
    );
    await fullAccessTurn(client);
    const sleeper = Number(await readFile(pidFile, 'utf8'));
    expect((await markedProcesses(() => true)).map(({ pid }) => pid)).not.toContain(sleeper);
    const start = performance.now();
    bridge.process.kill('SIGKILL');
    await Promise.all([bridge.codex, bridge.guard, sleeper].map(gone));
    expect(performance.now() - start).toBeLessThan(GRACE_MS);
    client.dispose();
  });

  test('a guard that was killed is replaced, and the new one does its work', async () => {
    const logger = new MemoryLogger();
    const guard = new GuardClient({ logger });
    const sleeper = markedSleeper('guarded');
    await guard.watch(sleeper.pid ?? 0, `${stateHash}:guarded:f`);
    const first = guard.pid ?? 0;
    process.kill(first, 'SIGKILL');
    while (guard.pid === undefined || guard.pid === first)
      await new Promise((resolve) => setImmediate(resolve));
    // Signals do not end it; only the end of its pipe does, and then it takes the sleeper along.
    await guard.watch(sleeper.pid ?? 0, `${stateHash}:guarded:f`);
    const second = guard.pid;
    process.kill(second, 'SIGTERM');
    process.kill(second, 'SIGINT');
    const ended = once(sleeper, 'exit');
    guard.dispose();
    await ended;
    await gone(second);
  });

  test('a guard has nothing to do with what was unwatched', async () => {
    const guard = new GuardClient({ logger: bench.logger });
    const sleeper = markedSleeper('mine');
    await guard.watch(sleeper.pid ?? 0, `${stateHash}:mine:f`);
    guard.unwatch(sleeper.pid ?? 0);
    const pid = guard.pid ?? 0;
    guard.dispose();
    await gone(pid);
    expect(await marked()).toEqual([`${stateHash}:mine:f`]);
    sleeper.kill();
    await once(sleeper, 'exit');
  });

  test('B3: bridge and guard killed together: the next start sweeps, and leaves its own alone', async () => {
    const bridge = await standIn('old');
    process.kill(bridge.guard, 'SIGSTOP');
    bridge.process.kill('SIGKILL');
    process.kill(bridge.guard, 'SIGKILL');
    await gone(bridge.guard);
    const mine = markedSleeper('new');
    expect((await marked()).sort()).toEqual([bridge.mark, `${stateHash}:new:f`].sort());
    expect(await sweep(stateHash, 'new')).toBe(1);
    expect(await marked()).toEqual([`${stateHash}:new:f`]);
    mine.kill();
    await once(mine, 'exit');
  });

  test('what ignores SIGTERM is killed after the grace', async () => {
    const stubborn = spawn('/bin/sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 600; done'], {
      env: { CODEX_BRIDGE_MARK: `${stateHash}:s:f`, PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(stubborn.stdout, 'data');
    const exit = once(stubborn, 'exit');
    expect(await endMarked((mark) => mark === `${stateHash}:s:f`, 100)).toMatchObject({ left: [] });
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  function markedSleeper(instance: string): ChildProcess {
    return spawn('sleep', ['600'], {
      env: { CODEX_BRIDGE_MARK: `${stateHash}:${instance}:f`, PATH: process.env.PATH },
      stdio: 'ignore',
    });
  }

  async function standIn(instance: string) {
    const child = spawn(
      process.execPath,
      [STAND_IN, bench.dir.path, bench.dir.path, `${stateHash}:${instance}:f`],
      { env: bench.home.env, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    // Written by our own script, see there.
    const told = JSON.parse(String(line)) as { codex: number; guard: number; mark: string; socket: string };
    return { process: child, ...told };
  }

  async function attach(socket: string): Promise<CodexClient> {
    return CodexClient.connect(await connectUnixSocket(socket, bench.logger), { logger: bench.logger });
  }
});
