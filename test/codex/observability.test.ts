import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasEnded } from '../../src/shared/session.ts';
import { until } from '../support/cli.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { readMetrics } from '../support/metricsText.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { fail, Latch, text, words } from '../support/scriptedModel.ts';

const QUESTION = 'what-was-asked';
const ANSWER = 'what-was-answered';

let bridge: RealBridge;
let client: TestClient;

beforeAll(async () => {
  bridge = await startRealBridge();
  client = await connectClient('2026-07-28', bridge.endpoints);
});
afterAll(async () => {
  await client.close();
  await bridge.close();
});

/** `GET /metrics` of the bridge. */
async function metrics(token = bridge.endpoints.token, method = 'GET') {
  const response = await fetch(new URL('/metrics', bridge.endpoints.url), {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

it('counts turns by how they end, calls, requests, bytes and times, and tells them at every place alike', async () => {
  const gate = new Latch();
  bridge.model.script(({ prompt }) => {
    if (prompt.includes('fail')) return [fail(400)];
    return prompt.includes('long') ? [words([ANSWER, ' and more'], () => gate.wait())] : [text(ANSWER)];
  });
  await client.call('ask', { prompt: QUESTION });
  await client.call('ask', { prompt: 'fail' });
  const { data } = await client.call('ask', { prompt: 'long', background: true });
  const { data: waiting } = await client.call('ask', {
    prompt: 'queued',
    session: data['session'],
    background: true,
  });
  const during = readMetrics((await metrics()).text);
  const key = bridge.folder(0).info.key;
  expect(during.get(`codex_bridge_turns_running{folder="${key}"}`)).toBe(1);
  expect(during.get(`codex_bridge_turns_queued{folder="${key}"}`)).toBe(1);
  await client.call('cancel', { turn: waiting['turn'] });
  gate.open();
  await client.call('wait', { turn: data['turn'] });

  const { status, type, text: page } = await metrics();
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const read = readMetrics(page);
  const { counters } = bridge.status();
  expect(counters?.turns).toEqual({ completed: 2, failed: 1, cancelled: 1, interrupted: 0 });
  for (const [outcome, count] of Object.entries(counters?.turns ?? {}))
    expect(read.get(`codex_bridge_turns_total{outcome="${outcome}"}`)).toBe(count);
  expect(counters?.tools).toEqual({ ask: 4, cancel: 1, wait: 1 });
  expect(counters?.latencies.firstText.count).toBe(2);
  expect(counters?.latencies.turn.count).toBe(3);
  expect(counters?.latencies.toolCall.count).toBe(6);
  expect(counters?.requests['2xx']).toBeGreaterThanOrEqual(6);
  expect(counters?.traffic.http.in).toBeGreaterThan(1_000);
  const told = (await client.call('status', { counters: true })).data['counters'];
  expect(told).toMatchObject({
    turns: counters?.turns,
    codex_restarts: 0,
    latency_ms: { turn: { count: 3 } },
  });
  expect(page).not.toMatch(new RegExp(`${QUESTION}|${ANSWER}|${bridge.folders[0]}`));
});

it('tells the token for all folders alone, and counts who is refused', async () => {
  const before = bridge.status().counters?.requests['4xx'] ?? 0;
  const folder = bridge.endpoints.folders[0]?.token ?? '';
  expect([(await metrics(folder)).status, (await metrics('wrong')).status]).toEqual([403, 401]);
  expect((await metrics(bridge.endpoints.token, 'DELETE')).status).toBe(405);
  const [home] = bridge.endpoints.folders;
  const narrow = await connectClient('2025-11-25', { url: home?.url ?? '', token: home?.token ?? '' });
  const { data, isError } = await narrow.call('status', { counters: true });
  expect([isError, data['counters']]).toEqual([true, undefined]);
  expect((await narrow.call('status', {})).data['counters']).toBeUndefined();
  await narrow.close();
  await until('the refused ones are counted', () => bridge.status().counters?.requests['4xx'] === before + 3);
});

it('the log finds together what belongs together: call, client, folder, session and turn', async () => {
  bridge.model.script(() => [text(ANSWER)]);
  const { data } = await client.call('ask', { prompt: QUESTION });
  const { session, turn } = data;
  // Our own lines, each an object.
  const lines = bridge.log.map((line) => JSON.parse(line) as Record<string, unknown>);
  const answered = lines.find((line) => line['turn'] === turn && line['message'] === 'a tool has answered');
  expect(answered).toMatchObject({ tool: 'ask', client: 'test-client', session, status: 'completed' });
  const call = lines.filter((line) => line['call'] === answered?.['call']).map(({ message }) => message);
  expect(call).toEqual(['a tool is called', 'a tool has answered']);
  const folder = bridge.folder(0).info.key;
  const story = lines.filter((line) => line['turn'] === turn && line['folder'] === folder);
  expect(story.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'debug: a turn is queued',
    'debug: a turn has started',
    'info: a turn has ended',
  ]);
  expect(story.every((line) => line['session'] === session)).toBe(true);
  expect(bridge.log.join('\n')).not.toMatch(new RegExp(`${QUESTION}|${ANSWER}`));
  expect(
    bridge
      .folder(0)
      .pendingTurns()
      .every((one) => hasEnded(one.turn.status)),
  ).toBe(true);
});
