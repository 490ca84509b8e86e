import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AppServer, ExitInfo } from '../../src/bridge/codex/appServer.ts';
import { type CodexTransport, TransportEvents } from '../../src/bridge/codex/transport.ts';
import { CodexHost } from '../../src/bridge/folders/codexHost.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { CodexStatus } from '../../src/shared/faces.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { SkewClock } from '../support/skewClock.ts';

/** An app-server that answers what a host asks at its start, and crashes or hangs when it is told to. */
class FakeCodex {
  readonly pid: number;
  readonly stopping = Promise.withResolvers<void>();
  readonly #exit = Promise.withResolvers<ExitInfo>();
  readonly #events = new TransportEvents(() => {});
  readonly exited = this.#exit.promise;
  /** Methods that it never answers. */
  deafTo: readonly string[] = [];
  readonly asked: string[] = [];
  /** What it says of its login; a text: what it refuses to say so with. */
  account: object | string = { account: null, requiresOpenaiAuth: false };
  stops = 0;
  /** Ends only with this promise after it was told to stop. */
  slowEnd: Promise<void> = Promise.resolve();

  constructor(pid: number) {
    this.pid = pid;
  }

  async connect(): Promise<CodexTransport> {
    return {
      send: (text) => this.#answer(JSON.parse(text)),
      onMessage: this.#events.onMessage,
      onClose: this.#events.onClose,
      close: () => this.#events.close(undefined),
    };
  }

  async stop(): Promise<void> {
    this.stops += 1;
    this.stopping.resolve();
    await this.slowEnd;
    this.#end({ code: 0, signal: null, asked: true, stderr: '' });
  }

  crash(): void {
    this.#end({ code: null, signal: 'SIGSEGV', asked: false, stderr: '' });
  }

  /** As it is. */
  say(text: string): void {
    this.#events.message(text);
  }

  tell(method: string, params: object): void {
    this.#events.message(JSON.stringify({ method, params }));
  }

  disconnect(): void {
    this.#events.close(new Error('gone'));
  }

  #end(how: ExitInfo): void {
    this.#exit.resolve(how);
    void setImmediate().then(() => this.disconnect());
  }

  #answer({ id, method }: { id?: number; method: string }): void {
    this.asked.push(method);
    if (id === undefined || this.deafTo.includes(method)) return;
    if (method === 'account/read' && typeof this.account === 'string') {
      const error = { code: -32600, message: this.account };
      queueMicrotask(() => this.#events.message(JSON.stringify({ id, error })));
      return;
    }
    const results: Record<string, unknown> = {
      initialize: { userAgent: 'fake', codexHome: '/home' },
      'account/read': this.account,
      'model/list': {
        data: [
          {
            model: 'm',
            displayName: 'M',
            hidden: false,
            supportedReasoningEfforts: [],
            defaultReasoningEffort: 'medium',
          },
        ],
      },
    };
    queueMicrotask(() => this.#events.message(JSON.stringify({ id, result: results[method] ?? {} })));
  }
}

