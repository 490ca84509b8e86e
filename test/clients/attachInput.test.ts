import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachCommand, install, openWindow } from '../support/attached.ts';
import { CliBench, type Finished, until, within } from '../support/cli.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;
let attached: RawClient[];

beforeEach(async () => {
  bench = await CliBench.create();
  attached = [];
  await install(bench);
});
afterEach(async () => {
  for (const client of attached) client.child.kill('SIGKILL');
  await bench.dispose();
});

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: { code: string } };
}

/** An MCP client without any MCP code: what it writes and reads are lines. */
class RawClient {
  readonly child: ChildProcess;
  readonly messages: Message[] = [];
  stderr = '';
  readonly #waiting = new Set<() => void>();
  #text = '';
  #reading = false;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    child.stdin?.on('error', () => {});
  }

  read(): this {
    if (this.#reading) return this;
    this.#reading = true;
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text += chunk;
      const lines = this.#text.split('\n');
      this.#text = lines.pop() ?? '';
      // A line that is no JSON fails the test here: nothing but MCP may be on stdout.
      for (const line of lines) this.messages.push(JSON.parse(line) as Message);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
    return this;
  }

  write(...messages: (object | string)[]): void {
    for (const message of messages) {
      const line = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
      this.child.stdin?.write(`${line}\n`);
    }
  }

  async message(test: (message: Message) => boolean): Promise<Message> {
    const find = async () => {
      for (;;) {
        const found = this.messages.find(test);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    };
    return within(() => `a message; there were ${JSON.stringify(this.messages)}, ${this.stderr}`, find());
  }

  answer(id: unknown): Promise<Message> {
    return this.message((message) => message.id === id && message.method === undefined);
  }

  async initialize(): Promise<Message> {
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    this.write({ id: 0, method: 'initialize', params });
    const answer = await this.answer(0);
    this.write({ method: 'notifications/initialized' });
    return answer;
  }

  call(id: number | string, name: string, args: object, more: object = {}): void {
    this.write({ id, method: 'tools/call', params: { name, arguments: args, ...more } });
  }

  async exit(): Promise<Pick<Finished, 'code' | 'signal'>> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await within(() => 'the exit', once(this.child, 'exit'));
    }
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }
}

function start(args: readonly string[] = ['--folder', '.'], env: Record<string, string> = {}): RawClient {
  const { command, args: all, cwd, env: own } = attachCommand(bench, { args });
  const client = new RawClient(spawn(command, all, { cwd, env: { ...own, ...env }, stdio: 'pipe' }));
  attached.push(client);
  return client;
}

describe('input', () => {
  it('what is broken is told and passed over; nothing but MCP is on stdout', async () => {
    const client = start(['--folder', '.', '--log-level', 'debug']).read();
    await client.initialize();
    client.write('{"jsonrpc":', '[{"jsonrpc":"2.0","id":5,"method":"ping"}]', '', { id: 6, method: 7 });
    client.write({ id: 7, method: 'no/such', params: {} }, { id: 8, method: 'ping' });
    expect(await client.answer(8)).toMatchObject({ result: {} });
    expect(await client.answer(7)).toMatchObject({ error: { code: -32_601 } });
    expect(await client.answer(6)).toMatchObject({ error: { code: -32_600 } });
    const unnamed = client.messages.filter(({ id }) => id === null);
    expect(unnamed.map(({ error }) => error?.code)).toEqual([-32_700, -32_600]);
    expect(client.stderr).toContain('attached to the bridge');
  });

  it('a line that is too long is not kept; the next one is served', async () => {
    const client = start().read();
    await client.initialize();
    const mega = 'x'.repeat(1024 * 1024);
    for (let at = 0; at < 40; at++) client.child.stdin?.write(mega);
    client.child.stdin?.write('\n');
    client.write({ id: 1, method: 'ping' });
    expect(await client.answer(1)).toMatchObject({ result: {} });
    expect(client.messages.find(({ id }) => id === null)).toMatchObject({ error: { code: -32_600 } });
  });

  it('an id that is in use is refused, and a number is not its text', async () => {
    const rest = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : rest.wait()))]);
    const client = start().read();
    await client.initialize();
    client.call(1, 'ask', { prompt: 'first' });
    await bench.model.request(({ prompt }) => prompt === 'first');
    client.write({ id: '1', method: 'ping' });
    expect(await client.answer('1')).toMatchObject({ result: {} });
    rest.open();
    expect(await client.answer(1)).toMatchObject({ result: { structuredContent: { answer: 'One two.' } } });
  });

  it.each([
    ['its end', (client: RawClient) => client.child.stdin?.end(), { code: 0, signal: null }],
    ['SIGTERM', (client: RawClient) => client.child.kill('SIGTERM'), { code: 0, signal: null }],
    ['SIGINT', (client: RawClient) => client.child.kill('SIGINT'), { code: 0, signal: null }],
  ])('%s ends it, and the turn goes on', async (_name, end, exit) => {
    const rest = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : rest.wait()))]);
    const client = start().read();
    await client.initialize();
    client.call(1, 'ask', { prompt: 'count', idempotency_key: 'k' });
    await bench.model.request();
    end(client);
    expect(await client.exit()).toEqual(exit);
    rest.open();
    const next = start().read();
    await next.initialize();
    next.call(1, 'ask', { prompt: 'count', idempotency_key: 'k' });
    expect(await next.answer(1)).toMatchObject({ result: { structuredContent: { answer: 'One two.' } } });
    expect(bench.model.prompts()).toEqual(['count']);
  });
});

