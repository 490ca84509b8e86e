import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { EventBuffer } from '../../src/bridge/mcp/eventBuffer.ts';

const progress = (n: number, message = ''): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 1, progress: n, message },
});
const answer = (id: number, text = ''): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: { text } });

async function after(buffer: EventBuffer, id: string): Promise<JSONRPCMessage[]> {
  const sent: JSONRPCMessage[] = [];
  await buffer.replayEventsAfter(id, { send: async (_id, message) => void sent.push(message) });
  return sent;
}

describe('B12: what is kept for a stream that was cut', () => {
  it('B12: is sent again from where it was cut, of this stream alone, in order', async () => {
    const buffer = new EventBuffer();
    await buffer.storeEvent('a', progress(1));
    const seen = await buffer.storeEvent('a', progress(2));
    await buffer.storeEvent('b', progress(1));
    await buffer.storeEvent('a', progress(3));
    await buffer.storeEvent('a', answer(7));
    expect(await after(buffer, seen)).toEqual([progress(3), answer(7)]);
    await expect(after(buffer, 'nonsense')).rejects.toThrow('unknown event id');
  });

  it('B12: has every answer, however much progress came after it', async () => {
    const buffer = new EventBuffer();
    const first = await buffer.storeEvent('a', progress(1));
    await buffer.storeEvent('a', answer(1));
    const second = await buffer.storeEvent('b', progress(0));
    for (let n = 1; n <= 2_000; n++) await buffer.storeEvent('b', progress(n));
    await buffer.storeEvent('b', answer(2));
    expect(await after(buffer, first)).toEqual([answer(1)]);
    const told = await after(buffer, second);
    expect(told.at(-1)).toEqual(answer(2));
    // The newest of it, bounded.
    expect(told.at(-2)).toEqual(progress(2_000));
    expect(told.length).toBeLessThanOrEqual(500);
  });

  it('B12: is bounded in length, too: of answers the newest stay', async () => {
    const buffer = new EventBuffer();
    const text = 'x'.repeat(200_000);
    const first = await buffer.storeEvent('a', progress(1));
    for (let id = 1; id <= 5; id++) await buffer.storeEvent('a', answer(id, text));
    expect(await after(buffer, first)).toEqual([answer(4, text), answer(5, text)]);
  });
});
