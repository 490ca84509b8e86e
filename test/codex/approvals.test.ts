import { appendFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFailed, vi } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import {
  type Approval,
  answerOf,
  hasEnded,
  type Item,
  type SessionId,
  type SessionSnapshot,
} from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { call, command, type Step, text } from '../support/scriptedModel.ts';
import { TerminalViewer } from '../support/terminalViewer.ts';

const source = { kind: 'window' } as const;
/** For what is told by no event, in ms. */
const WAIT = { timeout: 20_000, interval: 200 };
/** Answers what the TUI would ask at its first start: which of two models. */
const QUIET = '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n';
const asks = { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' } as const;

let bridge: RealBridge;
const faces: BridgeConnection[] = [];

afterEach(async () => {
  for (const face of faces.splice(0)) face.dispose();
  await bridge.close();
});

async function joinFace(): Promise<BridgeConnection> {
  const face = await joinBridge(bridge.stateDir);
  faces.push(face);
  return face;
}

interface Asked {
  readonly face: BridgeConnection;
  readonly followed: Follower;
  readonly id: SessionId;
  readonly approval: Approval;
}

const idle = ({ turns }: SessionSnapshot) => turns.every((turn) => hasEnded(turn.status));
const decided = ({ turns }: SessionSnapshot): Item[] =>
  turns.flatMap(({ items }) => items.filter(({ type }) => type === 'decision'));

/** A turn in which the model does this at first, and then says what it was told; Codex asks about it. */
async function ask(step: Step): Promise<Asked> {
  bridge.model.script(({ input, outputs, prompt }) => {
    const called = input.some(({ type }) => type === 'function_call_output');
    return [called ? text(`${outputs.join(' ')} | ${prompt}`) : step];
  });
  const face = await joinFace();
  const { id } = await face.rpc.request('session.create', { folder: bridge.folder(0).info.key });
  const followed = await Follower.open(face, id);
  await face.rpc.request('session.prompt', { session: id, prompt: 'go', source });
  const { approvals } = await followed.until((session) => session.approvals.length > 0 || idle(session));
  const approval = approvals[0] ?? expect.fail(`nothing was asked: ${JSON.stringify(followed.state.turns)}`);
  return { face, followed, id, approval };
}

describe('a no with its reason', () => {
  it('reaches the model with its next step, and stays in the history', async () => {
    bridge = await startRealBridge({ settings: { defaults: asks } });
    const { face, followed, id, approval } = await ask(command('touch made.txt'));
    await face.rpc.request('approval.answer', {
      session: id,
      approval: approval.id,
      decision: 'decline',
      reason: 'Use npm instead.',
    });
    const done = await followed.until(idle);
    expect(done.turns).toMatchObject([{ status: 'completed' }]);
    expect(answerOf(done.turns[0] ?? expect.fail())).toMatch(/\| Use npm instead\.$/);
    expect(existsSync(join(bridge.folders[0] ?? '', 'made.txt'))).toBe(false);
    const items = done.turns[0]?.items ?? [];
    expect(items.map(({ type }) => type)).toEqual(['command', 'decision', 'agent_message']);
    expect(items).toMatchObject([
      { status: 'declined' },
      {
        decision: 'decline',
        about: 'command',
        subject: expect.stringContaining('touch made.txt'),
        reason: 'Use npm instead.',
        by: 'face',
      },
      {},
    ]);

    await bridge.restart();
    const again = await joinFace();
    const kept = await again.rpc.request('session.open', { session: id });
    expect(decided(kept)).toEqual(decided(done));
    const { data } = await again.rpc.request('session.export', { session: id, format: 'json' });
    const markdown = await again.rpc.request('session.export', { session: id, format: 'markdown' });
    expect(markdown.data).toContain('> Because: Use npm instead.');
    const folder = bridge.folder(0).info.key;
    const { sessions } = await again.rpc.request('session.import', { folder, data });
    const copy = await again.rpc.request('session.open', { session: sessions[0] ?? '' });
    expect(decided(copy)).toEqual(decided(done));
  });

  it('becomes the next prompt where the turn is stopped', async () => {
    bridge = await startRealBridge({ settings: { defaults: asks } });
    const { face, followed, id, approval } = await ask(command('touch made.txt'));
    await face.rpc.request('approval.answer', {
      session: id,
      approval: approval.id,
      decision: 'cancel',
      reason: 'Something else first.',
    });
    const done = await followed.until(({ turns }) => turns[1]?.status === 'completed');
    expect(done.turns).toMatchObject([
      { prompt: 'go', status: 'cancelled' },
      { prompt: 'Something else first.', source, status: 'completed' },
    ]);
    expect(decided(done)).toMatchObject([{ decision: 'cancel', reason: 'Something else first.' }]);
    expect(existsSync(join(bridge.folders[0] ?? '', 'made.txt'))).toBe(false);
  });
});

describe("the model's question", () => {
  const question = call('request_user_input', {
    questions: [
      {
        id: 'colour',
        header: 'Colour',
        question: 'Which colour?',
        options: [
          { label: 'Red', description: 'warm' },
          { label: 'Blue', description: 'cold' },
        ],
      },
    ],
  });

  async function asked(): Promise<Asked> {
    bridge = await startRealBridge({ codexFeatures: ['default_mode_request_user_input'] });
    return ask(question);
  }

  it.each([
    ['one of its options', 'Blue'],
    ['words of their own', 'Rather green'],
  ])('is answered with %s', async (_name, value) => {
    const { face, followed, id, approval } = await asked();
    expect(approval).toMatchObject({
      decisions: ['accept', 'decline', 'cancel'],
      request: {
        kind: 'question',
        fields: [
          { id: 'colour', heading: 'Colour', label: 'Which colour?', input: { kind: 'choice', other: true } },
        ],
      },
    });
    const other = await Follower.open(await joinFace(), id);
    const answer = (answers: { id: string; value: string | number }[]) =>
      face.rpc.request('approval.answer', {
        session: id,
        approval: approval.id,
        decision: 'accept',
        answers,
      });
    await expect(answer([])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(answer([{ id: 'colour', value: 3 }])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await answer([{ id: 'colour', value }]);
    await other.until(({ approvals }) => approvals.length === 0);
    const done = await followed.until(idle);
    expect(answerOf(done.turns[0] ?? expect.fail())).toContain(
      JSON.stringify({ answers: { colour: { answers: [value] } } }),
    );
    expect(decided(done)).toMatchObject([
      { about: 'question', decision: 'accept', answers: [{ question: 'Which colour?', answer: value }] },
    ]);
  });

  it('closes when it was answered in the terminal', async () => {
    bridge = await startRealBridge({
      codexFeatures: ['default_mode_request_user_input'],
      codexConfig: 'suppress_unstable_features_warning = true',
    });
    appendFileSync(join(dirname(bridge.stateDir), 'ch', 'config.toml'), QUIET);
    const face = await joinFace();
    const { id } = await face.rpc.request('session.create', { folder: bridge.folder(0).info.key });
    const followed = await Follower.open(face, id);
    const viewer = await TerminalViewer.open(face.rpc, id, { cols: 100, rows: 30 });
    onTestFailed(() => console.log(viewer.text));
    await viewer.shows('OpenAI Codex');
    bridge.model.script(({ outputs }) => (outputs.length === 0 ? [question] : [text(outputs.join(' '))]));
    await face.rpc.request('session.prompt', { session: id, prompt: 'go', source });
    await followed.until((session) => session.approvals.length > 0);
    await viewer.shows('Which colour?');
    // Keys that come right after a question has appeared were meant for something else: the TUI ignores them.
    await vi.waitFor(async () => {
      if (followed.state.approvals.length > 0) await viewer.type('\r');
      expect(followed.state.approvals).toEqual([]);
    }, WAIT);
    const done = await followed.until(({ turns }) => turns.length > 0 && idle(followed.state));
    expect(done.approvals).toEqual([]);
    expect(answerOf(done.turns[0] ?? expect.fail())).toContain('"Red"');
    expect(followed.events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'approval.resolved', by: 'codex' }),
    );
    // How it was answered there is not known here.
    expect(decided(done)).toMatchObject([{ about: 'question', by: 'codex' }]);
    expect(decided(done)[0]).not.toHaveProperty('decision');
    viewer.dispose();
  });

  it('can be declined: the turn goes on without', async () => {
    const { face, followed, id, approval } = await asked();
    await face.rpc.request('approval.answer', { session: id, approval: approval.id, decision: 'decline' });
    const done = await followed.until(idle);
    expect(done.turns).toMatchObject([{ status: 'completed' }]);
    expect(answerOf(done.turns[0] ?? expect.fail())).toContain('{"answers":{}}');
    expect(decided(done)).toMatchObject([{ decision: 'decline', status: 'declined' }]);
  });

  it('stops the turn where that is wanted', async () => {
    const { face, followed, id, approval } = await asked();
    await face.rpc.request('approval.answer', { session: id, approval: approval.id, decision: 'cancel' });
    const done = await followed.until(idle);
    expect(done.turns).toMatchObject([{ status: 'cancelled' }]);
    expect(answerOf(done.turns[0] ?? expect.fail())).toBe('');
  });
});

describe('a request for rights', () => {
  it.each([
    [true, ['accept', 'accept_for_session', 'decline', 'cancel']],
    [false, ['accept', 'decline', 'cancel']],
  ])(
    'A10: says exactly what, and is granted for the turn (for the session, too: %s)',
    async (acceptForSession, decisions) => {
      bridge = await startRealBridge({
        codexFeatures: ['request_permissions_tool'],
        settings: { ceiling: { ...DEFAULT_SETTINGS.ceiling, acceptForSession } },
      });
      const { face, followed, id, approval } = await ask(
        call('request_permissions', {
          reason: 'to install',
          permissions: { network: { enabled: true }, file_system: { read: ['/etc'], write: ['/opt/x'] } },
        }),
      );
      expect(approval).toMatchObject({
        reason: 'to install',
        decisions,
        request: { kind: 'permissions', text: 'Network access to any host\nRead /etc\nWrite /opt/x' },
      });
      await face.rpc.request('approval.answer', { session: id, approval: approval.id, decision: 'accept' });
      const done = await followed.until(idle);
      const answer = answerOf(done.turns[0] ?? expect.fail());
      expect(answer).toContain('"scope":"turn"');
      expect(answer).toContain('/opt/x');
      expect(decided(done)).toMatchObject([
        { about: 'permissions', decision: 'accept', subject: expect.stringContaining('Write /opt/x') },
      ]);
    },
  );
});

describe("the question of an MCP server of Codex's", () => {
  const server = fileURLToPath(new URL('../support/askingMcpServer.ts', import.meta.url));
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', title: 'Name', minLength: 2 },
      count: { type: 'integer', minimum: 1 },
      size: { type: 'string', enum: ['small', 'large'] },
      sure: { type: 'boolean' },
    },
    required: ['name'],
  };

  async function asked(args: object = { schema }): Promise<Asked> {
    bridge = await startRealBridge({
      codexConfig: `[mcp_servers.asker]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(server)}]
startup_timeout_sec = 60
`,
    });
    return ask(call('ask', args, 'mcp__asker'));
  }

  it('is a form: its answers go to the server', async () => {
    const { face, followed, id, approval } = await asked();
    expect(approval.request).toMatchObject({
      kind: 'question',
      text: 'asker: What shall it be?',
      fields: [
        { id: 'name', label: 'Name', required: true },
        { id: 'count' },
        { id: 'size' },
        { id: 'sure' },
      ],
    });
    const answer = (answers: { id: string; value: string | number | boolean }[]) =>
      face.rpc.request('approval.answer', {
        session: id,
        approval: approval.id,
        decision: 'accept',
        answers,
      });
    await expect(answer([{ id: 'name', value: 'A' }])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await answer([
      { id: 'name', value: 'Ada' },
      { id: 'count', value: 2 },
      { id: 'sure', value: false },
    ]);
    const done = await followed.until(idle);
    const said = answerOf(done.turns[0] ?? expect.fail()).replaceAll('\\', '');
    expect(said).toContain('{"action":"accept","content":{"name":"Ada","count":2,"sure":false}}');
  });

  it('is a page to open', async () => {
    const { face, followed, id, approval } = await asked({ url: 'https://example.com/sign-in' });
    expect(approval).toMatchObject({
      decisions: ['accept', 'decline', 'cancel'],
      request: { kind: 'question', url: 'https://example.com/sign-in' },
    });
    await face.rpc.request('approval.answer', { session: id, approval: approval.id, decision: 'accept' });
    const done = await followed.until(idle);
    expect(answerOf(done.turns[0] ?? expect.fail()).replaceAll('\\', '')).toContain('{"action":"accept"');
    expect(decided(done)).toMatchObject([{ about: 'question', decision: 'accept' }]);
  });

  it('can be declined', async () => {
    const { face, followed, id, approval } = await asked();
    await face.rpc.request('approval.answer', { session: id, approval: approval.id, decision: 'decline' });
    const done = await followed.until(idle);
    expect(answerOf(done.turns[0] ?? expect.fail()).replaceAll('\\', '')).toContain('{"action":"decline"');
  });
});
