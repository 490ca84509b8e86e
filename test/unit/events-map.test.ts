import { describe, expect, test } from 'vitest';
import { plainMessage, turnError } from '../../src/bridge/codex/events/errors.ts';
import { MAX_ITEM_DIFF, MAX_TOOL_TEXT, toItem } from '../../src/bridge/codex/events/items.ts';
import {
  MAX_TURN_DIFF,
  TurnEventMapper,
  type TurnEventMapperOptions,
} from '../../src/bridge/codex/events/map.ts';
import { PASSED_OVER } from '../../src/bridge/codex/events/passedOver.ts';
import {
  MAX_ITEM_TEXT,
  MAX_TOLD_OUTPUT,
  OUTPUT_LONG,
  TEXT_CUT,
} from '../../src/bridge/codex/events/streamed.ts';
import type { ServerNotification } from '../../src/bridge/codex/generated/ServerNotification.ts';
import type { ThreadItem } from '../../src/bridge/codex/generated/v2/ThreadItem.ts';
import type { TurnError } from '../../src/bridge/codex/generated/v2/TurnError.ts';
import { OUTPUT_HEAD, OUTPUT_TAIL } from '../../src/shared/reducer.ts';

function mapper(more: Partial<TurnEventMapperOptions> = {}): TurnEventMapper {
  return new TurnEventMapper({ turn: 't_1', folder: '/f', now: () => 9, ...more });
}

/** A notification as Codex would send it; only the fields that matter for the test. */
function told(method: string, params: object): ServerNotification {
  return { method, params: { threadId: 'th', turnId: 'ct', ...params } } as unknown as ServerNotification;
}

function item(fields: object): ThreadItem {
  return fields as ThreadItem; // the tests give what their type needs
}

const context = { folder: '/f', done: true, startedAt: 1, endedAt: 2 };

