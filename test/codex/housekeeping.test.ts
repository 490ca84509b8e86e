import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { answerOf, type SessionId, type TurnSnapshot } from '../../src/shared/session.ts';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, stall, text, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const source = { kind: 'cli' } as const;

let bridge: RealBridge;
let clock: SkewClock;

afterEach(() => bridge.close());

async function start(limits: Partial<BridgeSettings['limits']> = {}) {
  clock = new SkewClock();
  bridge = await startRealBridge({ clock, settings: { limits: { ...DEFAULT_SETTINGS.limits, ...limits } } });
}

const folder = () => bridge.folder(0);
const ids = () =>
  folder()
    .list({})
    .sessions.map(({ id }) => id);

async function say(session: Session, prompt: string): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source });
  const ended = await session.ended(turn);
  // The folder puts the turn away in the same moment, but after those who wait for its end.
  await setImmediate();
  return ended;
}

/** A session with one turn; nobody holds its object afterwards. */
async function used(prompt: string): Promise<SessionId> {
  const session = folder().createSession({});
  expect((await say(session, prompt)).status).toBe('completed');
  return session.id;
}

/** Skips time, and waits until the housekeeping that this has set off is over. */
async function skip(ms: number, done: () => void) {
  clock.advance(ms);
  await vi.waitFor(done, { timeout: 10_000, interval: 10 });
}

/** Codex's own files of its threads; their names end in the thread's id. */
function rollouts(): string[] {
  const home = join(dirname(bridge.stateDir), 'ch');
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /rollout-.*jsonl/.test(file),
  );
}

const loaded = () => folder().status().loaded;
const codex = () => folder().status().codex.state;

describe('an idle session', () => {
  it('is unloaded after its time, Codex ends with the last one, and both are back on use', async () => {
    await start();
    const id = await used('remember 42');
    const { thread } = folder().session(id).snapshot;
    clock.advance(29 * MINUTE);
    expect([loaded(), codex()]).toEqual([1, 'ready']);
    // Used again: its time begins anew.
    await say(folder().session(id), 'and 43');
    await skip(29 * MINUTE, () => expect([loaded(), codex()]).toEqual([1, 'ready']));
    await skip(2 * MINUTE, () => expect([loaded(), codex()]).toEqual([0, 'not_started']));
    const recalled = await say(folder().session(id), '!recall');
    expect(answerOf(recalled)).toContain('1. remember 42\n2. and 43');
    expect(recalled.notices).toEqual([]);
    expect(folder().session(id).snapshot.thread).toBe(thread);
    expect([loaded(), codex()]).toEqual([1, 'ready']);
    expect(bridge.model.prompts()).toEqual(['remember 42', 'and 43', '!recall']);
  });

  it('is unloaded alone: others that are in use keep their Codex', async () => {
    await start();
    const old = await used('old');
    clock.advance(20 * MINUTE);
    const young = await used('young');
    bridge.model.script((request) => (request.prompt === 'long' ? [stall()] : [text('ok')]));
    const busy = folder().createSession({});
    await busy.prompt({ prompt: 'long', source });
    await bridge.model.request((request) => request.prompt === 'long');
    await skip(11 * MINUTE, () => expect(loaded()).toBe(2));
    expect(codex()).toBe('ready');
    await skip(60 * MINUTE, () => expect(loaded()).toBe(1));
    expect([folder().status().running, codex()]).toEqual([1, 'ready']);
    await busy.cancel();
    await skip(31 * MINUTE, () => expect([loaded(), codex()]).toEqual([0, 'not_started']));
    for (const id of [old, young])
      expect((await say(folder().session(id), 'again')).status).toBe('completed');
  });

  it('stays loaded when the setting says never', async () => {
    await start({ idleUnloadMinutes: 0 });
    await used('one');
    clock.advance(DAY);
    await bridge.model.request();
    expect([loaded(), codex()]).toEqual([1, 'ready']);
  });

  it('is the same object for whoever still holds it', async () => {
    await start();
    const id = await used('one');
    const held = folder().session(id);
    await skip(31 * MINUTE, () => expect(loaded()).toBe(0));
    expect(folder().session(id)).toBe(held);
    await say(held, 'two');
    expect(folder().session(id).snapshot.turns).toHaveLength(2);
  });

  it('goes on telling a face that watches it', async () => {
    await start();
    const id = await used('one');
    const face = await joinBridge(bridge.stateDir);
    try {
      const followed = await Follower.open(face, id);
      await skip(31 * MINUTE, () => expect(loaded()).toBe(0));
      await say(folder().session(id), 'two');
      const seen = await followed.until(({ turns }) => turns[1]?.status === 'completed');
      expect(seen).toEqual(folder().session(id).snapshot);
    } finally {
      face.dispose();
    }
  });

  it('keeps a prompt that comes at the very moment of unloading', async () => {
    await start();
    const id = await used('one');
    const session = folder().session(id);
    // The tick that unloads, and the prompt, in the same moment; then Codex's end and a prompt.
    clock.advance(31 * MINUTE);
    expect((await say(session, 'two')).status).toBe('completed');
    await skip(31 * MINUTE, () => expect(loaded()).toBe(0));
    expect((await say(session, 'three')).status).toBe('completed');
    expect(bridge.model.prompts()).toEqual(['one', 'two', 'three']);
  });
});

