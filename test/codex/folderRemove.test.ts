import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/bridge/clock.ts';
import type { Clock } from '../../src/bridge/ports.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { answerOf, type SessionId } from '../../src/shared/session.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, text, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const source = { kind: 'window' } as const;
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(folders = 2, clock: Clock = systemClock): Promise<RealBridge> {
  const bridge = await startRealBridge({ folders, clock });
  ends.push(() => bridge.close());
  return bridge;
}

/** A window that shows these folders of the bridge. */
async function windowOn(bridge: RealBridge, ...folders: number[]): Promise<BridgeConnection> {
  const face = await joinBridge(bridge.stateDir);
  ends.push(() => face.dispose());
  for (const i of folders) await face.rpc.request('folder.add', { path: bridge.folders[i] ?? '' });
  return face;
}

const paths = (bridge: RealBridge) => bridge.status().folders.map(({ path }) => path);
const gone = (bridge: RealBridge, index: number) =>
  vi.waitFor(() => expect(paths(bridge)).not.toContain(bridge.folders[index]), 10_000);

/** A session in the folder whose turn says "One " and waits for the latch. */
async function speaking(bridge: RealBridge, face: BridgeConnection, index: number, latch: Latch) {
  bridge.model.script((request) =>
    request.prompt === 'speak'
      ? [words(['One ', 'two.'], (i) => (i === 1 ? latch.wait() : undefined))]
      : [text(`So: ${request.prompt}`)],
  );
  const { id } = await face.rpc.request('session.create', { folder: bridge.folder(index).info.key });
  const followed = await Follower.open(face, id);
  const { turn } = await face.rpc.request('session.prompt', { session: id, prompt: 'speak', source });
  await followed.until((session) => session.turns.some((one) => answerOf(one) === 'One '));
  return { id, turn, followed };
}

const over = (followed: Follower) => followed.until(({ turns }) => turns[0]?.endedAt !== undefined);

describe('B26: a folder that the last window removes in mid-turn', () => {
  it('B26: its turn is interrupted with its text, its Codex is gone, and it comes back whole', async () => {
    const bridge = await start();
    const window = await windowOn(bridge, 0, 1);
    const key = bridge.folder(1).info.key;
    const { id, followed } = await speaking(bridge, window, 1, new Latch());
    const other = await window.rpc.request('session.create', { folder: bridge.folder(0).info.key });
    const pid = bridge.codexPid(1);
    await window.rpc.request('folder.remove', { folder: key });
    await over(followed);
    expect(followed.state.turns[0]).toMatchObject({
      status: 'interrupted',
      error: { code: 'FOLDER_UNKNOWN', message: expect.stringContaining('add the folder again') },
    });
    expect(answerOf(followed.state.turns[0] ?? expect.fail())).toBe('One ');
    await gone(bridge, 1);
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
    await expect(window.rpc.request('session.open', { session: id })).rejects.toMatchObject({
      code: 'SESSION_NOT_FOUND',
    });
    // The other folder has noticed nothing.
    const { turn } = await window.rpc.request('session.prompt', { session: other.id, prompt: 'a', source });
    expect(await bridge.folder(0).session(other.id).ended(turn)).toMatchObject({ status: 'completed' });

    await window.rpc.request('folder.add', { path: bridge.folders[1] ?? '' });
    const back = await Follower.open(window, id);
    expect(back.opened).toEqual(followed.state);
    const next = await window.rpc.request('session.prompt', { session: id, prompt: 'b', source });
    await back.until(({ turns }) => turns.some((one) => one.id === next.turn && one.endedAt !== undefined));
    expect(answerOf(back.state.turns[1] ?? expect.fail())).toBe('So: b');
    // Codex still had the conversation.
    expect(bridge.model.requests.at(-1)?.prompts).toEqual(['speak', 'b']);
    expect(bridge.model.prompts().filter((prompt) => prompt === 'speak')).toHaveLength(1);
  });

  it('B26: added again at once, it waits for its own end, and nothing is sent twice', async () => {
    const bridge = await start();
    const window = await windowOn(bridge, 1);
    const { id, followed } = await speaking(bridge, window, 1, new Latch());
    const { key, path } = bridge.folder(1).info;
    await window.rpc.request('folder.remove', { folder: key });
    await window.rpc.request('folder.add', { path });
    const { turns } = await window.rpc.request('session.open', { session: id });
    expect(turns).toMatchObject([{ status: 'interrupted', error: { code: 'FOLDER_UNKNOWN' } }]);
    expect(followed.state.turns).toEqual(turns);
    expect(bridge.model.prompts()).toEqual(['speak']);
  });

  it('B26: a window that reloads or closes ends nothing, and no other window’s folder goes', async () => {
    const bridge = await start();
    const one = await windowOn(bridge, 0, 1);
    const two = await windowOn(bridge, 1);
    const latch = new Latch();
    const { id, turn } = await speaking(bridge, one, 1, latch);
    const { key } = bridge.folder(1).info;
    await one.rpc.request('folder.remove', { folder: key });
    expect((await two.rpc.request('session.open', { session: id })).turns[0]).toMatchObject({
      status: 'running',
    });
    // The last one that shows it goes away without a word.
    two.dispose();
    await vi.waitFor(() => expect(bridge.status().faces).toBe(1));
    latch.open();
    expect(await bridge.folder(1).session(id).ended(turn)).toMatchObject({ status: 'completed' });
    const again = await windowOn(bridge, 1);
    expect((await again.rpc.request('session.open', { session: id })).turns).toMatchObject([
      { status: 'completed' },
    ]);
  });
});

