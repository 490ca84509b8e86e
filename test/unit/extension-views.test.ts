import { describe, expect, test } from 'vitest';
import { SessionList } from '../../src/extension/sessionList.ts';
import { isNode, lookOf, relativeTime, sessionOf } from '../../src/extension/views/sessionNodes.ts';
import { english as plain } from '../../src/shared/l10n.ts';
import { NO_USAGE, type SessionSummary } from '../../src/shared/session.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

const session = (part: Partial<SessionSummary>): SessionSummary => ({
  id: 's_1',
  folder: 'f',
  title: 'A title',
  state: 'idle',
  archived: false,
  createdAt: 0,
  updatedAt: NOW - 3 * MINUTE,
  turns: 2,
  usage: NO_USAGE,
  settings: {},
  ...part,
});

describe('a session in the tree', () => {
  test.each([
    ['idle', 'comment', undefined, 'session.idle', '3 min · 2 turns'],
    ['running', 'sync~spin', 'charts.blue', 'session.busy', 'running · 3 min · 2 turns'],
    [
      'waiting_for_approval',
      'bell-dot',
      'notificationsWarningIcon.foreground',
      'session.busy',
      'waiting for you · 3 min · 2 turns',
    ],
    ['queued', 'clock', 'charts.blue', 'session.busy', 'queued · 3 min · 2 turns'],
    ['failed', 'error', 'notificationsErrorIcon.foreground', 'session.idle', 'failed · 3 min · 2 turns'],
  ] as const)('that is %s', (state, icon, color, context, description) => {
    const look = lookOf(session({ state }), NOW, plain);
    expect(look).toMatchObject({ label: 'A title', icon, context, description });
    expect(look.color).toBe(color);
  });

  test('that has held prompts, which say more than that it is queued', () => {
    const described = (part: Partial<SessionSummary>) => lookOf(session(part), NOW, plain).description;
    expect(described({ state: 'queued', held: 2 })).toBe('2 held · 3 min · 2 turns');
    expect(described({ state: 'running', held: 1 })).toBe('running · 1 held · 3 min · 2 turns');
  });

  test('that is archived, has no title, and of which only the index knows', () => {
    const look = lookOf(session({ archived: true, title: ' ', turns: 0, state: 'failed' }), NOW, plain);
    expect(look).toEqual({
      label: 'Untitled session',
      description: 'failed · 3 min · archived',
      icon: 'archive',
      context: 'session.archived',
      state: 'archived',
    });
  });

  test.each([
    [-5, 'now'],
    [59_999, 'now'],
    [MINUTE, '1 min'],
    [59 * MINUTE, '59 min'],
    [60 * MINUTE, '1 h'],
    [25 * 60 * MINUTE, '1 d'],
    [6 * 24 * 60 * MINUTE, '6 d'],
    [15 * 24 * 60 * MINUTE, '2 wk'],
  ])('used %d ms ago', (ago, shown) => {
    expect(relativeTime(NOW - ago, NOW, plain)).toBe(shown);
  });
});

test('commands take a session by its id or its node, and nothing else', () => {
  expect(sessionOf('s_1')).toBe('s_1');
  expect(sessionOf({ node: 'session', id: 's_2', folder: 'f' })).toBe('s_2');
  for (const other of [
    undefined,
    null,
    7,
    {},
    { node: 'session' },
    { node: 'folder', key: 'f', name: 'F' },
  ]) {
    expect(sessionOf(other)).toBeUndefined();
  }
  expect(isNode({ node: 'folder', key: 'f', name: 'F' })).toBe(true);
  expect(isNode({ session: 's_1' })).toBe(false);
});

test('a hidden session is in no list until it is shown again', () => {
  const list = new SessionList([]);
  list.replace(['f'], [session({ id: 'a' }), session({ id: 'b', archived: true })]);
  list.hide('a', true);
  list.hide('b', true);
  expect([list.list(), list.archived(), list.get('a')]).toEqual([[], [], undefined]);
  // What the bridge tells meanwhile does not bring it back.
  list.put(session({ id: 'a', title: 'renamed' }));
  expect(list.list()).toEqual([]);
  list.hide('a', false);
  list.hide('b', false);
  expect(list.list().map(({ title }) => title)).toEqual(['renamed']);
  expect(list.archived().map(({ id }) => id)).toEqual(['b']);
});