describe('a failed Codex', () => {
  it('keeps its error through housekeeping', async () => {
    clock = new SkewClock();
    bridge = await startRealBridge({ clock, codex: '/no/such/codex' });
    await expect(folder().createSession({}).prompt({ prompt: 'x', source })).rejects.toMatchObject({
      code: 'CODEX_NOT_FOUND',
    });
    clock.advance(60 * MINUTE);
    await expect(folder().createSession({}).prompt({ prompt: 'x', source })).rejects.toThrow();
    clock.advance(2 * MINUTE);
    expect(folder().status().codex).toMatchObject({ state: 'failed', error: { code: 'CODEX_NOT_FOUND' } });
  });
});

describe('the limit on loaded sessions', () => {
  it('takes the one that was used longest ago, never one that runs, and none where there is room', async () => {
    await start({ loadedSessions: 2, runningTurns: 3 });
    const first = folder().session(await used('first'));
    await used('second');
    // Both are loaded: nothing has to go.
    await say(first, 'again');
    expect(loaded()).toBe(2);
    const gate = new Latch();
    bridge.model.script((request) =>
      request.prompt === 'long'
        ? [words(['so ', 'long'], (i) => (i === 1 ? gate.wait() : undefined))]
        : [text(request.prompts.join('|'))],
    );
    const busy = folder().createSession({});
    const { turn } = await busy.prompt({ prompt: 'long', source });
    await bridge.model.request((request) => request.prompt === 'long');
    expect(loaded()).toBe(2);
    const third = folder().createSession({});
    await say(third, 'third');
    expect(loaded()).toBe(2);
    expect(answerOf(await say(first, 'back'))).toBe('first|again|back');
    expect(loaded()).toBe(2);
    gate.open();
    expect(answerOf(await busy.ended(turn))).toBe('so long');
  });

  it('holds again after more turns than it allows have run at once', async () => {
    await start({ loadedSessions: 2, runningTurns: 4 });
    const gate = new Latch();
    bridge.model.script((request) => [
      words(['x ', request.prompts.join('|')], (i) => (i === 1 ? gate.wait() : undefined)),
    ]);
    const sessions = Array.from({ length: 4 }, () => folder().createSession({}));
    const ends = sessions.map((session, i) => say(session, `p${i}`));
    await Promise.all(sessions.map((_, i) => bridge.model.request(({ prompt }) => prompt === `p${i}`)));
    expect(loaded()).toBe(4);
    gate.open();
    await Promise.all(ends);
    await skip(MINUTE, () => expect(loaded()).toBe(2));
    for (const [i, session] of sessions.entries())
      expect(answerOf(await say(session, 'more'))).toBe(`x p${i}|more`);
    expect(loaded()).toBe(2);
  });
});

describe('the expiry of sessions', () => {
  it('is off by default', async () => {
    await start();
    const id = await used('old');
    clock.advance(40 * DAY);
    expect(ids()).toEqual([id]);
  });

  it('deletes what nobody has used for its time, here and in Codex, and says so', async () => {
    await start({ sessionExpiryDays: 10 });
    const old = await used('old');
    const { thread = '' } = folder().session(old).snapshot;
    expect(rollouts()).toContainEqual(expect.stringContaining(thread));
    const removed: SessionId[] = [];
    folder().onRemoved((id) => removed.push(id));
    clock.advance(6 * DAY);
    const young = await used('young');
    clock.advance(5 * DAY);
    expect(ids()).toEqual([young]);
    expect(removed).toEqual([old]);
    expect(() => folder().session(old)).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }));
    await vi.waitFor(() => expect(rollouts()).not.toContainEqual(expect.stringContaining(thread)));
    expect(rollouts()).toHaveLength(1);
  });

  it('never takes one that runs, that a face watches, or that was used in between', async () => {
    await start({ sessionExpiryDays: 1, turnTimeoutMinutes: 0 });
    const renamed = await used('renamed');
    const watched = await used('watched');
    bridge.model.script(() => [stall()]);
    const running = folder().createSession({});
    await running.prompt({ prompt: 'long', source });
    await bridge.model.request((request) => request.prompt === 'long');
    const face = await joinBridge(bridge.stateDir);
    try {
      await Follower.open(face, watched);
      clock.advance(DAY - 10 * MINUTE);
      await folder().session(renamed).rename('still of interest');
      clock.advance(20 * MINUTE);
      expect(new Set(ids())).toEqual(new Set([renamed, watched, running.id]));
      clock.advance(DAY);
      expect(new Set(ids())).toEqual(new Set([watched, running.id]));
    } finally {
      face.dispose();
    }
    await vi.waitFor(() => expect(bridge.status().faces).toBe(0));
    clock.advance(2 * MINUTE);
    expect(ids()).toEqual([running.id]);
    await running.cancel();
    clock.advance(0.9 * DAY);
    expect(ids()).toEqual([running.id]);
    clock.advance(0.2 * DAY);
    expect(ids()).toEqual([]);
  });
});
