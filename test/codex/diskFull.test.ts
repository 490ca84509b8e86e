import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FolderStatus } from '../../src/shared/faces.ts';
import { answerOf } from '../../src/shared/session.ts';
import { CliBench, until } from '../support/cli.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;
let client: TestClient;
let oracle: Oracle;

beforeEach(async () => {
  bench = await CliBench.create();
  oracle = new Oracle();
});
afterEach(() => bench.dispose());

/** From now on every write to a file behind its first byte fails, as on a full disk; or no longer. */
function disk(pid: number, state: 'full' | 'free'): void {
  const size = state === 'full' ? '1' : 'unlimited';
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`]);
}

it('B7: on a full disk what runs can be read, nothing new is taken on, and with room it goes on', async () => {
  const more = new Latch();
  bench.model.script(({ prompt }) =>
    prompt === 'long'
      ? [words(['before, ', 'during'], (index) => (index === 1 ? more.wait() : undefined))]
      : [text(`Done: ${prompt}`)],
  );
  const { url, token, pid } = await bench.start(['serve', '--json']).ready();
  client = watchClient(oracle, 'client', await connectClient('2026-07-28', { url, token }));
  const face = await bench.face();
  watchFace(oracle, 'face', face);
  const statuses: FolderStatus[] = [];
  face.rpc.on('folder.status', (status) => statuses.push(status));
  const said = () => statuses.at(-1)?.history?.code;

  const old = String((await client.call('ask', { prompt: 'old' })).data['session']);
  const begun = await client.call('ask', { prompt: 'long', background: true });
  const [session, turn] = [String(begun.data['session']), String(begun.data['turn'])];
  const shown = async () => {
    const { turns } = await face.rpc.request('session.open', { session });
    return turns.map(answerOf).join();
  };
  await until('it has said something', async () => (await shown()) === 'before, ');

  disk(pid, 'full');
  more.open();
  await until('what comes now is shown', async () => (await shown()) === 'before, during');
  await until('it is told', () => said() === 'HISTORY_UNAVAILABLE');
  const waited = await client.call('wait', { turn });
  expect(waited.data).toMatchObject({ status: 'completed', answer: 'before, during' });
  for (const args of [{ prompt: 'new' }, { prompt: 'next', session }]) {
    const refused = await client.call('ask', args);
    expect(refused.isError).toBe(true);
    expect(refused.text).toContain('HISTORY_UNAVAILABLE');
  }
  const status = await client.call('status', {});
  expect(status.text).toContain('HISTORY_UNAVAILABLE');
  expect((await client.call('history', { action: 'read', session: old })).text).toContain('Done: old');
  for (const [format, what] of [
    ['json', session],
    ['markdown', old],
  ] as const) {
    const { data } = await face.rpc.request('session.export', { session: what, format });
    expect(data).toContain(what === old ? 'Done: old' : 'before, during');
  }

  disk(pid, 'free');
  await until('it is over', () => statuses.length > 0 && said() === undefined);
  expect((await client.call('ask', { prompt: 'next', session })).data).toMatchObject({
    answer: 'Done: next',
  });
  expect(bench.model.requests.map(({ prompt }) => prompt)).toEqual(['old', 'long', 'next']);
  await client.close();
  await bench.run(['stop', '--now']);
  const where = { stateDir: bench.home, codexHome: bench.codex.home, folders: bench.folders };
  await nothingLost(oracle, { ...where, model: bench.model });
});