describe('notifications', () => {
  test('those passed over, unknown ones and those of other turns give nothing', () => {
    const map = mapper();
    map.accepted('ct');
    for (const method of Object.keys(PASSED_OVER)) expect(map.map(told(method, {}))).toEqual([]);
    expect(map.map(told('thread/somethingNew', { a: 1 }))).toEqual([]);
    const other = { turnId: 'other', itemId: 'i', delta: 'x' };
    expect(map.map(told('item/agentMessage/delta', other))).toEqual([]);
    const completed = { turnId: undefined, turn: { id: 'other', status: 'completed' } };
    expect(map.map(told('turn/completed', completed))).toEqual([]);
    expect(map.ended).toBe(false);
  });

  test('the turn is accepted once, by the answer or by turn/started', () => {
    const map = mapper();
    expect(map.accepted('ct')).toEqual([{ type: 'turn.accepted', turn: 't_1', codexTurn: 'ct' }]);
    expect(map.map(told('turn/started', { turn: { id: 'ct' } }))).toEqual([]);
    expect(map.codexTurn).toBe('ct');
  });

  test('nothing comes after the end', () => {
    const map = mapper();
    const end = told('turn/completed', { turn: { id: 'ct', status: 'completed' } });
    expect(map.map(end)).toHaveLength(1);
    expect(map.map(end)).toEqual([]);
    expect(map.map(told('item/agentMessage/delta', { itemId: 'i', delta: 'x' }))).toEqual([]);
  });

  test('retries are told once each; the last error explains a failed turn without one', () => {
    const map = mapper();
    const error = { message: 'net down', codexErrorInfo: 'other', additionalDetails: null };
    const retry = told('error', { error, willRetry: true });
    expect(map.map(retry)).toMatchObject([
      { notice: { kind: 'warning', text: 'Codex tries again: net down' } },
    ]);
    expect(map.map(retry)).toEqual([]);
    expect(map.map(told('error', { error, willRetry: false }))).toEqual([]);
    const [end] = map.map(told('turn/completed', { turn: { id: 'ct', status: 'failed', error: null } }));
    expect(end).toMatchObject({ status: 'failed', error: { code: 'MODEL_ERROR' } });
    expect(JSON.stringify(end)).toContain('net down.');
  });

  test('warnings and a rerouted model are notices', () => {
    const map = mapper();
    expect(map.map(told('warning', { message: 'careful' }))).toMatchObject([{ notice: { text: 'careful' } }]);
    const config = { summary: 'Bad config.', details: 'Line 3' };
    expect(map.map(told('configWarning', config))).toMatchObject([
      { notice: { text: 'Bad config. Line 3' } },
    ]);
    const rerouted = { fromModel: 'a', toModel: 'b', reason: 'x' };
    expect(map.map(told('model/rerouted', rerouted))).toMatchObject([{ notice: { kind: 'model_rerouted' } }]);
  });

  test('notices are bounded', () => {
    const map = mapper();
    let notices = 0;
    for (let i = 0; i < 200; i++) notices += map.map(told('warning', { message: `w${i}` })).length;
    expect(notices).toBe(50);
  });

  test("a turn's usage is the thread's less what was before, also in a resumed thread", () => {
    const breakdown = (total: number) => ({
      totalTokens: total,
      inputTokens: total - 10,
      cachedInputTokens: 0,
      outputTokens: 10,
      reasoningOutputTokens: 0,
    });
    const usage = (total: number, last: number) =>
      told('thread/tokenUsage/updated', {
        tokenUsage: { total: breakdown(total), last: breakdown(last), modelContextWindow: null },
      });
    const map = mapper();
    expect(map.map(usage(1_100, 100))).toMatchObject([{ usage: { total: 100 } }]);
    expect(map.map(usage(1_300, 200))).toMatchObject([{ usage: { total: 300 } }]);
    const next = mapper(map.threadUsage === undefined ? {} : { usageBefore: map.threadUsage });
    expect(next.map(usage(1_350, 50))).toMatchObject([{ usage: { total: 50 } }]);
  });

  test('a diff that is too long is cut at a line, and says so', () => {
    const line = `+${'x'.repeat(99)}\n`;
    const diff = `diff --git a/x b/x\n@@ -0,0 +1,99999 @@\n${line.repeat(MAX_TURN_DIFF / 100)}`;
    const [notice, event] = mapper().map(told('turn/diff/updated', { diff }));
    expect(notice).toMatchObject({ type: 'turn.notice', notice: { kind: 'truncated' } });
    if (event?.type !== 'turn.diff') throw new Error('no diff');
    expect(event.diff.length).toBeLessThanOrEqual(MAX_TURN_DIFF + 1);
    expect(event.diff.endsWith(line)).toBe(true);
  });

  test('a changed patch replaces the running item; its approval sees the newest', () => {
    const map = mapper();
    const change = (diff: string) => [{ path: '/f/a', kind: { type: 'add' }, diff }];
    const started = item({ type: 'fileChange', id: 'p', changes: change('1\n'), status: 'inProgress' });
    map.map(told('item/started', { item: started, startedAtMs: 4 }));
    const events = map.map(told('item/fileChange/patchUpdated', { itemId: 'p', changes: change('1\n2\n') }));
    expect(events).toMatchObject([{ type: 'item.started', item: { startedAt: 4, changes: [{ added: 2 }] } }]);
    expect(map.changesOf('p')).toMatchObject([{ added: 2 }]);
    expect(map.changesOf('q')).toBeUndefined();
  });

  test('a compaction before the prompt does not make the prompt an item', () => {
    const map = mapper();
    const compaction = item({ type: 'contextCompaction', id: 'c' });
    expect(map.map(told('item/started', { item: compaction, startedAtMs: 1 }))).toHaveLength(1);
    const prompt = item({ type: 'userMessage', id: 'u', clientId: 't_1', content: [] });
    expect(map.map(told('item/started', { item: prompt, startedAtMs: 1 }))).toEqual([]);
    expect(map.map(told('item/completed', { item: prompt, completedAtMs: 1 }))).toEqual([]);
  });

  test('a command keeps what was streamed where its end has less', () => {
    const map = mapper();
    const command = (aggregatedOutput: string | null, status: string) =>
      item({
        type: 'commandExecution',
        id: 'c',
        command: 'x',
        cwd: '/f',
        status,
        aggregatedOutput,
        exitCode: 0,
      });
    map.map(told('item/started', { item: command(null, 'inProgress'), startedAtMs: 1 }));
    map.map(told('item/commandExecution/outputDelta', { itemId: 'c', delta: 'all of it' }));
    const completed = told('item/completed', { item: command('cut', 'completed'), completedAtMs: 2 });
    expect(map.map(completed)).toMatchObject([{ item: { output: 'all of it', startedAt: 1, endedAt: 2 } }]);
  });

  test('B21: of a command that prints without end, the end is what Codex ends with, and it is said', () => {
    const map = mapper();
    const command = (fields: object) =>
      item({ type: 'commandExecution', id: 'c', command: 'x', cwd: '/f', status: 'completed', ...fields });
    const running = { status: 'inProgress', aggregatedOutput: null };
    map.map(told('item/started', { item: command(running), startedAtMs: 1 }));
    const delta = 'd'.repeat(1_000_000);
    const events = Array.from({ length: 5 }, () =>
      map.map(told('item/commandExecution/outputDelta', { itemId: 'c', delta })),
    ).flat();
    const shown = events.flatMap((event) => (event.type === 'item.delta' ? [event.text] : [])).join('');
    expect(shown).toHaveLength(MAX_TOLD_OUTPUT);
    const notices = events.filter((event) => event.type === 'turn.notice');
    expect(notices).toMatchObject([{ notice: { kind: 'truncated', text: OUTPUT_LONG } }]);
    const aggregatedOutput = `${'d'.repeat(1_000_000)}LAST`;
    const end = { item: command({ aggregatedOutput, exitCode: 0 }), completedAtMs: 2 };
    const [completed] = map.map(told('item/completed', end));
    if (completed?.type !== 'item.completed' || completed.item.type !== 'command') throw new Error('no item');
    const { output, omitted } = completed.item;
    expect(output).toHaveLength(OUTPUT_HEAD + OUTPUT_TAIL);
    expect(output.endsWith('LAST')).toBe(true);
    expect(omitted).toBe(5_000_000 - output.length);
  });

  test.each([
    ['item/agentMessage/delta', 'agentMessage', {}],
    ['item/plan/delta', 'plan', {}],
    ['item/reasoning/summaryTextDelta', 'reasoning', { summaryIndex: 0 }],
  ])(
    'B21: %s without end is kept up to a bound, the same while it streams and whole, and it is said',
    (method, type, more) => {
      const map = mapper();
      const piece = '\ud83d\udc4d'.repeat(500_000);
      const whole = `x${piece.repeat(9)}`;
      map.map(
        told('item/started', {
          item: item({ type, id: 'i', text: '', summary: [], content: [] }),
          startedAtMs: 1,
        }),
      );
      const events = ['x', ...Array<string>(9).fill(piece)].flatMap((delta) =>
        map.map(told(method, { itemId: 'i', delta, ...more })),
      );
      const shown = events.flatMap((event) => (event.type === 'item.delta' ? [event.text] : [])).join('');
      expect(shown).toBe(whole.slice(0, MAX_ITEM_TEXT - 1));
      const notices = events.filter((event) => event.type === 'turn.notice');
      expect(notices).toMatchObject([{ notice: { kind: 'truncated', text: TEXT_CUT } }]);
      const done = item({ type, id: 'i', text: whole, summary: [whole], content: [] });
      const [completed, ...rest] = map.map(told('item/completed', { item: done, completedAtMs: 2 }));
      expect(completed).toMatchObject({ item: type === 'reasoning' ? { summary: shown } : { text: shown } });
      expect(rest).toEqual([]);
    },
  );
});

