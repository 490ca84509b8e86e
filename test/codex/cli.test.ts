import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliBench, jsonLines, until } from '../support/cli.ts';
import { codexBinary, makeCodexHome } from '../support/codexHome.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

let bench: CliBench;
beforeEach(async () => {
  bench = await CliBench.create();
});
afterEach(() => bench.dispose());

/** One `ask` after a failed one: the bridge is still of use. */
async function expectUsable(more: Record<string, string> = {}) {
  const { code, stdout } = await bench.run(['ask', 'still there?'], { env: more });
  expect([code, stdout]).toEqual([0, 'Echo: still there?\n']);
}

describe('ask', () => {
  test('starts a bridge where none runs, streams the answer, and joins that bridge the next time', async () => {
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const asking = bench.start(['ask', 'count']);
    await asking.prints(/^One $/);
    expect(asking.running).toBe(true);
    latch.open();
    const first = await asking.ends();
    expect(first).toMatchObject({ code: 0, stdout: 'One two.\n' });
    expect(first.stderr).toMatch(/completed · \d+ tokens · go on with --session s_\w+/);
    const { pid } = await bench.discovery();
    expect(pid).not.toBe(asking.pid);
    bench.model.script(() => [text('Again.')]);
    expect(await bench.run(['ask', 'more'])).toMatchObject({ code: 0, stdout: 'Again.\n' });
    expect((await bench.discovery()).pid).toBe(pid);
  });

  test('--json gives lines: the turn, its events in order, and the result', async () => {
    const { code, stdout, result } = await bench.ask('hello');
    expect(code).toBe(0);
    const lines = jsonLines(stdout);
    expect(lines[0]).toEqual({ type: 'turn', session: result.session, turn: result.turn });
    expect(lines.at(-1)).toMatchObject({ type: 'result', status: 'completed', answer: 'Echo: hello' });
    const seqs = lines.filter(({ type }) => type === 'event').map(({ seq }) => Number(seq));
    expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
  });

  test('--session goes on with its context, and "-" reads the prompt from stdin', async () => {
    const { result } = await bench.ask('the word is heron');
    const next = await bench.run(['ask', '--session', result.session, '-'], { input: '!recall' });
    expect(next).toMatchObject({ code: 0, stdout: 'You said:\n\n1. the word is heron\n' });
  });

  test('a failed turn exits with 1 and says why', async () => {
    const { code, stderr } = await bench.run(['ask', '!fail 500']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ask again\. \[MODEL_ERROR\]/);
    const cut = await bench.ask('!cut');
    expect(cut.code).toBe(1);
    expect(cut.result).toMatchObject({ status: 'failed', answer: 'I begin, and ' });
    await expectUsable();
  });

  test('SIGINT cancels the turn and exits with 130', async () => {
    const asking = bench.start(['ask', '--json', '!stall']);
    await asking.prints(/I begin/);
    asking.signal('SIGINT');
    const { code, stdout } = await asking.ends();
    expect(code).toBe(130);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'result', status: 'cancelled' });
    await expectUsable();
  });

  test('SIGINT before the turn has begun cancels that prompt only, once', async () => {
    const { result } = await bench.ask('first');
    const running = bench.start(['ask', '--json', '--session', result.session, '!stall']);
    await running.prints(/I begin/);
    const queued = bench.start(['ask', '--json', '--session', result.session, 'second']);
    await queued.prints(/"type":"turn"/);
    queued.signal('SIGINT');
    const { code, stdout } = await queued.ends();
    expect(code).toBe(130);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'result', status: 'cancelled' });
    expect(running.running).toBe(true);
    running.signal('SIGINT');
    expect((await running.ends()).code).toBe(130);
    expect(bench.model.prompts()).toEqual(['first', '!stall']);
  });

  test('the work outlives a reader that has gone and an ask that was killed', async () => {
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const killed = bench.start(['ask', '--json', 'count']);
    await killed.prints(/One /);
    const [turn] = jsonLines(killed.stdout.split('\n', 1)[0] ?? '');
    const piped = bench.start(['ask', 'count']);
    await piped.prints(/One /);
    piped.child.stdout?.destroy();
    killed.signal('SIGKILL');
    await killed.ends();
    latch.open();
    const gone = await piped.ends();
    expect([gone.code, gone.stderr]).not.toContain(null);
    expect(gone.stderr).not.toContain('EPIPE');
    const { rpc } = await bench.face();
    const status = async () =>
      (await rpc.request('session.open', { session: String(turn?.['session']) })).turns[0]?.status;
    await until('the turn is complete', async () => (await status()) === 'completed');
  });
});

