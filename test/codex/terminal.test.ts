import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFailed, vi } from 'vitest';
import { markedProcesses } from '../../src/bridge/codex/processes.ts';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { StateDirectory } from '../../src/bridge/stateDirectory.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { answerOf, type SessionSnapshot, type TurnSnapshot } from '../../src/shared/session.ts';
import { codexBinary, makeCodexHome, tempDir } from '../support/codexHome.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { isReview, review } from '../support/reviewScript.ts';
import { command, Latch, ScriptedModel, stall, text, words } from '../support/scriptedModel.ts';
import { connectWindow, TerminalViewer } from '../support/terminalViewer.ts';

const source = { kind: 'cli' } as const;
/** For what is told by no event, in ms. */
const WAIT = { timeout: 20_000, interval: 50 };
const SIZE = { cols: 100, rows: 30 };
/** Answers what the TUI would ask at its first start: which of two models. */
const QUIET = '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n';

let bridge: RealBridge;
let window: BridgeConnection;
let cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  window.dispose();
  await bridge.close();
  for (const clean of cleanUp) await clean();
  cleanUp = [];
});

async function start(): Promise<Session> {
  bridge = await startRealBridge();
  appendFileSync(join(dirname(bridge.stateDir), 'ch', 'config.toml'), QUIET);
  window = await connectWindow(bridge.stateDir);
  return bridge.folder(0).createSession({});
}

async function open(session: Session, options: Partial<typeof SIZE & { name: string }> = {}) {
  const viewer = await TerminalViewer.open(window.rpc, session.id, { ...SIZE, ...options });
  cleanUp.push(async () => viewer.dispose());
  onTestFailed(() => console.log(`${viewer.name} shows:\n${viewer.text}`));
  await viewer.shows('OpenAI Codex');
  return viewer;
}

function until(session: Session, test: (snapshot: SessionSnapshot) => boolean): Promise<SessionSnapshot> {
  if (test(session.snapshot)) return Promise.resolve(session.snapshot);
  return new Promise((resolve) => {
    const subscription = session.onChange(({ snapshot }) => {
      if (!test(snapshot)) return;
      subscription.dispose();
      resolve(snapshot);
    });
  });
}

async function lastEnded(session: Session, turns: number): Promise<TurnSnapshot> {
  const { turns: all } = await until(
    session,
    (snapshot) => snapshot.turns.length === turns && snapshot.turns.at(-1)?.endedAt !== undefined,
  );
  const last = all.at(-1);
  if (last === undefined) throw new Error('no turn');
  return last;
}

async function say(session: Session, prompt: string, settings = {}): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source, settings });
  return session.ended(turn);
}

/** Commands of processes that belong to the bridge of a state directory. */
async function ofBridge(stateDir: string): Promise<number[]> {
  const { hash } = StateDirectory.open(stateDir);
  return (await markedProcesses((mark) => mark.startsWith(`${hash}:`))).map(({ pid }) => pid);
}

