import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import type { SessionSnapshot, TurnSnapshot } from '../../src/shared/session.ts';
import { connectClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, patch, stall, text, words } from '../support/scriptedModel.ts';
import { copiedFolder, treeOf } from '../unit/changes-support.ts';

const source = { kind: 'window' } as const;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

let bridge: RealBridge;
let window: BridgeConnection;
let folder = '';

async function start(): Promise<Session> {
  bridge = await startRealBridge();
  ends.push(() => bridge.close());
  window = await connectBridge({
    home: bridge.stateDir,
    kind: 'window',
    canAnswer: true,
    version: '0.0.0-test',
    start: false,
  });
  ends.push(async () => window.dispose());
  folder = bridge.folders[0] ?? '';
  return bridge.folder(0).createSession({});
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

async function say(session: Session, prompt: string): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source });
  return session.ended(turn);
}

function until(session: Session, test: (snapshot: SessionSnapshot) => boolean): Promise<void> {
  if (test(session.snapshot)) return Promise.resolve();
  return new Promise((resolve) => {
    const subscription = session.onChange(({ snapshot }) => {
      if (!test(snapshot)) return;
      subscription.dispose();
      resolve();
    });
  });
}

const LINES = Array.from({ length: 20 }, (_, i) => `line ${i}`);

function fill(): void {
  write('sed.txt', `${LINES.join('\n')}\n`);
  write('patched.ts', `${LINES.join('\n')}\n`);
  write('untracked.txt', 'mine\n');
  write('gone.txt', 'bye\n');
  write('old.txt', 'a file that moves\n');
  write('script.sh', 'true\n');
  write('crlf.txt', LINES.join('\r\n'));
  write(
    'data.bin',
    Uint8Array.from({ length: 64 }, (_, i) => i),
  );
  symlinkSync('sed.txt', join(folder, 'link'));
  chmodSync(join(folder, 'gone.txt'), 0o600);
}

/** What one turn does, through commands and through patches. */
const STEPS = [
  command(
    [
      `sed -i -e 's/^line 2$/LINE TWO/' -e 's/^line 15$/LINE FIFTEEN/' sed.txt`,
      `sed -i 's/^line 7/LINE SEVEN/' crlf.txt`,
      'rm gone.txt',
      'mkdir moved && mv old.txt moved/new.txt',
      'chmod 755 script.sh',
      `printf '\\001\\000\\002' > data.bin`,
      'ln -sfn crlf.txt link',
    ].join(' && '),
  ),
  patch('*** Update File: patched.ts\n@@\n line 3\n-line 4\n+LINE FOUR\n line 5\n'),
  patch('*** Add File: untracked.txt\n+written over\n'),
];

async function bigTurn(session: Session): Promise<TurnSnapshot> {
  bridge.model.script((request) => [STEPS[request.outputs.length] ?? text('Done.')]);
  return say(session, 'Change everything');
}

