import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputLines } from '../../src/client/attach/inputLines.ts';
import { type Mark, Relay } from '../../src/client/attach/relay.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { McpMessage } from '../../src/shared/mcpChannel.ts';

/** A relay between a client and one bridge after the other; what each has got so far. */
function relay() {
  const client: McpMessage[] = [];
  const bridge: { message: McpMessage; mark: Mark }[] = [];
  const notes: string[] = [];
  const one = new Relay({
    toClient: (message) => void client.push(message),
    toBridge: (message, mark) => void bridge.push({ message, mark }),
    leaving: () => void notes.push('leaving'),
    note: (text) => void notes.push(text),
  });
  return {
    relay: one,
    client,
    notes,
    /** What went to the bridge since the last look. */
    sent: () => bridge.splice(0),
    write: (message: object) => one.fromClient({ jsonrpc: '2.0', ...message }, 100),
    say: (message: object) => one.fromBridge({ jsonrpc: '2.0', ...message }),
  };
}

/** A client of 2025-11-25 that has shaken hands. */
function greeted() {
  const all = relay();
  all.relay.connected('tools-1');
  all.write({ id: 0, method: 'initialize', params: { clientInfo: { name: 'c' } } });
  all.say({ id: 0, result: { serverInfo: {} } });
  all.write({ method: 'notifications/initialized' });
  all.sent();
  all.client.length = 0;
  return all;
}

const methods = (sent: { message: McpMessage }[]) => sent.map(({ message }) => message['method']);

