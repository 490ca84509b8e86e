import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readDiscovery } from '../../src/client/discovery.ts';
import { hasEnded } from '../../src/shared/session.ts';
import { commandLine, processesOf } from '../support/processFamily.ts';
import type { FaultName } from './plan.ts';
import { Prompts } from './prompts.ts';
import { Random } from './random.ts';
import type { SoakWindow } from './window.ts';
import type { World } from './world.ts';

/** How long a face that does not read stays, in ms. */
const SLOW_MS = 8_000;
/** How long a folder is gone, in ms. */
const REMOVED_MS = 4_000;

/** Does one fault; what it takes its choices from is its own seed. */
export async function doFault(world: World, fault: FaultName, seed: string): Promise<void> {
  const random = new Random(seed);
  const window = random.pick(world.windows);
  if (window === undefined) throw new Error('a soak has windows');
  const session = random.pick(world.sessions);
  switch (fault) {
    case 'killCodex':
      return kill(world, random, /\bapp-server\b/);
    case 'killGuard':
      return kill(world, random, /\bguard\.mjs\b/);
    case 'killClient':
      return kill(world, random, /\bcli\.mjs attach\b/);
    case 'killBridge':
      return kill(world, random, /\bcli\.mjs bridge\b/);
    case 'replaceBridge':
      // As a newer window does: it leaves when its turns are done.
      await window.request('stop', { now: random.chance(0.5) });
      return;
    case 'restartCodex': {
      const { folders } = await window.request('status', {});
      const folder = random.pick(folders);
      if (folder !== undefined) await window.request('restart', { folder: folder.key });
      return;
    }
    case 'cutFace':
      window.drop();
      return;
    case 'reloadWindows':
      for (const one of world.windows) one.drop();
      return;
    case 'floodOutput':
    case 'floodText': {
      if (session === undefined) return;
      const megabytes = random.int(1, fault === 'floodText' ? 2 : 8);
      await window.prompt(session, new Prompts(seed.replaceAll(' ', '-'), random)[fault](megabytes));
      return;
    }
    case 'slowReader':
      return readSlowly(world, random);
    case 'cancelSession':
      if (session !== undefined) await window.request('session.cancel', { session: session.id });
      return;
    case 'deleteSession':
      if (session === undefined) return;
      world.retire(session.id);
      await window.request('session.delete', { session: session.id });
      return;
    case 'exportImport': {
      if (session === undefined) return;
      const { data } = await window.request('session.export', { session: session.id, format: 'json' });
      await window.request('session.import', { folder: session.folder, data });
      return;
    }
    case 'archive':
      if (session === undefined) return;
      world.retire(session.id);
      await window.request('session.archive', { session: session.id, archived: true });
      return;
    case 'fork':
      if (session !== undefined) await fork(world, window, session.id);
      return;
    case 'removeFolder':
      return removeFolder(world);
  }
}

/** Ends one of the soak's processes with -9. */
async function kill(world: World, random: Random, command: RegExp): Promise<void> {
  const found = processesOf({ stateDir: world.stateDir, codexHome: world.codex.home })
    .filter((pid) => command.test(commandLine(pid)))
    .sort((a, b) => a - b);
  const pid = random.pick(found);
  if (pid === undefined) {
    world.count('faults that found nobody');
    return;
  }
  process.kill(pid, 'SIGKILL');
}

async function fork(world: World, window: SoakWindow, source: string): Promise<void> {
  const { id, folder, turns } = await window.request('session.fork', { session: source });
  if (turns.every((turn) => hasEnded(turn.status)))
    world.sessions.push({ id, folder, prompts: turns.length });
}

/** All windows close the last folder, and open it again a little later. */
async function removeFolder(world: World): Promise<void> {
  const path = world.folders.at(-1) ?? '';
  const folder = world.endpoints?.folders.find((one) => one.path === path)?.key;
  if (folder === undefined || !world.openFolders.has(path)) return;
  world.openFolders.delete(path);
  for (const session of world.sessions.filter((one) => one.folder === folder)) world.retire(session.id);
  const removed = await Promise.allSettled(
    world.windows.map((window) => window.request('folder.remove', { folder })),
  );
  await delay(REMOVED_MS);
  world.openFolders.add(path);
  const added = await Promise.allSettled(
    world.windows.map((window) => window.request('folder.add', { path })),
  );
  for (const result of [...removed, ...added]) {
    if (result.status === 'rejected') world.refused('a window', 'removing a folder', result.reason);
  }
}

/** A face that opens every session and then reads nothing. */
async function readSlowly(world: World, random: Random): Promise<void> {
  const discovery = await readDiscovery(world.stateDir);
  if (discovery === undefined) return;
  const socket = connect(discovery.socket);
  // It is cut off by the bridge, or the bridge is gone: what is meant to happen to it.
  socket.on('error', () => world.count('slow readers that were cut off'));
  const hello = { contract: discovery.contract, version: '0.0.0-slow', kind: 'window', canAnswer: false };
  const requests = [
    { id: 1, method: 'hello', params: hello },
    ...world.sessions.map(({ id: session }, at) => ({
      id: at + 2,
      method: 'session.open',
      params: { session },
    })),
  ];
  socket.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  socket.pause();
  await delay(SLOW_MS);
  if (random.chance(0.5)) socket.resume();
  await delay(SLOW_MS / 8);
  socket.destroy();
}