describe('bad input', () => {
  test('unknown and foreign sessions', async () => {
    const unknown = await bench.run(['ask', '--session', 's_nothing', 'hello']);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/s_nothing.*\[SESSION_NOT_FOUND\]/);
    const { result } = await bench.ask('here');
    const foreign = await bench.run(['ask', '--folder', bench.folders[1], '--session', result.session, 'x']);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toMatch(/another folder.*--folder.*\[SESSION_NOT_FOUND\]/);
    expect(foreign.ms).toBeLessThan(2_000);
    await expectUsable();
  });

  test('no prompt, an empty one and one of 10 MB start nothing', async () => {
    expect((await bench.run(['ask'])).code).toBe(2);
    expect((await bench.run(['ask', 'two', 'prompts'])).code).toBe(2);
    const empty = await bench.run(['ask', ' \n']);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain('[PROMPT_EMPTY]');
    const large = await bench.run(['ask', '-'], { input: 'x'.repeat(10 * 1024 * 1024) });
    expect(large.code).toBe(1);
    expect(large.stderr).toMatch(/Put the material into files.*\[PROMPT_TOO_LARGE\]/);
    expect(large.ms).toBeLessThan(2_000);
    expect(bench.processes()).toEqual([]);
    await expectUsable();
  });

  test('more rights than the person allows, a wrong word, a folder that is not there', async () => {
    const rights = await bench.run(['ask', '--sandbox', 'danger-full-access', 'x']);
    expect(rights.code).toBe(1);
    expect(rights.stderr).toContain('[RIGHTS_EXCEED_CEILING]');
    expect((await bench.run(['ask', '--sandbox', 'everything', 'x'])).code).toBe(2);
    const folder = await bench.run(['ask', '--folder', '/nowhere/at/all', 'x']);
    expect(folder.code).toBe(1);
    expect(folder.stderr).toContain('[FOLDER_NOT_FOUND]');
    await expectUsable();
  });

  test('B24: Codex that is missing, too old, or no Codex: at once, no empty session, and usable when it is there', async () => {
    const codex = join(bench.dir.path, 'codex-stand-in');
    const ask = () => bench.run(['ask', 'hello'], { env: { CODEX_BRIDGE_CODEX: codex } });
    const missing = await ask();
    expect([missing.code, missing.stdout]).toEqual([1, '']);
    expect(missing.stderr).toMatch(/npm install -g @openai\/codex.*\[CODEX_NOT_FOUND\]/);
    await bench.standIn('0.100.0');
    const old = await ask();
    expect(old.stderr).toMatch(/0\.100\.0.*too old.*\[CODEX_TOO_OLD\]/);
    await writeFile(codex, '#!/bin/sh\nexec sleep 60\n');
    const silent = await ask();
    expect(silent.stderr).toMatch(/did not answer.*\[CODEX_START_FAILED\]/);
    for (const { code, ms } of [missing, old, silent]) expect([code, ms < 3_000]).toEqual([1, true]);
    const face = await bench.face();
    const folder = await face.rpc.request('folder.add', { path: bench.folders[0] });
    const { sessions } = await face.rpc.request('session.list', { folder: folder.key });
    expect(sessions).toEqual([]);
    await writeFile(codex, `#!/bin/sh\nexec '${codexBinary()}' "$@"\n`);
    await expectUsable();
  });

  test('B24: logged out: said within 2 s, each time', async () => {
    const config = join(bench.codex.home, 'config.toml');
    await rm(config);
    const out = await bench.run(['ask', 'hello']);
    expect(out.code).toBe(1);
    expect(out.stderr).toMatch(/codex login.*\[CODEX_LOGGED_OUT\]/);
    expect(out.ms).toBeLessThan(2_500);
    const again = await bench.run(['ask', 'hello']);
    expect(again.stderr).toContain('[CODEX_LOGGED_OUT]');
    expect(again.ms).toBeLessThan(2_000);
    expect(bench.model.requests).toEqual([]);
  });

  test('B24: a model endpoint that refuses connections', async () => {
    // A port on which nobody listens any more.
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise<void>((resolve) => free.once('listening', resolve));
    const address = free.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise<void>((resolve) => free.close(() => resolve()));
    await makeCodexHome({ modelUrl: `http://127.0.0.1:${port}/v1`, dir: bench.codex.home });
    const refused = await bench.start(['ask', 'hello']).ends(25_000);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/could not reach its model.*Check the network.*\[MODEL_ERROR\]/);
    // Whose endpoint is mended goes on in the same session, after the restart that Codex needs to see it.
    const session = /--session (\w+)/.exec(refused.stderr)?.[1] ?? '';
    await makeCodexHome({ modelUrl: bench.model.url, dir: bench.codex.home });
    await bench.run(['stop']);
    expect((await bench.ask('hello again', '--session', session)).result.answer).toBe('Echo: hello again');
  });
});

