import { describe, expect, test } from 'vitest';
import { TurnEventMapper } from '../../src/bridge/codex/events/map.ts';
import { parseReview } from '../../src/bridge/codex/events/review.ts';
import type { ServerNotification } from '../../src/bridge/codex/generated/ServerNotification.ts';
import { taskText } from '../../src/shared/review.ts';

const TEXT = `One thing is wrong.

Full review comments:

- [P1] Wrong number — /f/src/a.txt:1-1
  It says two.
  ${''}
  - Not one.

- No rank — with a dash — /elsewhere/b c.ts:7-3
  b`;

describe('what a review says', () => {
  test('findings are read from the text that Codex makes', () => {
    expect(parseReview(TEXT, '/f')).toEqual({
      text: TEXT,
      summary: 'One thing is wrong.',
      findings: [
        {
          title: 'Wrong number',
          body: 'It says two.\n\n- Not one.',
          file: 'src/a.txt',
          line: 1,
          endLine: 1,
          severity: 'high',
        },
        {
          title: 'No rank — with a dash',
          body: 'b',
          file: '/elsewhere/b c.ts',
          line: 7,
          endLine: 7,
          severity: 'unrated',
        },
      ],
    });
    const single = 'Fine but.\n\nReview comment:\n\n- [P3] Small — /f/a:2-4\n  body';
    expect(parseReview(single, '/f').findings).toMatchObject([{ severity: 'low', line: 2, endLine: 4 }]);
  });

  test('JSON that Codex did not take is read too, and becomes the same text', () => {
    const location = (file: string) => ({ absolute_file_path: file, line_range: { start: 1, end: 1 } });
    const output = {
      findings: [
        { title: '[P0] A', body: 'x\ny', priority: null, code_location: location('/f/a') },
        { title: 'B', body: 'z', priority: 2, code_location: location('/f/b') },
      ],
      overall_explanation: 'Two things.',
    };
    const parsed = parseReview(JSON.stringify(output), '/f');
    expect(parsed.findings).toMatchObject([{ severity: 'critical' }, { severity: 'medium' }]);
    expect(parsed.text).toBe(
      'Two things.\n\nFull review comments:\n\n- [P0] A — a:1-1\n  x\n  y\n\n- [P2] B — b:1-1\n  z',
    );
    expect(parseReview(JSON.stringify({ findings: [], overall_explanation: 'Fine.' }), '/f')).toEqual({
      text: 'Fine.',
      summary: 'Fine.',
      findings: [],
    });
  });

  test.each([
    'Looks good to me.',
    '{ not JSON',
    '{"findings": 1}',
    'Full review comments:\n\nnone in the known form',
    '- a — b:1-2',
    '',
  ])('anything else is text: %j', (text) => {
    expect(parseReview(text, '/f')).toEqual({ text });
  });

  test('a target in words', () => {
    const words = (target: Parameters<typeof taskText>[0]) => taskText(target);
    expect(words({ kind: 'compact' })).toBe('Compact the conversation');
    const commit = { kind: 'commit', commit: '0123456789abcdef', title: 'Do it' } as const;
    expect(words({ kind: 'review', target: commit })).toBe('Review commit 0123456789ab: Do it');
    const branch = { kind: 'branch', branch: 'main', instructions: 'Be kind.' } as const;
    expect(words({ kind: 'review', target: branch })).toBe('Review the changes against main\n\nBe kind.');
  });
});

describe('a review inside a turn', () => {
  function told(method: string, params: object): ServerNotification {
    return { method, params: { threadId: 'th', turnId: 'ct', ...params } } as unknown as ServerNotification;
  }

  /** What Codex 0.169 tells, as it was seen; `end` as the turn's status. */
  function events(end: string, review: string) {
    const map = new TurnEventMapper({ turn: 't_1', folder: '/f', now: () => 9 });
    const both = (item: object) => [
      told('item/started', { item, startedAtMs: 1 }),
      told('item/completed', { item, completedAtMs: 2 }),
    ];
    return [
      ...both({ type: 'enteredReviewMode', id: 'e', review: 'current changes' }),
      ...both({ type: 'userMessage', id: 'u', clientId: null, content: [{ type: 'text', text: 'Review' }] }),
      told('item/started', { item: { type: 'agentMessage', id: 'm', text: '' }, startedAtMs: 1 }),
      ...both({ type: 'exitedReviewMode', id: 'x', review }),
      ...both({ type: 'agentMessage', id: 'n', text: review }),
      told('turn/completed', { turnId: undefined, turn: { id: 'ct', status: end, error: null } }),
    ].flatMap((one) => map.map(one));
  }

  test('only what it found is told, once, at its end', () => {
    expect(events('completed', TEXT)).toMatchObject([
      { type: 'item.completed', item: { type: 'review', id: 'x', status: 'completed', text: TEXT } },
      { type: 'turn.ended', status: 'completed' },
    ]);
  });

  test('one that came to nothing leaves no excuse in the transcript', () => {
    const excuse = 'Reviewer failed to output a response.';
    expect(events('interrupted', excuse)).toMatchObject([{ type: 'turn.ended', status: 'cancelled' }]);
    expect(events('failed', excuse)).toMatchObject([{ type: 'turn.ended', status: 'failed' }]);
  });

  test('a compaction is not charged for the turn before it', () => {
    const usage = (total: number, last: number) => {
      const breakdown = (totalTokens: number) => ({
        totalTokens,
        inputTokens: totalTokens,
        cachedInputTokens: 0,
        outputTokens: 0,
        reasoningOutputTokens: 0,
      });
      return told('thread/tokenUsage/updated', {
        tokenUsage: { total: breakdown(total), last: breakdown(last), modelContextWindow: 1000 },
      });
    };
    const map = new TurnEventMapper({ turn: 't_1', folder: '/f', now: () => 9, compacts: true });
    expect(map.map(usage(110, 110))).toMatchObject([{ usage: { total: 0 } }]);
    expect(map.map(usage(165, 55))).toMatchObject([{ usage: { total: 55 } }]);
    expect(map.map(usage(165, 700))).toMatchObject([{ usage: { total: 55 }, context: { used: 700 } }]);
  });
});
