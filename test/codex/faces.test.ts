import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { FACE_CONTRACT, type FaceContract } from '../../src/shared/faces.ts';
import type { RequestName } from '../../src/shared/rpc.ts';
import { answerOf, hasEnded, type SessionSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { Follower, joinBridge, RawFace } from '../support/faces.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import {
  addFile,
  call,
  command,
  Latch,
  type ModelRequest,
  patch,
  type Step,
  text,
  words,
} from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const MINUTE = 60_000;
const source = { kind: 'window' } as const;

let bridge: RealBridge;
const open: { dispose(): void }[] = [];

afterEach(async () => {
  for (const face of open.splice(0)) face.dispose();
  await bridge.close();
});

async function joined(canAnswer = true): Promise<BridgeConnection> {
  const face = await joinBridge(bridge.stateDir, canAnswer);
  open.push(face);
  return face;
}

async function raw(): Promise<RawFace> {
  const face = await RawFace.connect(bridge.stateDir);
  open.push(face);
  return face;
}

const key = (folder = 0) => bridge.folder(folder).info.key;
const truth = (id: string) => bridge.folder(0).session(id).snapshot;
const ended = (session: SessionSnapshot) => session.turns.every((turn) => hasEnded(turn.status));
const idle = (session: SessionSnapshot) => session.turns.length > 0 && ended(session);

/** One turn with everything that streams: a command, a plan, a patch, and words that wait for `gate`. */
function everything(gate: Latch) {
  return (request: ModelRequest): Step[] => {
    switch (request.outputs.length) {
      case 0:
        return [command('echo from the shell')];
      case 1: {
        const plan = [
          { step: 'look', status: 'completed' },
          { step: 'write', status: 'in_progress' },
        ];
        return [call('update_plan', { plan })];
      }
      case 2:
        return [patch(addFile('made.txt', 'line\n'))];
      default:
        return [words(['One ', 'two ', 'three ', 'four'], (i) => (i === 2 ? gate.wait() : undefined))];
    }
  };
}

describe('a face that joins', () => {
  it('says hello first, in a contract that the bridge knows', async () => {
    bridge = await startRealBridge();
    const face = await raw();
    const asked: [RequestName<FaceContract>, object][] = [
      ['ping', {}],
      ['status', {}],
      ['endpoints', {}],
      ['session.list', { folder: key() }],
      ['session.close', { session: 's_x' }],
      ['session.fork', { session: 's_x' }],
      ['stop', { now: true }],
    ];
    for (const [i, [method, params]] of asked.entries()) {
      face.write(`${JSON.stringify({ id: 10 + i, method, params })}\n`);
      const answer = await face.answer(10 + i);
      expect(answer['error'], method).toMatchObject({ code: 'BRIDGE_CONTRACT' });
    }
    face.hello(FACE_CONTRACT + 1);
    expect((await face.answer(1))['error']).toMatchObject({
      code: 'BRIDGE_CONTRACT',
      message: expect.stringContaining('codex-bridge stop'),
    });
    expect(bridge.folder(0).list({}).sessions).toEqual([]);
    const good = await joined();
    expect(good.hello).toMatchObject({ contract: FACE_CONTRACT, version: '0.0.0-test', pid: process.pid });
    expect(await good.rpc.request('ping', {})).toBeNull();
  });

  it('is told which request or which parameter is wrong', async () => {
    bridge = await startRealBridge();
    const face = await raw();
    face.hello();
    face.write('{"id":2,"method":"session.fly","params":{}}\n');
    face.write('{"id":3,"method":"__proto__","params":{}}\n');
    face.write('{"id":4,"method":"session.rename","params":{"session":"s_1","title":""}}\n');
    face.write('{"id":5,"method":"session.list","params":{"folder":"x","limit":"ten"}}\n');
    face.write('{"id":6,"method":"status"}\n');
    expect((await face.answer(2))['error']).toMatchObject({ code: 'BRIDGE_CONTRACT' });
    expect((await face.answer(3))['error']).toMatchObject({ code: 'BRIDGE_CONTRACT' });
    expect((await face.answer(4))['error']).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/session\.rename.*title/s),
    });
    expect((await face.answer(5))['error']).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/session\.list.*limit/s),
    });
    expect((await face.answer(6))['error']).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a prompt', () => {
  it('with half a character in it is a prompt like any other', async () => {
    bridge = await startRealBridge();
    const { rpc } = await joined();
    const { id } = await rpc.request('session.create', { folder: key() });
    for (const prompt of ['cut \ud83d here', '\udc4d \0']) {
      const { turn } = await rpc.request('session.prompt', { session: id, prompt, source });
      const done = await bridge.folder(0).session(id).ended(turn);
      expect(done).toMatchObject({ status: 'completed' });
      expect(answerOf(done)).toBe(`Echo: ${prompt.toWellFormed()}`);
    }
  });
});

