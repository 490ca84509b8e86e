import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_IMPORT_LENGTH, writeExport } from '../../src/bridge/history/exchange.ts';
import type { History } from '../../src/bridge/history/history.ts';
import type { Item, SessionSnapshot, TurnSnapshot } from '../../src/shared/session.ts';
import { FOLDER, historyDir, newSession, queuedTurn, tokens } from './history-support.ts';

let dir: Awaited<ReturnType<typeof historyDir>>;
let store: History;

beforeEach(async () => {
  dir = await historyDir();
  store = dir.open({ file: ':memory:' });
});
afterEach(() => dir.dispose());

const base = { status: 'completed', startedAt: 1, endedAt: 2 } as const;
const change = { path: 'a.ts', kind: 'update', movedTo: 'b.ts', added: 1, removed: 2, diff: '@@' } as const;

/** One of each. */
const ITEMS: readonly Item[] = [
  { ...base, id: '1', type: 'user_message', text: 'x' },
  { ...base, id: '2', type: 'agent_message', text: '\ud83d half', phase: 'final' },
  { ...base, id: '3', type: 'reasoning', summary: 's', text: 't' },
  {
    ...base,
    id: '4',
    type: 'command',
    command: 'c',
    cwd: '/',
    output: 'o',
    omitted: 3,
    exitCode: -1,
    durationMs: 1.5,
  },
  { ...base, id: '5', type: 'file_change', changes: [change] },
  { ...base, id: '6', type: 'tool_call', server: 's', tool: 't', args: '{}', result: 'r', error: 'e' },
  { ...base, id: '7', type: 'web_search', query: 'q' },
  { ...base, id: '8', type: 'plan', text: 'p' },
  { ...base, id: '9', type: 'image', path: 'p.png' },
  { ...base, id: '10', type: 'review', text: 'r' },
  { ...base, id: '11', type: 'compaction' },
  { ...base, id: '12', type: 'other', name: 'new' },
];

function fullSession(): SessionSnapshot {
  const turn: TurnSnapshot = {
    ...queuedTurn('t_1', 'prompt'),
    attachments: [{ kind: 'file', label: 'a.ts' }],
    status: 'failed',
    startedAt: 2001.5,
    endedAt: 2002,
    codexTurn: 'codex-turn',
    model: 'm',
    items: ITEMS,
    plan: [{ step: 's', status: 'in_progress' }],
    diff: 'diff',
    usage: tokens(3, 2, 1),
    error: { code: 'MODEL_ERROR', message: 'no' },
    notices: [{ kind: 'warning', text: 'n' }],
  };
  return newSession('s_1', {
    title: 'Title',
    archived: true,
    usage: tokens(3, 2, 1),
    settings: {
      model: 'm',
      effort: 'high',
      sandbox: 'danger-full-access',
      approvalPolicy: 'never',
      instructions: 'i',
    },
    context: { used: 1, window: 2 },
    forkedFrom: 's_0',
    thread: 'thread',
    turns: [turn],
    seq: 7,
  });
}

/** What is stored of the session, as an export. */
function exported(): string {
  const session = store.read('s_1');
  if (session === undefined) throw new Error('it is not stored');
  return writeExport(session);
}

/** The export of a full session, changed at one place. */
function exportWith(
  change: (data: { format: string; version: number; session: Record<string, unknown> }) => void,
): string {
  store.createSession(fullSession());
  const data = JSON.parse(exported());
  change(data);
  return JSON.stringify(data);
}

function imported(data: string): SessionSnapshot {
  const [id = ''] = store.importJson(data, FOLDER);
  const session = store.read(id);
  if (session === undefined) throw new Error('imported, but not there');
  return session;
}

