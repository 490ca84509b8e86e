import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { hasEnded, type SessionSnapshot } from '../../src/shared/session.ts';
import { attachCommand, buildOf, install, openWindow, VERSION } from '../support/attached.ts';
import { CliBench, jsonLines, within } from '../support/cli.ts';
import { Follower } from '../support/faces.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

const NEWER = '9.9.9';
const source = { kind: 'window' } as const;

let bench: CliBench;
let oracle: Oracle;
let shim: TestClient;

beforeEach(async () => {
  bench = await CliBench.create();
  oracle = new Oracle();
});
afterEach(async () => {
  await shim.abandon();
  vi.unstubAllEnvs();
  await bench.dispose();
});

async function window(name: string, version: string, runtime: string): Promise<BridgeConnection> {
  const face = await openWindow(bench, [bench.folders[0]], { version, runtime });
  watchFace(oracle, name, face);
  return face;
}

const allEnded = ({ turns }: SessionSnapshot) => turns.every(({ status }) => hasEnded(status));

describe('B18: two windows, another version’s window, a command and a shim on one folder', () => {
  it('B18: see the same events of one bridge, and go on when the newer version has replaced it', async () => {
    const old = await install(bench);
    const first = await window('first', VERSION, old);
    const second = await window('second', VERSION, old);
    shim = watchClient(
      oracle,
      'shim',
      await connectClient('2025-11-25', attachCommand(bench, { args: ['--folder', '.'] })),
    );
    const before = await bench.discovery();

    const rest = new Latch();
    bench.model.script(({ prompt }) =>
      prompt === 'from the command line'
        ? [words(['One ', 'two.'], (at) => (at === 0 ? undefined : rest.wait()))]
        : [text(`Echo: ${prompt}`)],
    );
    oracle.sent('from the command line');
    const asking = bench.start(['ask', '--json', 'from the command line']);
    await asking.prints(/One /);
    const session = String(jsonLines(asking.stdout.split('\n', 1)[0] ?? '')[0]?.['session']);

    // An update of the extension, and a window of it, in the middle of the turn.
    const runtime = await install(bench, buildOf(bench, NEWER), NEWER);
    const newer = await window('newer', NEWER, runtime);
    expect([newer.replacing, newer.hello.version]).toEqual([true, VERSION]);
    const faces = [first, second, newer];
    expect(new Set(faces.map(({ hello }) => hello.pid))).toEqual(new Set([before.pid]));
    const closed = Promise.all(faces.map((face) => new Promise<void>((resolve) => face.onClose(resolve))));

    const followers = await Promise.all(faces.map((face) => Follower.open(face, session)));
    // The others join in while it runs: both wait in its queue.
    const queued = await second.rpc.request('session.prompt', { session, prompt: 'from a window', source });
    const told = shim.call('chat_msg', { session, prompt: 'from the shim' });
    const three = ({ turns }: SessionSnapshot) => turns.length === 3;
    await Promise.all(followers.map((follower) => follower.until(three)));
    rest.open();
    await Promise.all(
      followers.map((follower) => follower.until((state) => three(state) && allEnded(state))),
    );
    for (const { state, events, opened } of followers) {
      expect(state).toEqual(followers[0]?.state);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => opened.seq + 1 + at));
    }
    // Who came later was told the same as who was there, from there on.
    const [one, ...others] = followers;
    for (const { opened, events } of others) {
      expect(events).toEqual(one?.events.filter(({ seq }) => seq > opened.seq));
    }
    const cli = await asking.ends();
    expect(jsonLines(cli.stdout).at(-1)).toMatchObject({ status: 'completed', answer: 'One two.' });
    expect((await told).data).toMatchObject({ session, status: 'completed', answer: 'Echo: from the shim' });
    const turns = one?.state.turns ?? [];
    expect(turns.map(({ source: { kind } }) => kind)).toEqual(['cli', 'window', 'mcp']);
    expect(turns[1]?.id).toBe(queued.turn);

    // Its turns are done: it leaves, and the newer one has everything, for the older windows, too.
    await within(() => 'the end of the older bridge', closed);
    const again = await window('newer again', NEWER, runtime);
    const older = await window('first again', VERSION, runtime);
    expect(again.hello).toMatchObject({ version: NEWER });
    expect([older.hello.pid, older.replacing]).toEqual([again.hello.pid, undefined]);
    const kept = await older.rpc.request('session.open', { session });
    expect(kept.turns).toEqual(turns);
    const next = await shim.call('chat_msg', { session, prompt: 'and on' });
    expect(next.data).toMatchObject({ session, status: 'completed', answer: 'Echo: and on' });
    expect(bench.model.prompts()).toEqual([
      'from the command line',
      'from a window',
      'from the shim',
      'and on',
    ]);

    await shim.close();
    await again.rpc.request('stop', { now: true });
    await nothingLost(oracle, {
      stateDir: bench.home,
      codexHome: bench.codex.home,
      folders: bench.folders,
      model: bench.model,
    });
  });
});
