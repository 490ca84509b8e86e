import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resultFromTaskOutcome, type TaskView } from '@modelcontextprotocol/ext-tasks/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { demoScript } from '../support/demoScript.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { Latch, words } from '../support/scriptedModel.ts';
import { connectTaskClient } from '../support/taskClient.ts';

/** Says yes to whatever is asked. */
async function accepts(): Promise<never> {
  // The type of the answer follows from the request's, which is a form here.
  return { action: 'accept', content: { decision: 'accept' } } as never;
}

describe('calls as tasks, with the client of the extension', () => {
  let bridge: RealBridge;

  beforeAll(async () => {
    bridge = await startRealBridge({
      folders: 2,
      settings: {
        defaults: { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' },
        mcp: { ...DEFAULT_SETTINGS.mcp, elicitApprovals: true },
      },
    });
  });
  afterEach(() => bridge.model.script(demoScript));
  afterAll(() => bridge.close());

  const endpoint = (index = 0) => {
    const found = bridge.endpoints.folders[index];
    if (found === undefined) throw new Error(`there is no folder ${index}`);
    return found;
  };

  it('a call is a task at once, says where it stands, and ends with the whole result', async () => {
    const rest = new Latch();
    bridge.model.script(() => [words(['slow ', 'answer'], (at) => (at === 1 ? rest.wait() : undefined))]);
    const client = await connectTaskClient(endpoint());
    const execution = await client.session.callTool('ask', { prompt: 'take your time' });
    expect(execution.kind).toBe('task');
    const seen: TaskView[] = [];
    const settled = execution.settle({
      onEvent: (event) => {
        if (event.type === 'task') seen.push(event.task);
        if (seen.some((task) => task.statusMessage === 'slow ')) rest.open();
      },
    });
    const result = resultFromTaskOutcome((await settled).outcome);
    expect(result.structuredContent).toMatchObject({ status: 'completed', answer: 'slow answer' });
    expect(result.structuredContent).toMatchObject({ turn: execution.handle?.taskId });
    expect(bridge.model.prompts().filter((prompt) => prompt === 'take your time')).toHaveLength(1);
    await client.close();
  });

  it('a task outlives its client and the bridge', async () => {
    const client = await connectTaskClient(endpoint());
    const execution = await client.session.callTool('ask', { prompt: 'remember me' });
    if (execution.kind !== 'task') throw new Error('the call is no task');
    const reference = execution.serializeReference();
    await execution.settle();
    await client.close();
    await bridge.restart();
    const again = await connectTaskClient({ ...endpoint(), url: endpoint().url });
    const view = again.session.task(execution.handle.taskId);
    expect(await view.snapshot()).toMatchObject({ status: 'completed', taskId: reference.taskId });
    const result = resultFromTaskOutcome(await view.result());
    expect(result.structuredContent).toMatchObject({ answer: 'Echo: remember me' });
    await again.close();
  });

  it('a preview is a task whose result is its diff, also when the next bridge is asked for it', async () => {
    const client = await connectTaskClient(endpoint(), accepts);
    const execution = await client.session.callTool('patch', { prompt: '!run echo one > previewed' });
    if (execution.kind !== 'task') throw new Error('the call is no task');
    const { outcome } = await execution.settle();
    const result = resultFromTaskOutcome(outcome).structuredContent;
    expect(result).toMatchObject({ status: 'completed', applied: false });
    expect(result).toMatchObject({ diff: expect.stringContaining('+one') });
    expect(existsSync(join(bridge.folders[0] ?? '', 'previewed'))).toBe(false);
    await client.close();
    await bridge.restart();
    const again = await connectTaskClient(endpoint());
    const view = again.session.task(execution.handle.taskId);
    expect(resultFromTaskOutcome(await view.result()).structuredContent).toEqual(result);
    await again.close();
  });

  it('an approval is input that the task wants, and the answer goes on with it', async () => {
    const asked: string[] = [];
    const client = await connectTaskClient(endpoint(), async (request) => {
      asked.push(JSON.stringify(request.params));
      return accepts();
    });
    const execution = await client.session.callTool('ask', { prompt: '!run touch by-task' });
    const { outcome } = await execution.settle();
    expect(resultFromTaskOutcome(outcome).structuredContent).toMatchObject({ status: 'completed' });
    expect(existsSync(join(bridge.folders[0] ?? '', 'by-task'))).toBe(true);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('touch by-task');
    await client.close();
  });

  it('a task is cancelled', async () => {
    bridge.model.script(() => [words(['a ', 'b'], (at) => (at === 1 ? new Latch().wait() : undefined))]);
    const client = await connectTaskClient(endpoint());
    const execution = await client.session.callTool('ask', { prompt: 'never ends' });
    await bridge.model.request((request) => request.prompt === 'never ends');
    await execution.cancel();
    const { outcome } = await execution.settle();
    expect(outcome.status).toBe('cancelled');
    await client.close();
  });

  it('what is no task of this folder is not found', async () => {
    const client = await connectTaskClient(endpoint());
    const execution = await client.session.callTool('ask', { prompt: 'of the first folder' });
    await execution.settle();
    const other = await connectTaskClient(endpoint(1));
    if (execution.kind !== 'task') throw new Error('the call is no task');
    const foreign = other.session.task(execution.handle.taskId);
    await expect(foreign.snapshot()).rejects.toThrow('There is no task');
    await expect(foreign.cancel()).rejects.toThrow('There is no task');
    await client.close();
    await other.close();
  });

  it('tools that do not run a turn answer at once', async () => {
    const client = await connectTaskClient(endpoint());
    const execution = await client.session.callTool('status', {});
    expect(execution.kind).toBe('immediate');
    await execution.settle();
    await client.close();
  });
});
