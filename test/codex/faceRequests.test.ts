import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { FACE_CONTRACT, type FaceContract, faceParams } from '../../src/shared/faces.ts';
import type { Params, RequestName, Result } from '../../src/shared/rpc.ts';
import {
  answerOf,
  hasEnded,
  type SessionId,
  type SessionSnapshot,
  type SessionSummary,
} from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, stall, words } from '../support/scriptedModel.ts';

const source = { kind: 'window' } as const;

/** One face that asks everything, and notes what it has asked and was told. */
interface Asking {
  readonly bridge: RealBridge;
  readonly face: BridgeConnection;
  readonly folder: string;
  readonly asked: Set<string>;
  readonly changed: SessionSummary[];
  readonly removed: unknown[];
  readonly statuses: unknown[];
  ask<M extends RequestName<FaceContract>>(
    method: M,
    params: Params<FaceContract, M>,
  ): Promise<Result<FaceContract, M>>;
}

let bridge: RealBridge;
let face: BridgeConnection;

afterEach(async () => {
  face.dispose();
  await bridge.close();
});

const truth = (id: SessionId) => bridge.folder(0).session(id).snapshot;
const idle = ({ turns }: SessionSnapshot) => turns.length > 0 && turns.every((turn) => hasEnded(turn.status));

function asking(): Asking {
  // Joining asks both.
  const asked = new Set<string>(['prove', 'hello']);
  const changed: SessionSummary[] = [];
  const removed: unknown[] = [];
  const statuses: unknown[] = [];
  face.rpc.on('session.changed', ({ summary }) => changed.push(summary));
  face.rpc.on('session.removed', (what) => removed.push(what));
  face.rpc.on('folder.status', (what) => statuses.push(what));
  return {
    bridge,
    face,
    folder: bridge.folder(0).info.key,
    asked,
    changed,
    removed,
    statuses,
    ask(method, params) {
      asked.add(method);
      return face.rpc.request(method, params);
    },
  };
}

