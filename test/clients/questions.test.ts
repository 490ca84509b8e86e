import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { connectClient, ERAS, type FormAnswer, type TestClient } from '../support/mcpClients.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';

const ASKS = { defaults: { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' as const } };
const ACCEPT: FormAnswer = { action: 'accept', content: { decision: 'accept' } };

describe.each(ERAS)('questions on the way, through MCP %s', (era) => {
  let bridge: RealBridge;
  const clients: TestClient[] = [];

  beforeAll(async () => {
    bridge = await startRealBridge({
      settings: { ...ASKS, mcp: { ...DEFAULT_SETTINGS.mcp, elicitApprovals: true } },
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  afterAll(() => bridge.close());

  async function connect(elicit?: (message: string, signal: AbortSignal) => Promise<FormAnswer>) {
    const endpoint = bridge.endpoints.folders[0];
    if (endpoint === undefined) throw new Error('there is no folder');
    const client = await connectClient(era, { ...endpoint, ...(elicit === undefined ? {} : { elicit }) });
    clients.push(client);
    return client;
  }

  const made = (name: string) => existsSync(join(bridge.folders[0] ?? '', name));
  /** Answers the next approval of the folder as a person in VS Code does. */
  const answerInVsCode = (decision: 'accept' | 'decline') =>
    new Promise<void>((resolve) => {
      const folder = bridge.folder(0);
      const answer = () => {
        for (const { session } of folder.pendingTurns()) {
          const approval = session.snapshot.approvals[0];
          if (approval === undefined) continue;
          subscription.dispose();
          session.answer(approval.id, decision, { kind: 'window' });
          resolve();
        }
      };
      const subscription = folder.onSession(answer);
      answer();
    });

  it('go to the client as a form that shows exactly what is asked, and the prompt goes out once', async () => {
    const asked: string[] = [];
    const client = await connect(async (message) => {
      asked.push(message);
      return ACCEPT;
    });
    const prompt = `!run touch yes-${era} && echo done`;
    const { data } = await client.call('ask', { prompt });
    expect(data).toMatchObject({ status: 'completed', commands: [{ exit_code: 0 }] });
    expect(made(`yes-${era}`)).toBe(true);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain(`touch yes-${era} && echo done`);
    expect(bridge.model.prompts().filter((one) => one === prompt)).toHaveLength(1);
  });

  it('A10: are declined by the client with its reason, and the history has its name', async () => {
    const client = await connect(async () => ({
      action: 'accept',
      content: { decision: 'decline', reason: 'not on my machine' },
    }));
    const { data } = await client.call('ask', { prompt: `!run touch no-${era}` });
    expect(made(`no-${era}`)).toBe(false);
    const kept = bridge.folder(0).exportSession(String(data['session']), 'json');
    expect(kept).toContain('not on my machine');
    expect(JSON.parse(kept).session.turns[0].items).toContainEqual(
      expect.objectContaining({ type: 'decision', who: { kind: 'mcp', name: 'test-client' } }),
    );
  });

  it('that the client dismisses are left to VS Code', async () => {
    let forms = 0;
    const client = await connect(async () => {
      forms++;
      return { action: 'cancel' };
    });
    const call = client.call('ask', { prompt: `!run touch later-${era}` });
    await bridge.model.request((request) => request.prompt === `!run touch later-${era}`);
    await answerInVsCodeWhen(() => forms === 1);
    expect((await call).data).toMatchObject({ status: 'completed' });
    expect(made(`later-${era}`)).toBe(true);
    expect(forms).toBe(1);

    async function answerInVsCodeWhen(ready: () => boolean): Promise<void> {
      await expect.poll(ready, { timeout: 10_000 }).toBe(true);
      await answerInVsCode('accept');
    }
  });

  it('that VS Code answers first count there, and the late form answers nothing', async () => {
    const shown = Promise.withResolvers<void>();
    const late = Promise.withResolvers<FormAnswer>();
    const withdrawn = Promise.withResolvers<void>();
    const client = await connect((_message, signal) => {
      shown.resolve();
      signal.addEventListener('abort', () => withdrawn.resolve());
      return late.promise;
    });
    const call = client.call('ask', { prompt: `!run touch first-${era}` });
    await shown.promise;
    await answerInVsCode('decline');
    // The older era takes the form back; in the newer one the client answers in its own time.
    if (era === '2025-11-25') await withdrawn.promise;
    late.resolve(ACCEPT);
    expect((await call).data).toMatchObject({ status: 'completed' });
    expect(made(`first-${era}`)).toBe(false);
  });

  it('are told through progress to a client that can not be asked', async () => {
    const client = await connect();
    const told: string[] = [];
    const call = client.call(
      'ask',
      { prompt: `!run touch told-${era}` },
      { onProgress: ({ message }) => told.push(message) },
    );
    await expect
      .poll(() => told.some((one) => one.startsWith('waiting for your approval in VS Code: run `')))
      .toBe(true);
    await answerInVsCode('accept');
    expect((await call).data).toMatchObject({ status: 'completed' });
  });

  it('A8: stay in VS Code unless the person wants them at the client', async () => {
    const closed = await startRealBridge({ settings: ASKS });
    try {
      const endpoint = closed.endpoints.folders[0];
      if (endpoint === undefined) throw new Error('there is no folder');
      let forms = 0;
      const client = await connectClient(era, {
        ...endpoint,
        elicit: async () => {
          forms++;
          return ACCEPT;
        },
      });
      const { data } = await client.call('ask', { prompt: '!run touch quiet', wait_seconds: 3 });
      expect(data).toMatchObject({ status: 'waiting_for_approval', waiting_for: [expect.any(String)] });
      expect(forms).toBe(0);
      await client.call('cancel', { turn: data['turn'] });
      await client.close();
    } finally {
      await closed.close();
    }
  });
});