describe('items', () => {
  test('long output keeps its head and tail and says what is missing', () => {
    const aggregatedOutput = 'h'.repeat(OUTPUT_HEAD) + 'm'.repeat(1_000_000) + 't'.repeat(OUTPUT_TAIL);
    const fields = {
      id: 'c',
      command: 'x',
      cwd: '/f',
      status: 'completed',
      exitCode: null,
      durationMs: null,
    };
    const mapped = toItem(item({ type: 'commandExecution', aggregatedOutput, ...fields }), context);
    expect(mapped).toMatchObject({ type: 'command', omitted: 1_000_000, status: 'completed' });
    expect(mapped).not.toHaveProperty('exitCode');
  });

  test('a tool call with bounded arguments', () => {
    const call = {
      type: 'mcpToolCall',
      id: 'm',
      server: 's',
      tool: 't',
      status: 'failed',
      arguments: { text: 'x'.repeat(MAX_TOOL_TEXT) },
      result: null,
      error: { message: 'no' },
    };
    const mapped = toItem(item(call), context);
    expect(mapped).toMatchObject({
      type: 'tool_call',
      server: 's',
      tool: 't',
      status: 'failed',
      error: 'no',
    });
    if (mapped.type !== 'tool_call') throw new Error('no tool call');
    expect(mapped.args).toMatch(/ … 11 more characters not shown$/);
    expect(mapped).not.toHaveProperty('result');
  });

  test('a huge diff of one file is cut at a line; the counts stay whole', () => {
    const diff = 'line\n'.repeat(MAX_ITEM_DIFF / 5);
    const change = { path: '/f/a', kind: { type: 'add' }, diff };
    const mapped = toItem(
      item({ type: 'fileChange', id: 'p', status: 'completed', changes: [change] }),
      context,
    );
    if (mapped.type !== 'file_change') throw new Error('no file change');
    expect(mapped.changes[0]?.added).toBe(Math.floor(MAX_ITEM_DIFF / 5));
    expect(mapped.changes[0]?.diff).toMatch(/\+line\n\\ \d+ more characters not shown\n$/);
  });

  test.each([
    [
      { type: 'webSearch', id: 'i', query: 'q', action: null, results: null },
      { type: 'web_search', query: 'q' },
    ],
    [
      { type: 'plan', id: 'i', text: 'p' },
      { type: 'plan', text: 'p' },
    ],
    [
      { type: 'exitedReviewMode', id: 'i', review: 'r' },
      { type: 'review', text: 'r' },
    ],
    [
      { type: 'enteredReviewMode', id: 'i', review: 'what' },
      { type: 'other', name: 'enteredReviewMode' },
    ],
    [{ type: 'contextCompaction', id: 'i' }, { type: 'compaction' }],
    [
      { type: 'imageGeneration', id: 'i', savedPath: '/f/d/x.png' },
      { type: 'image', path: 'd/x.png' },
    ],
    [
      { type: 'imageGeneration', id: 'i' },
      { type: 'other', name: 'imageGeneration' },
    ],
    [
      { type: 'sleep', id: 'i', durationMs: 1 },
      { type: 'other', name: 'sleep' },
    ],
    [
      { type: 'somethingNew', id: 'i' },
      { type: 'other', name: 'somethingNew' },
    ],
    [
      { type: 'dynamicToolCall', id: 'i', namespace: null, tool: 't', arguments: 1, contentItems: null },
      { type: 'tool_call', server: 'codex', tool: 't', args: '1' },
    ],
    [{ type: 'agentMessage', id: 'i', text: 'a', phase: 'final_answer' }, { phase: 'final_answer' }],
    [
      {
        type: 'userMessage',
        id: 'i',
        content: [
          { type: 'text', text: 'a' },
          { type: 'localImage', path: '/x' },
        ],
      },
      { type: 'user_message', text: 'a\n\n[image]' },
    ],
  ])('%o', (fields, expected) => {
    const mapped = toItem(item(fields), context);
    expect(mapped).toMatchObject({ id: 'i', status: 'completed', startedAt: 1, endedAt: 2, ...expected });
    const running = toItem(item(fields), { ...context, done: false });
    expect(running.status).toBe('running');
    expect(running).not.toHaveProperty('endedAt');
  });
});

