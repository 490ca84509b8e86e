import { afterEach, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { joinBridge } from '../support/faces.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, words } from '../support/scriptedModel.ts';

let bridge: RealBridge;
let face: BridgeConnection;
let client: TestClient;

afterEach(async () => {
  await client.abandon();
  face.dispose();
  await bridge.close();
});

it('tells who is connected over MCP, with what, and when that changes', async () => {
  bridge = await startRealBridge({ folders: 2 });
  face = await joinBridge(bridge.stateDir);
  const changed = new Promise((resolve) => face.rpc.on('clients.changed', resolve));
  const before = Date.now();
  const own = bridge.endpoints.folders[0];
  client = await connectClient('2025-11-25', { url: own?.url ?? '', token: own?.token ?? '' });
  await changed;

  const gate = new Latch();
  bridge.model.script(() => [words(['one', 'two'], (i) => (i === 1 ? gate.wait() : undefined))]);
  const { data } = await client.call('ask', { prompt: 'Look at this', background: true });
  const { clients } = await face.rpc.request('clients', {});
  expect(clients).toEqual([
    {
      name: 'test-client',
      version: '1.0.0',
      era: '2025-11-25',
      folder: own?.key,
      since: expect.any(Number),
      lastSeen: expect.any(Number),
      turns: [
        {
          session: data['session'],
          folder: own?.key,
          title: 'Look at this',
          turn: data['turn'],
          status: expect.stringMatching(/queued|running/),
        },
      ],
    },
  ]);
  expect(clients[0]?.since).toBeGreaterThanOrEqual(before);

  gate.open();
  await client.call('wait', { turn: data['turn'] });
  expect((await face.rpc.request('clients', {})).clients).toMatchObject([{ turns: [] }]);
  const left = new Promise((resolve) => face.rpc.on('clients.changed', resolve));
  await client.close();
  await left;
  expect((await face.rpc.request('clients', {})).clients).toEqual([]);
});
