import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { AppServer, TransportKind } from '../../src/bridge/codex/appServer.ts';
import type { CodexClient } from '../../src/bridge/codex/client.ts';
import { isThreadLost } from '../../src/bridge/codex/codexRefused.ts';
import type { ServerRequest } from '../../src/bridge/codex/generated/ServerRequest.ts';
import { JsonRpcConnection } from '../../src/bridge/codex/jsonRpc.ts';
import { StdioTransport } from '../../src/bridge/codex/stdio.ts';
import { MAX_MESSAGE_BYTES } from '../../src/bridge/codex/transport.ts';
import { connectUnixSocket } from '../../src/bridge/codex/unixSocket.ts';
import { openWebSocket } from '../../src/bridge/codex/webSocket.ts';
import { AppServerBench, MemoryLogger, Notifications } from '../support/appServers.ts';
import { Latch, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const KINDS: TransportKind[] = process.platform === 'win32' ? ['ws', 'stdio'] : ['unix', 'ws', 'stdio'];

function input(text: string) {
  return [{ type: 'text' as const, text, text_elements: [] }];
}

describe.each(KINDS)('transport %s, on the real Codex', (kind) => {
  let bench: AppServerBench;
  let server: AppServer;
  let client: CodexClient;
  let clock: SkewClock;
  let told: Notifications;

  beforeAll(async () => {
    bench = await AppServerBench.create();
  });
  afterAll(() => bench.dispose());
  beforeEach(async () => {
    server = await bench.start(kind);
    clock = new SkewClock();
    client = await bench.connect(server, clock);
    told = new Notifications(client);
  });
  afterEach(async () => {
    client.dispose();
    await server.stop();
  });

  async function startThread(approvalPolicy: 'never' | 'untrusted' = 'never'): Promise<string> {
    const { thread, sandbox } = await client.call('thread/start', {
      cwd: bench.dir.path,
      sandbox: 'read-only',
      approvalPolicy,
    });
    expect(sandbox.type).toBe('readOnly');
    return thread.id;
  }

  test('introduces itself', () => {
    expect(client.about?.userAgent).toContain('codex-bridge');
    expect(client.about?.codexHome).toBe(bench.home.home);
  });

  test('streams a turn word by word and completes it', async () => {
    const latch = new Latch();
    bench.model.script(() => [
      words(['One ', 'two ', 'three'], (index) => (index === 2 ? latch.wait() : undefined)),
    ]);
    const threadId = await startThread();
    const { turn } = await client.call('turn/start', { threadId, input: input('count') });
    // The third word has not been said: what is here was streamed, not delivered at the end.
    await told.next('item/agentMessage/delta', ({ delta }) => delta.includes('two'));
    expect(told.text).toBe('One two ');
    latch.open();
    const done = await told.next('turn/completed');
    expect(done.turn).toMatchObject({ id: turn.id, status: 'completed' });
    expect(told.text).toBe('One two three');
  });

  test('answers what Codex asks, and Codex goes by it', async () => {
    bench.model.script((request) =>
      request.startsTurn
        ? [{ do: 'call', name: 'exec_command', arguments: { cmd: 'touch made-by-codex' } }]
        : [words('done')],
    );
    const asked: ServerRequest[] = [];
    client.onRequest((request) => {
      asked.push(request);
      return Promise.resolve({ decision: 'decline' });
    });
    const threadId = await startThread('untrusted');
    await client.call('turn/start', { threadId, input: input('make a file') });
    await told.next('turn/completed');
    expect(asked.map((request) => request.method)).toEqual(['item/commandExecution/requestApproval']);
    const item = await told.next('item/completed', (params) => params.item.type === 'commandExecution');
    expect(item.item).toMatchObject({ status: 'declined' });
  });

  test('interrupts a turn', async () => {
    bench.model.script(() => [words(['I begin ']), { do: 'stall' }]);
    const threadId = await startThread();
    const { turn } = await client.call('turn/start', { threadId, input: input('stall') });
    await told.next('item/agentMessage/delta');
    await client.call('turn/interrupt', { threadId, turnId: turn.id });
    expect((await told.next('turn/completed')).turn.status).toBe('interrupted');
  });

  test('carries a message of 17 MB', async () => {
    // Codex's limit for one WebSocket frame is 16 MiB, and it hangs at larger ones.
    const threadId = await startThread();
    const name = 'é'.repeat(8.5 * 1024 * 1024);
    await expect(client.call('thread/read', { threadId: `${threadId}${name}` })).rejects.toMatchObject({
      code: 'CODEX_REFUSED',
    });
    expect((await client.call('account/read', {})).requiresOpenaiAuth).toBe(false);
  });

  test('refuses a message that is too large, and stays usable', async () => {
    const threadId = 'x'.repeat(MAX_MESSAGE_BYTES);
    await expect(client.call('thread/read', { threadId })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect((await client.call('account/read', {})).account).toBeNull();
  });

  test('a refusal keeps Codex words and tells a lost thread', async () => {
    const threadId = '019a0000-0000-7000-8000-000000000000';
    const error = await client.call('thread/resume', { threadId }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CODEX_REFUSED', rpcCode: -32600, method: 'thread/resume' });
    expect(isThreadLost(error)).toBe(true);
    const start = await client
      .call('turn/start', { threadId, input: input('x') })
      .catch((reason: unknown) => reason);
    expect(isThreadLost(start)).toBe(true);
  });

  test('closing settles every pending call, from either side', async () => {
    const pending = client.call('account/read', {});
    client.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'CODEX_EXITED' });
    await expect(client.call('account/read', {})).rejects.toMatchObject({ code: 'CODEX_EXITED' });
  });

  test('the death of Codex settles every pending call and closes', async () => {
    const closed = new Promise<Error | undefined>((resolve) => client.onClose(resolve));
    process.kill(server.pid ?? 0, 'SIGSTOP'); // so that the call is surely pending when it dies
    const pending = client.call('account/read', {});
    process.kill(server.pid ?? 0, 'SIGKILL');
    await expect(pending).rejects.toMatchObject({ code: 'CODEX_EXITED' });
    expect(await closed).toBeInstanceOf(Error);
    expect(await server.exited).toMatchObject({ signal: 'SIGKILL', asked: false });
    await expect(server.connect()).rejects.toMatchObject({ code: 'CODEX_EXITED' });
  });

  test('a call that is not answered in time fails alone', async () => {
    const late = client.call('account/read', {}, { timeoutMs: 1000 });
    clock.advance(1000);
    await expect(late).rejects.toMatchObject({ code: 'CODEX_TIMEOUT' });
    expect((await client.call('account/read', {})).account).toBeNull();
  });

  test('calls outside the list are never sent', async () => {
    // A caller without types.
    const call = client.call.bind(client) as (method: string, params: unknown) => Promise<unknown>;
    for (const method of [
      'thread/shellCommand',
      'fs/readFile',
      'command/exec',
      'process/spawn',
      'config/value/write',
    ]) {
      await expect(call(method, {})).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});

describe('limits', () => {
  test('a socket path that nobody can connect to is told before Codex starts', async () => {
    const long = `/tmp/${'x'.repeat(120)}/a.sock`;
    await expect(connectUnixSocket(long, new MemoryLogger())).rejects.toMatchObject({
      code: 'SOCKET_PATH_TOO_LONG',
    });
  });

  test('the loopback WebSocket refuses a wrong token', async () => {
    const bench = await AppServerBench.create();
    try {
      const server = await bench.start('ws');
      const url = server.remote?.url ?? '';
      const open = openWebSocket({ url, headers: { authorization: 'Bearer no' }, logger: bench.logger });
      await expect(open).rejects.toMatchObject({
        code: 'CODEX_START_FAILED',
        message: expect.stringContaining('401'),
      });
    } finally {
      await bench.dispose();
    }
  });

  test('a frame above the limit closes the WebSocket', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => socket.send(Buffer.alloc(MAX_MESSAGE_BYTES + 1), { binary: false }));
    try {
      const transport = await openWebSocket({ url: `ws://127.0.0.1:${port}/`, logger: new MemoryLogger() });
      const reason = await new Promise<Error | undefined>((resolve) => transport.onClose(resolve));
      expect(reason?.message).toContain('Max payload size exceeded');
      expect(() => transport.send('{}')).toThrow(expect.objectContaining({ code: 'CODEX_EXITED' }));
    } finally {
      for (const one of server.clients) one.terminate();
      server.close();
    }
  });

  test('stdio: lines in pieces, several at once, and one that never ends', async () => {
    const output = new PassThrough();
    const transport = new StdioTransport(new PassThrough(), output, new MemoryLogger());
    const lines: string[] = [];
    transport.onMessage((line) => lines.push(line));
    const closed = new Promise<Error | undefined>((resolve) => transport.onClose(resolve));
    const euro = Buffer.from('{"a":"€"}\n');
    for (const piece of [
      euro.subarray(0, 7),
      euro.subarray(7),
      Buffer.from('{}\n\n{"b"'),
      Buffer.from(':1}\n'),
    ]) {
      output.write(piece);
    }
    const block = Buffer.alloc(16 * 1024 * 1024, 'x');
    for (let sent = 0; sent <= MAX_MESSAGE_BYTES; sent += block.length) output.write(block);
    expect(await closed).toMatchObject({ code: 'CODEX_PROTOCOL' });
    expect(lines).toEqual(['{"a":"€"}', '{}', '{"b":1}']);
  });

  test('nonsense is counted, told and passed over', async () => {
    const output = new PassThrough();
    const logger = new MemoryLogger();
    const rpc = new JsonRpcConnection(new StdioTransport(new PassThrough(), output, logger), { logger });
    const counts: number[] = [];
    rpc.onNonsense((count) => counts.push(count));
    const heard = new Promise((resolve) => rpc.onNotification(resolve));
    output.write(
      'secret nonsense\n[]\n{"foo":1}\n{"id":99,"result":{}}\n{"method":"hello","params":{"x":1}}\n',
    );
    expect(await heard).toEqual({ method: 'hello', params: { x: 1 } });
    expect(counts).toEqual([1, 2, 3]);
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
    rpc.dispose();
  });
});
