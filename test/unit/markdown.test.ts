import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { fenced, toMarkdown } from '../../src/bridge/history/markdown.ts';
import type { Item, TurnSnapshot } from '../../src/shared/session.ts';
import { message, newSession, queuedTurn, tokens } from './history-support.ts';

const parser = new MarkdownIt({ html: true });

/** Of every block, as a reader of Markdown sees it. */
function blocks(text: string): { type: string; content: string; info: string }[] {
  return parser.parse(text, {}).map(({ type, content, info }) => ({ type, content, info }));
}

function fences(text: string): string[] {
  return blocks(text)
    .filter(({ type }) => type === 'fence')
    .map(({ content }) => content);
}

function withTurn(changes: Partial<TurnSnapshot>): string {
  return toMarkdown(newSession('s_1', { turns: [{ ...queuedTurn('t_1', 'prompt', 0), ...changes }] }));
}

const command: Extract<Item, { type: 'command' }> = {
  id: 'i',
  type: 'command',
  status: 'completed',
  startedAt: 0,
  command: 'npm test',
  cwd: '/w',
  output: 'ok\n',
  omitted: 0,
  exitCode: 0,
};

describe('a session as Markdown', () => {
  it('reads like this', () => {
    const text = toMarkdown(
      newSession('s_1', {
        title: 'Fix the *parser*',
        createdAt: 0,
        updatedAt: 60_000,
        settings: { model: 'm-1', effort: 'high' },
        usage: tokens(10, 4, 2),
        turns: [
          {
            ...queuedTurn('t_1', 'Fix it.\n\n# Please', 1000),
            attachments: [{ kind: 'file', label: 'src/a.ts:1-5' }],
            status: 'completed',
            startedAt: 1000,
            endedAt: 3500,
            model: 'm-1',
            plan: [
              { step: 'Look', status: 'completed' },
              { step: 'Fix', status: 'pending' },
            ],
            notices: [{ kind: 'thread_restored', text: 'A new thread was given the conversation.' }],
            items: [
              { ...command, id: '1', exitCode: 1, omitted: 5 },
              {
                id: '2',
                type: 'file_change',
                status: 'completed',
                startedAt: 0,
                changes: [
                  { path: 'a.ts', kind: 'update', movedTo: 'b.ts', added: 1, removed: 1, diff: '-a\n+b\n' },
                ],
              },
              message('3', 'Done. See `b.ts`.', 'completed'),
            ],
            usage: tokens(10, 4, 2),
          },
          {
            ...queuedTurn('t_2', 'More', 5000),
            source: { kind: 'window' },
            status: 'failed',
            error: { code: 'MODEL_ERROR', message: 'The model refused.' },
          },
        ],
      }),
    );
    expect(text).toBe(`# Fix the \\*parser\\*

- Session \`s_1\`, created 1970-01-01T00:00:00.000Z, last used 1970-01-01T00:01:00.000Z
- Settings: model \`m-1\`, effort \`high\`
- 2 turns, 12 tokens (10 in, 4 of them cached; 2 out, 0 of them reasoning)

## 1. MCP (claude-code), 1970-01-01T00:00:01.000Z

> Fix it.
>
> # Please

- Attached file: \`src/a.ts:1-5\`

**Note** (thread_restored): A new thread was given the conversation.

- [x] Look
- [ ] Fix

Command in \`/w\`, exit code 1

\`\`\`sh
npm test
\`\`\`

\`\`\`text
ok
\`\`\`

(5 bytes of output left out in the middle)

Changed \`a.ts\`, moved to \`b.ts\` (+1 -1)

\`\`\`diff
-a
+b
\`\`\`

Done. See \`b.ts\`.

*completed, m-1, 2.5 s, 12 tokens (10 in, 4 of them cached; 2 out, 0 of them reasoning)*

## 2. VS Code, 1970-01-01T00:00:05.000Z

> More

**Error** \`MODEL_ERROR\`: The model refused.

*failed*
`);
  });

  it('keeps any text inside its fence', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('`', '```', '~~~', '\n', 'a', ' ', '```js', '    ', '<b>', '> '), {
          maxLength: 20,
        }),
        (parts) => {
          const text = parts.join('');
          const [first, ...rest] = blocks(fenced(text, 'text'));
          expect(rest).toEqual([]);
          expect(first).toEqual({ type: 'fence', info: 'text', content: `${text.replace(/\n$/, '')}\n` });
        },
      ),
    );
  });

  it('shows output whole that has fences of its own', () => {
    const output = 'before\n```js\ncode\n```\n````\nafter';
    expect(fences(withTurn({ items: [{ ...command, output }] }))).toContain(`${output}\n`);
  });

  it('closes a fence that an answer left open', () => {
    for (const open of ['```js\ncut', '~~~~\ncut', 'text\n\n````md\n```js\n```\ncut']) {
      const text = withTurn({ items: [message('i', open, 'failed')], status: 'interrupted' });
      const last = blocks(text).findLast(({ type }) => type === 'inline');
      expect(last?.content).toBe('*interrupted*');
    }
    const closed = 'a\n\n```js\ncode\n```\n\nb';
    expect(withTurn({ items: [message('i', closed)] })).toContain(`${closed}\n\n*queued*`);
  });

  it('takes no Markdown or HTML from titles, names, paths and errors', () => {
    const evil = '`<img src=x onerror=alert(1)>` [x](javascript:y) ![](http://z) # * _\n\n## Heading';
    const text = toMarkdown(
      newSession('s_1', {
        title: evil,
        turns: [
          {
            ...queuedTurn('t', 'prompt'),
            source: { kind: 'mcp', name: evil },
            attachments: [{ kind: 'file', label: evil }],
            plan: [{ step: evil, status: 'pending' }],
            notices: [{ kind: 'warning', text: evil }],
            error: { code: evil, message: evil },
            items: [
              { ...command, cwd: evil, command: evil, output: evil },
              { id: 'w', type: 'web_search', status: 'completed', startedAt: 0, query: evil },
              { id: 'o', type: 'other', status: 'completed', startedAt: 0, name: evil },
            ],
          },
        ],
      }),
    );
    const html = parser.render(text);
    expect(html).not.toMatch(/<img|<a /);
    expect(html.match(/<h[1-6]/g)).toEqual(['<h1', '<h2']);
  });

  it('quotes every line of a prompt', () => {
    const text = withTurn({ prompt: 'a\r\n```\nb\n\n# c\r<b>' });
    const html = new MarkdownIt().render(text);
    const quote = html.slice(html.indexOf('<blockquote>'), html.indexOf('</blockquote>'));
    expect(quote).toContain('&lt;b&gt;');
    expect(html.match(/<h2>/g)).toHaveLength(1);
  });

  it('has a title where the session has none', () => {
    expect(toMarkdown(newSession('s_1', { title: '' }))).toMatch(/^# Untitled session\n/);
  });

  it('says what was declined and why, what was answered, and what was added', () => {
    const base = { startedAt: 0, type: 'decision', by: 'face' } as const;
    const text = withTurn({
      items: [
        { id: 'p', type: 'user_message', status: 'completed', startedAt: 0, text: 'prompt' },
        { id: 'm', type: 'user_message', status: 'completed', startedAt: 0, text: 'and\nthis' },
        {
          ...base,
          id: 'd',
          status: 'declined',
          about: 'command',
          subject: 'rm -r build',
          decision: 'decline',
          reason: 'Not\n# that',
        },
        {
          ...base,
          id: 'q',
          status: 'completed',
          about: 'question',
          subject: 'Which?',
          decision: 'accept',
          answers: [{ question: 'Which?', answer: '**Red**' }, { question: 'The key?' }],
        },
        {
          ...base,
          id: 't',
          by: 'timeout',
          status: 'declined',
          about: 'permissions',
          subject: 'Write /opt',
          decision: 'decline',
        },
      ],
    });
    expect(text.slice(text.indexOf('> Added'), text.indexOf('\n\n*queued*'))).toBe(`> Added: and
> this

**Declined**:

\`\`\`sh
rm -r build
\`\`\`

> Because: Not
> # that

**Answered**:

\`\`\`text
Which?
\`\`\`

> Which?
> **Red**
>
> The key?
> (kept secret)

**Declined, nobody answered in time**:

\`\`\`text
Write /opt
\`\`\``);
    expect(text.match(/prompt/g)).toHaveLength(1);
  });
});
