import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Latencies } from '../../src/bridge/metrics/latencies.ts';
import { Metrics } from '../../src/bridge/metrics/metrics.ts';
import { prometheusText } from '../../src/bridge/metrics/prometheus.ts';
import { TurnMeter } from '../../src/bridge/metrics/turnMeter.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { FakeBridge, FakeClock, FakeFolder, silentLogger } from '../support/fakeBridge.ts';
import { readMetrics } from '../support/metricsText.ts';

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics();
});
afterEach(() => metrics.dispose());

describe('times', () => {
  it('have their percentiles to two figures, however many there are', () => {
    const times = new Latencies();
    for (let ms = 1; ms <= 10_000; ms++) times.record(ms);
    const { count, sum, p50, p95, p99, max } = times.read();
    expect([count, sum]).toEqual([10_000, 50_005_000]);
    for (const [told, right] of [
      [p50, 5_000],
      [p95, 9_500],
      [p99, 9_900],
      [max, 10_000],
    ] as const)
      expect(Math.abs(told - right) / right).toBeLessThan(0.02);
  });

  it('below a millisecond and beyond a day are counted, too', () => {
    const times = new Latencies();
    for (const ms of [0, 0.25, 1e9]) times.record(ms);
    expect(times.read().count).toBe(3);
    expect(times.read().p50).toBeCloseTo(0.25, 1);
    expect(new Latencies().read()).toEqual({ count: 0, sum: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });
});

describe('turns', () => {
  const clock = new FakeClock();
  const bridge = new FakeBridge(new FakeFolder('/tmp/home', 'home'));
  const session = bridge.list[0]?.createSession({});

  async function events(): Promise<Extract<SessionEvent, { type: 'turn.queued' }>> {
    const seen: SessionEvent[] = [];
    const listening = session?.onChange(({ event }) => void seen.push(event));
    await session?.prompt({ prompt: 'x', source: { kind: 'cli' } });
    listening?.dispose();
    const queued = seen.find((event) => event.type === 'turn.queued');
    if (queued?.type !== 'turn.queued') throw new Error('no turn');
    return queued;
  }

  it('are timed from the prompt to the end, and counted by how they ended', async () => {
    const meter = new TurnMeter({ metrics, clock, logger: silentLogger });
    const queued = await events();
    const turn = queued.turn.id;
    const tell = (event: SessionEvent, ms = 0) => {
      clock.advance(ms);
      meter.accept(event, 's_1');
    };
    tell(queued);
    tell({ type: 'turn.started', turn, at: 1 }, 30);
    for (const field of ['summary', 'text', 'text'] as const)
      tell({ type: 'item.delta', turn, item: 'i', field, text: 'a' }, 50);
    tell({ type: 'turn.ended', turn, at: 2, status: 'completed' }, 100);
    const { turns, latencies } = metrics.read();
    expect(turns).toEqual({ completed: 1, failed: 0, cancelled: 0, interrupted: 0 });
    expect(latencies.queueWait).toMatchObject({ count: 1, sum: 30 });
    expect(latencies.firstText).toMatchObject({ count: 1, sum: 100 });
    expect(latencies.turn).toMatchObject({ count: 1, sum: 250 });
  });

  it('that never started are counted and not timed', async () => {
    const meter = new TurnMeter({ metrics, clock, logger: silentLogger });
    const queued = await events();
    meter.accept(queued, 's_1');
    meter.accept({ type: 'turn.ended', turn: queued.turn.id, at: 2, status: 'cancelled' }, 's_1');
    expect(metrics.read().turns.cancelled).toBe(1);
    expect(metrics.read().latencies.turn.count).toBe(0);
  });
});

it("Prometheus' text has a type for every name, and no path and no name of a person in a label", () => {
  metrics.requestServed(200, 12);
  metrics.requestServed(401);
  metrics.toolCalled('ask', 34);
  const bridge = new FakeBridge(new FakeFolder('/home/somebody/secret-project', 'secret-project'));
  const status = { ...bridge.status(), folders: bridge.list.map((one) => one.status()) };
  const text = prometheusText({ ...status, counters: metrics.read() });
  expect(text).not.toMatch(/somebody|secret-project/);
  const read = readMetrics(text);
  expect(read.get('codex_bridge_http_requests_total{status="2xx"}')).toBe(1);
  expect(read.get('codex_bridge_http_requests_total{status="4xx"}')).toBe(1);
  expect(read.get('codex_bridge_tool_calls_total{tool="ask"}')).toBe(1);
  expect(read.get('codex_bridge_tool_call_seconds{quantile="0.5"}')).toBeCloseTo(0.034, 2);
  expect(read.get('codex_bridge_http_request_seconds_count')).toBe(1);
  expect(read.get('codex_bridge_memory_bytes{kind="rss"}')).toBeGreaterThan(1e6);
});
