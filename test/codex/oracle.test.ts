import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerOf, hasEnded } from '../../src/shared/session.ts';
import { CliBench } from '../support/cli.ts';
import { Follower } from '../support/faces.ts';
import { connectClient, ERAS } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { processesOf } from '../support/processFamily.ts';

let bench: CliBench;

beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

const where = () => ({
  stateDir: bench.home,
  codexHome: bench.codex.home,
  folders: bench.folders,
  model: bench.model,
});

it('a face, a client of each era and the CLI, and a Codex that is killed: nothing lost', async () => {
  const oracle = new Oracle();
  const served = bench.start(['serve', '--folder', bench.folders[0], '--port', '0', '--json']);
  const ready = await served.ready();
  const face = await bench.face();
  watchFace(oracle, 'window', face);
  const folder = ready.folders[0]?.key ?? '';
  const { id: session } = await face.rpc.request('session.create', { folder });
  const followed = await Follower.open(face, session);
  const send = (prompt: string) =>
    face.rpc.request('session.prompt', { session, prompt, source: { kind: 'window' } });

  await send('!run echo one; echo two');
  const slow = await send('!slow 100 once upon a time');
  await followed.until(({ turns }) => turns.some((turn) => turn.id === slow.turn && answerOf(turn) !== ''));
  for (const pid of processesOf(where())) if (pid !== served.pid) process.kill(pid, 'SIGKILL');
  await followed.until(({ turns }) => turns.every(({ status }) => hasEnded(status)));

  for (const era of ERAS) {
    const client = watchClient(oracle, era, await connectClient(era, { url: ready.url, token: ready.token }));
    await client.call('ask', { prompt: `!say hello ${era}`, idempotency_key: era });
    await client.call('ask', { prompt: `!say hello ${era}`, idempotency_key: era });
    await client.call('chat_msg', { session, prompt: `!slow 5 ${era}` });
    await client.close();
  }
  oracle.sent('from the shell');
  const { result } = await bench.ask('from the shell', '--session', session);
  oracle.acknowledged('cli', { session, turn: result.turn, prompt: 'from the shell' });

  expect(followed.state.turns.map(({ status }) => status)).toEqual([
    'completed',
    'interrupted',
    'completed',
    'completed',
    'completed',
  ]);
  served.signal('SIGTERM');
  await served.ends();
  expect(oracle.prompts).toBe(7);
  await nothingLost(oracle, where());
});
