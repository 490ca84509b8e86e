import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { isReview, review } from '../support/reviewScript.ts';
import { Latch, text, words } from '../support/scriptedModel.ts';

describe.each(ERAS)('the review tool over MCP %s', (era) => {
  let bridge: RealBridge;
  let client: TestClient;
  let folder: string;

  beforeEach(async () => {
    bridge = await startRealBridge();
    const [endpoint] = bridge.endpoints.folders;
    if (endpoint === undefined) throw new Error('there is no folder');
    folder = endpoint.path;
    // The folder of the tests lies in a repository of its own.
    vi.stubEnv('GIT_CEILING_DIRECTORIES', dirname(folder));
    client = await connectClient(era, endpoint);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await client.close();
    await bridge.close();
  });

  function git(...args: string[]): string {
    return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@t', ...args], {
      cwd: folder,
      encoding: 'utf8',
    }).trim();
  }

  function repository(): string {
    git('init', '-q', '-b', 'main');
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    git('add', '.');
    git('commit', '-qm', 'First things');
    return git('rev-parse', 'HEAD');
  }

  it('gives findings with file, lines and severity, beside a text that stands by itself', async () => {
    const commit = repository();
    writeFileSync(join(folder, 'a.txt'), 'two\n');
    const { data, text: shown } = await client.call('review', {});
    expect(data).toMatchObject({
      status: 'completed',
      answer: 'The change does what it says, with one case that is easy to miss.',
      findings: [
        {
          file: 'a.txt',
          line: 2,
          end_line: 3,
          severity: 'high',
          title: 'Handle the case that nothing is there',
          body: expect.stringContaining('Return early'),
        },
      ],
      files: [],
    });
    expect(shown).toMatch(
      /\nThe change does.*- \[high\] Handle the case that nothing is there \(a\.txt:2-3\)/s,
    );
    // The session can be asked about it, and waiting for the turn says the same again.
    const again = await client.call('wait', { turn: data['turn'] });
    expect(again.data['findings']).toEqual(data['findings']);
    const asked = await client.call('chat_msg', { session: data['session'], prompt: 'go on' });
    expect(asked.data['status']).toBe('completed');
    const branch = await client.call('review', { target: 'branch', ref: 'main', session: data['session'] });
    expect(branch.data).toMatchObject({ session: data['session'], findings: [{ file: 'a.txt' }] });
    const one = await client.call('review', {
      target: 'commit',
      ref: commit.slice(0, 7),
      instructions: 'Names.',
    });
    expect(one.data).toMatchObject({ status: 'completed', findings: [{ file: 'a.txt' }] });
    expect(bridge.model.prompts().at(-1)).toContain('Names.');
  });

  it('refuses before a session is made, and says what to do', async () => {
    const code = async (args: Record<string, unknown>) => {
      const { data, isError } = await client.call('review', args);
      expect(isError).toBe(true);
      return (data['error'] as { code: string }).code;
    };
    expect(await code({})).toBe('GIT_UNAVAILABLE');
    repository();
    expect(await code({})).toBe('NOTHING_TO_DO');
    expect(await code({ target: 'branch', ref: 'nope' })).toBe('REVISION_NOT_FOUND');
    expect(await code({ target: 'branch', ref: 'main' })).toBe('NOTHING_TO_DO');
    expect(await code({ target: 'commit', ref: '--upload-pack=x' })).toBe('REVISION_NOT_FOUND');
    expect(await code({ target: 'commit' })).toBe('INVALID_INPUT');
    expect(await code({ ref: 'main' })).toBe('INVALID_INPUT');
    expect(await code({ target: 'custom' })).toBe('INVALID_INPUT');
    expect(await code({ session: 's_nowhere' })).toBe('SESSION_NOT_FOUND');
    expect(bridge.folder(0).list({}).sessions).toEqual([]);
    expect(bridge.model.requests).toEqual([]);
  });

  it('runs in the background, once for one key, and is cancelled like any turn', async () => {
    repository();
    writeFileSync(join(folder, 'a.txt'), 'two\n');
    const latch = new Latch();
    bridge.model.script((request) =>
      isReview(request)
        ? [words(['{', '}'], (index) => (index === 1 ? latch.wait() : undefined))]
        : [text('ok')],
    );
    const args = { background: true, idempotency_key: `${era}-once` };
    const started = await client.call('review', args);
    expect(started.data['status']).toMatch(/queued|running/);
    await bridge.model.request(isReview);
    const same = await client.call('review', args);
    expect(same.data['turn']).toBe(started.data['turn']);
    const cancelled = await client.call('cancel', { turn: started.data['turn'] });
    expect(cancelled.isError).toBe(false);
    const ended = await client.call('wait', { turn: started.data['turn'] });
    expect(ended.data).toMatchObject({ status: 'cancelled', answer: '' });
    latch.open();
    expect(bridge.model.requests).toHaveLength(1);
    bridge.model.script(() => [review([], 'Fine.')]);
    const clean = await client.call('review', {});
    expect(clean.data).toMatchObject({ status: 'completed', answer: 'Fine.' });
  });
});