describe('a session that is watched', () => {
  it('is its snapshot and gapless events, the same for a face that comes in mid-turn', async () => {
    bridge = await startRealBridge({ codexConfig: 'tools.update_plan.enabled = true' });
    const gate = new Latch();
    bridge.model.script(everything(gate));
    const one = await joined();
    const { id } = await one.rpc.request('session.create', { folder: key() });
    const first = await Follower.open(one, id);
    await one.rpc.request('session.prompt', { session: id, prompt: 'all of it', source });
    await first.until(({ turns }) => turns.some((turn) => answerOf(turn) === 'One two '));
    const second = await Follower.open(await joined(), id);
    expect(second.opened.turns[0]).toMatchObject({ status: 'running' });
    gate.open();
    await Promise.all([first.until(idle), second.until(idle)]);

    const types = new Set(first.state.turns[0]?.items.map((item) => item.type));
    expect(types).toEqual(new Set(['command', 'file_change', 'agent_message']));
    expect(first.state.turns[0]).toMatchObject({ status: 'completed', plan: [{ step: 'look' }, {}] });
    expect(answerOf(second.state.turns[0] ?? expect.fail())).toBe('One two three four');
    for (const follower of [first, second]) {
      expect(follower.events.length).toBeGreaterThan(2);
      expect(follower.events.map(({ seq }) => seq)).toEqual(
        follower.events.map((_, i) => follower.opened.seq + 1 + i),
      );
      expect(follower.state).toEqual(truth(id));
    }
    // The same again from the disk.
    await bridge.restart();
    expect((await Follower.open(await joined(), id)).opened).toEqual(first.state);
  });

  it('loses nothing when its face goes away in mid-turn and comes back', async () => {
    bridge = await startRealBridge();
    const gate = new Latch();
    bridge.model.script(everything(gate));
    const face = await joined();
    const { id } = await face.rpc.request('session.create', { folder: key() });
    const before = await Follower.open(face, id);
    await face.rpc.request('session.prompt', { session: id, prompt: 'all of it', source });
    await before.until(({ turns }) => turns.some((turn) => answerOf(turn) !== ''));
    const pending = face.rpc.request('session.cancel', { session: 's_none' });
    face.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await vi.waitFor(() => expect(bridge.status().faces).toBe(0));
    gate.open();
    const session = bridge.folder(0).session(id);
    await session.ended(session.snapshot.turns[0]?.id ?? '');
    const after = await Follower.open(await joined(), id);
    expect(after.opened.turns[0]).toMatchObject({ status: 'completed' });
    expect(answerOf(after.opened.turns[0] ?? expect.fail())).toBe('One two three four');
    expect(after.opened).toEqual(truth(id));
    expect(bridge.model.prompts()).toEqual(['all of it']);
  });

  it('tells no events after it was closed, and each once when it was opened twice', async () => {
    bridge = await startRealBridge();
    const face = await joined();
    const { id } = await face.rpc.request('session.create', { folder: key() });
    const seqs: number[] = [];
    face.rpc.on('session.event', ({ seq }) => seqs.push(seq));
    await face.rpc.request('session.open', { session: id });
    await face.rpc.request('session.open', { session: id });
    await face.rpc.request('session.rename', { session: id, title: 'one' });
    await face.rpc.request('session.close', { session: id });
    await face.rpc.request('session.rename', { session: id, title: 'two' });
    expect(seqs).toEqual([1]);
  });
});

