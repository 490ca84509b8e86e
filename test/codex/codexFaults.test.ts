import { chmodSync, copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import type { FolderStatus } from '../../src/shared/faces.ts';
import { answerOf, type SessionId } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { codexBinary, type TempDir, tempDir } from '../support/codexHome.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { connectClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, stall, text, words } from '../support/scriptedModel.ts';
import { SkewClock } from '../support/skewClock.ts';

const source = { kind: 'window' } as const;
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options: Parameters<typeof startRealBridge>[0] = {}): Promise<RealBridge> {
  const bridge = await startRealBridge(options);
  ends.push(() => bridge.close());
  return bridge;
}

async function temp(): Promise<TempDir> {
  const dir = await tempDir('cf');
  ends.push(() => dir.dispose());
  return dir;
}

/** A program in Codex's place. */
function program(path: string, lines: string): string {
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A window with a session that it follows. */
async function windowWith(bridge: RealBridge) {
  const face = await joinBridge(bridge.stateDir);
  ends.push(() => face.dispose());
  const folder = bridge.folder(0).info.key;
  const { id } = await face.rpc.request('session.create', { folder });
  const followed = await Follower.open(face, id);
  return { face, folder, id, followed, send: (prompt: string) => send(face, followed, id, prompt) };
}

/** The turn of the prompt, when it has its end. */
async function send({ rpc }: BridgeConnection, followed: Follower, session: SessionId, prompt: string) {
  const { turn } = await rpc.request('session.prompt', { session, prompt, source });
  const find = () => followed.state.turns.find(({ id }) => id === turn);
  await followed.until(() => find()?.endedAt !== undefined);
  return find() ?? expect.fail('no such turn');
}

describe('B2: a Codex that crashes again and again', () => {
  it('B2: comes back after longer and longer, stops at the fifth crash with the reason, and restarts when told to', async () => {
    const clock = new SkewClock();
    const bridge = await start({ clock });
    const latch = new Latch();
    bridge.model.script(({ prompt }) =>
      prompt === 'die'
        ? [words(['Half ', 'way'], (i) => (i === 1 ? latch.wait() : undefined))]
        : [text('ok')],
    );
    const { face, folder, followed, send: prompt } = await windowWith(bridge);
    const statuses: FolderStatus[] = [];
    face.rpc.on('folder.status', (status) => statuses.push(status));
    for (let crash = 1; crash <= 5; crash++) {
      const turns = followed.state.turns.length;
      // What is waited after a crash.
      clock.advance(8_000);
      const dying = prompt('die');
      await followed.until((session) => session.turns[turns]?.items.length === 1);
      process.kill(bridge.codexPid(0), 'SIGKILL');
      expect(await dying).toMatchObject({
        status: 'interrupted',
        error: { code: crash < 5 ? 'CODEX_EXITED' : 'CODEX_START_FAILED' },
      });
    }
    const pid = bridge.codexPid(0);
    expect(statuses.at(-1)?.codex).toMatchObject({
      state: 'failed',
      stopped: true,
      restarts: 5,
      error: {
        message: expect.stringMatching(/crashed five times .*(SIGKILL|connection was closed).*"restart"/),
      },
    });
    await expect(prompt('no')).rejects.toMatchObject({ code: 'CODEX_START_FAILED' });
    clock.advance(60 * 60_000);
    await expect(prompt('no')).rejects.toMatchObject({ code: 'CODEX_START_FAILED' });
    expect(bridge.codexPid(0)).toBe(pid);
    await face.rpc.request('restart', { folder });
    expect(await prompt('yes')).toMatchObject({ status: 'completed' });
    expect(bridge.codexPid(0)).not.toBe(pid);
    expect(bridge.folder(0).status().codex.stopped).toBeUndefined();
    expect(bridge.model.prompts().filter((one) => one === 'die')).toHaveLength(5);
  });
});

describe('B22: nonsense in Codex’s name, on the line to the real one', () => {
  async function garbling() {
    const dir = await temp();
    const script = fileURLToPath(new URL('../support/garblingCodex.mjs', import.meta.url));
    return program(join(dir.path, 'codex'), `exec "${process.execPath}" "${script}" "${codexBinary()}" "$@"`);
  }

  it('B22: is logged and passed over; where it repeats, Codex is started anew', async () => {
    const bridge = await start({ codex: await garbling() });
    const { send: prompt } = await windowWith(bridge);
    for (const garble of ['!garble text 4', '!garble types 30', '!garble ids 30', '!garble utf8 3']) {
      const before = bridge.log.length;
      const turn = await prompt(garble);
      expect(turn, garble).toMatchObject({ status: 'completed' });
      expect(answerOf(turn)).toBe(`Echo: ${garble}`);
      expect(bridge.log.slice(before).join('\n'), garble).toMatch(
        /is no message|not understood|listener|is not known|nobody waits|no UTF-8/,
      );
    }
    const pid = bridge.codexPid(0);
    const last = await prompt('!garble text 5');
    expect(last).toMatchObject({ status: 'interrupted', error: { code: 'CODEX_EXITED' } });
    const after = await prompt('and now?');
    expect(answerOf(after)).toBe('Echo: and now?');
    expect(bridge.codexPid(0)).not.toBe(pid);
    expect(bridge.folder(0).status().codex).toMatchObject({ state: 'ready', restarts: 1 });
    const huge = await prompt('!garble huge 1');
    expect(huge).toMatchObject({ status: 'interrupted', error: { code: 'CODEX_EXITED' } });
    expect(await prompt('and then?')).toMatchObject({ status: 'completed' });
  });
});

describe('a Codex that is updated while it runs', () => {
  it('goes on with its turn; the next prompt has the new one, with the context', async () => {
    const dir = await temp();
    const path = join(dir.path, 'codex');
    copyFileSync(codexBinary(), path);
    const bridge = await start({ codex: path });
    const latch = new Latch();
    bridge.model.script(({ prompt, prompts }) =>
      prompt === 'one'
        ? [words(['a ', 'b'], (i) => (i === 1 ? latch.wait() : undefined))]
        : [text(prompts.join(', '))],
    );
    const { followed, send: prompt } = await windowWith(bridge);
    const one = prompt('one');
    await followed.until(({ turns }) => turns.some((turn) => answerOf(turn) === 'a '));
    const pid = bridge.codexPid(0);
    // As a package manager does it: the old file goes, and another one takes its place.
    rmSync(path);
    program(`${path}.new`, `exec "${codexBinary()}" "$@"`);
    const two = prompt('two');
    await followed.until(({ turns }) => turns.length === 2);
    renameSync(`${path}.new`, path);
    const three = prompt('three');
    await followed.until(({ turns }) => turns.length === 3);
    latch.open();
    expect(await one).toMatchObject({ status: 'completed' });
    // They were queued before there was an idle moment.
    expect(answerOf(await two)).toBe('one, two');
    expect(answerOf(await three)).toBe('one, two, three');
    expect(bridge.codexPid(0)).toBe(pid);
    expect(answerOf(await prompt('four'))).toBe('one, two, three, four');
    expect(bridge.codexPid(0)).not.toBe(pid);
    expect(bridge.folder(0).status().codex).toMatchObject({ state: 'ready', restarts: 0 });
    expect(bridge.model.prompts()).toEqual(['one', 'two', 'three', 'four']);
  });
});

describe('a turn that takes too long', () => {
  it('is interrupted at its deadline, its command ends, and it says which setting that was', async () => {
    const limits = { ...DEFAULT_SETTINGS.limits, turnTimeoutMinutes: 2 / 60 };
    const bridge = await start({ settings: { limits } });
    bridge.model.script(({ prompt, outputs }) =>
      prompt !== 'slow' ? [text('quick')] : outputs.length === 0 ? [command('sleep 600')] : [stall()],
    );
    const { send: prompt } = await windowWith(bridge);
    const before = performance.now();
    const slow = await prompt('slow');
    expect(slow).toMatchObject({
      status: 'interrupted',
      error: { code: 'TURN_TIMEOUT', message: expect.stringContaining('limits.turnTimeoutMinutes') },
    });
    expect(performance.now() - before).toBeGreaterThan(2_000);
    expect(await prompt('again')).toMatchObject({ status: 'completed' });
  });
});

describe('B24: no Codex that could answer', () => {
  const cases = [
    ['missing', 'CODEX_NOT_FOUND', /npm install/],
    ['too old', 'CODEX_TOO_OLD', /Update it/],
    ['hanging', 'CODEX_START_FAILED', /did not answer/],
    ['logged out', 'CODEX_LOGGED_OUT', /Sign in/],
  ] as const;

  it.each(cases)('B24: %s is told to a face and to MCP within two seconds', async (what, code, advice) => {
    const dir = await temp();
    const codex = {
      missing: join(dir.path, 'none'),
      'too old': program(join(dir.path, 'old'), 'echo codex-cli 0.100.0'),
      hanging: program(join(dir.path, 'hanging'), 'exec sleep 60'),
      'logged out': codexBinary(),
    }[what];
    const bridge = await start({ codex, needsLogin: what === 'logged out' });
    const face = await joinBridge(bridge.stateDir);
    ends.push(() => face.dispose());
    const client = await connectClient('2026-07-28', bridge.endpoints);
    ends.push(() => client.close());
    if (what === 'logged out') await bridge.folder(0).restart();
    const { id } = await face.rpc.request('session.create', { folder: bridge.folder(0).info.key });
    let before = performance.now();
    await expect(
      face.rpc.request('session.prompt', { session: id, prompt: 'p', source }),
    ).rejects.toMatchObject({
      code,
      message: expect.stringMatching(advice),
    });
    expect(performance.now() - before).toBeLessThan(2_000);
    before = performance.now();
    const { data, isError } = await client.call('ask', { prompt: 'p' });
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(isError).toBe(true);
    expect(data['error']).toMatchObject({ code, message: expect.stringMatching(advice) });
    expect(bridge.folder(0).session(id).snapshot.turns).toEqual([]);
  });

  it('B24: offline is the end of the turn within two seconds, and says so', async () => {
    const bridge = await start();
    const client = await connectClient('2025-11-25', bridge.endpoints);
    ends.push(() => client.close());
    expect((await client.call('ask', { prompt: 'online' })).isError).toBe(false);
    await bridge.model.close();
    const before = performance.now();
    const { data, isError } = await client.call('ask', { prompt: 'offline' });
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(isError).toBe(true);
    expect(data).toMatchObject({
      status: 'interrupted',
      error: { code: 'MODEL_ERROR', message: expect.stringContaining('Check the network') },
    });
  });
});
