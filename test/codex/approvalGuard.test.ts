import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import {
  type Approval,
  answerOf,
  hasEnded,
  type SessionId,
  type SessionSnapshot,
} from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { Follower, joinBridge } from '../support/faces.ts';
import { connectClient, ERAS } from '../support/mcpClients.ts';
import { rawRequest } from '../support/rawMcp.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';

const source = { kind: 'window' } as const;
const asks = { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' } as const;
/** What ends turns or processes decides nothing, and would end the test. */
const ENDS = new Set(['restart', 'cancel']);
/** Arguments that have to be right for the others to be looked at. */
const NAMES_OTHERS = new Set(['folder', 'cursor']);

let bridge: RealBridge;
let files = 0;
const faces: BridgeConnection[] = [];

beforeAll(async () => {
  bridge = await startRealBridge({ folders: 2, settings: { defaults: asks } });
});
afterEach(() => {
  for (const face of faces.splice(0)) face.dispose();
});
afterAll(() => bridge.close());

async function joined(
  kind: 'window' | 'cli' | 'shim' = 'window',
  canAnswer = true,
): Promise<BridgeConnection> {
  const face =
    kind === 'window'
      ? await joinBridge(bridge.stateDir, canAnswer)
      : await connectBridge({ home: bridge.stateDir, kind, canAnswer, version: '0.0.0-test', start: false });
  faces.push(face);
  return face;
}

interface Asked {
  readonly face: BridgeConnection;
  readonly followed: Follower;
  readonly id: SessionId;
  readonly approval: Approval;
  /** Whether what was asked about has been done. */
  done(): boolean;
}

const idle = ({ turns }: SessionSnapshot) => turns.length > 0 && turns.every((turn) => hasEnded(turn.status));

/** A turn in a session of its own that waits for a person. */
async function ask(): Promise<Asked> {
  const file = `made${files++}.txt`;
  const face = await joined();
  const { id } = await face.rpc.request('session.create', { folder: bridge.folder(0).info.key });
  const followed = await Follower.open(face, id);
  await face.rpc.request('session.prompt', { session: id, prompt: `!run touch ${file}`, source });
  const { approvals } = await followed.until((session) => session.approvals.length > 0 || idle(session));
  const approval = approvals[0] ?? expect.fail(`nothing was asked: ${JSON.stringify(followed.state.turns)}`);
  return { face, followed, id, approval, done: () => existsSync(join(bridge.folders[0] ?? '', file)) };
}

/** How a face's answer ends. */
function answer(
  { rpc }: BridgeConnection,
  session: SessionId,
  approval: string,
  decision: Approval['decisions'][number] = 'accept',
) {
  return rpc.request('approval.answer', { session, approval, decision });
}

const NOT_FOUND = { code: 'APPROVAL_NOT_FOUND' };

describe('an approval', () => {
  it('A10: counts for its own session, once, and not after the end of its turn', async () => {
    const { face, followed, id, approval, done } = await ask();
    const other = await ask();
    await expect(answer(face, id, other.approval.id)).rejects.toMatchObject(NOT_FOUND);
    await expect(answer(face, other.id, approval.id)).rejects.toMatchObject(NOT_FOUND);
    await expect(answer(face, id, `${approval.id}x`)).rejects.toMatchObject(NOT_FOUND);
    expect([followed.state.approvals.length, done(), other.done()]).toEqual([1, false, false]);

    const second = await joined('cli');
    const both = await Promise.allSettled([
      answer(face, id, approval.id, 'decline'),
      answer(second, id, approval.id),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await followed.until(idle);
    expect(done()).toBe(false);
    await expect(answer(face, id, approval.id)).rejects.toMatchObject(NOT_FOUND);

    await face.rpc.request('session.cancel', { session: other.id });
    await other.followed.until(idle);
    await expect(answer(face, other.id, other.approval.id)).rejects.toMatchObject(NOT_FOUND);
    expect(other.done()).toBe(false);
  });

  it('A10: is never more than what was offered', async () => {
    const { face, followed, id, approval, done } = await ask();
    expect(approval.decisions).toEqual(['accept', 'decline', 'cancel']);
    await expect(answer(face, id, approval.id, 'accept_for_session')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(done()).toBe(false);
    await answer(face, id, approval.id);
    await followed.until(idle);
    expect(done()).toBe(true);
  });

  it('A10: is void after a restart of the bridge, and the history says what became of each', async () => {
    const declined = await ask();
    const void_ = await ask();
    await answer(await joined('cli'), declined.id, declined.approval.id, 'decline');
    await declined.followed.until(idle);
    await bridge.restart();
    const face = await joined();
    const decisionsOf = async (session: SessionId) => {
      const { data } = await face.rpc.request('session.export', { session, format: 'json' });
      const snapshot: { session: SessionSnapshot } = JSON.parse(data); // the bridge's own export
      return snapshot.session.turns.flatMap(({ items }) => items.filter(({ type }) => type === 'decision'));
    };
    const opened = await face.rpc.request('session.open', { session: void_.id });
    expect(opened.approvals).toEqual([]);
    await expect(answer(face, void_.id, void_.approval.id)).rejects.toMatchObject(NOT_FOUND);
    expect(void_.done()).toBe(false);
    const what = { about: 'command', cwd: bridge.folders[0], endedAt: expect.any(Number) };
    expect(await decisionsOf(void_.id)).toMatchObject([
      { ...what, subject: expect.stringContaining('touch'), by: 'turn_ended' },
    ]);
    expect(await decisionsOf(declined.id)).toMatchObject([
      { ...what, decision: 'decline', by: 'face', who: { kind: 'cli' } },
    ]);
  });
});

describe('the agent', () => {
  it('A8: can not have it answered by whoever has a token', async () => {
    const { face, followed, id, approval, done } = await ask();
    const before = followed.state.approvals;
    const all = bridge.endpoints;
    const [folder] = all.folders;
    for (const endpoint of [all, folder ?? expect.fail()]) {
      for (const era of ERAS) {
        const client = await connectClient(era, {
          ...endpoint,
          elicit: async () => ({ action: 'accept', content: { decision: 'accept' } }),
        });
        for (const tool of (await client.tools()).filter(({ name }) => !ENDS.has(name))) {
          await client.call(tool.name, argsOf(tool, approval, id)).catch(() => undefined); // refused: as good
        }
        for (const uri of (await client.resources()).slice(0, 3)) await client.read(uri.uri);
        await client.close();
      }
      const task = await rawRequest(endpoint, 'tasks/get', approval.turn, { taskId: approval.turn });
      expect(task.result).toMatchObject({ taskId: approval.turn, status: 'working' });
      for (const method of ['approval.answer', 'tasks/update', 'elicitation/create', 'session.answer']) {
        await rawRequest(endpoint, method, approval.turn, {
          session: id,
          taskId: approval.turn,
          approval: approval.id,
          decision: 'accept',
          inputResponses: { [approval.id]: { action: 'accept', content: { decision: 'accept' } } },
        });
      }
    }
    expect(followed.state.approvals).toEqual(before);
    expect(done()).toBe(false);
    await answer(face, id, approval.id, 'decline');
    await followed.until(idle);
  }, 60_000);

  it('A8: can not answer over a connection at which nobody sits, nor type into the terminal there', async () => {
    const { face, followed, id, approval, done } = await ask();
    const terminal = { session: id, viewer: 'v', cols: 80, rows: 24 };
    for (const nobody of [await joined('shim', true), await joined('cli', false)]) {
      await expect(answer(nobody, id, approval.id)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await nobody.rpc.request('terminal.open', terminal);
      await expect(nobody.rpc.request('terminal.input', { session: id, data: 'y' })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
    expect(followed.state.approvals).toHaveLength(1);
    expect(done()).toBe(false);
    await answer(face, id, approval.id, 'decline');
    await followed.until(idle);
    await face.rpc.request('terminal.end', { session: id });
  });

  it('A8: reaches neither the private socket nor the port from its sandbox', async () => {
    const { socket } = JSON.parse(readFileSync(join(bridge.stateDir, 'bridge.json'), 'utf8'));
    const target = (where: string) =>
      `n.connect(${where}).on("connect",()=>console.log("REACHED")).on("error",(e)=>console.log(e.code))`;
    const script = `const n=require("net");${target(`{path:"${socket}"}`)};${target(`{host:"127.0.0.1",port:${new URL(bridge.endpoints.url).port}}`)}`;
    const face = await joined();
    const { id } = await face.rpc.request('session.create', {
      folder: bridge.folder(0).info.key,
      settings: { approvalPolicy: 'on-request' },
    });
    const followed = await Follower.open(face, id);
    await face.rpc.request('session.prompt', {
      session: id,
      prompt: `!run ${process.execPath} -e '${script}'`,
      source,
    });
    const { turns } = await followed.until(idle);
    const output = turns[0]?.items.flatMap((item) => (item.type === 'command' ? [item.output] : [])).join('');
    expect(output, answerOf(turns[0] ?? expect.fail())).toMatch(/^(E\w+)\s+E\w+\s*$/);
  });
});

/** Arguments of a tool that speak of the approval wherever text is taken. */
function argsOf(
  { name: tool, inputSchema }: { name: string; inputSchema: unknown },
  approval: Approval,
  session: SessionId,
): Record<string, unknown> {
  // Whoever waits may be asked, and answers.
  if (tool === 'wait') return { turn: approval.turn, wait_seconds: 1 };
  const { properties = {} } = inputSchema as {
    properties?: Record<string, { type?: string; enum?: string[] }>;
  }; // a JSON schema
  const texts = Object.entries(properties).flatMap(([name, { type, enum: list }]) =>
    type === 'string' && !NAMES_OTHERS.has(name) ? [[name, list?.[0] ?? approval.id]] : [],
  );
  return {
    ...Object.fromEntries(texts),
    ...('turn' in properties ? { turn: approval.turn } : {}),
    ...('session' in properties ? { session } : {}),
    ...('wait_seconds' in properties ? { wait_seconds: 0 } : {}),
  };
}
