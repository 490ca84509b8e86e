import { describe, expect, test } from 'vitest';
import { describeTurn } from '../../src/bridge/mcp/result.ts';
import { filesOf } from '../../src/bridge/mcp/turnFiles.ts';
import {
  type ChangedFile,
  changesParams,
  type TurnChanges,
  withoutCopies,
} from '../../src/shared/changes.ts';
import { reduce } from '../../src/shared/reducer.ts';
import type { Item } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

const file = (path: string, more: Partial<ChangedFile> = {}): ChangedFile => ({
  path,
  kind: 'update',
  type: 'file',
  binary: false,
  added: 1,
  removed: 2,
  ...more,
});
const changes = (more: Partial<TurnChanges> = {}): TurnChanges => ({
  files: [],
  more: 0,
  overlaps: [],
  excluded: [],
  notes: [],
  complete: true,
  ...more,
});
const edit = (path: string): Item => ({
  id: path,
  status: 'completed',
  startedAt: 1,
  type: 'file_change',
  changes: [{ path, kind: 'update', added: 7, removed: 7, diff: '' }],
});

describe('the changes of a turn', () => {
  test('are in its snapshot until and after its end, and come only before it', () => {
    const told = { type: 'turn.changes', turn: 't_1', changes: changes({ files: [file('a')] }) } as const;
    const ended = { type: 'turn.ended', turn: 't_1', at: 5, status: 'completed' } as const;
    const before = reduce(sessionWith([queuedTurn('t_1')]), { seq: 1, event: told });
    const after = reduce(before, { seq: 2, event: ended });
    expect(after.turns[0]?.changes?.files).toEqual([file('a')]);
    const late = reduce(reduce(sessionWith([queuedTurn('t_1')]), { seq: 1, event: ended }), {
      seq: 2,
      event: told,
    });
    expect(late.turns[0]?.changes).toBeUndefined();
  });

  test('without copies can be shown, but not reverted', () => {
    const { files } = withoutCopies(changes({ files: [file('a'), file('b')] }), 'why');
    expect(files.map(({ notRevertible }) => notRevertible)).toEqual(['why', 'why']);
  });

  test('are told to MCP clients as they are on the disk, with what was not looked at there', () => {
    const turn = queuedTurn('t_1', {
      items: ['a', 'reverted-by-itself', 'dist/x', 'dist-not', 'secret', '/outside/y', 'C:\\outside\\z'].map(
        edit,
      ),
      changes: changes({
        files: [file('a'), file('b', { kind: 'rename', movedTo: 'c' }), file('d', { kind: 'mode' })],
        excluded: [
          { path: 'dist/', reason: 'ignored' },
          { path: 'secret', reason: 'ignored' },
        ],
      }),
    });
    expect(filesOf(turn).map(({ path, kind, moved_to }) => [path, kind, moved_to])).toEqual([
      ['a', 'update', undefined],
      ['b', 'update', 'c'],
      ['d', 'update', undefined],
      ['dist/x', 'update', undefined],
      ['secret', 'update', undefined],
      ['/outside/y', 'update', undefined],
      ['C:\\outside\\z', 'update', undefined],
    ]);
  });

  test('are what Codex tells where the folder was not compared, and the result says so', () => {
    const turn = queuedTurn('t_1', {
      status: 'completed',
      items: [edit('a')],
      changes: changes({ complete: false, notes: ['Too many files.'], overlaps: ['t_2'], more: 3 }),
    });
    const result = describeTurn({ session: 's_1', turn, approvals: [], settings: DEFAULT_SETTINGS });
    expect(result.files).toEqual([{ path: 'a', kind: 'update', added: 7, removed: 7 }]);
    expect(result.notices).toEqual([
      'Too many files.',
      expect.stringContaining('(t_2)'),
      '3 more changed files are not listed.',
    ]);
  });

  test('are asked for with closed words', () => {
    const ask = { session: 's_1', turn: 't_1' };
    expect(changesParams['changes.revert'].safeParse({ ...ask, path: 'a', hunk: 0 }).success).toBe(true);
    expect(changesParams['changes.revert'].safeParse({ ...ask, path: 'a', hunk: -1 }).success).toBe(false);
    expect(changesParams['changes.read'].safeParse({ ...ask, path: '' }).success).toBe(false);
    expect(changesParams['changes.keep'].safeParse({ ...ask, path: 'a' }).success).toBe(false);
  });
});
