import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import type { SessionSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { CliBench, until } from '../support/cli.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchClient, watchFace } from '../support/oracleWatch.ts';
import { alive, commandLine } from '../support/processFamily.ts';
import { addFile, command, patch, type Script, stall, text, words } from '../support/scriptedModel.ts';

/** Docs say: nothing of Codex is left so long after the bridge was killed, in ms. */
const GRACE_MS = 3_000;
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PLAN = JSON.stringify({ summary: 'One step.', steps: [{ step: 'Do it', details: '', files: [] }] });

let bench: CliBench;
let client: TestClient;
let oracle: Oracle;

beforeEach(async () => {
  bench = await CliBench.create();
  oracle = new Oracle();
});
afterEach(() => bench.dispose());

/** A bridge in the foreground, with a client on it. Answers its pid. */
async function serve(): Promise<number> {
  const { url, token, pid } = await bench.start(['serve', '--json']).ready();
  client = watchClient(oracle, `client ${pid}`, await connectClient('2026-07-28', { url, token }));
  return pid;
}

/** Kills the bridge, and waits until nothing of what it had started is left. */
async function killed(pid: number): Promise<void> {
  const family = bench.processes();
  process.kill(pid, 'SIGKILL');
  await client.abandon();
  await until('Codex and its commands are gone', () => alive(family) === 0, 10_000);
}

async function send(tool: string, args: Record<string, unknown>): Promise<{ session: string; turn: string }> {
  const { data, text: said, isError } = await client.call(tool, { background: true, ...args });
  if (isError) throw new Error(said);
  return { session: String(data['session']), turn: String(data['turn']) };
}

let faces = 0;

async function watchedFace(): Promise<BridgeConnection> {
  const face = await bench.face();
  watchFace(oracle, `face ${++faces}`, face);
  return face;
}

async function snapshotOf(session: string): Promise<SessionSnapshot> {
  const face = await watchedFace();
  return face.rpc.request('session.open', { session });
}

const standing = ({ turns }: SessionSnapshot) =>
  turns.map(({ prompt, status, held }) => `${prompt}: ${held === true ? 'held' : status}`);

describe('B4b: the bridge is killed with -9', () => {
  const script: Script = ({ prompt, outputs }) => {
    if (prompt === 'change it')
      return outputs.length === 0 ? [patch(addFile('new.txt', 'x'))] : [text('Changed.')];
    if (prompt === 'plan it') return [text(PLAN)];
    return prompt === 'work' ? [words(['I begin, ']), stall()] : [text(`Done: ${prompt}`)];
  };

  it('B4b: queued prompts wait, held, with all that came with them; each is sent once, when somebody says so', async () => {
    bench.model.script(script);
    let pid = await serve();
    const { session, turn: first } = await send('ask', { prompt: 'work' });
    const { rpc } = await watchedFace();
    await bench.model.request(({ prompt }) => prompt === 'work');
    await until('it has said something', async () => {
      const { data } = await client.call('status', { turn: first });
      return JSON.stringify(data).includes('I begin');
    });
    const image = { image: PNG, mime_type: 'image/png' };
    const keyed = { session, prompt: 'see this', attachments: [image], idempotency_key: 'k1' };
    const seen = await send('ask', keyed);
    await send('plan', { session, prompt: 'plan it' });
    const preview = await send('patch', { session, prompt: 'change it' });
    const person = { kind: 'window' } as const;
    const mine = await rpc.request('session.prompt', { session, prompt: 'of a person', source: person });
    const dropped = await send('chat_msg', { session, prompt: 'to be dropped' });
    await killed(pid);

    pid = await serve();
    expect(standing(await snapshotOf(session))).toEqual([
      'work: interrupted',
      ...['see this', 'plan it', 'change it', 'of a person', 'to be dropped'].map((each) => `${each}: held`),
    ]);
    const ended = await client.call('wait', { turn: first });
    expect(ended.data).toMatchObject({ status: 'interrupted', answer: 'I begin, ' });
    // Nobody is made to wait for it, and the same request does not send it.
    for (const asked of [
      client.call('wait', { turns: [seen.turn] }),
      client.call('wait', { turn: seen.turn }),
      client.call('ask', keyed),
    ]) {
      const { data } = await asked;
      const told = Array.isArray(data['turns']) ? data['turns'][0] : data;
      expect(told).toMatchObject({
        ...{ turn: seen.turn, status: 'queued', held: true },
        next: expect.stringContaining(`chat_msg with session "${session}" and turn "${seen.turn}"`),
      });
    }
    expect((await client.call('status', { session })).data['session']).toMatchObject({ held: 5 });
    // They are in nobody's way.
    expect((await client.call('chat_msg', { session, prompt: 'later' })).data).toMatchObject({
      status: 'completed',
    });
    expect(bench.model.prompts()).toEqual(['work', 'later']);
    await killed(pid);

    // Still held after another death; a client can not send what a person wrote.
    await serve();
    const refused = await client.call('chat_msg', { session, turn: mine.turn });
    expect(refused.data['error']).toMatchObject({ code: 'INVALID_INPUT' });
    expect((await client.call('cancel', { turn: dropped.turn })).data['cancelled']).toEqual([dropped.turn]);
    const both = await Promise.all([1, 2].map(() => client.call('chat_msg', { session, turn: seen.turn })));
    expect(both.map(({ data }) => data['answer'])).toEqual(['Done: see this', 'Done: see this']);
    const request = await bench.model.request(({ prompt }) => prompt === 'see this');
    expect(JSON.stringify(request.input)).toContain(`data:image/png;base64,${PNG}`);
    // A person has the rest sent: a plan is a plan still, and a preview leaves the folder alone.
    const face = await bench.face();
    const { released } = await face.rpc.request('session.release', { session });
    expect(released).toHaveLength(3);
    expect((await client.call('wait', { turns: released })).data['running']).toEqual([]);
    const { turns } = await snapshotOf(session);
    expect(turns.map(({ status }) => status)).toEqual([
      'interrupted',
      ...['completed', 'completed', 'completed', 'completed', 'cancelled'],
      'completed',
    ]);
    expect(turns[2]?.plan).toMatchObject([{ step: 'Do it' }]);
    expect(turns.find(({ id }) => id === preview.turn)?.changes).toMatchObject({
      preview: true,
      files: [{ path: 'new.txt' }],
    });
    expect(existsSync(join(bench.folders[0], 'new.txt'))).toBe(false);
    expect(bench.model.prompts()).toEqual([
      ...['work', 'later', 'see this', 'plan it', 'change it', 'of a person'],
    ]);
    await client.close();
    await bench.run(['stop', '--now']);
    await nothingLost(oracle, {
      ...{ stateDir: bench.home, codexHome: bench.codex.home, folders: bench.folders },
      model: bench.model,
    });
  });
});

describe('what a killed bridge had started', () => {
  /** Unsandboxed, out of their groups and sessions, and orphans. */
  const DETACHED =
    'setsid sleep 611 & nohup setsid sleep 612 >/dev/null 2>&1 & (setsid sh -c "sleep 613 & sleep 614" &) ; sleep 615';

  /** A turn with full access whose command runs, and a preview that has begun. */
  async function leaveAll(): Promise<{ sleepers: number[]; session: string }> {
    const begun = join(bench.folders[0], 'begun');
    bench.model.script(({ prompt, outputs }) => {
      if (prompt === 'preview') return [words(['Well, ']), stall()];
      return outputs.length > 0 ? [stall()] : [words(['I begin, ']), command(`echo > begun; ${DETACHED}`)];
    });
    writeSettings();
    await serve();
    const { session } = await send('ask', { prompt: 'leave all behind', sandbox: 'danger-full-access' });
    await send('patch', { prompt: 'preview' });
    await bench.model.request(({ prompt }) => prompt === 'preview');
    const sleepers = () => bench.processes().filter((pid) => commandLine(pid).startsWith('sleep 61'));
    await until('the commands run', () => existsSync(begun) && sleepers().length === 5);
    return { sleepers: sleepers(), session };
  }

  function writeSettings(): void {
    const { ceiling } = DEFAULT_SETTINGS;
    const settings = { ...DEFAULT_SETTINGS, ceiling: { ...ceiling, sandbox: 'danger-full-access' } };
    bench.writeSettings({});
    writeFileSync(join(bench.home, 'settings.json'), JSON.stringify(settings));
  }

  it('B4b: Codex and its commands end within the grace, unsandboxed and detached ones too', async () => {
    const { sleepers } = await leaveAll();
    const family = bench.processes();
    expect(family).toEqual(expect.arrayContaining(sleepers));
    const { pid } = await bench.discovery();
    const start = performance.now();
    process.kill(pid, 'SIGKILL');
    await until('nothing of it lives', () => alive(family) === 0, 10_000);
    expect(performance.now() - start).toBeLessThan(GRACE_MS);
    await client.abandon();
  });

  it('B3: killed together with its guard: the next start sweeps processes, sockets, drafts and previews', async () => {
    const { sleepers } = await leaveAll();
    const old = bench.processes();
    const guard = old.find((pid) => commandLine(pid).includes('guard.mjs')) ?? 0;
    const { pid } = await bench.discovery();
    process.kill(guard, 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    process.kill(guard, 'SIGKILL');
    await until('bridge and guard have ended', () => alive([pid, guard]) === 0);
    await client.abandon();
    expect(alive(sleepers)).toBe(sleepers.length);
    const run = join(bench.home, 'run');
    const sockets = readdirSync(run);
    expect(sockets).toHaveLength(2);
    const [folder = ''] = readdirSync(join(bench.home, 'folders'));
    const previews = join(bench.home, 'folders', folder, 'previews');
    expect(readdirSync(previews)).toHaveLength(1);
    // As if it had been killed while it wrote.
    for (const draft of ['settings.json.0123456789ab', 'port.0123456789ab'])
      writeFileSync(join(bench.home, draft), '{');

    await serve();
    await until('what was left has ended', () => alive(old) === 0);
    await until('the preview is gone', () => readdirSync(previews).length === 0);
    expect(readdirSync(run).filter((name) => name !== 'bridge.sock' && sockets.includes(name))).toEqual([]);
    expect(readdirSync(bench.home).filter((name) => /\.[0-9a-f]{12}$/.test(name))).toEqual([]);
    await client.close();
  });
});