describe('export and import', () => {
  it('round trip: all but ids, thread and rights', () => {
    const session = fullSession();
    store.createSession(session);
    const data = exported();
    expect(JSON.parse(data)).toEqual({ format: 'codex-bridge-session', version: 1, session });
    const copy = imported(data);
    expect(copy.id).toMatch(/^s_/);
    expect(copy.id).not.toBe('s_1');
    const { thread: _t, forkedFrom: _f, ...rest } = session;
    const turns = session.turns.map(({ codexTurn: _c, ...turn }) => ({ ...turn, id: copy.turns[0]?.id }));
    expect(copy).toStrictEqual({
      ...rest,
      id: copy.id,
      settings: { model: 'm', effort: 'high', instructions: 'i' },
      turns,
      seq: 0,
    });
    expect(copy.turns[0]?.id).not.toBe('t_1');
    expect(store.sessionOfThread('thread')).toBe('s_1');
    // Once more: ids are new each time.
    expect(imported(data).id).not.toBe(copy.id);
    expect(store.list({ archived: true, query: 'prompt' }).sessions).toHaveLength(3);
  });

  it('ends what had not ended, and drops questions', () => {
    const open = { ...fullSession().turns[0], status: 'waiting_for_approval', endedAt: undefined };
    const data = exportWith(({ session }) => {
      session['turns'] = [
        { ...open, items: [{ ...ITEMS[1], status: 'running', endedAt: undefined }] },
        queuedTurn('t_2', 'later'),
      ];
      session['approvals'] = [{ id: 'a', turn: 't_1' }];
    });
    const copy = imported(data);
    expect(copy.approvals).toEqual([]);
    expect(copy.turns.map(({ status, endedAt }) => [status, endedAt])).toEqual([
      ['interrupted', 1_000_000],
      ['interrupted', 1_000_000],
    ]);
    expect(copy.turns[0]?.items[0]).toMatchObject({ status: 'failed', endedAt: 1_000_000 });
    expect(store.unfinished()).toEqual([]);
  });

  it('leaves out fields that it does not know', () => {
    const data = exportWith(({ session }) => {
      session['token'] = 'secret';
    });
    const copy = imported(data.replace('"token":', '"__proto__":{"polluted":true},"token":'));
    expect(copy).not.toHaveProperty('token');
    expect(copy).not.toHaveProperty('polluted');
  });

  it.each<
    [string, RegExp, (data: { format: string; version: number; session: Record<string, unknown> }) => void]
  >([
    ['another format', /codex-bridge-session/, (data) => (data.format = 'other')],
    ['a newer version', /newer.*update Codex Bridge/, (data) => (data.version = 2)],
    ['a version of nonsense', /codex-bridge-session/, (data) => (data.version = 0)],
    ['a missing title', /session\.title/, ({ session }) => delete session['title']],
    ['turns that are none', /session\.turns/, ({ session }) => (session['turns'] = 'x')],
    [
      'a turn without prompt',
      /session\.turns\.0\.prompt/,
      ({ session }) => (session['turns'] = [{ ...queuedTurn('t', ''), prompt: 1 }]),
    ],
    ['a time out of range', /session\.createdAt/, ({ session }) => (session['createdAt'] = 1e300)],
    [
      'negative tokens',
      /session\.usage\.input/,
      ({ session }) => (session['usage'] = { ...tokens(0, 0, 0), input: -1 }),
    ],
    [
      'an unknown item',
      /session\.turns\.0\.items\.0/,
      ({ session }) =>
        (session['turns'] = [{ ...queuedTurn('t', 'p'), items: [{ ...ITEMS[0], type: 'evil' }] }]),
    ],
  ])('refuses %s', (_name, reason, change) => {
    const data = exportWith(change);
    expect(() => store.importJson(data, FOLDER)).toThrow(reason);
    expect(() => store.importJson(data, FOLDER)).toThrow(expect.objectContaining({ code: 'IMPORT_INVALID' }));
    expect(store.list({ archived: true }).sessions).toHaveLength(1);
  });

  it.each([
    '',
    'nonsense',
    '[]',
    'null',
    '{"format":"codex-bridge-session"}',
    '{"format":"codex-bridge-session","version":1}',
  ])('refuses %j', (data) => {
    expect(() => store.importJson(data, FOLDER)).toThrow(expect.objectContaining({ code: 'IMPORT_INVALID' }));
  });

  it('refuses what is too large before it is parsed', () => {
    const data = '['.repeat(MAX_IMPORT_LENGTH + 1);
    expect(() => store.importJson(data, FOLDER)).toThrow(/larger than 64 MB/);
  });
});
