import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Attach } from '../../src/client/attach/attach.ts';
import { connectBridge } from '../../src/client/connect.ts';
import { BridgeLink } from '../../src/extension/bridgeLink.ts';
import { HEARTBEAT_MS } from '../../src/shared/faces.ts';
import { answerOf } from '../../src/shared/session.ts';
import { CliBench, RUNTIME } from '../support/cli.ts';
import { Follower, joinBridge, RawFace } from '../support/faces.ts';
import { startRealBridge } from '../support/realBridge.ts';
import { Latch, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const source = { kind: 'window' } as const;
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllEnvs();
});

/** What is due in 45 s, one pause of the heartbeat after the other; `between` lets the answers come in. */
async function fortyFiveSeconds(clock: SkewClock, between: () => Promise<unknown>): Promise<void> {
  for (let ms = 0; ms < 45_000; ms += HEARTBEAT_MS) {
    clock.advance(HEARTBEAT_MS);
    await between();
  }
}

it('B11: a face that says nothing any more is dropped, an older one and one that lives are not, and its turn goes on', async () => {
  const clock = new SkewClock();
  const bridge = await startRealBridge({ heartbeat: clock });
  ends.push(() => bridge.close());
  const latch = new Latch();
  bridge.model.script(() => [words(['One ', 'two'], (i) => (i === 1 ? latch.wait() : undefined))]);
  const alive = await joinBridge(bridge.stateDir, true, clock.after);
  ends.push(() => alive.dispose());
  const { id } = await alive.rpc.request('session.create', { folder: bridge.folder(0).info.key });
  const followed = await Follower.open(alive, id);

  const older = await RawFace.connect(bridge.stateDir);
  const silent = await RawFace.connect(bridge.stateDir);
  ends.push(
    () => older.dispose(),
    () => silent.dispose(),
  );
  older.hello();
  await older.answer(1);
  silent.hello(1, { heartbeat: true });
  await silent.answer(1);
  silent.write(
    `${JSON.stringify({ id: 2, method: 'session.prompt', params: { session: id, prompt: 'p', source } })}\n`,
  );
  await silent.answer(2);
  await followed.until(({ turns }) => turns.some((turn) => answerOf(turn) === 'One '));
  // From here on it is silent, and its socket stays open.
  await fortyFiveSeconds(clock, () => alive.rpc.request('ping', {}));
  await silent.closed();
  expect(bridge.status().faces).toBe(2);
  expect(older.socket.destroyed).toBe(false);
  expect(bridge.log.filter((line) => line.includes('is silent'))).toHaveLength(1);
  expect(bridge.folder(0).session(id).snapshot.turns).toMatchObject([{ status: 'running' }]);
  latch.open();
  await followed.until(({ turns }) => turns[0]?.endedAt !== undefined);
  expect(followed.state.turns[0]).toMatchObject({ status: 'completed' });
});

describe('B11: a bridge that hangs after it has answered', () => {
  async function hangingBridge() {
    const bench = await CliBench.create();
    ends.push(() => bench.dispose());
    const served = bench.start(['serve', '--json']);
    const { pid } = await served.ready();
    const hang = () => {
      process.kill(pid, 'SIGSTOP');
      ends.push(() => process.kill(pid, 'SIGCONT'));
    };
    return { bench, pid, hang };
  }

  it('B11: the shim tells who waits within 45 s, and goes on when the bridge does', async () => {
    const { bench, pid, hang } = await hangingBridge();
    const clock = new SkewClock();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const log: string[] = [];
    const attached = new Attach({
      home: bench.home,
      version: '0.1.0',
      folder: bench.folders[0],
      input,
      output,
      launcher: () => ({ runtime: RUNTIME }),
      log: (_level, text) => void log.push(text),
      after: clock.after,
    });
    ends.push(() => attached.dispose());
    const answers = new Map<number, Record<string, unknown>>();
    output.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter(Boolean)) {
        const message = JSON.parse(line);
        answers.set(message.id, message);
      }
    });
    const ask = (id: number, method: string, params: object) =>
      input.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const answer = (id: number) =>
      vi.waitFor(() => answers.get(id) ?? expect.fail(`no answer ${id}`), 15_000);
    ask(1, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    });
    await answer(1);
    ask(2, 'tools/list', {});
    await answer(2);
    hang();
    ask(3, 'tools/call', { name: 'status', arguments: {} });
    // The ping that is under way is not answered, and the next pause ends, and the second look.
    await fortyFiveSeconds(clock, () => nextTurn());
    expect((await answer(3))['error']).toMatchObject({
      data: { code: 'REQUEST_TIMEOUT' },
      message: expect.stringContaining(`process ${pid}`),
    });
    process.kill(pid, 'SIGCONT');
    ask(4, 'tools/call', { name: 'status', arguments: {} });
    expect((await answer(4))['result']).toMatchObject({ structuredContent: { bridge: { pid } } });
  });

  it('B11: a window notices it, and is connected again when it goes on', async () => {
    const { bench, hang, pid } = await hangingBridge();
    const clock = new SkewClock();
    const link = new BridgeLink({
      connect: () =>
        connectBridge({
          home: bench.home,
          kind: 'window',
          canAnswer: true,
          version: '0.1.0',
          start: false,
          after: clock.after,
        }),
      onError: () => {},
      backOffMs: () => 50,
    });
    ends.push(() => link.dispose());
    await link.setFolders([{ path: bench.folders[0], name: 'f0' }]);
    await link.ensure();
    const lost = new Promise<void>((resolve) => link.onState(({ kind }) => kind === 'failed' && resolve()));
    hang();
    const asked = expect(link.request('status', {})).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await fortyFiveSeconds(clock, () => nextTurn());
    await lost;
    await asked;
    process.kill(pid, 'SIGCONT');
    expect((await link.request('status', {})).pid).toBe(pid);
    expect(link.state.kind).toBe('connected');
  });
});