describe('what a turn of the real Codex changed', () => {
  it('is known, commands and patches alike, without git, and every file goes back byte for byte', async () => {
    const session = await start();
    fill();
    const before = treeOf(folder);
    await window.rpc.request('session.open', { session: session.id });
    const changed = new Promise((resolve) => window.rpc.on('changes.changed', resolve));
    const turn = await bigTurn(session);
    expect(turn.status).toBe('completed');
    expect(turn.changes).toMatchObject({ complete: true, notes: [], overlaps: [], more: 0 });
    const list = (turn.changes?.files ?? []).map(
      ({ path, kind, added, removed }) => `${kind} ${path} +${added} -${removed}`,
    );
    expect(list).toEqual([
      'update crlf.txt +1 -1',
      'update data.bin +0 -0',
      'delete gone.txt +0 -1',
      'update link +1 -1',
      'rename old.txt +0 -0',
      'update patched.ts +1 -1',
      'mode script.sh +0 -0',
      'update sed.txt +2 -2',
      'update untracked.txt +1 -1',
    ]);
    const where = { session: session.id, turn: turn.id };
    const { files } = await window.rpc.request('changes.list', where);
    expect(files.map(({ path }) => path)).toEqual(turn.changes?.files.map(({ path }) => path));
    for (const { path } of files) {
      const { hunks } = await window.rpc.request('changes.read', { ...where, path });
      for (const hunk of hunks.keys()) await window.rpc.request('changes.revert', { ...where, path, hunk });
      // Names, permissions and binary content are no hunks.
      await window.rpc.request('changes.revert', { ...where, path });
    }
    expect(await changed).toEqual(where);
    expect(treeOf(folder)).toEqual(before);
  });

  it('is there after everything was restarted; a hunk edited since is refused with the reason', async () => {
    const session = await start();
    fill();
    const before = treeOf(folder);
    const { id: turn } = await bigTurn(session);
    window.dispose();
    await bridge.restart();
    window = await connectBridge({
      home: bridge.stateDir,
      kind: 'window',
      canAnswer: true,
      version: '0.0.0-test',
      start: false,
    });
    const where = { session: session.id, turn };
    expect(bridge.folder(0).session(session.id).turn(turn).changes?.files).toHaveLength(9);
    const sed = readFileSync(join(folder, 'sed.txt'), 'utf8');
    write('sed.txt', sed.replace('LINE TWO', 'Line two'));
    await expect(
      window.rpc.request('changes.revert', { ...where, path: 'sed.txt', hunk: 0 }),
    ).rejects.toMatchObject({
      code: 'CHANGE_EDITED_SINCE',
      message: expect.stringContaining('were edited since'),
    });
    await window.rpc.request('changes.revert', { ...where, path: 'sed.txt', hunk: 1 });
    expect(readFileSync(join(folder, 'sed.txt'), 'utf8')).toBe(`${LINES.with(2, 'Line two').join('\n')}\n`);
    write('sed.txt', sed);
    expect(await window.rpc.request('changes.revert', where)).toEqual({ refused: [] });
    expect(treeOf(folder)).toEqual(before);
  });

  it('comes before the end of the turn, also of one that was cancelled', async () => {
    const session = await start();
    const events: SessionEvent['type'][] = [];
    session.onChange(({ event }) => void events.push(event.type));
    bridge.model.script((request) =>
      request.startsTurn ? [command('echo half > half.txt')] : [words(['Going '], () => {}), stall()],
    );
    const { turn } = await session.prompt({ prompt: 'go', source });
    await until(session, () => existsSync(join(folder, 'half.txt')));
    await session.cancel(turn);
    expect(session.turn(turn)).toMatchObject({
      status: 'cancelled',
      changes: { files: [{ path: 'half.txt', kind: 'add', added: 1 }] },
    });
    expect(events.slice(-2)).toEqual(['turn.changes', 'turn.ended']);
    expect(events.filter((type) => type === 'turn.changes' || type === 'turn.ended')).toHaveLength(2);
  });

  it('is not asked of a turn that never came to Codex', async () => {
    const session = await start();
    const gate = new Latch();
    bridge.model.script(() => [words(['One '], () => gate.wait())]);
    const first = await session.prompt({ prompt: 'first', source });
    const second = await session.prompt({ prompt: 'second', source });
    await session.cancel(second.turn);
    gate.open();
    await session.ended(first.turn);
    expect(session.turn(second.turn).changes).toBeUndefined();
    expect(session.turn(first.turn).changes).toMatchObject({ files: [], overlaps: [] });
  });

  it('names turns of other sessions that ran at the same time', async () => {
    const session = await start();
    const other = bridge.folder(0).createSession({});
    const gate = new Latch();
    bridge.model.script((request) =>
      request.startsTurn ? [command(`touch ${request.prompt}.txt`)] : [words(['Ok'], () => gate.wait())],
    );
    const [first, second] = await Promise.all([
      session.prompt({ prompt: 'one', source }),
      other.prompt({ prompt: 'two', source }),
    ]);
    await Promise.all([
      until(session, () => existsSync(join(folder, 'one.txt'))),
      until(other, () => existsSync(join(folder, 'two.txt'))),
    ]);
    gate.open();
    expect((await session.ended(first.turn)).changes?.overlaps).toEqual([second.turn]);
    expect((await other.ended(second.turn)).changes?.overlaps).toEqual([first.turn]);
  });

  it('goes with the session; a fork shows it and reverts nothing, nor does another session', async () => {
    const session = await start();
    fill();
    const turn = await bigTurn(session);
    const fork = await bridge.folder(0).fork(session.id);
    const copy = fork.snapshot.turns[0];
    expect(copy?.changes?.files.map(({ notRevertible }) => notRevertible)).toEqual(
      Array.from({ length: 9 }, () => expect.stringContaining('forked')),
    );
    const tree = treeOf(folder);
    await expect(
      window.rpc.request('changes.revert', { session: fork.id, turn: turn.id }),
    ).rejects.toMatchObject({ code: 'TURN_NOT_FOUND' });
    await expect(
      window.rpc.request('changes.revert', { session: fork.id, turn: copy?.id ?? '' }),
    ).rejects.toMatchObject({ code: 'CHANGE_NOT_REVERTIBLE' });
    expect(treeOf(folder)).toEqual(tree);
    const [imported = ''] = bridge
      .folder(0)
      .importSessions(bridge.folder(0).exportSession(session.id, 'json'));
    expect(bridge.folder(0).session(imported).snapshot.turns[0]?.changes?.files[0]?.notRevertible).toContain(
      'imported',
    );
    const copies = join(bridge.stateDir, 'folders', bridge.folder(0).info.key, 'copies');
    expect(readdirSync(join(copies, 'turns'))).toHaveLength(1);
    await bridge.folder(0).deleteSession(session.id);
    expect(Object.keys(treeOf(copies)).filter((path) => !path.endsWith('/'))).toEqual([]);
  });

  it('is what an MCP client is told, with what only Codex knows', async () => {
    await start();
    write('.gitignore', 'out/\n');
    write('out/a.txt', 'old\n');
    write('a.txt', 'old\n');
    const client = await connectClient('2025-11-25', bridge.endpoints);
    ends.push(() => client.close());
    bridge.model.script((request) => [
      [
        command('echo new > a.txt; echo hidden > out/hidden.txt; mv a.txt b.txt'),
        patch('*** Update File: out/a.txt\n@@\n-old\n+new\n'),
      ][request.outputs.length] ?? text('Done.'),
    ]);
    const { data } = await client.call('ask', { prompt: 'go' });
    expect(data['files']).toEqual([
      { path: 'a.txt', kind: 'update', moved_to: 'b.txt', added: 1, removed: 1 },
      { path: 'out/a.txt', kind: 'update', added: 1, removed: 1 },
    ]);
  });
});

it('20,000 files: figures', { timeout: 60_000 }, async () => {
  const folder = await copiedFolder();
  ends.push(() => folder.dispose());
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), content);
  };
  for (let i = 0; i < 20_000; i++) put(`d${i % 400}/f${i}.ts`, `content ${i}\n`.repeat(40 + (i % 400)));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const figures: string[] = [];
  const measure = async (name: string, run: () => Promise<unknown>) => {
    delay.reset();
    delay.enable();
    const from = performance.now();
    await run();
    delay.disable();
    const [took, longest] = [performance.now() - from, delay.max / 1e6];
    figures.push(`${name}: ${Math.round(took)} ms, the loop waited at most ${Math.round(longest)} ms`);
  };
  await measure('first scan with copies', () => folder.copies.before('t_0'));
  await measure('compare, nothing changed', () => folder.copies.after('t_0'));
  await measure('scan, all racy', () => folder.copies.before('t_1'));
  put('d1/f1.ts', 'changed\n');
  await measure('compare, one changed', () => folder.copies.after('t_1'));
  console.log(figures.join('\n'));
  expect(folder.changes.list('t_1').files).toMatchObject([{ path: 'd1/f1.ts', kind: 'update' }]);
});