describe('the terminal of a session', () => {
  it('B19: opens before the first prompt, shows live what others ask, and has everything for who comes later', async () => {
    const session = await start();
    const viewer = await open(session);
    const turn = await say(session, 'asked from the chat');
    expect(turn.status).toBe('completed');
    await viewer.shows('Echo: asked from the chat');
    await viewer.type('an unsent draft');
    await viewer.shows('an unsent draft');
    // Another window, as after a reload: the same screen, draft included, at the size that it has.
    const other = await connectWindow(bridge.stateDir);
    const second = await TerminalViewer.open(other.rpc, session.id, { cols: 60, rows: 20, name: 'second' });
    await second.shows('an unsent draft');
    expect(second.text).toContain('Echo: asked from the chat');
    expect(second.pid).toBe(viewer.pid);
    // The focus takes the size along.
    await second.resize({ cols: 61, rows: 21 }, true);
    await viewer.until(() => viewer.sizes.length > 0);
    expect(viewer.sizes).toEqual([{ cols: 61, rows: 21 }]);
    await viewer.resize({ cols: 110, rows: 31 }, false);
    await second.type('!');
    await viewer.shows('an unsent draft!');
    expect(viewer.sizes).toHaveLength(1);
    // Who had the focus leaves: what is left sets the size, and nothing is lost.
    other.dispose();
    await viewer.until(() => viewer.sizes.length > 1);
    expect(viewer.sizes.at(-1)).toEqual({ cols: 110, rows: 31 });
    await viewer.shows('an unsent draft!');
    second.dispose();
  });

  it('B19: records a turn that is typed there once, as the terminal’s, and keeps our own prompts waiting', async () => {
    const session = await start();
    const viewer = await open(session);
    const gate = new Latch();
    bridge.model.script((request) => [
      words(['Echo: ', request.prompt], (i) =>
        i === 1 && request.prompt === 'hello' ? gate.wait() : undefined,
      ),
    ]);
    await viewer.line('hello');
    await until(session, (snapshot) => snapshot.turns[0]?.status === 'running');
    const { turn } = await session.prompt({ prompt: 'after that', source });
    expect(session.snapshot.turns.map(({ status }) => status)).toEqual(['running', 'queued']);
    expect(bridge.folder(0).status()).toMatchObject({ running: 1, queued: 1 });
    gate.open();
    expect((await session.ended(turn)).status).toBe('completed');
    expect(session.snapshot.turns).toMatchObject([
      { source: { kind: 'terminal' }, prompt: 'hello', status: 'completed' },
      { source, prompt: 'after that', status: 'completed' },
    ]);
    expect(session.snapshot.turns.map(answerOf)).toEqual(['Echo: hello', 'Echo: after that']);
    expect(session.snapshot.turns[0]?.items.map(({ type }) => type)).toEqual(['agent_message']);
    expect(session.snapshot.title).toBe('hello');
    expect(bridge.model.prompts()).toEqual(['hello', 'after that']);
    await viewer.shows('Echo: after that');
    // It is in the history like every other.
    const stored = JSON.parse(bridge.folder(0).exportSession(session.id, 'json')).session;
    expect(stored.turns[0]).toMatchObject({ source: { kind: 'terminal' }, prompt: 'hello' });
  });

  it('lets other faces steer and stop what was typed there', async () => {
    const session = await start();
    const viewer = await open(session);
    bridge.model.script((request) =>
      request.prompts.length > 1 ? [stall()] : [words('one two', 20), stall()],
    );
    await viewer.line('count');
    const { turns } = await until(session, (snapshot) =>
      snapshot.turns.some((turn) => answerOf(turn) !== ''),
    );
    const [turn] = turns;
    await session.steer(turn?.id ?? '', 'faster');
    expect(await session.cancel(turn?.id)).toEqual([turn?.id]);
    expect(session.snapshot.turns).toMatchObject([{ status: 'cancelled', prompt: 'count' }]);
    await viewer.shows('interrupted');
    bridge.model.script(() => [text('Still here')]);
    expect(answerOf(await say(session, 'there?'))).toBe('Still here');
  });

  it('records commands of the person’s and a compaction as turns', async () => {
    const session = await start();
    const viewer = await open(session);
    // The TUI sets the mark of the shell apart.
    await viewer.line('!echo banged', '! echo banged');
    expect(await lastEnded(session, 1)).toMatchObject({
      prompt: '!echo banged',
      source: { kind: 'terminal' },
      status: 'completed',
      items: [{ type: 'command', output: 'banged\n', exitCode: 0 }],
    });
    await viewer.line('/compact');
    expect(await lastEnded(session, 2)).toMatchObject({
      prompt: '/compact',
      task: { kind: 'compact' },
      items: [{ type: 'compaction' }],
    });
    expect((await say(session, 'and on')).status).toBe('completed');
  });

  it('records a review of the person’s as a turn, and shows ours', async () => {
    const session = await start();
    const viewer = await open(session);
    bridge.model.script((request) =>
      isReview(request) ? [review([], 'Nothing to correct.')] : [text('ok')],
    );
    await viewer.line('/review look at the names');
    const theirs = await lastEnded(session, 1);
    expect(theirs).toMatchObject({
      status: 'completed',
      source: { kind: 'terminal' },
      task: { kind: 'review', target: { kind: 'custom', instructions: 'look at the names' } },
      items: [{ type: 'review', text: 'Nothing to correct.' }],
    });
    const task = { kind: 'review', target: { kind: 'custom', instructions: 'and at the tests' } } as const;
    const { turn } = await session.prompt({ task, prompt: '', source: { kind: 'cli' } });
    expect(await session.ended(turn)).toMatchObject({ status: 'completed', source: { kind: 'cli' } });
    expect((await say(session, 'and on')).status).toBe('completed');
    expect(session.snapshot.turns).toHaveLength(3);
  });

  it('shows its approvals everywhere: whoever answers first', async () => {
    const session = await start();
    const viewer = await open(session);
    const target = join(bridge.folders[0] ?? '', 'made.txt');
    bridge.model.script((request) =>
      request.outputs.length > 0
        ? [text('Done.')]
        : [
            command(`touch ${target}.${request.prompts.length}`, {
              sandbox_permissions: 'require_escalated',
              justification: 'please',
            }),
          ],
    );
    await viewer.line('first');
    const asked = await until(session, (snapshot) => snapshot.approvals.length === 1);
    expect(asked.approvals[0]?.request).toMatchObject({ kind: 'command' });
    await viewer.shows('Would you like to run');
    session.answer(asked.approvals[0]?.id ?? '', 'accept', { kind: 'window' });
    expect(await lastEnded(session, 1)).toMatchObject({ status: 'completed' });
    expect(existsSync(`${target}.1`)).toBe(true);

    const { turn } = await session.prompt({ prompt: 'second', source });
    await until(session, (snapshot) => snapshot.approvals.length === 1);
    await viewer.shows(/made\.txt\.2[\s\S]*Yes, proceed/);
    // Keys that come right after a question has appeared were meant for something else: the TUI ignores them.
    await vi.waitFor(async () => {
      if (session.snapshot.approvals.length > 0) await viewer.type('y');
      expect(session.snapshot.approvals).toEqual([]);
    }, WAIT);
    expect((await session.ended(turn)).status).toBe('completed');
    expect(existsSync(`${target}.2`)).toBe(true);
  });

  it('A7: gives a caller no rights that the person has taken in the terminal', async () => {
    const session = await start();
    const viewer = await open(session);
    await viewer.line('/permissions');
    await viewer.shows('Full Access');
    await viewer.type('3');
    await viewer.shows('continue anyway');
    await viewer.type('\r');
    await viewer.shows('Permission selection requested: Full Access');
    const inside = join(bridge.folders[0] ?? '', 'written');
    bridge.model.script((request) =>
      request.outputs.length > 0 ? [text('Tried.')] : [command(`touch ${inside}.${request.prompts.length}`)],
    );
    // The person's own turn has them: else this would test nothing.
    await viewer.line('mine');
    expect(await lastEnded(session, 1)).toMatchObject({ status: 'completed' });
    expect(existsSync(`${inside}.1`)).toBe(true);
    const turn = await say(session, 'a caller’s', { sandbox: 'read-only' });
    expect(turn.status).toBe('completed');
    expect(existsSync(`${inside}.2`)).toBe(false);
  });

  it('goes with its program, its session and the bridge, and leaves nothing', async () => {
    const session = await start();
    const viewer = await open(session);
    await say(session, 'hello');
    process.kill(viewer.pid, 'SIGKILL');
    await viewer.until(() => viewer.exit !== undefined);
    await expect(viewer.type('x')).rejects.toMatchObject({ code: 'TERMINAL_NOT_OPEN' });
    // A new one on the same thread; a turn does not notice that the terminal goes.
    const again = await open(session, { name: 'again' });
    await again.shows('Echo: hello');
    const gate = new Latch();
    bridge.model.script(() => [words(['One ', 'two'], (i) => (i === 1 ? gate.wait() : undefined))]);
    const { turn } = await session.prompt({ prompt: 'count', source });
    await again.shows('One');
    process.kill(again.pid, 'SIGHUP');
    await again.until(() => again.exit !== undefined);
    gate.open();
    expect(answerOf(await session.ended(turn))).toBe('One two');
    const third = await open(session, { name: 'third' });
    await session.archive(true);
    await third.until(() => third.exit !== undefined);
    await expect(open(session, { name: 'fourth' })).rejects.toMatchObject({ code: 'SESSION_ARCHIVED' });
    await session.archive(false);
    const fifth = await open(session, { name: 'fifth' });
    await bridge.restart();
    await expect(fifth.type('x')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(await ofBridge(bridge.stateDir)).toEqual([]);
    // Back again on what the new bridge has of it.
    window = await connectWindow(bridge.stateDir);
    const back = await open(bridge.folder(0).session(session.id), { name: 'back' });
    await back.shows('One two');
    await window.rpc.request('session.delete', { session: session.id });
    await back.until(() => back.exit !== undefined);
  });

  it('opens on a thread that Codex had lost, and the next prompt still brings the conversation along', async () => {
    const session = await start();
    await say(session, 'the word is heron');
    window.dispose();
    await bridge.restart();
    for (const name of ['sessions', 'archived_sessions'])
      rmSync(join(dirname(bridge.stateDir), 'ch', name), { recursive: true, force: true });
    window = await connectWindow(bridge.stateDir);
    bridge.model.script(() => [text('Answered.')]);
    const again = bridge.folder(0).session(session.id);
    const [viewer, turn] = await Promise.all([open(again), say(again, 'which word?')]);
    expect(turn.notices).toEqual([expect.objectContaining({ kind: 'thread_restored' })]);
    expect(JSON.stringify(bridge.model.requests.at(-1)?.input)).toContain('the word is heron');
    await viewer.shows('Answered.');
    expect((await say(again, 'and now?')).notices).toEqual([]);
    // Both wanted the thread at the same moment, and got the same one.
    expect(again.snapshot.turns).toHaveLength(3);
  });

  it('ends when the bridge is killed', async () => {
    await start();
    const { child, other, stateDir } = await serve();
    const [folder] = (await other.rpc.request('status', {})).folders;
    const session = await other.rpc.request('session.create', { folder: folder?.key ?? '' });
    const viewer = await TerminalViewer.open(other.rpc, session.id, SIZE);
    await viewer.shows('OpenAI Codex');
    expect(await ofBridge(stateDir)).toContain(viewer.pid);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await ofBridge(stateDir)).toEqual([]), WAIT);
    viewer.dispose();
    other.dispose();
  });
});

/** A bridge in a process of its own. */
async function serve(): Promise<{ child: ChildProcess; stateDir: string; other: BridgeConnection }> {
  const temp = await tempDir('tk');
  const model = await ScriptedModel.start();
  const codex = await makeCodexHome({ modelUrl: model.url, dir: join(temp.path, 'ch') });
  appendFileSync(join(codex.home, 'config.toml'), QUIET);
  const stateDir = join(temp.path, 's');
  const folder = join(temp.path, 'f');
  await mkdir(folder);
  const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [cli, 'serve', '--folder', folder, '--json'], {
    env: { ...codex.env, CODEX_BRIDGE_HOME: stateDir, CODEX_BRIDGE_CODEX: codexBinary() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await model.close();
    await temp.dispose();
  });
  await once(createInterface({ input: child.stdout }), 'line');
  return { child, stateDir, other: await connectWindow(stateDir) };
}
