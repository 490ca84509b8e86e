import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { CodexClient } from '../../src/bridge/codex/client.ts';
import { isActiveWriter, isThreadLost } from '../../src/bridge/codex/codexRefused.ts';
import { JsonRpcConnection, NO_ANSWER } from '../../src/bridge/codex/jsonRpc.ts';
import { StdioTransport } from '../../src/bridge/codex/stdio.ts';
import type { Clock } from '../../src/bridge/ports.ts';
import { MemoryLogger } from '../support/appServers.ts';

/** Both ends of a Codex that a test plays by hand: what we wrote, line by line, and its mouth. */
function pipe() {
  const logger = new MemoryLogger();
  const input = new PassThrough();
  const output = new PassThrough();
  const lines: Record<string, unknown>[] = [];
  input.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line));
  });
  const say = (message: object) => output.write(`${JSON.stringify(message)}\n`);
  return { logger, output, lines, say, transport: new StdioTransport(input, output, logger) };
}

/** Time that a test moves by hand: `fire` calls all whose wait is not longer than `ms`. */
function handClock(): Clock & { fire(ms: number): void } {
  const due = new Map<() => void, number>();
  return {
    now: () => 0,
    monotonic: () => 0,
    after(ms, callback) {
      due.set(callback, ms);
      return () => due.delete(callback);
    },
    fire(upTo) {
      for (const [callback, ms] of [...due]) {
        if (ms > upTo) continue;
        due.delete(callback);
        callback();
      }
    },
  };
}

test('answers what it is asked: a result, a refusal, not known, and nothing', async () => {
  const { logger, transport, lines, say } = pipe();
  const rpc = new JsonRpcConnection(transport, { logger });
  rpc.setRequestHandler(({ method }) => {
    if (method === 'yes') return Promise.resolve({ decision: 'accept' });
    if (method === 'no') return Promise.reject(new Error('not now'));
    if (method === 'other') return Promise.resolve(NO_ANSWER);
    if (method === 'throws') throw new Error('broken');
    return undefined;
  });
  for (const [id, method] of ['yes', 'no', 'other', 'throws', 'what'].entries())
    say({ id, method, params: {} });
  await vi.waitFor(() => expect(lines).toHaveLength(4));
  expect(Object.fromEntries(lines.map((line) => [String(line['id']), line]))).toEqual({
    0: { id: 0, result: { decision: 'accept' } },
    1: { id: 1, error: { code: -32603, message: 'not now' } },
    3: { id: 3, error: { code: -32603, message: 'broken' } },
    4: { id: 4, error: { code: -32601, message: '"what" is not known here' } },
  });
  rpc.dispose();
});

test('a late answer is passed over, and its number is not used again', async () => {
  const { logger, transport, lines, say } = pipe();
  const clock = handClock();
  const rpc = new JsonRpcConnection(transport, { logger, clock });
  const late = rpc.request('a', {}, { timeoutMs: 1000 });
  clock.fire(1000);
  await expect(late).rejects.toMatchObject({
    code: 'CODEX_TIMEOUT',
    message: expect.stringContaining('1 s'),
  });
  const next = rpc.request('b', {}, { timeoutMs: 1000 });
  await vi.waitFor(() => expect(lines).toHaveLength(2));
  say({ id: lines[0]?.['id'], result: 'late' });
  say({ id: lines[1]?.['id'], result: 'right' });
  expect(await next).toBe('right');
  expect(logger.lines.map((line) => line.message)).toContain('codex answered what nobody waits for');
  rpc.dispose();
});

test('what was still asked when it closed gets no answer and hurts nobody', async () => {
  const { logger, transport, lines, say } = pipe();
  const rpc = new JsonRpcConnection(transport, { logger });
  let answer: (value: unknown) => void = () => {};
  const asked = new Promise<void>((resolve) => {
    rpc.setRequestHandler(() => {
      resolve();
      return new Promise((settle) => {
        answer = settle;
      });
    });
  });
  say({ id: 'approval-1', method: 'item/fileChange/requestApproval', params: {} });
  await asked;
  rpc.dispose();
  answer({ decision: 'accept' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines).toEqual([]);
});

/** A client that is introduced; `lines` then holds what it sends next. */
async function connected() {
  const ends = pipe();
  const clock = handClock();
  const connecting = CodexClient.connect(ends.transport, { logger: ends.logger, clock });
  await vi.waitFor(() => expect(ends.lines).toHaveLength(1));
  expect(ends.lines[0]).toMatchObject({
    method: 'initialize',
    params: { capabilities: { experimentalApi: true, requestAttestation: false } },
  });
  ends.say({ id: ends.lines[0]?.['id'], result: { userAgent: 'x' } });
  const client = await connecting;
  await vi.waitFor(() => expect(ends.lines).toHaveLength(2));
  expect(ends.lines[1]).toEqual({ method: 'initialized' });
  ends.lines.length = 0;
  return { ...ends, clock, client };
}

test('a Codex that is too busy to look at a call is asked again, a few times', async () => {
  const { client, clock, lines, say } = await connected();
  const call = client.call('account/read', {});
  for (let attempt = 1; attempt <= 3; attempt++) {
    await vi.waitFor(() => expect(lines).toHaveLength(attempt));
    say({
      id: lines[attempt - 1]?.['id'],
      error: { code: -32001, message: 'Server overloaded; retry later.' },
    });
    await vi.waitFor(() => {
      clock.fire(1000);
      expect(lines.length).toBeGreaterThan(attempt);
    });
  }
  say({ id: lines.at(-1)?.['id'], error: { code: -32001, message: 'Server overloaded; retry later.' } });
  await expect(call).rejects.toMatchObject({ code: 'CODEX_REFUSED', rpcCode: -32001 });
  expect(lines).toHaveLength(4);
  client.dispose();
});

test.each([
  ['no rollout found for thread id 019a', true, false],
  ['thread not found: 019a', true, false],
  ['thread not loaded: 019a', true, false],
  ['thread 019a already has an active writer', false, true],
  ['invalid session id', false, false],
])('what "%s" means', async (message, lost, writer) => {
  const { client, lines, say } = await connected();
  const call = client.call('thread/resume', { threadId: '019a' }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  say({ id: lines[0]?.['id'], error: { code: -32600, message } });
  const error = await call;
  expect([isThreadLost(error), isActiveWriter(error)]).toEqual([lost, writer]);
  expect(isThreadLost(new Error(message))).toBe(false);
  client.dispose();
});

test('a Codex that goes away while it is introduced', async () => {
  const { logger, transport, output } = pipe();
  const connecting = CodexClient.connect(transport, { logger });
  output.destroy();
  await expect(connecting).rejects.toMatchObject({ code: 'CODEX_EXITED' });
});