describe('a connection that misbehaves', () => {
  it('is closed alone: no JSON, a line without end, half a line', async () => {
    bridge = await startRealBridge();
    const good = await joined();
    const { id } = await good.rpc.request('session.create', { folder: key() });
    const nonsense = await raw();
    nonsense.hello();
    await nonsense.answer(1);
    nonsense.write('{"id":2,"method":"status",\n{"id":3,"method":"stop","params":{"now":true}}\n');
    await nonsense.closed();

    const endless = await raw();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let i = 0; i < 65; i++) endless.write(chunk);
    await endless.closed();

    const half = await raw();
    half.hello();
    await half.answer(1);
    half.write(`{"id":2,"method":"session.delete","params":{"session":"${id}"}}`);
    half.socket.end();
    await half.closed();

    expect(await good.rpc.request('ping', {})).toBeNull();
    expect((await good.rpc.request('status', {})).faces).toBe(1);
    expect(truth(id).id).toBe(id);
  });

  it('B10: is dropped when it never reads, beside five that do and miss nothing', async () => {
    bridge = await startRealBridge();
    const good = await joined();
    const { id } = await good.rpc.request('session.create', { folder: key() });
    const followed = await Follower.open(good, id);
    const others = await Promise.all(
      Array.from({ length: 4 }, async () => Follower.open(await joined(), id)),
    );
    const deaf = await raw();
    deaf.hello();
    deaf.write(`${JSON.stringify({ id: 2, method: 'session.open', params: { session: id } })}\n`);
    await vi.waitFor(() => expect(bridge.status().faces).toBe(6));
    let turns = 0;
    while (bridge.status().faces === 6 && turns < 10) {
      await good.rpc.request('session.prompt', { session: id, prompt: '!big 4000', source });
      turns += 1;
      await followed.until((session) => session.turns.length === turns && ended(session));
    }
    expect(bridge.status().faces).toBe(5);
    // Not before 32 MB wait: each turn tells its text twice, streamed and whole.
    expect(turns).toBeGreaterThanOrEqual(4);
    expect(bridge.log.filter((line) => line.includes('does not read'))).toHaveLength(1);
    await deaf.closed();
    for (const follower of [followed, ...others]) {
      await follower.until((session) => session.turns.length === turns && ended(session));
      expect(follower.state).toEqual(truth(id));
    }
  });
});

describe('a question of Codex', () => {
  it('waits as long as a face is there that can answer, and is declined some time after it has left', async () => {
    const clock = new SkewClock();
    bridge = await startRealBridge({
      clock,
      settings: { defaults: { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' } },
    });
    bridge.model.script((request) => (request.startsTurn ? [command('touch made.txt')] : [text('done')]));
    const watcher = await joined(false);
    const person = await joined();
    const { id } = await person.rpc.request('session.create', { folder: key() });
    const followed = await Follower.open(watcher, id);
    await person.rpc.request('session.prompt', { session: id, prompt: 'touch', source });
    await followed.until((session) => session.approvals.length > 0);
    clock.advance(60 * MINUTE);
    expect(truth(id).approvals).toHaveLength(1);
    person.dispose();
    await vi.waitFor(() => expect(bridge.status().faces).toBe(1));
    clock.advance(4 * MINUTE);
    expect(truth(id).approvals).toHaveLength(1);
    clock.advance(MINUTE);
    await followed.until(idle);
    const resolved = followed.events
      .map(({ event }) => event)
      .filter(({ type }) => type === 'approval.resolved');
    expect(resolved).toMatchObject([{ decision: 'decline', by: 'timeout' }]);
  });
});
