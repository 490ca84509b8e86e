import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { joinBridge } from '../support/faces.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, words } from '../support/scriptedModel.ts';

// Clients that do all they can to be mistaken for each other: one request id, one progress token, one name.

let bridge: RealBridge;
const faces: BridgeConnection[] = [];

beforeAll(async () => {
  bridge = await startRealBridge({
    settings: { limits: { ...DEFAULT_SETTINGS.limits, runningTurns: 10 } },
  });
});
afterAll(async () => {
  for (const face of faces) face.dispose();
  await bridge.close();
});

const CLIENT = { name: 'twin', version: '1' };
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
};
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT },
};
/** The same for all, but for the prompt. */
const ask = (prompt: string, meta: object = {}) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'ask', arguments: { prompt }, _meta: { ...meta, progressToken: 'p' } },
});

function post(headers: Readonly<Record<string, string>>, body: object): Promise<Response> {
  const { url, token } = bridge.endpoints.folders[0] ?? expect.fail();
  return fetch(url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

/** Everything that a client is sent for its one call. */
type Twin = (prompt: string) => Promise<string>;

const modern: Twin = async (prompt) => {
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'ask' };
  return (await post(headers, ask(prompt, META))).text();
};

const legacy: Twin = async (prompt) => {
  const begun = await post({}, INITIALIZE);
  await begun.text();
  return (await post({ 'Mcp-Session-Id': begun.headers.get('mcp-session-id') ?? '' }, ask(prompt))).text();
};

const attached =
  (instance: string, era: 'legacy' | 'modern'): Twin =>
  async (prompt) => {
    const face = await joinBridge(bridge.stateDir);
    faces.push(face);
    const heard: string[] = [];
    const answered = Promise.withResolvers<void>();
    const greeted = Promise.withResolvers<void>();
    face.rpc.on('mcp.message', ({ message }) => {
      if (message['id'] === INITIALIZE.id) greeted.resolve();
      else heard.push(JSON.stringify(message));
      if (message['id'] === 7) answered.resolve();
    });
    const folder = bridge.folders[0] ?? expect.fail();
    const { channel } = await face.rpc.request('mcp.open', { instance, folder });
    // Every face counts its own channels.
    expect(channel).toBe('m1');
    if (era === 'legacy') {
      face.rpc.tell('mcp.send', { channel, message: INITIALIZE });
      await greeted.promise;
    }
    const message = ask(prompt, era === 'modern' ? META : {});
    face.rpc.tell('mcp.send', { channel, message, key: 'k' });
    await answered.promise;
    return heard.join('\n');
  };

it('A20: equal ids at the same time, in both eras and over attach: each client gets its own answer', async () => {
  const gate = new Latch();
  bridge.model.script(({ prompt }) => [
    words(['first ', `${prompt} `, 'last'], (i) => (i === 2 ? gate.wait() : undefined)),
  ]);
  const twins = [
    modern,
    modern,
    legacy,
    legacy,
    attached('a', 'legacy'),
    attached('b', 'legacy'),
    attached('c', 'modern'),
    attached('d', 'modern'),
  ];
  const names = twins.map((_twin, at) => `heron${at}`);
  const calls = twins.map((twin, at) => twin(names[at] ?? ''));
  await expect.poll(() => bridge.model.prompts().toSorted(), { timeout: 30_000 }).toEqual(names);
  gate.open();
  for (const [at, text] of (await Promise.all(calls)).entries()) {
    expect(text).toContain('"id":7');
    expect(text).toContain('notifications/progress');
    expect([...new Set(text.match(/heron\d/g))]).toEqual([names[at]]);
  }
});