it('answers every request as the contract says', async () => {
  bridge = await startRealBridge({
    settings: { defaults: { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' } },
  });
  face = await joinBridge(bridge.stateDir);
  const all = asking();
  await asksTheBridge(all);
  await asksForFolders(all);
  const followed = await asksForSessions(all);
  await asksOfARunningTurn(all, followed);
  const copy = await copies(all, followed);
  await putsAway(all, copy);
  await endsTheBridge(all);
  // What a turn changed, the terminal, MCP, the login and Codex's trust have tests of their own, with all their requests.
  const here = Object.keys(faceParams).filter(
    (name) => !/^(?:changes|terminal|mcp|login|account|trust)\.|^logout$/.test(name),
  );
  expect([...all.asked].toSorted()).toEqual(here.toSorted());
});

async function asksTheBridge({ bridge, face: { hello }, folder, ask }: Asking) {
  expect(await ask('ping', {})).toBeNull();
  expect(await ask('status', {})).toMatchObject({
    contract: FACE_CONTRACT,
    pid: hello.pid,
    stateDir: bridge.stateDir,
    faces: 1,
    clients: 0,
    folders: [{ key: folder, running: 0, codex: { state: 'not_started' } }],
  });
  expect((await ask('status', { folder })).folders).toHaveLength(1);
  await expect(ask('status', { folder: 'nowhere' })).rejects.toMatchObject({ code: 'FOLDER_UNKNOWN' });
  expect(await ask('endpoints', {})).toEqual(bridge.endpoints);
  expect(await ask('clients', {})).toEqual({ clients: [] });
}

async function asksForFolders({ bridge, folder, ask }: Asking) {
  const missing = join(bridge.stateDir, 'no-such-folder');
  await expect(ask('folder.add', { path: missing })).rejects.toMatchObject({ code: 'FOLDER_NOT_FOUND' });
  const again = await ask('folder.add', { path: bridge.folders[0] ?? '', name: 'other name' });
  expect(again).toEqual(bridge.folder(0).info);
  const added = await ask('folder.add', { path: bridge.stateDir, name: 'state' });
  expect(added).toMatchObject({ name: 'state', path: bridge.stateDir });
  expect((await ask('status', {})).folders.map(({ key }) => key)).toEqual([folder, added.key]);
  expect(await ask('folder.remove', { folder: added.key })).toBeNull();
  await expect(ask('folder.remove', { folder: 'nowhere' })).rejects.toMatchObject({
    code: 'FOLDER_UNKNOWN',
  });
}

async function asksForSessions({ face, folder, asked, changed, statuses, ask }: Asking): Promise<Follower> {
  const made = await ask('session.create', { folder, title: 'Birds', settings: { effort: 'low' } });
  expect(made).toMatchObject({ folder, title: 'Birds', settings: { effort: 'low' }, turns: [], seq: 0 });
  const id = made.id;
  expect(changed.at(-1)).toMatchObject({ id, title: 'Birds', state: 'idle' });
  const followed = await Follower.open(face, id);
  asked.add('session.open');
  const { turn } = await ask('session.prompt', {
    session: id,
    prompt: 'herons',
    source,
    idempotencyKey: 'k',
  });
  expect(await ask('session.prompt', { session: id, prompt: 'herons', source, idempotencyKey: 'k' })).toEqual(
    { turn },
  );
  await followed.until(idle);
  expect(followed.state.turns).toMatchObject([{ id: turn, source, status: 'completed' }]);
  expect(changed.map((summary) => summary.state)).toEqual(
    expect.arrayContaining(['queued', 'running', 'idle']),
  );
  expect(statuses).toContainEqual(expect.objectContaining({ key: folder, running: 1 }));

  for (let i = 0; i < 4; i++) await ask('session.create', { folder, title: `Fish ${i}` });
  const page = await ask('session.list', { folder, limit: 3 });
  expect(page.sessions).toHaveLength(3);
  const task = { kind: 'compact' } as const;
  await expect(
    ask('session.task', { session: page.sessions[0]?.id ?? '', task, source }),
  ).rejects.toMatchObject({
    code: 'NOTHING_TO_DO',
  });
  const rest = await ask('session.list', { folder, limit: 3, cursor: page.cursor ?? '' });
  expect(rest.cursor).toBeUndefined();
  expect(new Set([...page.sessions, ...rest.sessions].map((summary) => summary.id)).size).toBe(5);
  expect(
    (await ask('session.list', { folder, query: 'herons' })).sessions.map((summary) => summary.id),
  ).toEqual([id]);
  await expect(ask('session.list', { folder, cursor: 'nonsense' })).rejects.toMatchObject({
    code: 'CURSOR_INVALID',
  });

  expect(await ask('session.rename', { session: id, title: 'Herons' })).toBeNull();
  expect(await ask('session.settings', { session: id, settings: { sandbox: 'read-only' } })).toBeNull();
  await expect(
    ask('session.settings', { session: id, settings: { sandbox: 'danger-full-access' } }),
  ).rejects.toMatchObject({
    code: 'RIGHTS_EXCEED_CEILING',
  });
  expect(truth(id)).toMatchObject({ title: 'Herons', settings: { sandbox: 'read-only' } });
  expect(followed.state).toEqual(truth(id));
  return followed;
}

async function asksOfARunningTurn({ bridge, ask }: Asking, followed: Follower) {
  const { id } = followed.state;
  const first = followed.state.turns[0]?.id ?? '';
  const gate = new Latch();
  bridge.model.script((request) =>
    request.prompt === 'and egrets'
      ? [command('touch asked.txt')]
      : [words(['wait', ' '], (i) => (i === 1 ? gate.wait() : undefined)), command('true')],
  );
  const running = await ask('session.prompt', { session: id, prompt: 'long', source });
  await followed.until(({ turns }) => answerOf(turns[1] ?? expect.fail()) === 'wait');
  expect(await ask('session.steer', { session: id, turn: running.turn, prompt: 'and egrets' })).toBeNull();
  await expect(ask('session.fork', { session: id })).rejects.toMatchObject({ code: 'SESSION_BUSY' });
  await expect(ask('session.archive', { session: id, archived: true })).rejects.toMatchObject({
    code: 'SESSION_BUSY',
  });
  gate.open();
  const { approvals } = await followed.until((session) => session.approvals.length > 0);
  expect((await ask('status', {})).folders[0]).toMatchObject({ running: 1, waitingForApproval: 1 });
  expect(await ask('session.approvals', { session: id })).toEqual({ approvals });
  const approval = approvals[0]?.id ?? '';
  await expect(
    ask('approval.answer', { session: id, approval: 'none', decision: 'accept' }),
  ).rejects.toMatchObject({
    code: 'APPROVAL_NOT_FOUND',
  });
  expect(await ask('approval.answer', { session: id, approval, decision: 'decline' })).toBeNull();
  await followed.until((session) => session.approvals.length === 0);
  bridge.model.script(() => [stall()]);
  const stuck = await ask('session.prompt', { session: id, prompt: 'stuck', source });
  const cancelled = await ask('session.cancel', { session: id });
  expect(cancelled.cancelled).toContain(stuck.turn);
  await followed.until(idle);
  expect(await ask('session.cancel', { session: id })).toEqual({ cancelled: [] });
  expect(await ask('session.release', { session: id })).toEqual({ released: [] });
  await expect(ask('session.steer', { session: id, turn: first, prompt: 'x' })).rejects.toMatchObject({
    code: 'TURN_NOT_RUNNING',
  });
}

async function copies({ folder, changed, ask }: Asking, followed: Follower): Promise<SessionId> {
  const { id } = followed.state;
  const fork = await ask('session.fork', { session: id });
  expect(fork).toMatchObject({ title: 'Herons (fork)', forkedFrom: id });
  expect(fork.turns).toHaveLength(followed.state.turns.length);
  const { data } = await ask('session.export', { session: id, format: 'json' });
  const markdown = await ask('session.export', { session: id, format: 'markdown' });
  expect(markdown.data).toContain('# Herons');
  expect(markdown.data).toContain('Echo: herons');
  const imported = await ask('session.import', { folder, data });
  expect(imported.sessions).toHaveLength(1);
  const copy = truth(imported.sessions[0] ?? '');
  expect(copy.turns.map((turn) => turn.prompt)).toEqual(truth(id).turns.map((turn) => turn.prompt));
  expect(changed.map((summary) => summary.id)).toContain(copy.id);
  await expect(ask('session.import', { folder, data: '{' })).rejects.toMatchObject({
    code: 'IMPORT_INVALID',
  });
  return copy.id;
}

async function putsAway({ folder, changed, removed, ask }: Asking, id: SessionId) {
  expect(await ask('session.archive', { session: id, archived: true })).toBeNull();
  expect(
    (await ask('session.list', { folder, archived: true })).sessions.map((summary) => summary.id),
  ).toEqual([id]);
  expect(changed.at(-1)).toMatchObject({ id: id, archived: true });
  expect(await ask('session.delete', { session: id })).toBeNull();
  expect(removed).toEqual([{ session: id, folder }]);
  await expect(ask('session.open', { session: id })).rejects.toMatchObject({
    code: 'SESSION_NOT_FOUND',
  });
  expect(await ask('session.close', { session: id })).toBeNull();
}

async function endsTheBridge({ bridge, face: { rpc, onClose }, folder, ask }: Asking) {
  expect(await ask('statistics', { folder })).toMatchObject({ sessions: { total: 6 } });
  expect((await ask('statistics', {})).turns.byStatus).toMatchObject({ completed: expect.any(Number) });
  const settings = { ...DEFAULT_SETTINGS, currency: 'EUR' };
  expect(await ask('settings.set', { settings })).toBeNull();
  const file = join(bridge.stateDir, 'settings.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(settings);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await ask('restart', { folder })).toBeNull();
  expect((await ask('status', { folder })).folders).toMatchObject([{ codex: { state: 'ready' } }]);
  const leaving = new Promise((resolve) => rpc.on('leaving', resolve));
  const closed = new Promise<void>((resolve) => onClose(resolve));
  expect(await ask('stop', { now: true })).toEqual({ leaving: 'now' });
  expect(await leaving).toEqual({ reason: 'The bridge was told to end.' });
  await closed;
}
