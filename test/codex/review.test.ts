import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { type ReviewTarget, taskText } from '../../src/shared/review.ts';
import { answerOf, type Item, type TurnSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { isCompaction, isReview, review } from '../support/reviewScript.ts';
import { command, fail, Latch, stall, text, usage, words } from '../support/scriptedModel.ts';

const source = { kind: 'palette' } as const;

let bridge: RealBridge;
let folder: string;

beforeEach(async () => {
  bridge = await startRealBridge({
    settings: { defaults: { ...DEFAULT_SETTINGS.defaults, sandbox: 'workspace-write' } },
  });
  folder = bridge.folders[0] ?? '';
  // The folder of the tests lies in a repository of its own.
  vi.stubEnv('GIT_CEILING_DIRECTORIES', dirname(folder));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bridge.close();
});

function git(...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@t', ...args], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();
}

/** A repository with one commit, and one change that is not committed. */
function repository(): void {
  git('init', '-q', '-b', 'main');
  writeFileSync(join(folder, 'a.txt'), 'one\n');
  git('add', '.');
  git('commit', '-qm', 'First things');
  writeFileSync(join(folder, 'a.txt'), 'two\n');
}

function create(): Session {
  return bridge.folder(0).createSession({});
}

async function say(session: Session, prompt: string): Promise<TurnSnapshot> {
  const { turn } = await session.prompt({ prompt, source });
  return session.ended(turn);
}

function startReview(session: Session, target: ReviewTarget) {
  const task = { kind: 'review', target } as const;
  return session.prompt({ task, prompt: taskText(task), source });
}

async function reviewed(session: Session, target: ReviewTarget): Promise<TurnSnapshot> {
  const { turn } = await startReview(session, target);
  return session.ended(turn);
}

function startCompact(session: Session) {
  const task = { kind: 'compact' } as const;
  return session.prompt({ task, prompt: taskText(task), source });
}

const typesOf = (turn: TurnSnapshot) => turn.items.map(({ type }) => type);
const reviewOf = (turn: TurnSnapshot) =>
  turn.items.find((item): item is Extract<Item, { type: 'review' }> => item.type === 'review');
describe('a review', () => {
  it('gives findings with their places, is a turn like any other, and leaves no mark of a terminal', async () => {
    repository();
    const session = create();
    const turn = await reviewed(session, { kind: 'uncommitted' });
    expect(turn).toMatchObject({
      status: 'completed',
      source,
      prompt: 'Review the uncommitted changes',
      task: { kind: 'review', target: { kind: 'uncommitted' } },
    });
    expect(typesOf(turn)).toEqual(['command', 'review']);
    expect(reviewOf(turn)).toMatchObject({
      summary: 'The change does what it says, with one case that is easy to miss.',
      findings: [
        {
          title: 'Handle the case that nothing is there',
          file: 'a.txt',
          line: 2,
          endLine: 3,
          severity: 'high',
        },
      ],
    });
    expect(answerOf(turn)).toContain('Handle the case that nothing is there');
    expect(session.snapshot.title).toBe('Review the uncommitted changes');
    // The thread is free again, and knows what was found.
    const next = await say(session, '!say go on');
    expect(next.status).toBe('completed');
    expect(JSON.stringify(bridge.model.requests.at(-1)?.input)).toContain('Handle the case');
    expect(session.snapshot.turns).toHaveLength(2);
    expect(session.snapshot.turns.map((one) => one.source.kind)).toEqual(['palette', 'palette']);
    // It is in the history, whole.
    await bridge.restart();
    const again = bridge.folder(0).session(session.id).snapshot.turns[0];
    expect(again).toEqual(turn);
    const [imported] = bridge.folder(0).importSessions(bridge.folder(0).exportSession(session.id, 'json'));
    expect(bridge.folder(0).session(imported ?? '').snapshot.turns[0]).toMatchObject({
      task: turn.task,
      items: turn.items,
    });
  });

  it('A7: changes nothing, also after a turn that could write, and the next turn can again', async () => {
    repository();
    const config = readFileSync(join(dirname(bridge.stateDir), 'ch', 'config.toml'), 'utf8');
    const session = create();
    expect((await say(session, '!run touch first.txt')).status).toBe('completed');
    expect(existsSync(join(folder, 'first.txt'))).toBe(true);
    bridge.model.script((request) => {
      if (!isReview(request))
        return request.outputs.length === 0 ? [command('touch third.txt')] : [text('ok')];
      return request.outputs.length === 0 ? [command('touch second.txt')] : [review([], 'Fine.')];
    });
    const turn = await reviewed(session, { kind: 'uncommitted' });
    expect(turn.status).toBe('completed');
    const last = bridge.model.requests.at(-1);
    expect(last?.outputs.at(-1)).toContain('Read-only file system');
    expect(last?.headers['x-codex-turn-metadata']).toContain('"sandbox_mode":"read-only"');
    expect(existsSync(join(folder, 'second.txt'))).toBe(false);
    expect(turn.changes?.files).toEqual([]);
    expect(answerOf(turn)).toBe('Fine.');
    expect(reviewOf(turn)?.findings).toBeUndefined();
    await say(session, 'write');
    expect(existsSync(join(folder, 'third.txt'))).toBe(true);
    expect(readFileSync(join(dirname(bridge.stateDir), 'ch', 'config.toml'), 'utf8')).toBe(config);
  });

  it('is of a branch, of a commit, or of what the person says', async () => {
    repository();
    const commit = git('rev-parse', 'HEAD');
    const session = create();
    const branch = await reviewed(session, { kind: 'branch', branch: 'main' });
    expect(branch).toMatchObject({ status: 'completed', prompt: 'Review the changes against main' });
    expect(bridge.model.prompts().at(-1)).toContain(`git diff ${commit}`);
    const one = await reviewed(session, { kind: 'commit', commit: commit.slice(0, 8) });
    expect(one).toMatchObject({
      prompt: `Review commit ${commit.slice(0, 12)}: First things`,
      task: { kind: 'review', target: { kind: 'commit', commit, title: 'First things' } },
    });
    expect(reviewOf(one)?.findings).toMatchObject([{ file: 'a.txt' }]);
    await reviewed(session, { kind: 'uncommitted', instructions: 'Look at the encoding.' });
    expect(bridge.model.prompts().at(-1)).toMatch(/^Review the current changes.*Look at the encoding\.$/s);
    const own = await reviewed(session, { kind: 'custom', instructions: 'Look at a.txt' });
    expect(own.prompt).toBe('Review: Look at a.txt');
    expect(bridge.model.prompts().at(-1)).toBe('Look at a.txt');
  });

  it('is refused before anything is queued where there is nothing to review', async () => {
    const session = create();
    const refused = (target: ReviewTarget) => expect(startReview(session, target)).rejects;
    await refused({ kind: 'uncommitted' }).toMatchObject({ code: 'GIT_UNAVAILABLE' });
    git('init', '-q', '-b', 'main');
    await refused({ kind: 'uncommitted' }).toMatchObject({ code: 'NOTHING_TO_DO' });
    await refused({ kind: 'branch', branch: 'main' }).toMatchObject({ code: 'REVISION_NOT_FOUND' });
    repository();
    await refused({ kind: 'branch', branch: 'nope' }).toMatchObject({ code: 'REVISION_NOT_FOUND' });
    await refused({ kind: 'branch', branch: '--help' }).toMatchObject({ code: 'REVISION_NOT_FOUND' });
    await refused({ kind: 'commit', commit: 'deadbeef' }).toMatchObject({ code: 'REVISION_NOT_FOUND' });
    git('commit', '-qam', 'second');
    await refused({ kind: 'uncommitted' }).toMatchObject({ code: 'NOTHING_TO_DO' });
    await refused({ kind: 'branch', branch: 'main' }).toMatchObject({ code: 'NOTHING_TO_DO' });
    expect(session.snapshot.turns).toEqual([]);
    expect(bridge.model.requests).toEqual([]);
    // A subfolder of a repository is in it.
    mkdirSync(join(folder, 'sub'));
    expect((await reviewed(session, { kind: 'commit', commit: 'HEAD' })).status).toBe('completed');
  });

  it('is cancelled, takes no steering, waits for its turn, and fails like a prompt', async () => {
    repository();
    const session = create();
    const latch = new Latch();
    bridge.model.script((request) => {
      if (isReview(request)) return [words(['{ ']), stall()];
      return [words(['a ', 'b'], latch.wait)];
    });
    const { turn: first } = await session.prompt({ prompt: 'first', source });
    const { turn } = await startReview(session, { kind: 'uncommitted' });
    expect(session.turn(turn).status).toBe('queued');
    latch.open();
    await session.ended(first);
    await bridge.model.request(isReview);
    expect(session.turn(turn).status).toBe('running');
    await expect(session.steer(turn, 'more')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await session.cancel(turn);
    expect(session.turn(turn)).toMatchObject({ status: 'cancelled', items: [] });
    bridge.model.script((request) => (isReview(request) ? [fail(500)] : [text('ok')]));
    const failed = await reviewed(session, { kind: 'uncommitted' });
    expect(failed).toMatchObject({ status: 'failed', items: [], error: { code: 'MODEL_ERROR' } });
    expect((await say(session, 'next')).status).toBe('completed');
    expect(session.snapshot.turns).toHaveLength(4);
  });

  it('is sent once for the same key, and keeps an answer that is no list', async () => {
    repository();
    const session = create();
    bridge.model.script(() => [text('All of it is fine.')]);
    const task = { kind: 'review', target: { kind: 'uncommitted' } } as const;
    const request = { task, prompt: '', source, idempotencyKey: 'key' };
    const [a, b] = await Promise.all([session.prompt(request), session.prompt(request)]);
    expect(a).toEqual(b);
    const turn = await session.ended(a.turn);
    expect(reviewOf(turn)).toMatchObject({ text: 'All of it is fine.' });
    expect(bridge.model.requests).toHaveLength(1);
  });
});

describe('a compaction', () => {
  it('makes the context shorter, as a turn of its own with its own tokens', async () => {
    const session = create();
    await say(session, '!say remember the heron');
    bridge.model.script((request) =>
      isCompaction(request)
        ? [text('The summary: herons.'), usage({ input: 50, cached: 0, output: 5 })]
        : [text('ok')],
    );
    const { turn } = await startCompact(session);
    const ended = await session.ended(turn);
    expect(ended).toMatchObject({
      status: 'completed',
      task: { kind: 'compact' },
      prompt: 'Compact the conversation',
      source,
      usage: { input: 50, output: 5, total: 55 },
    });
    expect(typesOf(ended)).toEqual(['compaction']);
    await say(session, 'and now?');
    expect(JSON.stringify(bridge.model.requests.at(-1)?.input)).toContain('The summary: herons.');
    expect(session.snapshot.turns.map((one) => one.source.kind)).toEqual(['palette', 'palette', 'palette']);
  });

  it('has nothing to do in an empty session, is cancelled, and fails like a prompt', async () => {
    const session = create();
    await expect(startCompact(session)).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    await say(session, 'hello');
    bridge.model.script((request) => (isCompaction(request) ? [words(['a']), stall()] : [text('ok')]));
    const { turn } = await startCompact(session);
    await bridge.model.request(isCompaction);
    await session.cancel(turn);
    expect(session.turn(turn).status).toBe('cancelled');
    bridge.model.script((request) => (isCompaction(request) ? [fail(500)] : [text('ok')]));
    const again = await startCompact(session);
    expect(await session.ended(again.turn)).toMatchObject({ status: 'failed', usage: { total: 0 } });
    expect((await say(session, 'next')).status).toBe('completed');
    expect(session.snapshot.turns).toHaveLength(4);
  });
});
