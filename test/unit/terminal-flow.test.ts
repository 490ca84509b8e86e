import { describe, expect, test } from 'vitest';
import { Flow } from '../../src/bridge/terminal/flow.ts';
import { TERMINAL_FLOW } from '../../src/shared/terminal.ts';

const { high, low } = TERMINAL_FLOW;

function flowOf(...viewers: string[]): Flow<string> {
  const flow = new Flow<string>();
  for (const viewer of viewers) flow.add(viewer);
  return flow;
}

describe('flow control', () => {
  test('nobody looks on: nothing holds the program up', () => {
    const flow = flowOf();
    expect(flow.blocked).toBe(false);
    expect(flow.deliver('nobody', 1)).toBe('skip');
  });

  test('one viewer holds the program up above the high mark, goes on below the low one, and misses nothing', () => {
    const flow = flowOf('a');
    expect(flow.deliver('a', high)).toBe('send');
    expect(flow.blocked).toBe(false);
    expect(flow.deliver('a', 1)).toBe('send');
    expect(flow.blocked).toBe(true);
    // What was on its way when the program was held up.
    expect(flow.deliver('a', 10)).toBe('send');
    expect(flow.ack('a', high + 11 - low)).toBe(false);
    expect(flow.blocked).toBe(true);
    expect(flow.ack('a', 1)).toBe(false);
    expect(flow.blocked).toBe(false);
    expect(flow.deliver('a', 1)).toBe('send');
  });

  test('a slow viewer never holds up a fast one: it misses output and then needs a fresh screen', () => {
    const flow = flowOf('fast', 'slow');
    for (const viewer of ['fast', 'slow']) flow.deliver(viewer, high + 1);
    expect(flow.blocked).toBe(true);
    flow.ack('fast', high + 1);
    expect(flow.blocked).toBe(false);
    expect(flow.deliver('fast', 5)).toBe('send');
    expect(flow.deliver('slow', 5)).toBe('skip');
    expect(flow.ack('slow', high)).toBe(true);
    // Until the screen is there it gets nothing, else it would draw on an old one.
    expect(flow.deliver('slow', 5)).toBe('skip');
    flow.refreshed('slow', 100);
    expect(flow.deliver('slow', 5)).toBe('send');
  });

  test('who never acknowledges is left behind, and comes back with a fresh screen', () => {
    const flow = flowOf('gone');
    flow.deliver('gone', high + 1);
    expect(flow.blocked).toBe(true);
    flow.dropBehind();
    expect(flow.blocked).toBe(false);
    expect(flow.deliver('gone', 1)).toBe('skip');
    expect(flow.ack('gone', high + 1)).toBe(true);
    flow.refreshed('gone', high + 1);
    // Its screen alone is more than it can take at once: it counts again.
    expect(flow.blocked).toBe(true);
    expect(flow.ack('gone', high + 1)).toBe(false);
    expect(flow.blocked).toBe(false);
  });

  test('acknowledging too much is no credit for later', () => {
    const flow = flowOf('a');
    flow.ack('a', 10 * high);
    flow.deliver('a', high + 1);
    expect(flow.blocked).toBe(true);
    flow.remove('a');
    expect(flow.blocked).toBe(false);
  });
});
