import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerOf, hasEnded } from '../../src/shared/session.ts';
import { attachCommand, install } from '../support/attached.ts';
import { CliBench } from '../support/cli.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { command, text } from '../support/scriptedModel.ts';

/** Instead of five minutes: 1.2 s. */
const SHORT = { approvalMinutesAlone: 0.02 };

let bench: CliBench;
let oracle: Oracle;
let faces = 0;

beforeEach(async () => {
  bench = await CliBench.create();
  oracle = new Oracle();
  bench.model.script(({ outputs }) =>
    outputs.length === 0 ? [command('touch made.txt')] : [text(`It said: ${outputs.join(' ')}`)],
  );
});
afterEach(() => bench.dispose());

const where = () => ({
  stateDir: bench.home,
  codexHome: bench.codex.home,
  folders: bench.folders,
  model: bench.model,
});
const made = () => existsSync(join(bench.folders[0], 'made.txt'));
const asking = { prompt: 'make it', approval_policy: 'untrusted', background: true };

async function face(canAnswer = true) {
  const connection = bench.keep(await joinBridge(bench.home, canAnswer));
  watchFace(oracle, `face ${++faces}`, connection);
  return connection;
}

async function serve(): Promise<TestClient> {
  const { url, token } = await bench.start(['serve', '--folder', bench.folders[0], '--json']).ready();
  return watchClient(oracle, `client ${++faces}`, await connectClient('2026-07-28', { url, token }));
}

async function stop(): Promise<void> {
  await bench.run(['stop', '--now']);
  await nothingLost(oracle, where());
}

describe('B23: an approval is pending', () => {
  it('B23: when its face dies: the next one is asked the same, and answers', async () => {
    const client = await serve();
    const first = await face();
    const { data } = await client.call('ask', asking);
    const session = String(data['session']);
    const seen = await (await Follower.open(first, session)).until(({ approvals }) => approvals.length > 0);
    first.dispose();
    const second = await face();
    const followed = await Follower.open(second, session);
    expect(followed.state.approvals).toEqual(seen.approvals);
    expect(followed.state.turns[0]?.status).toBe('waiting_for_approval');
    expect(made()).toBe(false);
    const approval = followed.state.approvals[0]?.id ?? '';
    await second.rpc.request('approval.answer', { session, approval, decision: 'accept' });
    await followed.until(({ turns }) => turns.every(({ status }) => hasEnded(status)));
    expect(made()).toBe(true);
    // A second answer, from a window that is late, counts for nothing.
    const late = second.rpc.request('approval.answer', { session, approval, decision: 'decline' });
    await expect(late).rejects.toMatchObject({ code: 'APPROVAL_NOT_FOUND' });
    await client.close();
    await stop();
  });

  it('B23: when the bridge dies: void, and never a yes', async () => {
    const client = await serve();
    const first = await face();
    const { data } = await client.call('ask', asking);
    const session = String(data['session']);
    const { approvals } = await (await Follower.open(first, session)).until(
      (state) => state.approvals.length > 0,
    );
    process.kill((await bench.discovery()).pid, 'SIGKILL');
    await client.abandon();
    first.dispose();
    const next = await serve();
    const second = await face();
    const { state } = await Follower.open(second, session);
    expect(state.approvals).toEqual([]);
    expect(state.turns).toMatchObject([{ status: 'interrupted' }]);
    const approval = approvals[0]?.id ?? '';
    const answer = second.rpc.request('approval.answer', { session, approval, decision: 'accept' });
    await expect(answer).rejects.toMatchObject({ code: 'APPROVAL_NOT_FOUND' });
    // The session goes on, and what was asked before is not taken as answered.
    bench.model.script(() => [text('Well.')]);
    expect((await next.call('chat_msg', { session, prompt: 'and now?' })).data['answer']).toBe('Well.');
    expect(made()).toBe(false);
    expect(bench.model.prompts()).toEqual(['make it', 'and now?']);
    await next.close();
    await stop();
  });

  it('B23: when nobody is there who could answer, though an attached client and a watching face are: declined after the time alone', async () => {
    bench.writeSettings(SHORT);
    await serve().then((client) => client.close());
    await install(bench);
    const client = watchClient(oracle, 'attached', await connectClient('2026-07-28', attachCommand(bench)));
    const watching = await face(false);
    const { data } = await client.call('ask', { ...asking, background: false });
    expect(data).toMatchObject({
      status: 'completed',
      declined: [expect.stringContaining('touch made.txt')],
    });
    expect(String(data['answer'])).toMatch(/^It said: .*(reject|declin|denied)/i);
    const { state } = await Follower.open(watching, String(data['session']));
    expect(state.turns[0]?.items.filter(({ type }) => type === 'decision')).toMatchObject([
      { decision: 'decline', by: 'timeout' },
    ]);
    expect(made()).toBe(false);

    // With a person there it waits: for longer than that, until they say so.
    const person = await face();
    const asked = await client.call('ask', { ...asking, prompt: 'make it now' });
    const session = String(asked.data['session']);
    const followed = await Follower.open(person, session);
    const { approvals } = await followed.until((state) => state.approvals.length > 0);
    await client.call('wait', { turn: asked.data['turn'], wait_seconds: 2 });
    expect(followed.state.turns[0]?.status).toBe('waiting_for_approval');
    const approval = approvals[0]?.id ?? '';
    await person.rpc.request('approval.answer', { session, approval, decision: 'accept' });
    const done = await followed.until(({ turns }) => turns.every(({ status }) => hasEnded(status)));
    expect([made(), answerOf(done.turns[0] ?? expect.fail()) !== '']).toEqual([true, true]);
    await client.close();
    await stop();
  });
});
