import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { answerOf, type SessionSnapshot, type TurnSnapshot } from '../../src/shared/session.ts';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, stall, text, usage, words } from '../support/scriptedModel.ts';

const source = { kind: 'cli' } as const;

let bridge: RealBridge;

afterEach(() => bridge.close());

async function start(
  limits: Partial<BridgeSettings['limits']> = {},
  more: Partial<BridgeSettings> = {},
  folders = 1,
) {
  bridge = await startRealBridge({
    folders,
    settings: { limits: { ...DEFAULT_SETTINGS.limits, ...limits }, ...more },
  });
}

function create(folder = 0): Session {
  return bridge.folder(folder).createSession({});
}

/** Sends a prompt and waits for the turn's end. */
async function say(session: Session, prompt: string): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source });
  return session.ended(turn);
}

/** Resolves with the first snapshot for which `test` holds. */
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

function codexHome(): string {
  return join(dirname(bridge.stateDir), 'ch');
}

function appServerPid(): number {
  const [found] = execFileSync('pgrep', ['-f', 'codex.* app-server'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CODEX_HOME=${codexHome()}\0`));
  if (found === undefined) throw new Error('no app-server of this test');
  return found;
}

describe('a session on the real Codex', () => {
  it('goes on with its context, also after everything was restarted, and sends each prompt once', async () => {
    await start();
    const config = readFileSync(join(codexHome(), 'config.toml'));
    const { id } = create();
    expect(answerOf(await say(bridge.folder(0).session(id), 'remember 42'))).toBe('Echo: remember 42');
    expect(answerOf(await say(bridge.folder(0).session(id), '!recall'))).toContain('1. remember 42');
    await bridge.restart();
    const session = bridge.folder(0).session(id);
    expect(session.snapshot.turns.map(answerOf)).toHaveLength(2);
    const recalled = await say(session, '!recall');
    expect(answerOf(recalled)).toContain('1. remember 42');
    expect(recalled.notices).toEqual([]);
    expect(bridge.model.prompts()).toEqual(['remember 42', '!recall', '!recall']);
    expect(readFileSync(join(codexHome(), 'config.toml'))).toEqual(config);
  });

  it('goes on in a new thread with the earlier conversation when Codex has lost the old one, and says so', async () => {
    await start();
    const { id } = create();
    const first = await say(bridge.folder(0).session(id), 'the word is heron');
    const thread = bridge.folder(0).session(id).snapshot.thread;
    expect(first.status).toBe('completed');
    await bridge.restart();
    for (const name of ['sessions', 'archived_sessions'])
      rmSync(join(codexHome(), name), { recursive: true, force: true });
    const session = bridge.folder(0).session(id);
    const turn = await say(session, 'which word?');
    expect(turn.status).toBe('completed');
    expect(turn.notices).toEqual([expect.objectContaining({ kind: 'thread_restored' })]);
    expect(session.snapshot.thread).not.toBe(thread);
    const request = bridge.model.requests.at(-1);
    expect(JSON.stringify(request?.input)).toContain('the word is heron');
    // The next turn is an ordinary one again.
    expect((await say(session, 'and now?')).notices).toEqual([]);
  });

  it('is listed, renamed, forked, archived and deleted, here and in Codex', async () => {
    await start({}, {}, 2);
    const folder = bridge.folder(0);
    const session = create();
    await say(session, 'Tell me about herons.\nAll of it.');
    expect(folder.list({}).sessions).toMatchObject([
      { id: session.id, title: 'Tell me about herons.', turns: 1, state: 'idle' },
    ]);
    expect(bridge.folder(1).list({}).sessions).toEqual([]);
    expect(() => bridge.folder(1).session(session.id)).toThrow(
      expect.objectContaining({ code: 'SESSION_NOT_FOUND' }),
    );
    await session.rename('Herons');
    expect(folder.list({ query: 'herons' }).sessions).toMatchObject([{ title: 'Herons' }]);

    const fork = await folder.fork(session.id);
    expect(fork.snapshot).toMatchObject({ title: 'Herons (fork)', forkedFrom: session.id });
    expect(answerOf(await say(fork, '!recall'))).toContain('Tell me about herons.');
    expect(session.snapshot.turns).toHaveLength(1);
    expect(fork.snapshot.thread).not.toBe(session.snapshot.thread);

    await session.archive(true);
    expect(folder.list({}).sessions.map(({ id }) => id)).toEqual([fork.id]);
    expect(folder.list({ archived: true }).sessions.map(({ id }) => id)).toEqual([session.id]);
    await expect(session.prompt({ prompt: 'x', source })).rejects.toMatchObject({ code: 'SESSION_ARCHIVED' });
    await session.archive(false);
    expect((await say(session, 'back again')).status).toBe('completed');

    await folder.deleteSession(session.id);
    expect(() => folder.session(session.id)).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }));
    expect(folder.list({}).sessions.map(({ id }) => id)).toEqual([fork.id]);
  });

  it('streams what the disk already has, and settles on one end', async () => {
    await start();
    const session = create();
    const seqs: number[] = [];
    let ends = 0;
    session.onChange(({ seq, event }) => {
      seqs.push(seq);
      if (event.type === 'turn.ended') ends += 1;
      // Whoever reads the history at this moment finds at least what was just told.
      const stored = JSON.parse(bridge.folder(0).exportSession(session.id, 'json')).session;
      expect(stored.seq).toBeGreaterThanOrEqual(seq);
    });
    bridge.model.script(() => [words(['One ', 'two ', 'three'], 5)]);
    const turn = await say(session, 'count');
    expect(answerOf(turn)).toBe('One two three');
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    expect(ends).toBe(1);
  });
});

describe('the queue', () => {
  it('takes prompts of one session in order, and one can be taken out again', async () => {
    await start();
    const gate = new Latch();
    bridge.model.script((request) => [
      words(['Done ', request.prompt], (i) => (i === 1 ? gate.wait() : undefined)),
    ]);
    const session = create();
    const turns = [];
    for (const prompt of ['a', 'b', 'c']) turns.push((await session.prompt({ prompt, source })).turn);
    const [a = '', b = '', c = ''] = turns;
    await until(session, (snapshot) => snapshot.turns[0]?.status === 'running');
    expect(session.snapshot.turns.map((turn) => turn.status)).toEqual(['running', 'queued', 'queued']);
    expect(await session.cancel(b)).toEqual([b]);
    gate.open();
    await Promise.all([session.ended(a), session.ended(c)]);
    expect(session.snapshot.turns.map((turn) => turn.status)).toEqual([
      'completed',
      'cancelled',
      'completed',
    ]);
    expect(bridge.model.prompts()).toEqual(['a', 'c']);
  });

  it('runs as many turns at once as the limit allows, the rest in order', async () => {
    await start({ runningTurns: 2 });
    const gates = [new Latch(), new Latch(), new Latch()];
    bridge.model.script((request) => [
      words(['x', request.prompt], (i) => (i === 1 ? gates[Number(request.prompt)]?.wait() : undefined)),
    ]);
    const sessions = [create(), create(), create()];
    const ended = sessions.map(async (session, i) => say(session, String(i)));
    await bridge.model.request((request) => request.prompt === '1');
    await until(sessions[2] as Session, (snapshot) => snapshot.turns[0]?.status === 'queued');
    expect(bridge.folder(0).status()).toMatchObject({ running: 2, queued: 1 });
    gates[1]?.open();
    await bridge.model.request((request) => request.prompt === '2');
    expect(bridge.folder(0).status()).toMatchObject({ running: 2, queued: 0 });
    for (const gate of gates) gate.open();
    expect((await Promise.all(ended)).map((turn) => turn.status)).toEqual(Array(3).fill('completed'));
  });

  it('refuses more than the person allows to wait', async () => {
    await start({ queuedTurns: 1 });
    bridge.model.script(() => [stall()]);
    const session = create();
    await session.prompt({ prompt: 'runs', source });
    await until(session, (snapshot) => snapshot.turns[0]?.status === 'running');
    await session.prompt({ prompt: 'waits', source });
    await expect(session.prompt({ prompt: 'too many', source })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
    });
    expect(await session.cancel()).toHaveLength(2);
    expect(session.snapshot.turns.map((turn) => turn.status)).toEqual(['cancelled', 'cancelled']);
  });

  it('finds the same turn for the same idempotency key', async () => {
    await start();
    const session = create();
    const request = { prompt: 'once', source, idempotencyKey: 'k1' };
    const [one, two] = await Promise.all([session.prompt(request), session.prompt(request)]);
    expect(two).toEqual(one);
    await session.ended(one.turn);
    expect(bridge.model.prompts()).toEqual(['once']);
  });
});

describe('a running turn', () => {
  it('is interrupted with the text it had, and the session goes on', async () => {
    await start();
    bridge.model.script(() => [words(['So ', 'far'], () => {}), stall()]);
    const session = create();
    const { turn } = await session.prompt({ prompt: 'long', source });
    await until(session, (snapshot) => answerOf(snapshot.turns[0] as TurnSnapshot) === 'So far');
    await session.cancel(turn);
    expect(session.turn(turn)).toMatchObject({ status: 'cancelled' });
    expect(answerOf(session.turn(turn))).toBe('So far');
    await expect(session.cancel(turn)).rejects.toMatchObject({ code: 'TURN_NOT_RUNNING' });
    bridge.model.script(() => [text('fine')]);
    expect(answerOf(await say(session, 'and now?'))).toBe('fine');
  });

  it('is steered', async () => {
    await start();
    const gate = new Latch();
    bridge.model.script((request) =>
      JSON.stringify(request.input).includes('also herons')
        ? [text('with herons')]
        : [words(['wait', ' '], (i) => (i === 1 ? gate.wait() : undefined)), command('true')],
    );
    const session = create();
    const { turn } = await session.prompt({ prompt: 'birds', source });
    await until(session, (snapshot) => answerOf(snapshot.turns[0] as TurnSnapshot) !== '');
    await session.steer(turn, 'also herons');
    gate.open();
    const ended = await session.ended(turn);
    expect(answerOf(ended)).toBe('with herons');
    expect(ended.items).toContainEqual(
      expect.objectContaining({ type: 'user_message', text: 'also herons' }),
    );
    await expect(session.steer(turn, 'more')).rejects.toMatchObject({ code: 'TURN_NOT_RUNNING' });
  });

  it('ends at its deadline and says so', async () => {
    await start({ turnTimeoutMinutes: 0.005 });
    bridge.model.script(() => [stall()]);
    const turn = await say(create(), 'never');
    expect(turn).toMatchObject({ status: 'interrupted', error: { code: 'TURN_TIMEOUT' } });
  });

  it('ends as interrupted when Codex is killed, and the next prompt has a new Codex and the context', async () => {
    await start();
    const session = create();
    await say(session, 'remember 42');
    bridge.model.script(() => [words(['Part'], () => {}), stall()]);
    const { turn } = await session.prompt({ prompt: 'long', source });
    await until(session, () => answerOf(session.turn(turn)) === 'Part');
    process.kill(appServerPid(), 'SIGKILL');
    const ended = await session.ended(turn);
    expect(ended).toMatchObject({ status: 'interrupted', error: { code: 'CODEX_EXITED' } });
    expect(answerOf(ended)).toBe('Part');
    bridge.model.script((request) => [text(request.prompts.join(' | '))]);
    expect(answerOf(await say(session, 'still there?'))).toContain('remember 42');
    expect(bridge.model.prompts()).toEqual(['remember 42', 'long', 'still there?']);
    expect(bridge.folder(0).status().codex).toMatchObject({ state: 'ready', restarts: 1 });
  });

  it('fails with the reason when the model refuses or cuts the stream, and the session is usable', async () => {
    await start();
    const session = create();
    expect(await say(session, '!fail 500')).toMatchObject({
      status: 'failed',
      error: { code: 'MODEL_ERROR' },
    });
    expect(await say(session, '!cut')).toMatchObject({ status: 'failed', error: { code: 'MODEL_ERROR' } });
    expect((await say(session, 'fine?')).status).toBe('completed');
  });
});

describe('approvals', () => {
  const asking = { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' } as const;

  it('run what was shown once a human says yes, and not when they say no', async () => {
    await start({}, { defaults: asking });
    const session = create();
    for (const [decision, made] of [
      ['accept', true],
      ['decline', false],
    ] as const) {
      const file = join(bridge.folders[0] ?? '', `${decision}.txt`);
      const { turn } = await session.prompt({ prompt: `!run touch ${decision}.txt`, source });
      const { approvals } = await until(session, (snapshot) => snapshot.approvals.length > 0);
      expect(session.turn(turn).status).toBe('waiting_for_approval');
      expect(approvals).toMatchObject([
        { turn, request: { kind: 'command', command: expect.stringContaining(`touch ${decision}.txt`) } },
      ]);
      session.answer(approvals[0]?.id ?? '', decision, { kind: 'window' });
      expect(() => session.answer(approvals[0]?.id ?? '', 'accept', { kind: 'window' })).toThrow(
        expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
      );
      expect((await session.ended(turn)).status).toBe('completed');
      expect(
        execFileSync('ls', [bridge.folders[0] ?? ''], { encoding: 'utf8' }).includes(`${decision}.txt`),
        file,
      ).toBe(made);
    }
    expect(session.snapshot.approvals).toEqual([]);
  });

  it('are declined when nobody is there who could answer', async () => {
    await start({ approvalMinutesAlone: 0.002 }, { defaults: asking });
    const session = create();
    const resolved: unknown[] = [];
    session.onChange(({ event }) => event.type === 'approval.resolved' && resolved.push(event));
    const turn = await say(session, '!run touch alone.txt');
    expect(turn.status).toBe('completed');
    expect(resolved).toMatchObject([{ decision: 'decline', by: 'timeout' }]);
    expect(execFileSync('ls', [bridge.folders[0] ?? ''], { encoding: 'utf8' })).not.toContain('alone.txt');
  });

  it('are void when their turn is cancelled', async () => {
    await start({}, { defaults: asking });
    const session = create();
    await session.prompt({ prompt: '!run touch never.txt', source });
    const { approvals } = await until(session, (snapshot) => snapshot.approvals.length > 0);
    await session.cancel();
    expect(session.snapshot.approvals).toEqual([]);
    expect(() => session.answer(approvals[0]?.id ?? '', 'accept', { kind: 'window' })).toThrow(
      expect.objectContaining({ code: 'APPROVAL_NOT_FOUND' }),
    );
  });
});

describe('limits and rights', () => {
  it('unloads the oldest idle session beyond the limit, and loses nothing', async () => {
    await start({ loadedSessions: 2 });
    const sessions = [create(), create(), create()];
    for (const [i, session] of sessions.entries()) await say(session, `I am ${i}`);
    expect(bridge.folder(0).status().loaded).toBe(2);
    expect(answerOf(await say(sessions[0] as Session, '!recall'))).toContain('I am 0');
    expect(bridge.folder(0).status().loaded).toBe(2);
  });

  it('refuses more rights than the ceiling, and takes less', async () => {
    await start();
    const session = create();
    const prompt = (settings: object) => session.prompt({ prompt: '!run touch made.txt', source, settings });
    await expect(prompt({ sandbox: 'danger-full-access' })).rejects.toMatchObject({
      code: 'RIGHTS_EXCEED_CEILING',
    });
    expect(() => bridge.folder(0).createSession({ settings: { approvalPolicy: 'never' } })).toThrow(
      expect.objectContaining({ code: 'RIGHTS_EXCEED_CEILING' }),
    );
    bridge.model.script((request) => (request.startsTurn ? [command('touch made.txt')] : [text('tried')]));
    await session.ended((await prompt({ sandbox: 'read-only' })).turn);
    const made = () => existsSync(join(bridge.folders[0] ?? '', 'made.txt'));
    expect(made()).toBe(false);
    await session.ended((await prompt({})).turn);
    expect(made()).toBe(true);
  });

  it('counts turns, tokens and cost, per folder', async () => {
    await start({}, { prices: { unknown: { input: 2, output: 10 } } }, 2);
    bridge.model.script(() => [text('ok'), usage({ input: 1000, cached: 0, output: 100, reasoning: 0 })]);
    await say(create(0), 'one');
    bridge.model.script(() => [stall()]);
    const session = create(0);
    await session.prompt({ prompt: 'two', source });
    await until(session, (snapshot) => snapshot.turns[0]?.status === 'running');
    await session.cancel();
    const statistics = bridge.folder(0).statistics();
    expect(statistics.sessions.total).toBe(2);
    expect(statistics.turns.byStatus).toMatchObject({ completed: 1, cancelled: 1 });
    expect(statistics.usage).toMatchObject({ input: 1000, output: 100, total: 1100 });
    expect(bridge.folder(1).statistics().turns.total).toBe(0);
  });

  it('restarts Codex, interrupting what runs', async () => {
    await start();
    const session = create();
    bridge.model.script(() => [stall()]);
    const { turn } = await session.prompt({ prompt: 'stuck', source });
    await until(session, (snapshot) => snapshot.turns[0]?.status === 'running');
    const before = appServerPid();
    await bridge.folder(0).restart();
    expect(session.turn(turn).status).toBe('interrupted');
    expect(appServerPid()).not.toBe(before);
    bridge.model.script(() => [text('fine')]);
    expect(answerOf(await say(session, 'and now?'))).toBe('fine');
  });
});