describe('doctor', () => {
  test('finds everything well, beside a running bridge too', async () => {
    await bench.ask('hello');
    const { code, stdout, stderr } = await bench.run(['doctor', '--json']);
    const [report] = jsonLines(stdout.replaceAll('\n', ''));
    const names = [
      'state directory',
      'codex',
      'login',
      'sandbox',
      'node-pty',
      'git',
      'port',
      'discovery file',
    ];
    expect(report).toMatchObject({
      ok: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      checks: names.map((name) => ({ name, ok: true, detail: expect.any(String) })),
    });
    expect([code, stderr]).toEqual([0, '']);
    const plain = await bench.run(['doctor']);
    expect(plain.code).toBe(0);
    const [checks = '', exposed = ''] = plain.stdout.trimEnd().split('\n\n');
    expect(checks.split('\n')).toHaveLength(names.length);
    // The status of the bridge that runs: what it exposes, and what it has counted.
    const { url, token } = await bench.discovery();
    expect(report?.['bridge']).toMatchObject({
      exposed: { url, tokens: 1, ceiling: { sandbox: 'workspace-write' } },
      folders: [{ path: bench.folders[0], codex: { state: 'ready' } }],
      log: { level: 'info', file: join(bench.home, 'logs', 'bridge.log') },
      counters: { turns: { completed: 1 }, latencies: { firstText: { count: 1 } } },
    });
    expect(exposed).toContain(
      `Listens on ${new URL(url).host}, for this machine only. Tokens that open it: 1.`,
    );
    expect(stdout + plain.stdout).not.toContain(token);
  });

  test('exits with 1 and says what to do for each failure', async () => {
    await rm(join(bench.codex.home, 'config.toml'));
    await bench.ask('x').catch(() => undefined);
    await bench.run(['stop', '--now']);
    await writeFile(join(bench.home, 'bridge.json'), '{}', { mode: 0o644 });
    const logout = await bench.run(['doctor', '--json']);
    expect(logout.code).toBe(1);
    expect(failures(logout.stdout)).toEqual(['login', 'discovery file']);
    const missing = await bench.run(['doctor', '--json'], {
      env: { CODEX_BRIDGE_CODEX: '/nowhere', PATH: '/nowhere' },
    });
    expect(missing.code).toBe(1);
    expect(failures(missing.stdout)).toEqual(['codex', 'login', 'sandbox', 'git', 'discovery file']);
    const nowhere = await bench.run(['doctor', '--json'], { env: { CODEX_BRIDGE_HOME: '/dev/null/x' } });
    expect(failures(nowhere.stdout)).toContain('state directory');
    expect((await bench.run(['doctor', '--nonsense'])).code).toBe(2);
    expect((await bench.run(['doctor', '--json', '--diagnostics'])).code).toBe(2);
  });
});

function failures(stdout: string): string[] {
  // The test above checks the shape.
  const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; fix?: string }[] };
  for (const check of checks)
    expect([check.name, typeof check.fix]).toEqual([check.name, check.ok ? 'undefined' : 'string']);
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}

describe('stop', () => {
  test('lets the running turn complete first', async () => {
    const latch = new Latch();
    bench.model.script(() => [words(['One ', 'two.'], (index) => (index === 0 ? undefined : latch.wait()))]);
    const asking = bench.start(['ask', 'count']);
    await asking.prints(/One /);
    const stopping = bench.start(['stop']);
    await stopping.prints(/waiting for 1 turn/, 'stderr');
    expect(asking.running).toBe(true);
    latch.open();
    expect(await asking.ends()).toMatchObject({ code: 0, stdout: 'One two.\n' });
    expect(await stopping.ends()).toMatchObject({ code: 0, stdout: 'The bridge has ended.\n' });
    expect(bench.processes()).toEqual([]);
  });

  test('--now interrupts it, and everybody ends soon', async () => {
    const asking = bench.start(['ask', '--json', '!stall']);
    await asking.prints(/I begin/);
    const stopped = await bench.run(['stop', '--now']);
    expect(stopped.code).toBe(0);
    expect(stopped.ms).toBeLessThan(5_000);
    const { code, stdout } = await asking.ends(5_000);
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      type: 'result',
      status: 'interrupted',
      answer: 'I begin, ',
      error: { code: 'BRIDGE_STOPPING' },
    });
    expect(bench.processes()).toEqual([]);
  });

  test('says that none runs', async () => {
    const { code, stdout } = await bench.run(['stop']);
    expect([code, stdout]).toEqual([0, `No bridge runs for ${bench.home}.\n`]);
  });
});
