import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionSnapshot } from '../../src/shared/session.ts';
import { CliBench, until } from '../support/cli.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { alive } from '../support/processFamily.ts';
import { addFile, patch, type Script, stall, text, words } from '../support/scriptedModel.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PLAN = JSON.stringify({ summary: 'One step.', steps: [{ step: 'Do it', details: '', files: [] }] });

let bench: CliBench;
let client: TestClient;

beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

/** A bridge in the foreground, with a client on it. Answers its pid. */
async function serve(): Promise<number> {
  const { url, token, pid } = await bench.start(['serve', '--json']).ready();
  client = await connectClient('2026-07-28', { url, token });
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

async function snapshotOf(session: string): Promise<SessionSnapshot> {
  const { rpc } = await bench.face();
  return rpc.request('session.open', { session });
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
    const { rpc } = await bench.face();
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
  });
});