const hosts: CodexHost[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

/** A host with its own clock, and every Codex that it has started. */
function setUp(prepare: (codex: FakeCodex) => void | Promise<void> = () => {}) {
  const clock = new SkewClock();
  const started: FakeCodex[] = [];
  const downs: BridgeError[] = [];
  const states: CodexStatus['state'][] = [];
  const accounts: boolean[] = [];
  /** What is found there. */
  const disk = { version: '1.0.0', missing: false };
  const use = { idle: true, replaced: 0 };
  const host = new CodexHost({
    clock,
    logger: new MemoryLogger(),
    find: async () => {
      if (disk.missing) throw new BridgeError('CODEX_NOT_FOUND', 'No.');
      return { path: '/codex', version: disk.version, stamp: disk.version };
    },
    start: async () => {
      const codex = new FakeCodex(started.length + 1);
      started.push(codex);
      await prepare(codex);
      // Only what a host uses of an app-server is there.
      return codex as unknown as AppServer;
    },
    onNotification: () => {},
    onRequest: () => undefined,
    onDown: (error) => downs.push(error),
    onStatus: () => states.push(host.status.state),
    idle: () => use.idle,
    onReplaced: () => {
      use.replaced += 1;
    },
    onAccount: (loggedIn) => accounts.push(loggedIn),
  });
  hosts.push(host);
  const last = () => started.at(-1) ?? expect.fail('no Codex');
  return { clock, host, started, downs, states, accounts, disk, use, last };
}

/** Lets the Codex crash and waits until the host has noticed. */
async function crash({ started, downs }: Pick<ReturnType<typeof setUp>, 'started' | 'downs'>) {
  const before = downs.length;
  started.at(-1)?.crash();
  await vi.waitFor(() => expect(downs).toHaveLength(before + 1));
}

describe('a start', () => {
  test('is shared by all who ask at once', async () => {
    const { host, started, states } = setUp();
    const links = await Promise.all([host.link(), host.link(), host.link()]);
    expect(new Set(links).size).toBe(1);
    expect(started).toHaveLength(1);
    expect(await host.link()).toBe(links[0]);
    expect(host.connected).toBe(links[0]);
    expect(states.slice(0, 1)).toEqual(['starting']);
    expect(host.status).toMatchObject({ state: 'ready', version: '1.0.0', loggedIn: true, restarts: 0 });
    await vi.waitFor(() => expect(host.defaultEffort('m')).toBe('medium'));
  });

  test('that failed is told to all who wait, and the next ask tries again', async () => {
    let broken = true;
    const { host, started } = setUp(() => {
      if (broken) throw new BridgeError('CODEX_START_FAILED', 'No.');
    });
    const results = await Promise.allSettled([host.link(), host.link()]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(started).toHaveLength(1);
    expect(host.status).toMatchObject({ state: 'failed', error: { code: 'CODEX_START_FAILED' } });
    broken = false;
    await host.link();
    expect(host.status.state).toBe('ready');
    expect(host.status.error).toBeUndefined();
  });

  test.each(['initialize', 'account/read'])('in which Codex dies at %s leaves nothing', async (method) => {
    const { host, started } = setUp((codex) => {
      if (codex.pid === 1) codex.deafTo = [method];
    });
    const first = host.link();
    const told = expect(first).rejects.toMatchObject({ code: 'CODEX_EXITED' });
    await vi.waitFor(() => expect(started[0]?.asked).toContain(method));
    started[0]?.crash();
    // Somebody asks at every moment of the fall: there is never more than one new Codex.
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      asked.push(host.link().catch(() => undefined));
      await Promise.resolve();
    }
    await told;
    expect(started[0]?.stops).toBeGreaterThan(0);
    const link = await host.link();
    await Promise.all(asked);
    expect(started).toHaveLength(2);
    expect(host.connected).toBe(link);
    expect(host.status.state).toBe('ready');
  });
});

describe('a stop', () => {
  test('during a start ends what comes up, and the next ask gets another', async () => {
    const gate = Promise.withResolvers<void>();
    const { host, started } = setUp((codex) => (codex.pid === 1 ? gate.promise : undefined));
    const first = host.link();
    const told = expect(first).rejects.toMatchObject({ code: 'CODEX_EXITED' });
    await vi.waitFor(() => expect(started).toHaveLength(1));
    const stopped = host.stop();
    const second = host.link();
    gate.resolve();
    await told;
    await stopped;
    expect(started[0]?.stops).toBe(1);
    const link = await second;
    expect(started).toHaveLength(2);
    expect(host.connected).toBe(link);
    expect(host.status.state).toBe('ready');
  });

  test('is over before the next Codex starts: a thread has one writer', async () => {
    const end = Promise.withResolvers<void>();
    const { host, started, last } = setUp();
    const first = await host.link();
    last().slowEnd = end.promise;
    const stopped = host.stop();
    const second = host.link();
    await last().stopping.promise;
    // Time enough for a start that did not wait.
    await setImmediate();
    expect(started).toHaveLength(1);
    end.resolve();
    await stopped;
    expect((await second).generation).toBe(first.generation + 1);
    expect(started).toHaveLength(2);
    expect(host.status.state).toBe('ready');
  });

  test('without a Codex is nothing', async () => {
    const { host, started } = setUp();
    await host.stop();
    expect(started).toHaveLength(0);
    expect(host.status).toEqual({ state: 'not_started', restarts: 0 });
  });
});

describe('a crash', () => {
  test('is told with its reason, and the next ask starts a new Codex', async () => {
    const all = setUp();
    const { host, started, downs } = all;
    const first = await host.link();
    await crash(all);
    expect(downs[0]).toMatchObject({ code: 'CODEX_EXITED', message: expect.stringContaining('SIGSEGV') });
    expect(host.status).toMatchObject({ state: 'failed', restarts: 1, error: { code: 'CODEX_EXITED' } });
    expect(host.connected).toBeUndefined();
    const second = await host.link();
    expect(second.generation).toBe(first.generation + 1);
    expect(started).toHaveLength(2);
  });

  test('is also a connection that is lost: the process is ended', async () => {
    const { host, started, downs } = setUp();
    await host.link();
    started[0]?.disconnect();
    expect(downs).toMatchObject([{ code: 'CODEX_EXITED' }]);
    expect(started[0]?.stops).toBe(1);
    await host.link();
    expect(downs).toHaveLength(1);
    expect(host.status).toMatchObject({ state: 'ready', restarts: 1 });
  });

  test('that repeats has to wait, and a stop does not wait for that', async () => {
    const all = setUp();
    const { host, started, clock } = all;
    await host.link();
    await crash(all);
    await host.link();
    await crash(all);
    const third = host.link();
    const told = expect(third).rejects.toMatchObject({ code: 'CODEX_EXITED' });
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(started).toHaveLength(2);
    await host.stop();
    await told;
    expect(clock.pending).toBe(0);
    const fourth = host.link();
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(500);
    await fourth;
    expect(started).toHaveLength(3);
  });

  test('B2: is the last one the fifth time, until somebody restarts', async () => {
    const all = setUp();
    const { host, started, downs, clock } = all;
    for (let i = 0; i < 5; i++) {
      const link = host.link();
      await vi.waitFor(() => {
        clock.advance(10_000);
        expect(host.status.state).toBe('ready');
      });
      await link;
      await crash(all);
    }
    for (let i = 0; i < 3; i++) {
      await expect(host.link()).rejects.toMatchObject({
        code: 'CODEX_START_FAILED',
        message: expect.stringMatching(/^Codex crashed five times .*SIGSEGV.*"restart"[^"]*$/),
      });
    }
    expect(started).toHaveLength(5);
    expect(host.status).toMatchObject({
      state: 'failed',
      stopped: true,
      restarts: 5,
      error: { code: 'CODEX_START_FAILED' },
    });
    // Also who watches, and asks for nothing, is told that this was the last one.
    expect(downs.map(({ code }) => code)).toEqual([...Array(4).fill('CODEX_EXITED'), 'CODEX_START_FAILED']);
    await host.restart();
    expect(started).toHaveLength(6);
    expect(host.status.state).toBe('ready');
    expect(host.status.stopped).toBeUndefined();
    // The count starts anew.
    await crash(all);
    await host.link();
    expect(host.status.state).toBe('ready');
  });
});

describe('B22: what is no message', () => {
  const NONSENSE = ['', 'thread 1 panicked', '{"half":', '[]', 'null', '7', '{"id":{}}', '{"jsonrpc":"2.0"}'];

  test.each(NONSENSE)('%j is passed over four times in a minute, and the fifth is a crash', async (text) => {
    const { host, started, downs, clock, last } = setUp();
    const link = await host.link();
    for (let i = 0; i < 4; i++) last().say(text);
    expect(await host.link()).toBe(link);
    clock.advance(60_000);
    for (let i = 0; i < 4; i++) last().say(text);
    expect(downs).toEqual([]);
    last().say(text);
    expect(downs).toMatchObject([{ code: 'CODEX_EXITED', message: expect.stringContaining('no message') }]);
    expect(started[0]?.stops).toBe(1);
    expect((await host.link()).generation).toBe(link.generation + 1);
    expect(host.status).toMatchObject({ state: 'ready', restarts: 1 });
  });

  test('an answer that nobody waits for, or a method that is not known, is none', async () => {
    const { host, downs, last } = setUp();
    await host.link();
    for (let i = 0; i < 20; i++) {
      last().say(`{"id":${1000 + i},"result":{}}`);
      last().say('{"id":"x","error":{"code":"none"}}');
      last().tell('thread/flies', { high: true });
      last().say('{"id":7,"method":"who/areYou"}');
    }
    expect(downs).toEqual([]);
    expect(host.status.state).toBe('ready');
  });

  test('an answer of another form refuses the call only', async () => {
    const { host, downs, last } = setUp();
    const { client } = await host.link();
    last().deafTo = ['thread/read'];
    const call = client.call('thread/read', { threadId: 't' });
    const told = expect(call).rejects.toMatchObject({ code: 'CODEX_PROTOCOL' });
    for (let id = 1; id < 20; id++) last().say(`{"id":${id},"result":7}`);
    await told;
    expect(downs).toEqual([]);
  });
});

describe('a Codex that was replaced on the disk', () => {
  test('is let go when nothing needs it, and the new one is used', async () => {
    const { host, started, disk, use, downs } = setUp();
    const link = await host.link();
    await host.useNewest();
    expect(await host.link()).toBe(link);
    disk.version = '1.1.0';
    use.idle = false;
    await host.requireLogin();
    expect(await host.link()).toBe(link);
    use.idle = true;
    await host.requireLogin();
    expect((await host.link()).generation).toBe(link.generation + 1);
    expect(started).toHaveLength(2);
    expect(started[0]?.stops).toBe(1);
    expect(host.status).toMatchObject({ state: 'ready', version: '1.1.0', restarts: 0 });
    expect(use.replaced).toBe(1);
    expect(downs).toEqual([]);
  });

  test('stays while it has a call to answer, while a login waits, and while there is no other', async () => {
    const { host, started, disk, last } = setUp();
    const { client } = await host.link();
    await vi.waitFor(() => expect(client.pending).toBe(0));
    disk.version = '1.1.0';
    disk.missing = true;
    await host.useNewest();
    disk.missing = false;
    last().deafTo = ['thread/read'];
    const call = client.call('thread/read', { threadId: 't' }).catch(() => undefined);
    await host.useNewest();
    expect(started).toHaveLength(1);
    expect(host.connected?.client).toBe(client);
    await host.stop();
    await call;
  });
});

describe('the login', () => {
  const ADA = { type: 'chatgpt', email: 'ada@example.com', planType: 'pro', workspaceName: null };

  test('is in the status with whose it is, and out of it again', async () => {
    const { host, last, accounts } = setUp((codex) => {
      codex.account = { account: null, requiresOpenaiAuth: true };
    });
    await host.link();
    expect(host.status).toMatchObject({ loggedIn: false, home: '/home' });
    await expect(host.requireLogin()).rejects.toMatchObject({ code: 'CODEX_LOGGED_OUT' });
    last().account = { account: ADA, requiresOpenaiAuth: true };
    last().tell('account/login/completed', { loginId: 'one', success: true, error: null });
    await vi.waitFor(() => expect(host.status.loggedIn).toBe(true));
    expect(host.status.account).toEqual({ kind: 'chatgpt', email: 'ada@example.com', plan: 'pro' });
    await host.requireLogin();
    last().account = { account: null, requiresOpenaiAuth: true };
    last().tell('account/updated', { authMode: null, planType: null });
    await vi.waitFor(() => expect(host.status.loggedIn).toBe(false));
    expect(host.status.account).toBeUndefined();
    await vi.waitFor(() => expect(accounts).toEqual([true, false]));
  });

  test('of which Codex can not tell stops neither its start nor a prompt', async () => {
    const { host } = setUp((codex) => {
      codex.account = 'workspace routing discovery failed';
    });
    await host.link();
    expect(host.status.state).toBe('ready');
    expect(host.status.loggedIn).toBeUndefined();
    await host.requireLogin();
  });

  test('that the server does not take any more is none', async () => {
    const { host } = setUp((codex) => {
      codex.account = 'workspace routing discovery unauthorized (401)';
    });
    await host.link();
    await expect(host.requireLogin()).rejects.toMatchObject({ code: 'CODEX_LOGGED_OUT' });
  });
});

test('how long it is unused counts from the last who asked', async () => {
  const { host, clock } = setUp();
  await host.link();
  clock.advance(60_000);
  expect(host.unusedFor).toBeGreaterThanOrEqual(60_000);
  expect(host.connected).toBeDefined();
  expect(host.unusedFor).toBeGreaterThanOrEqual(60_000);
  await host.link();
  expect(host.unusedFor).toBeLessThan(60_000);
});
