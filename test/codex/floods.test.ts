import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MAX_ITEM_TEXT, MAX_TOLD_OUTPUT, OUTPUT_LONG } from '../../src/bridge/codex/events/streamed.ts';
import { OUTPUT_HEAD, OUTPUT_TAIL } from '../../src/shared/reducer.ts';
import { answerOf, hasEnded, type TurnSnapshot } from '../../src/shared/session.ts';
import { CliBench } from '../support/cli.ts';
import { Follower } from '../support/faces.ts';
import { command, type Script, text, words } from '../support/scriptedModel.ts';

const MEGABYTE = 1024 * 1024;
/** By how much the bridge may grow, in bytes: some garbage, and never what has flown through it. */
const MAX_GROWN = 160 * MEGABYTE;

let bench: CliBench;

beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

/** The most that a process has had in memory so far, in bytes. */
function peak(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** A turn of the real Codex in a bridge of its own, and what that bridge needed for it. */
async function flood(script: Script): Promise<{ turn: TurnSnapshot; grown: number; streamed: number }> {
  const { pid, folders } = await bench.start(['serve', '--json']).ready();
  const face = await bench.face();
  const source = { kind: 'cli' } as const;
  const { id } = await face.rpc.request('session.create', { folder: folders[0]?.key ?? '' });
  const followed = await Follower.open(face, id);
  const ended = (count: number) =>
    followed.until(({ turns }) => turns.filter(({ status }) => hasEnded(status)).length === count);
  // What every first turn costs is no flood's.
  await face.rpc.request('session.prompt', { session: id, prompt: 'warm', source });
  await ended(1);
  const before = peak(pid);
  bench.model.script(script);
  await face.rpc.request('session.prompt', { session: id, prompt: 'flood', source });
  const { turns } = await ended(2);
  const grown = peak(pid) - before;
  const [, turn] = (await face.rpc.request('session.open', { session: id })).turns;
  // What was shown is what is kept.
  expect(turn).toEqual(turns[1]);
  let streamed = 0;
  for (const { event } of followed.events) if (event.type === 'item.delta') streamed += event.text.length;
  return { turn: turn ?? expect.fail(), grown, streamed };
}

it('B21: a command that prints 100 MB: both ends are kept, the rest is counted, memory is bounded', async () => {
  const cmd = `echo FIRST; yes ${'0123456789'.repeat(7)} 2>/dev/null | head -c ${100 * MEGABYTE}; echo; echo LAST`;
  const { turn, grown, streamed } = await flood((request) =>
    request.startsTurn ? [command(cmd, { yield_time_ms: 30_000 })] : [text('done')],
  );
  expect(turn).toMatchObject({ status: 'completed', items: [{ type: 'command', exitCode: 0 }, {}] });
  const [item] = turn.items;
  if (item?.type !== 'command') throw new Error('no command');
  expect(item.output.slice(0, 20)).toMatch(/^FIRST\n0123456789/);
  expect(item.output.slice(-20)).toMatch(/\nLAST\n$/);
  expect(item.output.length).toBeLessThanOrEqual(OUTPUT_HEAD + 2 * OUTPUT_TAIL);
  expect(streamed).toBeLessThan(MAX_TOLD_OUTPUT + 1_000);
  // Of what Codex has handed over, a megabyte at least: sometimes the rest is lost on Codex's own way already.
  expect(item.omitted).toBeGreaterThan(MEGABYTE / 2);
  const said = turn.notices.map(({ text: notice }) => notice);
  expect(said).toEqual((item.omitted ?? 0) > MAX_TOLD_OUTPUT ? [OUTPUT_LONG] : []);
  expect(grown).toBeLessThan(MAX_GROWN);
});

it('B21: a model that does not stop: the beginning is kept, it is said, and the session goes on', async () => {
  const piece = `${'x'.repeat(64 * 1024 - 1)}\n`;
  const { turn, grown, streamed } = await flood(() => [words(Array<string>(96).fill(piece))]);
  expect(turn).toMatchObject({ status: 'completed', notices: [{ kind: 'truncated' }] });
  expect(answerOf(turn)).toHaveLength(MAX_ITEM_TEXT);
  expect(streamed).toBeLessThan(MAX_ITEM_TEXT + 1_000);
  expect(grown).toBeLessThan(MAX_GROWN);
});
