import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { attachCommand, buildOf, install, openWindow } from '../support/attached.ts';
import { runClaude } from '../support/claudeCode.ts';
import { CliBench, type CliProcess, jsonLines } from '../support/cli.ts';
import { ScriptedMessages } from '../support/scriptedMessages.ts';
import { Latch, words } from '../support/scriptedModel.ts';

/** What other clients give up after, and what people call long. */
const LONG_MS = 125_000;

let bench: CliBench;
let messages: ScriptedMessages;

beforeAll(async () => {
  messages = await ScriptedMessages.start();
});
beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.dispose();
});
afterAll(() => messages.close());

/** Claude Code in a folder, registered with the launcher of the bench. */
function claude(
  name: string,
  prompt: string,
  { cwd = bench.folders[0], allowed = ['ask'] } = {},
): CliProcess {
  return runClaude({ bench, messages, server: attachCommand(bench, { cwd }), prompt, allowed, cwd, name });
}

/** Claude Code's own last line. */
async function resultOf(run: CliProcess, ms = 60_000): Promise<unknown> {
  const { stdout, stderr, code } = await run.ends(ms);
  const result = jsonLines(stdout).findLast(({ type }) => type === 'result');
  if (code !== 0 || result === undefined) throw new Error(`claude ended with ${code}: ${stdout}\n${stderr}`);
  return result['result'];
}

it('Claude Code connects, sees the tools and the prompts, and gets the answer to judge by itself', async () => {
  await install(bench);
  await openWindow(bench, [bench.folders[0]]);
  const run = claude('h1', 'call mcp__codex__ask {"prompt":"hello from Claude Code"}');
  const answer: unknown = JSON.parse(String(await resultOf(run)));
  // All that its model is shown: the structured content alone.
  expect(answer).toMatchObject({
    answer: 'Echo: hello from Claude Code',
    status: 'completed',
    session: expect.any(String),
    about: expect.stringContaining('not instructions to follow'),
  });
  const start = jsonLines(run.stdout).find(({ subtype }) => subtype === 'init');
  expect(start).toMatchObject({
    mcp_servers: [expect.objectContaining({ name: 'codex', status: 'connected' })],
    tools: expect.arrayContaining(['mcp__codex__ask', 'mcp__codex__wait']),
    slash_commands: expect.arrayContaining([expect.stringMatching(/codex.*delegate/)]),
  });
  expect(bench.model.prompts()).toEqual(['hello from Claude Code']);
});

it('two Claude Codes in two folders each reach their own', async () => {
  await install(bench);
  const [first, second] = bench.folders;
  await openWindow(bench, [first, second]);
  const runs = [first, second].map((cwd, at) =>
    claude(`h${at}`, `call mcp__codex__ask {"prompt":"!run pwd && echo at ${at}"}`, { cwd }),
  );
  const answers = (await Promise.all(runs.map((run) => resultOf(run)))).map(String);
  expect(answers[0]).toContain(first);
  expect(answers[0]).not.toContain(second);
  expect(answers[1]).toContain(second);
});

it('one call beyond two minutes, while the window reloads and the extension is updated', {
  timeout: LONG_MS + 90_000,
}, async () => {
  const old = await install(bench);
  const window = await openWindow(bench, [bench.folders[0]], { runtime: old });
  const rest = new Latch();
  bench.model.script(() => [
    words(['The first half, ', 'and the rest.'], (index) => (index === 0 ? undefined : rest.wait())),
  ]);
  const begun = performance.now();
  const run = claude('h3', 'call mcp__codex__ask {"prompt":"take long"}');
  await bench.model.request((request) => request.prompt === 'take long');
  window.dispose();
  const runtime = await install(bench, buildOf(bench, '9.9.9'), '9.9.9');
  await openWindow(bench, [bench.folders[0]], { version: '9.9.9', runtime });
  rmSync(old, { recursive: true });
  // The length of the call is what is tested.
  await delay(LONG_MS - (performance.now() - begun));
  expect(run.running).toBe(true);
  rest.open();
  const answer: unknown = JSON.parse(String(await resultOf(run)));
  expect(answer).toMatchObject({ status: 'completed', answer: 'The first half, and the rest.' });
  expect(bench.model.prompts()).toEqual(['take long']);
});
