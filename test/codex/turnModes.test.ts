import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, patch, stall, text, words } from '../support/scriptedModel.ts';

const source = { kind: 'mcp', name: 'test' } as const;
const PLAN = JSON.stringify({
  summary: 'Two steps.',
  steps: [
    { step: 'Write the test', details: 'It must fail first.', files: ['test/a.test.ts'] },
    { step: 'Write the code', details: '', files: [] },
  ],
});

function findFiles(directory: string, name: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (path) => basename(path) === name,
  );
}

describe('a turn that makes a plan', () => {
  let bridge: RealBridge;
  beforeAll(async () => {
    bridge = await startRealBridge();
  });
  afterAll(() => bridge.close());

  it('asks the model for a schema, and shows words and steps, not JSON', async () => {
    bridge.model.script(() => [words(PLAN)]);
    const session = bridge.folder(0).createSession({});
    const told: string[] = [];
    session.onChange(({ event }) => {
      if (event.type === 'item.delta') told.push(event.text);
    });
    const { turn } = await session.prompt({ prompt: 'make a plan', source, mode: 'plan' });
    const ended = await session.ended(turn);
    expect(ended.plan).toEqual([
      {
        step: 'Write the test',
        status: 'pending',
        details: 'It must fail first.',
        files: ['test/a.test.ts'],
      },
      { step: 'Write the code', status: 'pending' },
    ]);
    const message = ended.items.findLast((item) => item.type === 'agent_message');
    expect(message).toMatchObject({
      text: 'Two steps.\n\n1. Write the test\n   It must fail first.\n   `test/a.test.ts`\n2. Write the code',
    });
    expect(told).toEqual([]);
    const request = await bridge.model.request((one) => one.prompt === 'make a plan');
    expect(request.body['text']).toMatchObject({
      format: { type: 'json_schema', schema: { required: ['summary', 'steps'] } },
    });
  });

  it('can write nothing, asks nobody, and the next prompt has its own rights again', async () => {
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('echo x > planned.txt')] : [text(PLAN)],
    );
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({ prompt: 'plan it', source, mode: 'plan' });
    const ended = await session.ended(turn);
    expect(ended.status).toBe('completed');
    const file = join(bridge.folders[0] ?? '', 'planned.txt');
    expect(existsSync(file)).toBe(false);
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('echo x > planned.txt')] : [text('done')],
    );
    const next = await session.prompt({ prompt: 'do it', source });
    expect((await session.ended(next.turn)).status).toBe('completed');
    expect(readFileSync(file, 'utf8')).toBe('x\n');
    const request = await bridge.model.request((one) => one.prompt === 'do it');
    expect(request.body['text']).not.toMatchObject({ format: { type: 'json_schema' } });
  });
});

describe('a turn that works on a copy', () => {
  let bridge: RealBridge;
  let root: string;
  beforeAll(async () => {
    bridge = await startRealBridge();
    root = bridge.folders[0] ?? '';
    writeFileSync(join(root, 'a.txt'), 'one\n');
  });
  afterAll(() => bridge.close());

  async function run(prompt: string, mode?: 'preview') {
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({ prompt, source, ...(mode === undefined ? {} : { mode }) });
    return { session, turn: await session.ended(turn) };
  }

  it('changes the copy alone, by patch and command, and can reach nothing else', async () => {
    bridge.model.script((request) => {
      switch (request.outputs.length) {
        case 0:
          return [patch('*** Update File: a.txt\n@@\n-one\n+two')];
        case 1:
          return [command(`pwd > where.txt; echo out > '${root}/out.txt'; echo x > ../../out.txt; ls -a`)];
        default:
          return [text('done')];
      }
    });
    const { turn, session } = await run('change it', 'preview');
    expect(turn.status).toBe('completed');
    expect(turn.changes).toMatchObject({ complete: true, preview: true });
    expect(turn.changes?.files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'update a.txt',
      'add where.txt',
    ]);
    expect(readdirSync(root)).toEqual(['a.txt']);
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe('one\n');
    expect(JSON.stringify(turn.items)).toContain('"path":"a.txt"');
    expect(findFiles(bridge.stateDir, 'out.txt')).toEqual([]);
    expect(findFiles(bridge.stateDir, 'a.txt')).toEqual([]);
    const told = await bridge.model.request((one) => one.prompt === 'change it');
    expect(JSON.stringify(told.input)).toContain('throw-away copy');
    expect(JSON.stringify(told.input)).not.toContain(`<cwd>${root}<`);
    const diff = await bridge.folder(0).turnDiff(turn.id);
    expect(diff).toContain('-one\n+two\n');
    // The next prompt of the same session is in the folder again.
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('pwd > here.txt')] : [text('done')],
    );
    const next = await session.prompt({ prompt: 'where', source });
    await session.ended(next.turn);
    expect(readFileSync(join(root, 'here.txt'), 'utf8')).toBe(`${root}\n`);
    rmSync(join(root, 'here.txt'));
    expect(readFileSync(join(bridge.stateDir, '..', 'ch', 'config.toml'), 'utf8')).not.toContain(
      'trust_level',
    );
  });

  it('that a dead bridge left is gone when the folder is opened', async () => {
    const left = join(bridge.stateDir, 'folders', bridge.folder(0).info.key, 'previews', 't_dead', 'f0');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'secret.txt'), 'x');
    await bridge.restart();
    while (existsSync(left)) await setImmediate();
    expect(existsSync(left)).toBe(false);
  });

  it('is not left behind by a bridge that ends in the middle, and what it has is told', async () => {
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('echo x > x.txt')] : [stall()],
    );
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({ prompt: 'never done', source, mode: 'preview' });
    await bridge.model.request((one) => one.prompt === 'never done' && one.outputs.length > 0);
    await bridge.restart();
    expect(bridge.folder(0).session(session.id).turn(turn)).toMatchObject({
      status: 'interrupted',
      changes: { preview: true, files: [{ path: 'x.txt' }] },
    });
    expect(findFiles(bridge.stateDir, 'x.txt')).toEqual([]);
    expect(readdirSync(root)).toEqual(['a.txt']);
  });
});