describe('arguments', () => {
  it('wrong usage is told on stderr and ends it with 2', async () => {
    const wrong = start(['--nope']);
    expect(await wrong.exit()).toEqual({ code: 2, signal: null });
    const level = start(['--log-level', 'loud']).read();
    expect(await level.exit()).toEqual({ code: 2, signal: null });
    expect(level.messages).toEqual([]);
    expect(level.stderr).toContain('--log-level wants one of');
  });

  it('a folder that is not there is told by each call, until it is there', async () => {
    const folder = join(bench.folders[0], 'later');
    const client = start(['--folder', 'later']).read();
    await client.initialize();
    client.call(1, 'status', {});
    expect(await client.answer(1)).toMatchObject({
      result: { isError: true, structuredContent: { error: { code: 'FOLDER_NOT_FOUND' } } },
    });
    mkdirSync(folder);
    client.call(2, 'status', {});
    expect(await client.answer(2)).toMatchObject({
      result: { structuredContent: { folders: [{ path: folder }] } },
    });
  });
});

describe('a bridge that can’t be had', () => {
  it('is told with a code, and tried again at the next request', async () => {
    const blocked = join(bench.dir.path, 'blocked');
    writeFileSync(blocked, '');
    const client = start(['--folder', '.'], { CODEX_BRIDGE_HOME: blocked }).read();
    client.write({ id: 1, method: 'initialize', params: {} });
    const refused = await client.answer(1);
    expect(refused.error).toMatchObject({ code: -32_603, data: { code: 'STATE_DIR_UNUSABLE' } });
    expect(refused.error?.message).toContain('CODEX_BRIDGE_HOME');
    client.write({ id: 2, method: 'ping' });
    expect(await client.answer(2)).toMatchObject({ result: {} });
  });

  it('comes back to a client that has begun already, once it can be had', async () => {
    const client = start().read();
    await client.initialize();
    await bench.run(['stop', '--now']);
    // What is to be its log can't be written.
    const logs = join(bench.home, 'logs');
    rmSync(logs, { recursive: true });
    writeFileSync(logs, '');
    client.call(1, 'status', {});
    expect((await client.answer(1)).error).toMatchObject({ data: { code: 'STATE_DIR_UNUSABLE' } });
    rmSync(logs);
    client.call(2, 'status', {});
    expect(await client.answer(2)).toMatchObject({ result: { structuredContent: { bridge: {} } } });
  });

  it.each([
    ['not JSON', () => '{"contract":'],
    ['another shape', () => '{"pid":"x"}'],
    ['a dead bridge’s', () => discoveryOf(join(bench.dir.path, 'gone.sock'))],
  ])('a bridge.json that is %s does no harm', async (_name, content) => {
    mkdirSync(bench.home, { recursive: true, mode: 0o700 });
    writeFileSync(join(bench.home, 'bridge.json'), content(), { mode: 0o600 });
    const client = start().read();
    expect(await client.initialize()).toMatchObject({ result: { serverInfo: { name: 'codex-bridge' } } });
  });

  it('a socket of another program is not spoken with', async () => {
    const path = join(bench.dir.path, 'o.sock');
    const heard: string[] = [];
    const other = createServer((socket) => {
      socket.on('data', (bytes) => heard.push(String(bytes)));
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    other.listen(path);
    await once(other, 'listening');
    writeFileSync(join(bench.home, 'bridge.json'), discoveryOf(path), { mode: 0o600 });
    const client = start().read();
    expect(await client.initialize()).toMatchObject({ result: { serverInfo: { name: 'codex-bridge' } } });
    expect(heard.join('')).not.toContain('initialize');
    other.close();
  });
});

function discoveryOf(socket: string): string {
  const fields = { contract: 1, version: '0.1.0', pid: 1, instance: 'x', url: 'http://127.0.0.1:1/mcp' };
  return JSON.stringify({ ...fields, socket, token: 't' });
}

describe('a client that never reads', () => {
  it('B10: costs neither bridge nor attach more than a bounded amount, and has every answer when it reads', async () => {
    bench.model.script(() => [text('A'.repeat(60_000))]);
    const { rpc } = await openWindow(bench, [bench.folders[0]]);
    const turn = (await bench.ask('long')).result.turn;
    const client = start([]);
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    client.write({ id: 0, method: 'initialize', params }, { method: 'notifications/initialized' });
    await until('it is there', async () => {
      return (await rpc.request('clients', {})).clients.some(({ name }) => name === 'raw');
    });
    const { pid } = await bench.discovery();
    const processes = [pid, client.child.pid ?? 0];
    const before = processes.map(memory);
    // Every answer has the 60 KB twice, as text and as structure: 108 MB.
    const count = 900;
    for (let id = 1; id <= count; id++) client.call(id, 'wait', { turn });
    let written = -1;
    let still = 0;
    await until('nothing moves any more', () => {
      const now = bytesWritten(client.child.pid);
      still = now === written ? still + 1 : 0;
      written = now;
      return still === 10;
    });
    const grown = processes.map((one, at) => (memory(one) - (before[at] ?? 0)) / 1024 ** 2);
    expect(grown[0]).toBeLessThan(50);
    expect(grown[1]).toBeLessThan(30);
    // The bridge serves others meanwhile.
    expect((await bench.ask('short')).result.status).toBe('completed');
    client.read();
    await client.answer(count);
    // Beside them it is told of the session that is new.
    const ids = client.messages.flatMap(({ id }) => (typeof id === 'number' ? [id] : []));
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count + 1 }, (_, id) => id));
    expect(client.messages.every(({ error }) => error === undefined)).toBe(true);
  });
});

/** Resident bytes of a process. */
function memory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Bytes that a process has written so far, to whatever. */
function bytesWritten(pid: number | undefined): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}
