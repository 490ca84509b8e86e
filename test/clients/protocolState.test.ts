import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type RawAnswer, rawRequest } from '../support/rawMcp.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';

const ACCEPT = { action: 'accept', content: { decision: 'accept' } };
const DECLINE = { action: 'accept', content: { decision: 'decline' } };

/** What a client of 2026-07-28 is given and brings back, brought back by somebody who means harm. */
describe('A11: what a client brings back', () => {
  let bridge: RealBridge;
  let files = 0;

  beforeAll(async () => {
    bridge = await startRealBridge({
      folders: 2,
      settings: {
        defaults: { ...DEFAULT_SETTINGS.defaults, approvalPolicy: 'untrusted' },
        mcp: { ...DEFAULT_SETTINGS.mcp, elicitApprovals: true },
      },
    });
  });
  afterAll(() => bridge.close());

  const endpoint = (index = 0) => bridge.endpoints.folders[index] ?? expect.fail();
  const made = (file: string) => existsSync(join(bridge.folders[0] ?? '', file));
  const call = (args: object, more: object = {}, at = endpoint()) =>
    rawRequest(at, 'tools/call', 'ask', { name: 'ask', arguments: args, ...more }, {});
  const codeOf = ({ result }: RawAnswer) =>
    (result?.['structuredContent'] as { error?: { code: string } } | undefined)?.error?.code;
  const approvalsOf = () =>
    bridge
      .folder(0)
      .pendingTurns()
      .flatMap(({ session }) => session.snapshot.approvals);

  /** A call that ended with a question. */
  async function asked() {
    const file = `made${files++}`;
    const args = { prompt: `!run touch ${file}` };
    const { result } = await call(args);
    const requestState = result?.['requestState'];
    if (typeof requestState !== 'string') throw new Error(`nothing was asked: ${JSON.stringify(result)}`);
    return { file, args, requestState, before: approvalsOf() };
  }

  it('answers its own call, unchanged and once', async () => {
    const { file, args, requestState, before } = await asked();
    const accept = { requestState, inputResponses: { approval: ACCEPT } };
    const at = requestState.length / 2;
    const flipped = `${requestState.slice(0, at)}${requestState[at] === 'A' ? 'B' : 'A'}${requestState.slice(at + 1)}`;
    for (const state of [flipped, requestState.slice(0, -8), `${requestState}AAAA`, 'v1.e30.AAAA', '']) {
      const { error } = await call(args, { ...accept, requestState: state });
      expect(error?.code, state).toBeLessThan(0);
    }
    expect(codeOf(await call({ ...args, prompt: 'something else' }, accept))).toBe('INVALID_INPUT');
    expect(codeOf(await call(args, accept, endpoint(1)))).toBe('INVALID_INPUT');
    expect(approvalsOf()).toEqual(expect.arrayContaining([...before]));
    expect(made(file)).toBe(false);

    const { result } = await call(args, accept);
    expect(result?.['structuredContent']).toMatchObject({ status: 'completed' });
    expect(made(file)).toBe(true);
    // The same again is the same; another answer is refused.
    expect((await call(args, accept)).result?.['structuredContent']).toMatchObject({ status: 'completed' });
    const other = { requestState, inputResponses: { approval: DECLINE } };
    expect(codeOf(await call(args, other))).toBe('APPROVAL_NOT_FOUND');
    expect(bridge.model.prompts().filter((prompt) => prompt === 'something else')).toEqual([]);
  });

  it('answers nothing after a restart of the bridge', async () => {
    const { file, args, requestState } = await asked();
    await bridge.restart();
    const { error } = await call(args, { requestState, inputResponses: { approval: ACCEPT } });
    expect(error?.code).toBeLessThan(0);
    expect(made(file)).toBe(false);
  });

  it('of a task is for its own question, with what it showed', async () => {
    const file = `made${files++}`;
    const begun = await rawRequest(endpoint(), 'tools/call', 'ask', {
      name: 'ask',
      arguments: { prompt: `!run touch ${file}` },
    });
    const taskId = String(begun.result?.['taskId']);
    const task = (method: string, more: object = {}, at = endpoint()) =>
      rawRequest(at, `tasks/${method}`, taskId, { taskId, ...more });
    let state: RawAnswer = {};
    await expect
      .poll(
        async () => {
          state = await task('get');
          return state.result?.['status'];
        },
        { timeout: 20_000 },
      )
      .toBe('input_required');
    const [key = ''] = Object.keys(state.result?.['inputRequests'] ?? {});
    const [approval] = approvalsOf().filter(({ turn }) => turn === taskId);
    expect(key.startsWith(`${approval?.id}.`)).toBe(true);
    for (const wrong of [approval?.id ?? '', `${approval?.id}.0000000000000000`, `${key}x`, 'approval']) {
      await task('update', { inputResponses: { [wrong]: ACCEPT } });
    }
    expect(
      (await task('update', { inputResponses: { [key]: ACCEPT } }, endpoint(1))).error?.message,
    ).toContain('There is no task');
    expect(approvalsOf()).toContainEqual(approval);
    expect(made(file)).toBe(false);
    await task('update', { inputResponses: { [key]: ACCEPT } });
    await expect
      .poll(async () => (await task('get')).result?.['status'], { timeout: 20_000 })
      .toBe('completed');
    expect(made(file)).toBe(true);
  });

  it('as an idempotency key finds its own prompt only', async () => {
    const first = await call({ prompt: 'once', idempotency_key: 'k' });
    const turn = (first.result?.['structuredContent'] as { turn?: string } | undefined)?.turn;
    const again = await call({ prompt: 'once', idempotency_key: 'k' });
    expect(again.result?.['structuredContent']).toMatchObject({ turn });
    expect(codeOf(await call({ prompt: 'twice', idempotency_key: 'k' }))).toBe('INVALID_INPUT');
    expect(bridge.model.prompts().filter((prompt) => prompt === 'twice')).toEqual([]);
  });
});
