import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { BridgeError } from '../../src/shared/errors.ts';
import { type Message, type MessagePort, RpcClient, RpcServer } from '../../src/shared/rpc.ts';

interface Sums {
  requests: {
    add: { params: { a: number; b: number }; result: number };
    fail: { params: { how: 'bridge' | 'other' }; result: null };
    never: { params: Record<string, never>; result: null };
  };
  events: { told: { text: string }; other: number };
}

const schemas = {
  add: z.object({ a: z.number(), b: z.number() }),
  fail: z.object({ how: z.enum(['bridge', 'other']) }),
  never: z.object({}),
};

class Port implements MessagePort {
  peer: Port | undefined;
  readonly messages = new Set<(message: unknown) => void>();
  readonly closes = new Set<() => void>();

  send(message: Message): void {
    // As over a wire: nothing is shared.
    this.peer?.receive(JSON.parse(JSON.stringify(message)));
  }

  receive(message: unknown): void {
    for (const listener of [...this.messages]) listener(message);
  }

  onMessage(listener: (message: unknown) => void) {
    this.messages.add(listener);
    return { dispose: () => void this.messages.delete(listener) };
  }

  onClose(listener: () => void) {
    this.closes.add(listener);
    return { dispose: () => void this.closes.delete(listener) };
  }

  close(): void {
    for (const listener of [...this.closes]) listener();
  }
}

function linked() {
  const near = new Port();
  const far = new Port();
  near.peer = far;
  far.peer = near;
  const server = new RpcServer<Sums>(far, schemas, {
    add: ({ a, b }) => a + b,
    fail: ({ how }) => {
      throw how === 'bridge' ? new BridgeError('SESSION_NOT_FOUND', 'Not there.') : new Error('oops');
    },
    never: () => new Promise<null>(() => {}),
  });
  return { client: new RpcClient<Sums>(near), server, near, far };
}

describe('requests', () => {
  test('are answered, each by its own answer', async () => {
    const { client } = linked();
    const sums = [1, 2, 3].map((n) => client.request('add', { a: n, b: 10 }));
    expect(await Promise.all(sums)).toEqual([11, 12, 13]);
  });

  test('what is only told is done in order and not answered; that it failed is heard', async () => {
    const { client, near } = linked();
    const answers: unknown[] = [];
    near.onMessage((message) => answers.push(message));
    const failed = new Promise<BridgeError>((resolve) => client.onFailure(resolve));
    client.tell('add', { a: 1, b: 2 });
    client.tell('fail', { how: 'bridge' });
    expect(await failed).toMatchObject({ code: 'SESSION_NOT_FOUND', message: 'Not there.' });
    expect(await client.request('add', { a: 1, b: 1 })).toBe(2);
    expect(answers).toHaveLength(2);
  });

  test('an error crosses with its code and message; what is none of ours is INTERNAL', async () => {
    const { client } = linked();
    await expect(client.request('fail', { how: 'bridge' })).rejects.toMatchObject({
      name: 'BridgeError',
      code: 'SESSION_NOT_FOUND',
      message: 'Not there.',
    });
    await expect(client.request('fail', { how: 'other' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('wrong parameters are INVALID_INPUT and never reach the handler', async () => {
    const { client } = linked();
    const wrong = { a: 1, b: 'x' } as unknown as { a: number; b: number };
    await expect(client.request('add', wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test.each(['unknown', 'constructor', '__proto__', 'toString'])(
    '"%s" is BRIDGE_CONTRACT',
    async (method) => {
      const { client } = linked();
      await expect(client.request(method as 'add', { a: 1, b: 2 })).rejects.toMatchObject({
        code: 'BRIDGE_CONTRACT',
      });
    },
  );

  test('a closed port settles all, and every later one', async () => {
    const { client, near } = linked();
    const pending = [client.request('never', {}), client.request('never', {})];
    near.close();
    for (const request of pending) await expect(request).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await expect(client.request('add', { a: 1, b: 2 })).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(client.closed).toBe(true);
  });

  test('so does dispose, and it leaves no listener', async () => {
    const { client, near } = linked();
    const pending = client.request('never', {});
    client.dispose();
    client.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect([near.messages.size, near.closes.size]).toEqual([0, 0]);
  });
});

describe('events', () => {
  test('reach those who listen, until they leave', () => {
    const { client, server } = linked();
    const seen: string[] = [];
    const subscription = client.on('told', ({ text }) => void seen.push(text));
    client.on('other', (value) => void seen.push(String(value)));
    server.emit('told', { text: 'a' });
    server.emit('other', 7);
    subscription.dispose();
    server.emit('told', { text: 'b' });
    expect(seen).toEqual(['a', '7']);
  });
});

test('nonsense is passed over on both sides', async () => {
  const { client, server, near, far } = linked();
  const nonsense: unknown[] = [
    null,
    1,
    'text',
    [],
    {},
    { id: 'x', result: 1 },
    { id: 99, result: 1 },
    { id: 99, error: { code: 'INTERNAL', message: '' } },
    { method: 'add' },
    { id: 1.5 },
    { event: 'unknown', data: 1 },
  ];
  for (const message of nonsense) {
    near.receive(message);
    far.receive(message);
  }
  expect(await client.request('add', { a: 1, b: 2 })).toBe(3);
  server.dispose();
  expect(far.messages.size).toBe(0);
});