describe('errors', () => {
  const error = (codexErrorInfo: TurnError['codexErrorInfo']): TurnError => ({
    message: 'It broke',
    codexErrorInfo,
    additionalDetails: null,
    misalignment: null,
  });

  test.each([
    ['unauthorized', 'CODEX_LOGGED_OUT', 'codex login'],
    ['contextWindowExceeded', 'MODEL_ERROR', 'new session'],
    ['usageLimitExceeded', 'MODEL_ERROR', 'usage limit'],
    ['sandboxError', 'CODEX_REFUSED', 'doctor'],
    ['somethingNew', 'MODEL_ERROR', 'Ask again'],
    ['constructor', 'MODEL_ERROR', 'Ask again'],
  ])('%s', (info, code, words) => {
    const mapped = turnError(error(info));
    expect(mapped.code).toBe(code);
    expect(mapped.message).toMatch(/^It broke\. /);
    expect(mapped.message).toContain(words);
  });

  test('by HTTP status, by name with details, and without anything', () => {
    expect(turnError(error({ responseStreamConnectionFailed: { httpStatusCode: 401 } })).code).toBe(
      'CODEX_LOGGED_OUT',
    );
    expect(turnError(error({ responseStreamDisconnected: { httpStatusCode: null } })).message).toContain(
      'network',
    );
    expect(turnError(error(null)).code).toBe('MODEL_ERROR');
    expect(turnError(null).message).toContain('Ask again');
  });

  test('the words of the endpoint, where there are some', () => {
    expect(plainMessage('{"error":{"message":"no"}}')).toBe('no');
    expect(plainMessage('{"message":"no"}')).toBe('no');
    expect(plainMessage('{broken')).toBe('{broken');
    expect(plainMessage('{"a":1}')).toBe('{"a":1}');
  });
});
