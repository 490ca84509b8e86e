import { readFileSync } from 'node:fs';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import { answerOf, hasEnded } from '../../src/shared/session.ts';
import { Follower } from '../support/faces.ts';
import type { Bench, Serving } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';
import { canMeasureProcesses, descendants } from './processes.ts';

const RETURNS = 30;
const KILLS = 15;
/** Turns that the session has behind it. */
const TURNS = 40;
/** Streams for longer than it is measured. */
const LONG = `!slow 100 ${Array.from({ length: 600 }, (_, at) => `w${at}`).join(' ')}`;
/** Streams until its Codex is killed. */
const SHORT = `!slow 50 ${Array.from({ length: 400 }, (_, at) => `w${at}`).join(' ')}`;

/** How soon a person can go on: after a window came back, and after Codex was killed. */
export async function recovery(bench: Bench): Promise<Figure[]> {
  const serving = await bench.serve();
  return [...(await returning(bench, serving)), ...(await killed(bench, serving))];
}

/** From connecting to the running turn with its text, as a window that comes back asks for it. */
async function returning(bench: Bench, serving: Serving): Promise<Figure[]> {
  const first = await join(serving);
  const { session, followed } = await newSession(bench, first);
  for (let turn = 0; turn < TURNS; turn++) await ask(first, followed, session, `!big 8 ${turn}`);
  await begun(first, followed, session, LONG);
  first.dispose();

  const times: number[] = [];
  for (let round = 0; round < RETURNS; round++) {
    const begin = performance.now();
    const window = await join(serving);
    const { key } = await window.rpc.request('folder.add', { path: bench.folder });
    const { sessions } = await window.rpc.request('session.list', { folder: key });
    const { turns } = await window.rpc.request('session.open', { session: sessions[0]?.id ?? '' });
    const last = turns.at(-1);
    times.push(performance.now() - begin);
    if (last?.status !== 'running' || answerOf(last) === '') throw new Error('the running turn is not shown');
    window.dispose();
  }
  const last = await join(serving);
  await last.rpc.request('session.cancel', { session });
  last.dispose();
  return [
    {
      group: 'Recovery',
      name: 'a window that comes back has the running turn',
      value: quantile(times, 0.95),
      unit: 'ms',
      most: 2_000,
      note: `connects, lists, opens a session of ${TURNS} turns; p95 of ${RETURNS}, median ${median(times).toFixed(1)} ms`,
    },
  ];
}

/** From the kill of Codex in the middle of a turn to the answer to the next prompt, in the same session. */
async function killed(bench: Bench, serving: Serving): Promise<Figure[]> {
  if (!canMeasureProcesses) return [];
  const window = await join(serving);
  const { folder, session, followed } = await newSession(bench, window);
  await ask(window, followed, session, 'Hello');
  const times: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    await begun(window, followed, session, SHORT);
    const begin = performance.now();
    process.kill(appServer(serving.pid), 'SIGKILL');
    await followed.until(({ turns }) => turns.at(-1)?.status === 'interrupted');
    await ask(window, followed, session, `and now ${round}`);
    times.push(performance.now() - begin);
    // Else the fifth one within three minutes would be the last.
    await window.rpc.request('restart', { folder });
    await ask(window, followed, session, `ready for round ${round + 1}`);
  }
  window.dispose();
  return [
    {
      group: 'Recovery',
      name: 'after Codex was killed, the next prompt is answered',
      value: quantile(times, 0.95),
      unit: 'ms',
      most: 1_500,
      note: `from the kill in the middle of a turn; p95 of ${KILLS}, median ${median(times).toFixed()} ms`,
    },
  ];
}

function join({ state }: Serving): Promise<BridgeConnection> {
  return connectBridge({ home: state, kind: 'window', canAnswer: true, version: '0.0.0', start: false });
}

async function newSession(bench: Bench, face: BridgeConnection) {
  const { key: folder } = await face.rpc.request('folder.add', { path: bench.folder });
  const { id: session } = await face.rpc.request('session.create', { folder });
  return { folder, session, followed: await Follower.open(face, session) };
}

/** Sends a prompt and waits for its end. */
async function ask(face: BridgeConnection, followed: Follower, session: string, prompt: string) {
  const turn = await send(face, session, prompt);
  const { turns } = await followed.until((state) =>
    hasEnded(state.turns.find(({ id }) => id === turn)?.status ?? 'queued'),
  );
  const status = turns.find(({ id }) => id === turn)?.status;
  if (status !== 'completed') throw new Error(`the turn "${prompt}" is ${status}`);
}

/** Sends a prompt and waits for the first of its text. */
async function begun(face: BridgeConnection, followed: Follower, session: string, prompt: string) {
  const turn = await send(face, session, prompt);
  await followed.until((state) => state.turns.some((one) => one.id === turn && answerOf(one) !== ''));
}

async function send(face: BridgeConnection, session: string, prompt: string): Promise<string> {
  const source = { kind: 'window' } as const;
  return (await face.rpc.request('session.prompt', { session, prompt, source })).turn;
}

/** The process id of the app-server below the bridge. */
function appServer(bridge: number): number {
  const found = descendants(bridge).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('app-server'),
  );
  if (found === undefined) throw new Error('the bridge has no app-server');
  return found;
}