describe('the next bridge', () => {
  test('hears the handshake, the log level and the subscriptions, and the client none of the answers', () => {
    const { relay: one, client, sent, write, say } = greeted();
    write({ id: 1, method: 'logging/setLevel', params: { level: 'info' } });
    write({ id: 2, method: 'resources/subscribe', params: { uri: 'a' } });
    write({ id: 3, method: 'resources/subscribe', params: { uri: 'b' } });
    for (const id of [1, 2, 3]) say({ id, result: {} });
    write({ id: 4, method: 'resources/unsubscribe', params: { uri: 'a' } });
    say({ id: 4, result: {} });
    write({ id: 5, method: 'tools/call', params: { name: 'ask' } });
    const [asked] = sent().slice(-1);
    client.length = 0;
    one.lost();
    one.connected('tools-1');
    const [first, ...more] = sent();
    expect(first?.message).toMatchObject({ method: 'initialize', params: { clientInfo: { name: 'c' } } });
    expect(more).toEqual([]);
    say({ id: first?.message['id'], result: {} });
    const rest = sent();
    expect(methods(rest)).toEqual([
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
      'tools/call',
    ]);
    expect(rest[2]?.message).toMatchObject({ params: { uri: 'b' } });
    expect(rest[3]).toEqual({ message: asked?.message, mark: { ...asked?.mark, again: true } });
    for (const { message } of rest.slice(1, 3)) say({ id: message['id'], result: {} });
    expect(client).toEqual([]);
    say({ id: 5, result: { content: [] } });
    expect(client).toMatchObject([{ id: 5, result: { content: [] } }]);
  });

  test('gets no request that was answered or cancelled, and what came in between in its order', () => {
    const { relay: one, sent, write, say } = greeted();
    for (const id of [1, 2, 3]) write({ id, method: 'tools/call', params: {} });
    say({ id: 1, result: {} });
    write({ method: 'notifications/cancelled', params: { requestId: 2 } });
    sent();
    one.lost();
    write({ id: 4, method: 'tools/list' });
    write({ method: 'notifications/cancelled', params: { requestId: 5 } });
    write({ id: 5, method: 'tools/list' });
    write({ method: 'notifications/cancelled', params: { requestId: 5 } });
    expect(sent()).toEqual([]);
    one.connected('tools-1');
    say({ id: sent()[0]?.message['id'], result: {} });
    const rest = sent().slice(1);
    expect(rest.map(({ message }) => message['id'])).toEqual([3, 4]);
    expect(rest.map(({ mark }) => mark.again)).toEqual([true, undefined]);
  });

  test('one that goes in the middle of the handshake is followed by one that hears all of it', () => {
    const { relay: one, client, sent, write, say } = greeted();
    write({ id: 1, method: 'tools/list' });
    for (let life = 0; life < 3; life++) {
      sent();
      one.lost();
      one.connected('tools-1');
      expect(methods(sent())).toEqual(['initialize']);
    }
    one.lost();
    one.connected('tools-1');
    say({ id: sent()[0]?.message['id'], result: {} });
    expect(methods(sent())).toEqual(['notifications/initialized', 'tools/list']);
    say({ id: 1, result: { tools: [] } });
    expect(client).toMatchObject([{ id: 1 }]);
  });

  test('of a client without a handshake begins with a request', () => {
    const { relay: one, sent, write, say } = relay();
    one.connected('tools-1');
    write({ id: 1, method: 'tools/list', params: { _meta: {} } });
    say({ id: 1, result: {} });
    one.lost();
    one.connected('tools-1');
    sent();
    write({ method: 'notifications/cancelled', params: { requestId: 1 } });
    write({ id: 2, method: 'tools/list', params: { _meta: {} } });
    write({ method: 'notifications/cancelled', params: { requestId: 2 } });
    expect(methods(sent())).toEqual(['tools/list', 'notifications/cancelled']);
  });

  test('an answer that the last one gave twice, or nobody asked for, reaches nobody', () => {
    const { client, write, say } = greeted();
    write({ id: 1, method: 'tools/list' });
    say({ id: 1, result: { one: 1 } });
    say({ id: 1, result: { two: 2 } });
    say({ id: 'x', result: {} });
    expect(client).toHaveLength(1);
  });

  test('progress never goes back', () => {
    const { relay: one, client, sent, write, say } = greeted();
    write({ id: 1, method: 'tools/call', params: { _meta: { progressToken: 't' } } });
    const progress = (value: number) =>
      say({
        method: 'notifications/progress',
        params: { progressToken: 't', progress: value, message: 'm' },
      });
    progress(1);
    progress(2);
    one.lost();
    one.connected('tools-1');
    say({ id: sent().at(-1)?.message['id'], result: {} });
    progress(1);
    progress(2);
    expect(client.map(({ params }) => (params as { progress: number }).progress)).toEqual([1, 2, 3, 4]);
    say({ id: 1, result: {} });
    progress(3);
    expect(client).toHaveLength(5);
  });

  test('a result that is passed on unread counts as one, the handshake and what was subscribed too', () => {
    const { relay: one, client, sent, write, say } = relay();
    one.connected('tools-1');
    write({ id: 0, method: 'initialize', params: {} });
    write({ id: 1, method: 'resources/subscribe', params: { uri: 'a' } });
    write({ id: 2, method: 'tools/call', params: {} });
    expect([0, 1, '2', 3].map((id) => one.answered(id))).toEqual([true, true, false, false]);
    one.lost();
    sent();
    one.connected('tools-1');
    const [first] = sent();
    // Of our own: nobody but us waits for it.
    expect(one.answered(first?.message['id'] as string)).toBe(false);
    say({ id: first?.message['id'], result: {} });
    expect(methods(sent())).toEqual(['resources/subscribe', 'tools/call']);
    expect([one.answered(2), one.answered(2)]).toEqual([true, false]);
    expect(client).toEqual([]);
  });

  test('other tools are told, the same ones are not', () => {
    for (const [tools, told] of [
      ['tools-1', []],
      ['tools-2', ['notifications/tools/list_changed']],
    ] as const) {
      const { relay: one, client, sent, say } = greeted();
      one.lost();
      one.connected(tools);
      say({ id: sent()[0]?.message['id'], result: {} });
      expect(client.map(({ method }) => method)).toEqual(told);
    }
  });

  test('a subscription of 2026-07-28 holds, without a second acknowledgement, and hears of other tools', () => {
    const { relay: one, client, sent, write, say } = relay();
    one.connected('tools-1');
    write({ id: 9, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } });
    const acknowledged = () =>
      say({
        method: 'notifications/subscriptions/acknowledged',
        params: {
          notifications: { toolsListChanged: true },
          _meta: { 'io.modelcontextprotocol/subscriptionId': 9 },
        },
      });
    acknowledged();
    expect(client.map(({ method }) => method)).toEqual(['notifications/subscriptions/acknowledged']);
    expect(one.waiting).toBe(false);
    one.lost();
    sent();
    one.connected('tools-2');
    expect(methods(sent())).toEqual(['subscriptions/listen']);
    acknowledged();
    expect(client.slice(1)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/tools/list_changed',
        params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 9 } },
      },
    ]);
  });
});

