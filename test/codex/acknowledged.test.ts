import { afterEach, beforeEach, expect, it } from 'vitest';
import { CliBench, until } from '../support/cli.ts';
import { joinBridge } from '../support/faces.ts';
import { connectClient } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { alive } from '../support/processFamily.ts';
import { stall } from '../support/scriptedModel.ts';

const ROUNDS = 20;

let bench: CliBench;

beforeEach(async () => {
  bench = await CliBench.create();
  bench.model.script(() => [stall()]);
});
afterEach(() => bench.dispose());

it('B17: a prompt on a busy session is acknowledged only once it is written: the bridge killed at that moment, twenty times', async () => {
  const oracle = new Oracle();
  const acknowledged: string[] = [];
  let session = '';
  for (let round = 0; round < ROUNDS; round++) {
    const served = bench.start(['serve', '--folder', bench.folders[0], '--json']);
    const { pid, url, token, folders } = await served.ready();
    const face = await joinBridge(bench.home, false);
    watchFace(oracle, `face ${round}`, face);
    const { rpc } = face;
    if (session === '') session = (await rpc.request('session.create', { folder: folders[0]?.key ?? '' })).id;
    const stored = await rpc.request('session.open', { session });
    expect(stored.turns.map(({ prompt }) => prompt)).toEqual(acknowledged);
    const send = (prompt: string) =>
      rpc.request('session.prompt', { session, prompt, source: { kind: 'window' } });
    await send(`busy ${round}`);
    const queued = `queued ${round}`;
    if (round % 4 === 3) {
      const server = { url, token };
      const client = watchClient(oracle, `client ${round}`, await connectClient('2026-07-28', server));
      await client.call('chat_msg', { session, prompt: queued, background: true });
      process.kill(pid, 'SIGKILL');
      await client.abandon();
    } else {
      await send(queued);
      process.kill(pid, 'SIGKILL');
    }
    acknowledged.push(`busy ${round}`, queued);
    await until('the bridge has ended', () => alive([pid]) === 0);
    face.dispose();
  }
  await bench.start(['serve', '--folder', bench.folders[0], '--json']).ready();
  const last = await bench.face();
  watchFace(oracle, 'last', last);
  const { turns } = await last.rpc.request('session.open', { session });
  expect(turns.map(({ prompt }) => prompt)).toEqual(acknowledged);
  // They wait for somebody's word.
  for (const turn of turns) if (turn.held === true) oracle.mayWait(turn.id);
  await bench.run(['stop', '--now']);
  await nothingLost(oracle, {
    ...{ stateDir: bench.home, codexHome: bench.codex.home, folders: bench.folders },
    model: bench.model,
  });
}, 90_000);
