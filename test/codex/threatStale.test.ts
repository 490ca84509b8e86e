import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attachCommand, install } from '../support/attached.ts';
import { CliBench } from '../support/cli.ts';
import { answers, Impostor } from '../support/impostor.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';

let bench: CliBench;
let client: TestClient | undefined;
const impostors: Impostor[] = [];

beforeEach(async () => {
  bench = await CliBench.create();
  await install(bench);
});
afterEach(async () => {
  await client?.close();
  await bench.dispose();
  // Last: closing takes the socket's name away, which is the next bridge's by then.
  for (const impostor of impostors.splice(0)) await impostor.close();
});

it('A17: attach tells nothing to the programs at a dead bridge’s socket and port, and starts a bridge with other tokens', async () => {
  const first = bench.start(['serve', '--json']);
  await first.ready();
  for (const path of [[], ['run']]) expect(await bench.mode(...path)).toBe(0o700);
  for (const path of [['bridge.json'], ['run', 'bridge.sock']]) expect(await bench.mode(...path)).toBe(0o600);
  const before = await bench.discovery();
  first.signal('SIGTERM');
  await first.ends();
  await writeFile(join(bench.home, 'bridge.json'), JSON.stringify(before), { mode: 0o600 });
  const atSocket = await Impostor.listen(before.socket, answers({ proof: before.instance }));
  const atPort = await Impostor.listen(Number(new URL(before.url).port), () => 'HTTP/1.1 200 OK\r\n\r\n');
  impostors.push(atSocket, atPort);

  client = await connectClient('2025-11-25', attachCommand(bench, { args: ['--folder', bench.folders[0]] }));
  expect((await client.call('status', {})).isError).toBe(false);
  const heard = atSocket.heard.trimEnd().split('\n');
  expect(heard.length).toBeGreaterThan(0);
  for (const line of heard) expect(JSON.parse(line)).toMatchObject({ id: 1, method: 'prove' });
  for (const { heard } of [atSocket, atPort]) {
    for (const secret of [before.token, before.key]) expect(heard).not.toContain(secret);
  }
  const after = await bench.discovery();
  for (const what of ['token', 'key', 'instance', 'url'] as const) expect(after[what]).not.toBe(before[what]);
  const old = await fetch(after.url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${before.token}` },
  });
  expect(old.status).toBe(401);
});