describe('requests of the server', () => {
  test('have ids of their own; an answer finds its bridge or nobody', () => {
    const { relay: one, client, sent, write, say } = greeted();
    say({ id: 0, method: 'roots/list' });
    say({ id: 1, method: 'elicitation/create', params: {} });
    const [roots, form] = client.splice(0);
    expect(roots?.['id']).not.toBe(form?.['id']);
    write({ id: roots?.['id'], result: { roots: [] } });
    expect(sent().map(({ message }) => message)).toEqual([{ jsonrpc: '2.0', id: 0, result: { roots: [] } }]);
    one.lost();
    expect(client.splice(0)).toMatchObject([
      { method: 'notifications/cancelled', params: { requestId: form?.['id'] } },
    ]);
    one.connected('tools-1');
    say({ id: sent()[0]?.message['id'], result: {} });
    sent();
    say({ id: 0, method: 'roots/list' });
    write({ id: form?.['id'], result: { action: 'accept' } });
    expect(sent()).toEqual([]);
    say({ method: 'notifications/cancelled', params: { requestId: 0 } });
    const [again, cancelled] = client;
    expect(again?.['id']).not.toBe(form?.['id']);
    expect(cancelled).toMatchObject({ params: { requestId: again?.['id'] } });
  });
});

describe('no bridge', () => {
  test('whoever waits is told why; the next request waits again', () => {
    const { relay: one, client, write } = relay();
    write({ id: 1, method: 'initialize', params: {} });
    expect(one.waiting).toBe(true);
    one.failed(new BridgeError('BRIDGE_START_FAILED', 'It did not start.'));
    expect(client).toMatchObject([
      { id: 1, error: { code: -32_603, data: { code: 'BRIDGE_START_FAILED' } } },
    ]);
    expect(one.waiting).toBe(false);
    write({ id: 2, method: 'ping' });
    expect(client.at(-1)).toMatchObject({ id: 2, result: {} });
    expect(one.waiting).toBe(false);
    write({ id: 3, method: 'initialize', params: {} });
    expect(one.waiting).toBe(true);
  });

  test('what five bridges died of is not sent to a sixth', () => {
    const { relay: one, client, sent, write } = relay();
    write({ id: 1, method: 'tools/call', params: {} });
    for (let life = 1; life <= 5; life++) {
      one.connected('tools-1');
      expect(sent()).toHaveLength(1);
      one.lost();
    }
    expect(client).toMatchObject([{ id: 1, error: { data: { code: 'CONNECTION_CLOSED' } } }]);
    one.connected('tools-1');
    expect(sent()).toEqual([]);
  });

  test('that one is leaving is no answer; that a turn was interrupted by it is', () => {
    const { client, notes, write, say } = greeted();
    const error = { code: 'BRIDGE_STOPPING', message: 'm' };
    write({ id: 1, method: 'tools/call', params: {} });
    say({ id: 1, result: { isError: true, structuredContent: { error } } });
    expect([client, notes]).toEqual([[], ['leaving']]);
    say({ id: 1, result: { isError: true, structuredContent: { turn: 't', error } } });
    expect(client).toHaveLength(1);
  });
});

