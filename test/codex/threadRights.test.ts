import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppServer } from '../../src/bridge/codex/appServer.ts';
import { CodexClient } from '../../src/bridge/codex/client.ts';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { ThreadRights } from '../../src/bridge/sessions/threadRights.ts';
import type { SessionSettings } from '../../src/shared/session.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { connectWindow, TerminalViewer } from '../support/terminalViewer.ts';

let bridge: RealBridge;

afterEach(async () => {
  vi.restoreAllMocks();
  await bridge.close();
});

/** One turn: which rights `turn/start` named, and which ones Codex told the model's endpoint that it runs with. */
async function say(
  session: Session,
  settings: SessionSettings = {},
): Promise<{ named: unknown; ran: unknown }> {
  const sent = vi.spyOn(CodexClient.prototype, 'call');
  const { turn } = await session.prompt({ prompt: 'p', source: { kind: 'cli' }, settings });
  expect((await session.ended(turn)).status).toBe('completed');
  const [, params] = sent.mock.calls.findLast(([method]) => method === 'turn/start') ?? [];
  sent.mockRestore();
  const header = bridge.model.requests.at(-1)?.headers['x-codex-turn-metadata'];
  const { sandbox_mode: ran } = JSON.parse(String(header)) as { sandbox_mode?: string };
  return { named: (params as { sandboxPolicy?: { type: string } }).sandboxPolicy?.type, ran };
}

describe('the rights of a turn', () => {
  it('are named where the thread has others, and hold either way', async () => {
    bridge = await startRealBridge({});
    const session = bridge.folder(0).createSession({});
    const writes = { named: 'workspaceWrite', ran: 'workspace-write' };
    const reads = { named: 'readOnly', ran: 'read-only' };
    expect(await say(session)).toEqual(writes);
    expect(await say(session)).toEqual({ ...writes, named: undefined });
    expect(await say(session, { sandbox: 'read-only' })).toEqual(reads);
    expect(await say(session, { sandbox: 'read-only' })).toEqual({ ...reads, named: undefined });
    expect(await say(session)).toEqual(writes);
    // A new Codex knows nothing of it.
    await bridge.folder(0).restart();
    expect(await say(session)).toEqual(writes);
    expect(await say(session)).toEqual({ ...writes, named: undefined });
  });

  it('A6: are named when somebody else has given the thread others', async () => {
    const connected = vi.spyOn(AppServer.prototype, 'connect');
    bridge = await startRealBridge({});
    const session = bridge.folder(0).createSession({});
    await say(session);
    expect((await say(session)).named).toBeUndefined();
    const [server] = connected.mock.contexts;
    if (!(server instanceof AppServer)) throw new Error('there is no app-server');
    const other = await CodexClient.connect(await server.connect(), { logger: new MemoryLogger() });
    const told = vi.spyOn(ThreadRights.prototype, 'told');
    await other.call('thread/settings/update', {
      threadId: session.snapshot.thread ?? '',
      sandboxPolicy: { type: 'dangerFullAccess' },
      approvalPolicy: 'never',
      approvalsReviewer: 'user',
    });
    await vi.waitFor(() => expect(told).toHaveBeenCalledOnce());
    expect(await say(session)).toEqual({ named: 'workspaceWrite', ran: 'workspace-write' });
    other.dispose();
  });

  it('A6: are named by every turn once there was a terminal', async () => {
    bridge = await startRealBridge({});
    const session = bridge.folder(0).createSession({});
    await say(session);
    const window = await connectWindow(bridge.stateDir);
    const viewer = await TerminalViewer.open(window.rpc, session.id, { cols: 80, rows: 24, name: 'v' });
    await viewer.shows('OpenAI Codex');
    expect((await say(session)).named).toBe('workspaceWrite');
    process.kill(viewer.pid, 'SIGKILL');
    await viewer.until(() => viewer.exit !== undefined);
    expect((await say(session)).named).toBe('workspaceWrite');
    viewer.dispose();
    window.dispose();
  });
});
