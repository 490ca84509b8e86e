import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasEnded } from '../../src/shared/session.ts';
import { connectClient, ERAS, type Era, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, words } from '../support/scriptedModel.ts';
import { TokenProxy } from '../support/tokenProxy.ts';

const WORDS = ['One ', 'two ', 'three ', 'four.'];

let bridge: RealBridge;
let proxy: TokenProxy;
let clients: TestClient[] = [];

beforeAll(async () => {
  bridge = await startRealBridge();
  proxy = await TokenProxy.start(bridge.endpoints);
});
afterEach(async () => {
  for (const client of clients) await client.abandon();
  clients = [];
});
afterAll(async () => {
  await proxy.close();
  await bridge.close();
});

/** Through a line that can be cut. */
async function connect(era: Era): Promise<TestClient> {
  const client = await connectClient(era, { url: proxy.url, token: bridge.endpoints.token });
  clients.push(client);
  return client;
}

/** A model that says the next word when it is let. */
function wordByWord(): { say(count: number): void } {
  const gates = WORDS.map(() => new Latch());
  bridge.model.script(() => [words(WORDS, (at) => gates[at]?.wait())]);
  let next = 0;
  return {
    say(count) {
      for (const gate of gates.slice(next, next + count)) gate.open();
      next += count;
    },
  };
}

/** What a call is told while it waits. */
class Told {
  readonly numbers: number[] = [];
  #text = '';
  readonly #waiting = new Set<() => void>();

  readonly onProgress = ({ progress, message }: { progress: number; message: string }): void => {
    this.numbers.push(progress);
    this.#text = message;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  };

  async until(text: string): Promise<void> {
    while (!this.#text.includes(text)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}

const sent = (prompt: string) => bridge.model.prompts().filter((one) => one === prompt).length;

describe('B12: a stream that is cut, 2025-11-25', () => {
  it('B12: is taken up again where it was, as often as it is cut: nothing is missing, nothing comes twice', async () => {
    const client = await connect('2025-11-25');
    const model = wordByWord();
    const told = new Told();
    const asking = client.call('ask', { prompt: 'cut twice' }, told);
    model.say(1);
    await told.until('One');
    proxy.cut();
    // Nobody is connected when this is said.
    model.say(1);
    await told.until('two');
    proxy.cut();
    model.say(2);
    const { data, isError } = await asking;
    expect([isError, data['status'], data['answer']]).toEqual([false, 'completed', WORDS.join('')]);
    expect(told.numbers).toEqual(told.numbers.map((_, at) => at + 1));
    expect(new Set(proxy.resumed).size).toBeGreaterThanOrEqual(2);
    expect(sent('cut twice')).toBe(1);
  });
});

describe('B13: a response that is cut, 2026-07-28', () => {
  /** The response breaks off after the first word. The SDK's client then waits on, so that it must be told. */
  async function cutOff(
    client: TestClient,
    model: { say(count: number): void },
    args: Record<string, unknown>,
  ): Promise<void> {
    const [told, gone] = [new Told(), new AbortController()];
    const { onProgress } = told;
    const asking = client.call('ask', args, { onProgress, signal: gone.signal });
    const failed = expect(asking).rejects.toThrow();
    model.say(1);
    await told.until('One');
    proxy.cut();
    gone.abort();
    await failed;
  }

  it('B13: ends the request and not the turn; the same request with its key finds the same turn', async () => {
    const client = await connect('2026-07-28');
    const model = wordByWord();
    const args = { prompt: 'cut once', idempotency_key: 'k13' };
    const ask = (told: Told) => client.call('ask', args, told);
    await cutOff(client, model, args);
    const { data } = await client.call('status', {});
    // The output schema of status, which the client has checked.
    const [folder] = data['folders'] as { turns: { turn: string }[] }[];
    const running = folder?.turns.map(({ turn }) => turn);
    expect(running).toHaveLength(1);
    // Twice at once, as clients do that try again too early.
    const again = new Told();
    const [first, second] = [ask(again), ask(new Told())];
    await again.until('One');
    model.say(3);
    for (const answer of [await first, await second]) {
      expect(answer.data).toMatchObject({ turn: running?.[0], status: 'completed', answer: WORDS.join('') });
    }
    expect(sent('cut once')).toBe(1);
  });

  it('B13: without a key the turn is found by its session, and goes on', async () => {
    const client = await connect('2026-07-28');
    const model = wordByWord();
    await cutOff(client, model, { prompt: 'no key' });
    const { data } = await client.call('history', { action: 'list' });
    const [session] = data['sessions'] as { session: string; title: string }[];
    expect(session?.title).toBe('no key');
    const waiting = client.call('wait', { session: session?.session });
    model.say(3);
    expect((await waiting).data).toMatchObject({ status: 'completed', answer: WORDS.join('') });
    expect(sent('no key')).toBe(1);
  });
});

describe.each(ERAS)('B14: a client of %s that does not wait for ever', (era) => {
  it('B14: each wait ends with a handle, and a call that is given up leaves the turn to the next', async () => {
    const client = await connect(era);
    const model = wordByWord();
    const prompt = `takes long, ${era}`;
    const { data, isError } = await client.call('ask', { prompt, wait_seconds: 0.2 });
    const handle = { session: data['session'], turn: data['turn'] };
    expect([isError, data['status']]).toEqual([false, expect.stringMatching(/queued|running/)]);
    model.say(1);
    const [told, gone] = [new Told(), new AbortController()];
    const { onProgress } = told;
    const waiting = client.call('wait', { turn: handle.turn }, { onProgress, signal: gone.signal });
    const failed = expect(waiting).rejects.toThrow();
    await told.until('One');
    gone.abort();
    await failed;
    const still = await client.call('wait', { turn: handle.turn, wait_seconds: 0.1 });
    expect(still.data).toMatchObject({ ...handle, status: 'running', answer: 'One ' });
    expect(
      hasEnded(bridge.folder(0).sessionOfTurn(String(handle.turn)).turn(String(handle.turn)).status),
    ).toBe(false);
    model.say(3);
    const done = await client.call('wait', { turn: handle.turn });
    expect(done.data).toMatchObject({ ...handle, status: 'completed', answer: WORDS.join('') });
    expect(sent(prompt)).toBe(1);
  });
});
