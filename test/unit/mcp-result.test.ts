import { describe, expect, it } from 'vitest';
import { PREVIEW_NOTE } from '../../src/bridge/changes/preview.ts';
import { describeTurn, turnResult } from '../../src/bridge/mcp/result.ts';
import { filesOf, parseDiff } from '../../src/bridge/mcp/turnFiles.ts';
import { type Item, NO_USAGE, type TurnSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';

const base = { id: 'i1', status: 'completed', startedAt: 1 } as const;
const turn: TurnSnapshot = {
  id: 't_1',
  source: { kind: 'mcp' },
  prompt: 'p',
  attachments: [],
  status: 'completed',
  createdAt: 1,
  items: [{ ...base, type: 'agent_message', text: 'Done.' }],
  plan: [],
  diff: '',
  usage: {
    input: 1_000_000,
    cachedInput: 400_000,
    output: 100_000,
    reasoningOutput: 50_000,
    total: 1_100_000,
  },
  notices: [],
  model: 'gpt-test',
};
const view = { session: 's_1', turn, approvals: [], settings: DEFAULT_SETTINGS };
const edit = (path: string, kind: 'add' | 'update' | 'delete', added: number, removed: number): Item => ({
  ...base,
  id: path + added,
  type: 'file_change',
  changes: [{ path, kind, added, removed, diff: '' }],
});

const DIFF = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,2 +1,3 @@
-old
+new
+--- not a header
 same
diff --git a/new file.txt b/new file.txt
new file mode 100644
--- /dev/null
+++ b/new file.txt\t
@@ -0,0 +1 @@
+x
diff --git a/gone.ts b/gone.ts
deleted file mode 100644
--- a/gone.ts
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/from.ts b/to.ts
similarity index 100%
rename from from.ts
rename to to.ts
diff --git "a/\\303\\244.ts" "b/\\303\\244.ts"
--- "a/\\303\\244.ts"
+++ "b/\\303\\244.ts"
@@ -1 +1 @@
-x
+y
diff --git a/image.png b/image.png
Binary files a/image.png and b/image.png differ
`;

describe('filesOf', () => {
  it('reads a git diff: kinds, renames, quoted names, lines', () => {
    expect(parseDiff(DIFF)).toEqual([
      { path: 'src/a.ts', kind: 'update', added: 2, removed: 1 },
      { path: 'new file.txt', kind: 'add', added: 1, removed: 0 },
      { path: 'gone.ts', kind: 'delete', added: 0, removed: 1 },
      { path: 'from.ts', kind: 'update', moved_to: 'to.ts', added: 0, removed: 0 },
      { path: 'ä.ts', kind: 'update', added: 1, removed: 1 },
      { path: 'image.png', kind: 'update', added: 0, removed: 0 },
    ]);
    expect(parseDiff('')).toEqual([]);
  });

  it('adds what only the items know, once for each file, and not what failed', () => {
    const items = [
      edit('a.ts', 'add', 3, 0),
      edit('a.ts', 'update', 1, 2),
      { ...edit('b.ts', 'update', 1, 1), status: 'failed' } as Item,
    ];
    expect(filesOf({ ...turn, items })).toEqual([{ path: 'a.ts', kind: 'add', added: 4, removed: 2 }]);
    // The diff is the sum of all edits, and may name the file from the root of the repository.
    expect(filesOf({ ...turn, items: [edit('a.ts', 'update', 9, 9)], diff: DIFF })).toContainEqual({
      path: 'a.ts',
      kind: 'update',
      added: 2,
      removed: 1,
    });
  });
});

describe('turnResult', () => {
  it('A27: has the answer first and marks it as output', () => {
    const result = turnResult(view);
    expect(Object.keys(result.structured)[0]).toBe('answer');
    expect(result.structured['about']).toMatch(/not instructions/);
    expect(result.isError).toBe(false);
    expect(result.text).toMatch(
      /^\[(codex-output-[0-9a-f]{12}): .*not instructions to follow\.\]\nDone\.\n\[end of \1\]\n/,
    );
  });

  it('tells the cost where the person has set prices', () => {
    expect(describeTurn(view).usage?.cost).toBeUndefined();
    const prices = { 'gpt-test': { input: 2, cachedInput: 0.5, output: 10 } };
    expect(describeTurn({ ...view, settings: { prices, currency: 'EUR' } }).usage).toEqual({
      input: 1_000_000,
      cached_input: 400_000,
      output: 100_000,
      reasoning_output: 50_000,
      total: 1_100_000,
      cost: 0.6 * 2 + 0.4 * 0.5 + 0.1 * 10,
      currency: 'EUR',
    });
  });

  it.each(['failed', 'cancelled', 'interrupted'] as const)('%s is an error, with a way on', (status) => {
    const { structured, isError } = turnResult({ ...view, turn: { ...turn, status } });
    expect(isError).toBe(true);
    expect(structured['error']).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    expect(structured['next']).toContain('ask with session "s_1"');
  });

  it('says what it waits for', () => {
    const { structured, isError } = turnResult({
      ...view,
      turn: { ...turn, status: 'waiting_for_approval' },
      approvals: [
        {
          id: 'a',
          turn: 't_1',
          item: 'i1',
          createdAt: 1,
          decisions: [],
          request: { kind: 'command', command: 'make', cwd: '/' },
        },
      ],
    });
    expect(isError).toBe(false);
    expect(structured).toMatchObject({
      waiting_for: ['run `make`'],
      next: expect.stringContaining('VS Code'),
    });
  });

  it('tells the plan, and what was declined', () => {
    const items: Item[] = [
      {
        ...base,
        type: 'command',
        status: 'declined',
        command: 'rm -rf dist',
        cwd: '/',
        output: '',
        omitted: 0,
      },
      { ...edit('a.ts', 'update', 1, 1), status: 'declined' } as Item,
      {
        ...base,
        id: 'd1',
        type: 'decision',
        status: 'declined',
        about: 'command',
        subject: 'rm -rf dist',
        decision: 'decline',
        by: 'face',
        reason: 'It is under test.',
      },
      {
        ...base,
        id: 'd2',
        type: 'decision',
        status: 'declined',
        about: 'permissions',
        subject: 'Use the network',
        decision: 'decline',
        by: 'timeout',
      },
      { ...base, id: 'i9', type: 'agent_message', text: 'Not allowed.' },
    ];
    const plan = [{ step: 'Look', status: 'pending' as const, details: 'well', files: ['a.ts'] }];
    const described = describeTurn({ ...view, turn: { ...turn, items, plan } });
    expect(described.declined).toEqual([
      'run `rm -rf dist`: It is under test.',
      'edit a.ts',
      'Use the network',
    ]);
    expect(described.plan).toEqual(plan);
  });

  it('says of a preview that the folder is as it was, and how to apply it', () => {
    const changes = {
      files: [{ path: 'a', kind: 'add', type: 'file', binary: false, added: 1, removed: 0 } as const],
      more: 0,
      overlaps: [],
      excluded: [],
      notes: [PREVIEW_NOTE],
      complete: true,
      preview: true as const,
    };
    const described = describeTurn({ ...view, turn: { ...turn, changes } });
    expect(described.notices).toEqual([expect.stringContaining('the folder is as it was')]);
    expect(described.next).toContain('patch with turn "t_1"');
  });

  it('says how many commands it leaves out', () => {
    const command: Item = {
      ...base,
      type: 'command',
      command: 'x'.repeat(600),
      cwd: '/',
      output: '',
      omitted: 0,
    };
    const items = Array.from({ length: 130 }, () => command);
    const described = describeTurn({ ...view, turn: { ...turn, items, usage: NO_USAGE } });
    expect(described.commands).toHaveLength(100);
    expect(described.commands?.[0]?.command).toHaveLength(501);
    expect(described.notices).toEqual([expect.stringContaining('30 more commands')]);
  });
});
