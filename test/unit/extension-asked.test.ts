import { describe, expect, test } from 'vitest';
import { type Asked, noticeOf, questionOf } from '../../src/extension/approvalWatch.ts';
import { type StatusInput, statusText } from '../../src/extension/statusText.ts';
import { english as plain } from '../../src/shared/l10n.ts';
import type { Approval } from '../../src/shared/session.ts';

const asked = (request: Approval['request'], title = 'Herons'): Asked => ({
  session: 's_1',
  title,
  approval: { id: 'a', turn: 't', item: 'i', createdAt: 0, decisions: ['accept', 'decline'], request },
});
const command = (text: string, title?: string) => asked({ kind: 'command', command: text, cwd: '/' }, title);

describe('what Codex asks', () => {
  test('is told with everything visible that could hide or reorder it', () => {
    expect(questionOf(command('rm \u202egpj.x').approval, plain)).toBe('run rm \\u{202e}gpj.x');
    const change = { path: 'a.ts', kind: 'update', added: 1, removed: 0, diff: '' } as const;
    const request = { kind: 'file_change', changes: [change, { ...change, path: 'b.ts' }] } as const;
    expect(questionOf(asked(request).approval, plain)).toBe('change a.ts, b.ts');
  });

  test('is in the notification only where it shows exactly', () => {
    expect(noticeOf(command('ls -l'), plain)).toBe('Codex asks in "Herons" to run ls -l');
    const hidden = 'Codex asks in "Herons" for something that has to be read in the chat';
    // VS Code would make a link of it, join its lines, or cut it.
    expect(noticeOf(command('echo [ls](command:workbench.action.quit)'), plain)).toBe(hidden);
    expect(noticeOf(command('ls\nrm -r .'), plain)).toBe(hidden);
    expect(noticeOf(command('x'.repeat(301)), plain)).toBe(hidden);
    expect(noticeOf(command('ls', '[Review](command:x)'), plain)).toBe(
      'Codex asks in " Review (command:x)" to run ls',
    );
  });
});

describe('the status bar', () => {
  const idle: StatusInput = {
    hasFolder: true,
    trusted: true,
    link: { kind: 'connected' },
    running: 0,
    queued: 0,
    asked: [],
  };
  const text = (part: Partial<StatusInput>) => statusText({ ...idle, ...part }, plain)?.text;

  test('says nothing without a folder, and little in one that is not trusted', () => {
    expect(statusText({ ...idle, hasFolder: false }, plain)).toBeUndefined();
    expect(text({ trusted: false, running: 3 })).toBe('$(shield) Codex');
  });

  test('counts what runs and waits, and puts questions first', () => {
    expect(text({})).toBe('$(comment-discussion) Codex');
    expect(text({ link: { kind: 'idle' } })).toBe('$(comment-discussion) Codex');
    expect(text({ running: 2, queued: 1 })).toBe('$(sync~spin) Codex: 2 running, 1 queued');
    expect(text({ running: 1, asked: [command('ls')] })).toBe('$(bell-dot) Codex: 1 question');
    const two = statusText({ ...idle, running: 3, asked: [command('ls'), command('pwd', 'Egrets')] }, plain);
    expect(two).toEqual({
      text: '$(bell-dot) Codex: 2 questions, 3 running',
      level: 'warning',
      details: ['"Herons" asks to run ls', '"Egrets" asks to run pwd'],
    });
  });

  test('says what is wrong and what to do', () => {
    const error = { code: 'BRIDGE_START_FAILED', message: 'Do this.' } as const;
    expect(statusText({ ...idle, link: { kind: 'failed', error, retrying: false } }, plain)).toEqual({
      text: '$(error) Codex: not connected',
      level: 'error',
      details: ['Do this.'],
    });
    expect(text({ link: { kind: 'failed', error, retrying: true } })).toContain('connecting');
    const codex = { state: 'failed', restarts: 0, error } as const;
    expect(statusText({ ...idle, codex }, plain)).toMatchObject({ level: 'error', details: ['Do this.'] });
    expect(text({ codex: { state: 'ready', restarts: 0, loggedIn: false } })).toContain('not logged in');
  });
});
