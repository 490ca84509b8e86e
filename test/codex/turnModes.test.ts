import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, text, words } from '../support/scriptedModel.ts';

const source = { kind: 'mcp', name: 'test' } as const;
const PLAN = JSON.stringify({
  summary: 'Two steps.',
  steps: [
    { step: 'Write the test', details: 'It must fail first.', files: ['test/a.test.ts'] },
    { step: 'Write the code', details: '', files: [] },
  ],
});

describe('a turn that makes a plan', () => {
  let bridge: RealBridge;
  beforeAll(async () => {
    bridge = await startRealBridge();
  });
  afterAll(() => bridge.close());

  it('asks the model for a schema, and shows words and steps, not JSON', async () => {
    bridge.model.script(() => [words(PLAN)]);
    const session = bridge.folder(0).createSession({});
    const told: string[] = [];
    session.onChange(({ event }) => {
      if (event.type === 'item.delta') told.push(event.text);
    });
    const { turn } = await session.prompt({ prompt: 'make a plan', source, mode: 'plan' });
    const ended = await session.ended(turn);
    expect(ended.plan).toEqual([
      {
        step: 'Write the test',
        status: 'pending',
        details: 'It must fail first.',
        files: ['test/a.test.ts'],
      },
      { step: 'Write the code', status: 'pending' },
    ]);
    const message = ended.items.findLast((item) => item.type === 'agent_message');
    expect(message).toMatchObject({
      text: 'Two steps.\n\n1. Write the test\n   It must fail first.\n   `test/a.test.ts`\n2. Write the code',
    });
    expect(told).toEqual([]);
    const request = await bridge.model.request((one) => one.prompt === 'make a plan');
    expect(request.body['text']).toMatchObject({
      format: { type: 'json_schema', schema: { required: ['summary', 'steps'] } },
    });
  });

  it('can write nothing, asks nobody, and the next prompt has its own rights again', async () => {
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('echo x > planned.txt')] : [text(PLAN)],
    );
    const session = bridge.folder(0).createSession({});
    const { turn } = await session.prompt({ prompt: 'plan it', source, mode: 'plan' });
    const ended = await session.ended(turn);
    expect(ended.status).toBe('completed');
    const file = join(bridge.folders[0] ?? '', 'planned.txt');
    expect(existsSync(file)).toBe(false);
    bridge.model.script((request) =>
      request.outputs.length === 0 ? [command('echo x > planned.txt')] : [text('done')],
    );
    const next = await session.prompt({ prompt: 'do it', source });
    expect((await session.ended(next.turn)).status).toBe('completed');
    expect(readFileSync(file, 'utf8')).toBe('x\n');
    const request = await bridge.model.request((one) => one.prompt === 'do it');
    expect(request.body['text']).not.toMatchObject({ format: { type: 'json_schema' } });
  });
});