describe.each(ERAS)('B26: what MCP clients of %s see of it', (era) => {
  async function client(bridge: RealBridge, index?: number): Promise<TestClient> {
    const { endpoints } = bridge;
    const connected = await connectClient(era, endpoints.folders[index ?? -1] ?? endpoints);
    ends.push(() => connected.abandon());
    return connected;
  }

  it('B26: who waits gets the text so far; the endpoint is gone, its token void, the list is told', async () => {
    const clock = new SkewClock();
    const bridge = await start(2, clock);
    const window = await windowOn(bridge, 0, 1);
    const { key, path } = bridge.folder(1).info;
    const endpoint = bridge.endpoints.folders[1] ?? expect.fail();
    const inside = await client(bridge, 1);
    const all = await client(bridge);
    const { id, turn } = await speaking(bridge, window, 1, new Latch());
    // What the new session has changed in the list has been told before.
    clock.advance(1_000);
    const told = Promise.withResolvers<void>();
    await all.listen([], (what) => what === 'list' && told.resolve());
    expect((await all.resources()).map(({ uri }) => uri)).toContain(`codex://sessions/${id}`);
    const waits = Promise.withResolvers<void>();
    const waiting = inside.call('wait', { turn }, { onProgress: () => waits.resolve() });
    await waits.promise;
    await window.rpc.request('folder.remove', { folder: key });
    expect((await waiting).data).toMatchObject({
      status: 'interrupted',
      answer: 'One ',
      error: { code: 'FOLDER_UNKNOWN' },
    });
    await told.promise;
    expect((await all.resources()).map(({ uri }) => uri)).not.toContain(`codex://sessions/${id}`);
    expect((await all.call('ask', { prompt: 'x', folder: path })).data['error']).toMatchObject({
      code: 'FOLDER_UNKNOWN',
    });
    const post = (url: string, token: string) =>
      fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: '{}' });
    expect((await post(endpoint.url, endpoint.token)).status).toBe(401);
    expect((await post(bridge.endpoints.url, endpoint.token)).status).toBe(401);
    expect((await post(endpoint.url, bridge.endpoints.token)).status).toBe(404);
    await expect(inside.call('status', {})).rejects.toThrow();

    await window.rpc.request('folder.add', { path });
    // Another token: who had the old one is not let in again by itself.
    expect((await post(endpoint.url, endpoint.token)).status).toBe(401);
    const back = await client(bridge, 1);
    const seen = await back.call('wait', { turn });
    expect(seen.data).toMatchObject({ status: 'interrupted', answer: 'One ' });
    expect((await back.call('chat_msg', { session: id, prompt: 'more' })).data).toMatchObject({
      status: 'completed',
      answer: 'So: more',
    });
  });
});

it('B26: a new folder is ready within a second of first use', async () => {
  const bridge = await start(1);
  const window = await windowOn(bridge, 0);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const path = join(bridge.stateDir, '..', `new${i}`);
    await mkdir(path);
    const before = performance.now();
    const { key } = await window.rpc.request('folder.add', { path });
    const { id } = await window.rpc.request('session.create', { folder: key });
    await window.rpc.request('session.prompt', { session: id, prompt: `new ${i}`, source });
    await bridge.model.request(({ prompt }) => prompt === `new ${i}`);
    times.push(performance.now() - before);
  }
  // Codex has been started for each; the best one, because the machine may be busy with other things.
  expect(Math.min(...times)).toBeLessThan(1_000);
});

it('B26: a folder whose directory is deleted in mid-turn says so, and its history can be read', async () => {
  const bridge = await start();
  const window = await windowOn(bridge, 0);
  const hold = new Latch();
  bridge.model.script(async function* ({ prompt, outputs }) {
    if (prompt !== 'work') yield text('fine');
    else if (outputs.length === 0) {
      yield words(['I look. ']);
      await hold.wait();
      yield command('echo one > file.txt');
    } else yield text('That did not work.');
  });
  const { key } = bridge.folder(0).info;
  const { id } = await window.rpc.request('session.create', { folder: key });
  const followed = await Follower.open(window, id);
  await window.rpc.request('session.prompt', { session: id, prompt: 'work', source });
  await followed.until(({ turns }) => turns.some((turn) => answerOf(turn) === 'I look. '));
  await rm(bridge.folders[0] ?? '', { recursive: true });
  hold.open();
  await over(followed);
  const ran = followed.state.turns[0]?.items.find((item) => item.type === 'command');
  expect(ran).toMatchObject({
    status: 'failed',
    output: expect.stringContaining('No such file or directory'),
  });
  const asked = window.rpc.request('session.prompt', { session: id, prompt: 'again', source });
  await expect(asked).rejects.toMatchObject({
    code: 'FOLDER_NOT_FOUND',
    message: expect.stringContaining(bridge.folders[0] ?? '-'),
  });
  await expect(window.rpc.request('folder.add', { path: bridge.folders[0] ?? '' })).rejects.toMatchObject({
    code: 'FOLDER_NOT_FOUND',
  });
  expect((await readTwice(window, id)).turns).toEqual(followed.state.turns);
  const listed = await window.rpc.request('session.list', { folder: key });
  expect(listed.sessions.map((session) => session.id)).toEqual([id]);
  await mkdir(bridge.folders[0] ?? '');
  const { turn } = await window.rpc.request('session.prompt', { session: id, prompt: 'now', source });
  expect(await bridge.folder(0).session(id).ended(turn)).toMatchObject({ status: 'completed' });
});

async function readTwice({ rpc }: BridgeConnection, session: SessionId) {
  await rpc.request('session.close', { session });
  return rpc.request('session.open', { session });
}
