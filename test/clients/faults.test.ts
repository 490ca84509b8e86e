import { afterEach, describe, expect, it } from 'vitest';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { cut, fail, Latch, text, words } from '../support/scriptedModel.ts';

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options?: Parameters<typeof startRealBridge>[0]): Promise<RealBridge> {
  const bridge = await startRealBridge(options);
  ends.push(() => bridge.close());
  return bridge;
}

async function connect(bridge: RealBridge, era: (typeof ERAS)[number]): Promise<TestClient> {
  const client = await connectClient(era, bridge.endpoints);
  ends.push(() => client.close());
  return client;
}

describe.each(ERAS)('faults seen through MCP %s', (era) => {
  it('B24: Codex missing: a code and what to do, within two seconds', async () => {
    const bridge = await start({ codex: '/nowhere/codex' });
    const client = await connect(bridge, era);
    const before = performance.now();
    const { data, isError } = await client.call('ask', { prompt: 'p' });
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(isError).toBe(true);
    expect(data['error']).toMatchObject({
      code: 'CODEX_NOT_FOUND',
      message: expect.stringContaining('npm install'),
    });
    expect(bridge.folder(0).list({}).sessions).toEqual([]);
  });

  it('a model that refuses or breaks off: an error, the text so far, and the session usable afterwards', async () => {
    const bridge = await start();
    const client = await connect(bridge, era);
    for (const script of [() => [fail(503)], () => [words(['half ', 'way']), cut()]]) {
      bridge.model.script(script);
      const { data, isError } = await client.call('ask', { prompt: 'p' });
      expect(isError).toBe(true);
      expect(data).toMatchObject({ status: 'failed', error: { code: 'MODEL_ERROR' } });
      bridge.model.script(() => [text('fine again')]);
      const next = await client.call('chat_msg', { session: data['session'], prompt: 'q' });
      expect(next.data).toMatchObject({ status: 'completed', answer: 'fine again' });
    }
  });

  it('a second prompt on a busy session is queued, in order, and says so', async () => {
    const bridge = await start();
    const client = await connect(bridge, era);
    const hold = new Latch();
    bridge.model.script((request) =>
      request.prompt === 'first'
        ? [words(['a', 'b'], (i) => (i === 1 ? hold.wait() : undefined))]
        : [text(request.prompt)],
    );
    const first = await client.call('ask', { prompt: 'first', background: true });
    const { session } = first.data;
    await bridge.model.request((request) => request.prompt === 'first');
    const second = await client.call('chat_msg', { session, prompt: 'second', background: true });
    expect(second.data).toMatchObject({ status: 'queued' });
    const messages: string[] = [];
    const waiting = client.call(
      'wait',
      { turn: second.data['turn'] },
      {
        onProgress({ message }) {
          messages.push(message);
          hold.open();
        },
      },
    );
    expect((await waiting).data).toMatchObject({ status: 'completed', answer: 'second' });
    expect(messages[0]).toBe('queued, 1 before it in this session');
    expect(bridge.model.prompts()).toEqual(['first', 'second']);
  });

  it('the same session, asked for its status by both eras while it streams', async () => {
    const bridge = await start();
    const client = await connect(bridge, era);
    const other = await connect(bridge, era === ERAS[0] ? ERAS[1] : ERAS[0]);
    const hold = new Latch();
    bridge.model.script(() => [words(['so ', 'far'], (i) => (i === 1 ? hold.wait() : undefined))]);
    const text = Promise.withResolvers<void>();
    const asking = client.call(
      'ask',
      { prompt: 'stream' },
      { onProgress: ({ message }) => message.startsWith('so') && text.resolve() },
    );
    await text.promise;
    for (const one of [client, other]) {
      const [session] = (await one.call('history', { action: 'list' })).data['sessions'] as {
        session: string;
      }[];
      const seen = await one.call('wait', { session: session?.session, wait_seconds: 0 });
      expect(seen.data).toMatchObject({ status: 'running', answer: 'so ' });
    }
    hold.open();
    expect((await asking).data).toMatchObject({ status: 'completed', answer: 'so far' });
  });
});
