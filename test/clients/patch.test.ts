import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, Latch, patch, text, words } from '../support/scriptedModel.ts';
import { treeOf } from '../unit/changes-support.ts';

describe.each(ERAS)('patch and plan through MCP %s', (era) => {
  let bridge: RealBridge;
  let client: TestClient;
  let root: string;

  beforeAll(async () => {
    bridge = await startRealBridge({ folders: 2 });
    root = bridge.folders[0] ?? '';
  });
  afterAll(() => bridge.close());

  beforeEach(async () => {
    const [endpoint] = bridge.endpoints.folders;
    if (endpoint === undefined) throw new Error('there is no folder');
    client = await connectClient(era, endpoint);
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'a.txt'), 'one\ntwo\n');
  });
  afterEach(() => client.close());

  /** What no preview may leave behind. */
  function copies(): string[] {
    const folders = join(bridge.stateDir, 'folders');
    return readdirSync(folders).flatMap((key) => {
      const previews = join(folders, key, 'previews');
      return existsSync(previews) ? readdirSync(previews) : [];
    });
  }

  function edits(...steps: string[]): void {
    bridge.model.script((request) => {
      const step = steps[request.outputs.length];
      if (step === undefined) return [text('Changed.')];
      return [step.startsWith('***') ? patch(step) : command(step)];
    });
  }

  it('previews on a dirty tree without touching it, and applies exactly that', async () => {
    execFileSync('git', ['init', '-q'], { cwd: root });
    writeFileSync(join(root, '.gitignore'), 'out/\n');
    mkdirSync(join(root, 'out'));
    writeFileSync(join(root, 'out/built.js'), 'built');
    writeFileSync(join(root, 'untracked.txt'), 'u\r\n');
    edits(
      '*** Update File: a.txt\n@@\n-one\n+1',
      "printf 'U\\r\\n' > untracked.txt; mv a.txt b.txt; chmod +x b.txt; ls > listing; rm listing",
    );
    const before = treeOf(root);
    const preview = await client.call('patch', { prompt: 'change both', mode: 'preview' });
    expect(preview.isError).toBe(false);
    expect(preview.data).toMatchObject({
      answer: 'Changed.',
      status: 'completed',
      applied: false,
      files: [
        { path: 'a.txt', kind: 'update', moved_to: 'b.txt', added: 1, removed: 1 },
        { path: 'untracked.txt', kind: 'update', added: 1, removed: 1 },
      ],
      notices: [expect.stringContaining('the folder is as it was')],
      next: expect.stringContaining('with mode "apply" and turn "t_'),
    });
    expect(Object.keys(preview.data)[0]).toBe('answer');
    const diff = String(preview.data['diff']);
    expect(diff).toContain('rename from a.txt\nrename to b.txt');
    expect(diff).toContain('-u\r\n+U\r\n');
    expect(diff).not.toContain('built');
    expect(preview.text).toContain('-u\r\n+U\r\n');
    expect(treeOf(root)).toEqual(before);
    expect(copies()).toEqual([]);
    // git agrees on what the diff means.
    writeFileSync(join(bridge.stateDir, 'p.diff'), diff);
    execFileSync('git', ['apply', '--check', join(bridge.stateDir, 'p.diff')], { cwd: root });

    const { turn } = preview.data;
    expect((await client.call('patch', { turn })).data).toMatchObject({ diff, applied: false });
    const applied = await client.call('patch', { turn, mode: 'apply' });
    expect(applied.data).toMatchObject({
      applied: true,
      diff,
      notices: [expect.stringContaining('applied')],
    });
    expect(readFileSync(join(root, 'b.txt'), 'utf8')).toBe('1\ntwo\n');
    expect(readFileSync(join(root, 'untracked.txt'), 'utf8')).toBe('U\r\n');
    expect(existsSync(join(root, 'a.txt'))).toBe(false);
    // Again, because the answer was lost: nothing happens.
    expect((await client.call('patch', { turn, mode: 'apply' })).data).toMatchObject({ applied: true });
  });

  it('outside git, with a file that changed meanwhile: a clear error, and nothing half done', async () => {
    edits('*** Update File: a.txt\n@@\n-one\n+1', 'echo new > c.txt');
    const { data } = await client.call('patch', { prompt: 'change it' });
    writeFileSync(join(root, 'a.txt'), 'mine\n');
    const before = treeOf(root);
    const refused = await client.call('patch', { turn: data['turn'], mode: 'apply' });
    expect(refused.isError).toBe(true);
    expect(refused.data['error']).toMatchObject({
      code: 'CHANGE_EDITED_SINCE',
      message: expect.stringContaining('"a.txt"'),
    });
    expect(treeOf(root)).toEqual(before);
  });

  it('applies a prompt in the folder, and returns the diff of what changed', async () => {
    edits('echo three >> a.txt; head -c 20 /dev/zero > zero.bin');
    const { data } = await client.call('patch', { prompt: 'append', mode: 'apply' });
    expect(data).toMatchObject({ status: 'completed', applied: true });
    expect(data['diff']).toContain('+three\n');
    expect(data['diff']).toContain('Binary files /dev/null and b/zero.bin differ');
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe('one\ntwo\nthree\n');
    const refused = await client.call('patch', { turn: data['turn'], mode: 'apply' });
    expect(refused.data['error']).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('pages a large diff, and points to the resource', async () => {
    edits('seq 1 20000 > many.txt');
    let { data, links } = await client.call('patch', { prompt: 'many lines' });
    expect(links).toEqual([`codex://sessions/${data['session']}/diff`]);
    let diff = String(data['diff']);
    for (let pages = 0; data['diff_cursor'] !== undefined; pages++) {
      expect(pages).toBeLessThan(20);
      ({ data, links } = await client.call('patch', { turn: data['turn'], cursor: data['diff_cursor'] }));
      diff += String(data['diff']);
    }
    expect(diff.split('\n').filter((line) => line.startsWith('+') && line !== '+++ b/many.txt')).toHaveLength(
      20_000,
    );
    expect(await client.read(links[0] ?? '')).toContain('a preview: made on a copy');
  });

  it('takes its time: a handle, then the diff by the turn', async () => {
    const hold = new Latch();
    bridge.model.script((request) =>
      request.outputs.length === 0
        ? [command('echo slow > slow.txt')]
        : [words(['Al', 'most'], (i) => (i === 1 ? hold.wait() : undefined))],
    );
    const handle = await client.call('patch', { prompt: 'slowly', wait_seconds: 0 });
    expect(handle.data).toMatchObject({ next: expect.stringContaining('patch with turn') });
    expect(handle.data['diff']).toBeUndefined();
    hold.open();
    const done = await client.call('patch', { turn: handle.data['turn'] });
    expect(done.data['diff']).toContain('+slow\n');
    expect((await client.call('wait', { turn: handle.data['turn'] })).data).toMatchObject({
      next: expect.stringContaining('patch'),
    });
    expect(readdirSync(root)).toEqual(['a.txt']);
    expect(copies()).toEqual([]);
  });

  it('cancelled in the middle: nothing is left, and half a change is not applied', async () => {
    const hold = new Latch();
    bridge.model.script((request) =>
      request.outputs.length === 0
        ? [command('echo half > half.txt')]
        : [words(['on', ' and on'], (i) => (i === 1 ? hold.wait() : undefined))],
    );
    const { data } = await client.call('patch', { prompt: 'half', background: true });
    await bridge.model.request((request) => request.prompt === 'half' && request.outputs.length > 0);
    await client.call('cancel', { turn: data['turn'] });
    hold.open();
    const refused = await client.call('patch', { turn: data['turn'], mode: 'apply' });
    expect(refused.data['error']).toMatchObject({ code: 'PREVIEW_FAILED' });
    expect(readdirSync(root)).toEqual(['a.txt']);
    expect(copies()).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['INVALID_INPUT', {}],
    ['INVALID_INPUT', { prompt: 'p', turn: 't_1' }],
    ['INVALID_INPUT', { prompt: 'p', cursor: 'c' }],
    ['INVALID_INPUT', { prompt: 'p', sandbox: 'read-only' }],
    ['TURN_NOT_FOUND', { turn: 't_none' }],
    ['PROMPT_EMPTY', { prompt: ' ' }],
    ['RIGHTS_EXCEED_CEILING', { prompt: 'p', approval_policy: 'never' }],
  ])('%s for %o', async (code, args) => {
    const { data, isError } = await client.call('patch', args);
    expect(isError).toBe(true);
    expect(data['error']).toMatchObject({ code });
  });

  it("another folder's preview is nobody's here", async () => {
    edits('echo x > x.txt');
    const { data } = await client.call('patch', { prompt: 'mine' });
    const [, other] = bridge.endpoints.folders;
    if (other === undefined) throw new Error('there is no second folder');
    const stranger = await connectClient(era, other);
    try {
      for (const mode of ['preview', 'apply']) {
        const refused = await stranger.call('patch', { turn: data['turn'], mode });
        expect(refused.data['error']).toMatchObject({ code: 'TURN_NOT_FOUND' });
      }
    } finally {
      await stranger.close();
    }
  });

  it('plan returns steps beside its answer, changes nothing, and its session goes on', async () => {
    const PLAN = {
      summary: 'Do it in one step.',
      steps: [{ step: 'Rename a.txt', details: 'With git mv.', files: ['a.txt', 'b.txt'] }],
    };
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('touch planned.txt')] : [text(JSON.stringify(PLAN))],
    );
    const { data, text: shown } = await client.call('plan', { prompt: 'rename it' });
    expect(data).toMatchObject({
      answer: expect.stringContaining('1. Rename a.txt'),
      status: 'completed',
      plan: [{ step: 'Rename a.txt', status: 'pending', details: 'With git mv.', files: ['a.txt', 'b.txt'] }],
      files: [],
    });
    expect(shown).toContain('Do it in one step.');
    expect(readdirSync(root)).toEqual(['a.txt']);
    bridge.model.script((request) => [text(`after: ${request.prompts.join(' / ')}`)]);
    const next = await client.call('ask', { session: data['session'], prompt: 'now do it' });
    expect(next.data['answer']).toBe('after: rename it / now do it');
    const written = await client.call('plan', { prompt: 'in words' });
    expect(written.data).toMatchObject({ status: 'completed', answer: 'after: in words' });
    const refused = await client.call('plan', { prompt: 'p', sandbox: 'workspace-write' });
    expect(refused.data['error']).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('patch where the person wants to be asked, or allows no change', () => {
  it.each([
    [{ sandbox: 'read-only', approvalPolicy: 'on-request' }, ['preview', 'apply']],
    [{ sandbox: 'workspace-write', approvalPolicy: 'untrusted' }, ['applied']],
  ] as const)('%o', async (ceiling, refusedModes) => {
    const bridge = await startRealBridge({
      settings: { ceiling: { ...DEFAULT_SETTINGS.ceiling, ...ceiling } },
    });
    const [endpoint] = bridge.endpoints.folders;
    const client = await connectClient(ERAS[1], endpoint ?? { url: '', token: '' });
    try {
      bridge.model.script((request) =>
        request.outputs.length === 0 ? [patch('*** Add File: n.txt\n+n')] : [text('done')],
      );
      for (const mode of refusedModes) {
        if (mode !== 'applied') {
          const { data } = await client.call('patch', { prompt: 'p', mode });
          expect(data['error']).toMatchObject({ code: 'RIGHTS_EXCEED_CEILING' });
          continue;
        }
        const asked = Promise.withResolvers<void>();
        const previewing = client.call(
          'patch',
          { prompt: 'p' },
          { onProgress: ({ message }) => message.startsWith('waiting for your approval') && asked.resolve() },
        );
        await asked.promise;
        const [{ session, turn } = { session: undefined, turn: undefined }] = bridge.folder(0).pendingTurns();
        session?.answer(session.snapshot.approvals[0]?.id ?? '', 'accept', { kind: 'window' });
        expect((await previewing).data).toMatchObject({ files: [{ path: 'n.txt', kind: 'add' }] });
        const { data } = await client.call('patch', { turn: turn?.id, mode: 'apply' });
        expect(data['error']).toMatchObject({ code: 'RIGHTS_EXCEED_CEILING' });
      }
      expect(readdirSync(bridge.folders[0] ?? '')).toEqual([]);
    } finally {
      await client.close();
      await bridge.close();
    }
  });
});
