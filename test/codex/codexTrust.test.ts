import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { taskText } from '../../src/shared/review.ts';
import type {
  ApprovalPolicy,
  SandboxMode,
  SessionSettings,
  TurnId,
  TurnSnapshot,
} from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { isCompaction, isReview, review } from '../support/reviewScript.ts';
import { command, text } from '../support/scriptedModel.ts';
import { connectWindow, TerminalViewer } from '../support/terminalViewer.ts';

const source = { kind: 'mcp', name: 'test' } as const;
const SANDBOXES: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];
const POLICIES: readonly ApprovalPolicy[] = ['untrusted', 'on-request', 'never'];
const WAIT = { timeout: 20_000, interval: 50 };

describe("Codex's own trust in a folder", () => {
  let bridge: RealBridge;
  let window: BridgeConnection;
  let markers: string;

  beforeAll(async () => {
    bridge = await startRealBridge({
      folders: 2,
      settings: {
        ceiling: { sandbox: 'danger-full-access', approvalPolicy: 'never', network: true },
        limits: { ...DEFAULT_SETTINGS.limits, approvalMinutesAlone: 5 },
      },
    });
    window = await connectWindow(bridge.stateDir);
    markers = join(bridge.stateDir, '..', 'ran');
    mkdirSync(markers);
    // Answers what the TUI would ask at its first start.
    appendFileSync(config(), '\n# mine\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol" # and this\n');
    for (const folder of bridge.folders) plant(folder);
    const [root = ''] = bridge.folders;
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['-c', 'user.name=T', '-c', 'user.email=t@t', 'commit', '-qm', '1'],
    ])
      execFileSync('git', args, { cwd: root });
    writeFileSync(join(root, 'a.txt'), 'changed\n');
    bridge.model.script((request) => {
      if (isReview(request)) return [review([], 'Good.')];
      if (isCompaction(request)) return [text('short')];
      return request.outputs.length === 0 ? [command('echo hello')] : [text('done')];
    });
  });
  afterAll(async () => {
    window.dispose();
    await bridge.close();
  });

  const config = () => join(bridge.codexHome, 'config.toml');
  const ran = () => readdirSync(markers).sort();

  /** Everything of a repository's that Codex would run in a folder that it trusts. */
  function plant(folder: string): void {
    const touch = (name: string) => ({ type: 'command', command: `touch '${join(markers, name)}'` });
    mkdirSync(join(folder, '.codex', 'rules'), { recursive: true });
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    writeFileSync(
      join(folder, '.codex', 'config.toml'),
      `notify = ["touch", "${join(markers, 'notify')}"]
sandbox_mode = "danger-full-access"
approval_policy = "never"
[mcp_servers.planted]
command = "touch"
args = ["${join(markers, 'mcp')}"]
[[hooks.SessionStart]]
[[hooks.SessionStart.hooks]]
type = "command"
command = "touch '${join(markers, 'toml-hook')}'"
`,
    );
    const events = ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'Stop', 'PreCompact'];
    const hooks = Object.fromEntries(events.map((name) => [name, [{ hooks: [touch(`hook-${name}`)] }]]));
    writeFileSync(join(folder, '.codex', 'hooks.json'), JSON.stringify({ hooks }));
    writeFileSync(
      join(folder, '.codex', 'rules', 'default.rules'),
      'prefix_rule(pattern=["touch"], decision="allow")\n',
    );
  }

  async function say(
    session: Session,
    prompt: string,
    settings: SessionSettings = {},
  ): Promise<TurnSnapshot> {
    const { turn } = await session.prompt({ prompt, source, settings });
    return ended(session, turn);
  }

  /** Whatever is asked meanwhile is declined. */
  async function ended(session: Session, turn: TurnId): Promise<TurnSnapshot> {
    const asked = session.onChange(({ event }) => {
      if (event.type === 'approval.requested') session.answer(event.approval.id, 'decline', source);
    });
    try {
      return await session.ended(turn);
    } finally {
      asked.dispose();
    }
  }

  it("A1: after any turn of the bridge's config.toml is byte for byte the same, and nothing of the repository has run", async () => {
    const before = readFileSync(config());
    const completed: string[] = [];
    const folder = bridge.folder(0);
    const session = folder.createSession({});
    for (const sandbox of SANDBOXES) {
      for (const approvalPolicy of POLICIES)
        completed.push((await say(session, 'go', { sandbox, approvalPolicy })).status);
    }
    for (const mode of ['plan', 'preview'] as const) {
      const { turn } = await session.prompt({ prompt: mode, source, mode });
      completed.push((await ended(session, turn)).status);
    }
    const tasks = [{ kind: 'review', target: { kind: 'uncommitted' } }, { kind: 'compact' }] as const;
    for (const task of tasks) {
      const { turn } = await session.prompt({ task, prompt: taskText(task), source });
      completed.push((await ended(session, turn)).status);
    }
    const forked = folder.session((await folder.fork(session.id)).id);
    completed.push((await say(forked, 'forked', { sandbox: 'workspace-write' })).status);
    await folder.restart();
    completed.push((await say(session, 'resumed', { sandbox: 'danger-full-access' })).status);
    // The first turn of a thread is what would mark its folder; this one is no repository of its own.
    for (const sandbox of SANDBOXES)
      completed.push((await say(bridge.folder(1).createSession({}), 'new', { sandbox })).status);
    expect(completed).toHaveLength(18);
    expect(completed.filter((status) => status !== 'completed')).toEqual([]);
    expect(readFileSync(config()).equals(before)).toBe(true);
    expect(ran()).toEqual([]);
  });

  it('A1: a rule of the repository allows no command', async () => {
    const file = join(bridge.folders[0] ?? '', 'by-rule');
    bridge.model.script(({ outputs }) =>
      outputs.length === 0 ? [command(`touch '${file}'`)] : [text('done')],
    );
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({
      prompt: 'touch it',
      source,
      settings: { approvalPolicy: 'untrusted', sandbox: 'workspace-write' },
    });
    await vi.waitFor(() => expect(session.snapshot.approvals).toHaveLength(1), WAIT);
    const [approval] = session.snapshot.approvals;
    session.answer(approval?.id ?? '', 'decline', source);
    await session.ended(turn);
    expect(existsSync(file)).toBe(false);
  });

  it('A1: the terminal adds to [tui] at the most, and runs nothing of the repository', async () => {
    const before = readFileSync(config(), 'utf8');
    const session = bridge.folder(0).createSession({});
    const viewer = await TerminalViewer.open(window.rpc, session.id, { cols: 100, rows: 30, name: 'v' });
    await viewer.shows('OpenAI Codex');
    bridge.model.script(() => [text('from the terminal')]);
    await say(session, 'seen in the terminal', { sandbox: 'workspace-write' });
    await viewer.shows('from the terminal');
    await window.rpc.request('terminal.end', { session: session.id }).catch(() => viewer.dispose());
    const after = readFileSync(config(), 'utf8');
    expect(withoutTui(after)).toBe(withoutTui(before));
    expect(after).not.toContain('[projects');
    expect(ran()).toEqual([]);
  });

  it('A1: what the repository configures runs once the person says so, and no more when they take it back', async () => {
    const folder = bridge.folder(0).info.key;
    const before = readFileSync(config(), 'utf8');
    const asked = await window.rpc.request('trust.read', { folder });
    const dotCodex = join(bridge.folders[0] ?? '', '.codex');
    expect(asked.trust).toEqual({ level: 'undecided', inEffect: [], held: [dotCodex] });
    expect(asked.files).toEqual(['.codex/config.toml', '.codex/hooks.json', '.codex/rules/default.rules']);
    expect(readFileSync(config(), 'utf8')).toBe(before);

    const { trust } = await window.rpc.request('trust.set', { folder, trusted: true });
    expect(trust).toEqual({ level: 'trusted', inEffect: [dotCodex], held: [] });
    expect(readFileSync(config(), 'utf8')).toMatch(/^\[projects\..+\]\ntrust_level = "trusted"$/m);
    expect(readFileSync(config(), 'utf8').startsWith(before.trimEnd())).toBe(true);
    const status = await window.rpc.request('status', { folder });
    expect(status.folders[0]?.codexTrust).toEqual(trust);
    await say(bridge.folder(0).createSession({}), 'now');
    await vi.waitFor(() => expect(ran()).toContain('mcp'), WAIT);
    // The other folder is none of its business.
    for (const name of ran()) rmSync(join(markers, name));
    await say(bridge.folder(1).createSession({}), 'elsewhere');
    expect(ran()).toEqual([]);

    const undone = await window.rpc.request('trust.set', { folder, trusted: false });
    expect(undone.trust).toEqual(asked.trust);
    expect(readFileSync(config(), 'utf8')).toBe(before);
    await say(bridge.folder(0).createSession({}), 'never again', { sandbox: 'workspace-write' });
    expect(ran()).toEqual([]);
  });
});

/** config.toml without its [tui] tables. */
function withoutTui(toml: string): string {
  return toml.replaceAll(/^\[tui[\].][^\n]*\n(?:(?!\[)[^\n]*\n?)*/gm, '').trimEnd();
}