describe('whatever comes', () => {
  const id = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.constant({ toString: 1 }));
  const params = fc.record(
    {
      requestId: id,
      progressToken: id,
      progress: fc.oneof(fc.integer(), fc.string()),
      uri: fc.string(),
      _meta: fc.record({ progressToken: id, 'io.modelcontextprotocol/subscriptionId': id }),
    },
    { requiredKeys: [] },
  );
  const message = fc.record(
    {
      jsonrpc: fc.constant('2.0'),
      id,
      method: fc.constantFrom(
        'initialize',
        'tools/call',
        'ping',
        'subscriptions/listen',
        'resources/subscribe',
        'notifications/initialized',
        'notifications/cancelled',
        'notifications/progress',
        'notifications/subscriptions/acknowledged',
      ),
      params: fc.oneof(params, fc.jsonValue()),
      result: fc.jsonValue(),
      error: fc.jsonValue(),
    },
    { requiredKeys: ['jsonrpc'] },
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ from: fc.constantFrom('client', 'bridge'), message }) },
    { weight: 1, arbitrary: fc.constantFrom('connected', 'lost', 'failed') },
  );

  test('nothing is thrown, and no request is answered twice', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { relay: one, client } = relay();
        const asked = new Map<string, number>();
        const key = (value: unknown) => `${typeof value} ${JSON.stringify(value)}`;
        for (const each of steps) {
          if (each === 'connected') one.connected('tools-1');
          else if (each === 'lost') one.lost();
          else if (each === 'failed') one.failed(new BridgeError('BRIDGE_START_FAILED', 'It did not start.'));
          else if (each.from === 'bridge') one.fromBridge(each.message);
          else {
            one.fromClient(each.message, 10);
            if (each.message.method !== undefined)
              asked.set(key(each.message.id), (asked.get(key(each.message.id)) ?? 0) + 1);
          }
        }
        const answers = new Map<string, number>();
        for (const sent of client) {
          if (sent['method'] !== undefined || sent['id'] === null) continue;
          answers.set(key(sent['id']), (answers.get(key(sent['id'])) ?? 0) + 1);
        }
        // A message that is no valid one is refused under its id, where it has one.
        for (const [answered, count] of answers)
          if (asked.has(answered)) expect(count).toBeLessThanOrEqual(asked.get(answered) ?? 0);
      }),
    );
  });
});

describe('bounds', () => {
  test('requests without an answer, by number and by size, and an id that is in use', () => {
    const { client, write, relay: one } = greeted();
    write({ id: 'big', method: 'tools/call' });
    write({ id: 'big', method: 'tools/call' });
    expect(client.splice(0)).toMatchObject([{ id: 'big', error: { data: { code: 'INVALID_INPUT' } } }]);
    one.fromClient({ jsonrpc: '2.0', id: 'huge', method: 'x' }, 64 * 1024 * 1024);
    expect(client.splice(0)).toMatchObject([{ id: 'huge', error: { data: { code: 'QUEUE_FULL' } } }]);
    for (let id = 1; id <= 1_000; id++) write({ id, method: 'x' });
    expect(client).toMatchObject([{ id: 1_000, error: { data: { code: 'QUEUE_FULL' } } }]);
  });

  test('lines come whole however they are cut, and a long one is skipped to its end', () => {
    const input = `{"a":1}\n\n{"b":"\u00e4"}\r\nnope\n[1]\n{"too":"${'x'.repeat(40)}"}\n{"c":3}\n{"d"`;
    for (let size = 1; size < input.length; size++) {
      const lines = new InputLines(32);
      const got: string[] = [];
      const bytes = Buffer.from(input);
      for (let at = 0; at < bytes.length; at += size) {
        for (const line of lines.push(bytes.subarray(at, at + size)))
          got.push(line.kind === 'message' ? JSON.stringify(line.message) : line.kind);
      }
      expect(got).toEqual(['{"a":1}', '{"b":"\u00e4"}', 'not_json', 'not_object', 'too_long', '{"c":3}']);
    }
  });
});
