import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerOf, hasEnded } from '../../src/shared/session.ts';
import { CliBench, until } from '../support/cli.ts';
import { Follower } from '../support/faces.ts';
import { nothingLost } from '../support/nothingLost.ts';
import { Oracle } from '../support/oracle.ts';
import { watchFace } from '../support/oracleWatch.ts';
import { alive, commandLine, processesOf } from '../support/processFamily.ts';
import { command, stall, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;

beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

const where = () => ({
  stateDir: bench.home,
  codexHome: bench.codex.home,
  folders: bench.folders,
  model: bench.model,
});

/** The Codex that runs, and what it has started. */
function codexProcesses(): { readonly server: number; readonly commands: number[] } {
  const all = processesOf(where());
  const server = all.find((pid) => commandLine(pid).includes(' app-server '));
  if (server === undefined) throw new Error('no app-server runs');
  return { server, commands: all.filter((pid) => commandLine(pid).startsWith('sleep ')) };
}

it('B1: an app-server killed with -9 while it streams and runs a command: interrupted once, with its text; the thread goes on; nothing is sent again', async () => {
  const oracle = new Oracle();
  const served = bench.start(['serve', '--folder', bench.folders[0], '--json']);
  const ready = await served.ready();
  const face = await bench.face();
  watchFace(oracle, 'window', face);
  const { id: session } = await face.rpc.request('session.create', { folder: ready.folders[0]?.key ?? '' });
  const followed = await Follower.open(face, session);
  const send = (prompt: string) =>
    face.rpc.request('session.prompt', { session, prompt, source: { kind: 'window' } });
  const ran = join(bench.folders[0], 'ran.txt');
  bench.model.script(({ prompt, outputs, prompts }) => {
    if (prompt !== 'work') return [text(`${prompt} after ${prompts.length - 1}`)];
    if (outputs.length > 0) return [words(['go on ']), stall()];
    return [words(['I begin, ']), command('echo once >> ran.txt; setsid sleep 303 & sleep 304')];
  });
  await send('remember 42');
  await followed.until(({ turns }) => turns[0]?.status === 'completed');
  const { thread } = followed.state;
  expect(thread).toBeDefined();

  const { turn } = await send('work');
  await send('and then');
  await until('the command runs', () => existsSync(ran) && codexProcesses().commands.length === 2);
  const before = codexProcesses();
  process.kill(before.server, 'SIGKILL');
  const after = await followed.until(({ turns }) => turns.every(({ status }) => hasEnded(status)));
  const work = after.turns[1] ?? expect.fail('the turn is gone');
  expect([work.id, work.status, work.error?.code]).toEqual([turn, 'interrupted', 'CODEX_EXITED']);
  expect(answerOf(work)).toBe('I begin, ');
  const ends = followed.events.filter(({ event }) => event.type === 'turn.ended' && event.turn === turn);
  expect(ends).toHaveLength(1);
  // What waited runs on a new Codex, in the same thread, which knows what was said.
  expect(answerOf(after.turns[2] ?? expect.fail())).toBe('and then after 2');
  expect(after.thread).toBe(thread);
  expect(after.turns.flatMap(({ notices }) => notices)).toEqual([]);
  await until('its commands are gone', () => alive([before.server, ...before.commands]) === 0);
  expect(readFileSync(ran, 'utf8')).toBe('once\n');
  expect(bench.model.prompts()).toEqual(['remember 42', 'work', 'and then']);

  served.signal('SIGTERM');
  await served.ends();
  await nothingLost(oracle, where());
});
