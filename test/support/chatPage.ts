import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type WebviewTexts, webviewTexts } from '../../src/extension/webviewTexts.ts';
import type { ErrorInfo } from '../../src/shared/errors.ts';
import { type Item, NO_USAGE, type SessionSnapshot, type TurnSnapshot } from '../../src/shared/session.ts';
import type { ChatContract } from '../../src/shared/webview.ts';
import { packedExtension } from './packedExtension.ts';

export const ENGLISH: WebviewTexts = webviewTexts('en', undefined);

const dist = (file: string) => join(packedExtension().installed, 'dist/webview', file);

/**
 * The chat's own bundle in a page, with a host that is a few lines: for what is measured, and for what no real
 * Codex says on demand. Messages come one task each, as they do in VS Code.
 */
export async function openChatPage(
  browser: Browser | BrowserContext,
  width = 420,
  texts: WebviewTexts = ENGLISH,
): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewportSize({ width, height: 800 });
  await page.setContent(
    `<!DOCTYPE html><html lang="${texts.language}"><title>Chat</title><body><div id="root"></div>${texts.element}</body></html>`,
  );
  await page.addStyleTag({ path: dist('chat.css') });
  await page.evaluate(() => {
    const options = { models: [], ceiling: 'workspace-write', defaults: {}, chosen: {} };
    const results: Record<string, unknown> = {
      ready: {
        problem: null,
        folders: [{ key: 'f', name: 'F' }],
        folder: 'f',
        sessions: [],
        session: null,
        draft: '',
      },
      'composer.options': options,
      'composer.history': { prompts: [] },
      'composer.find': { entries: [] },
    };
    const failing = new Map<string, unknown>();
    Object.assign(window, {
      failing,
      acquireVsCodeApi: () => ({
        getState: () => undefined,
        setState: () => {},
        postMessage: ({ id, method }: { id: number; method: string }) =>
          window.postMessage(
            failing.has(method)
              ? { id, error: failing.get(method) }
              : { id, result: results[method] ?? null },
            '*',
          ),
      }),
    });
  });
  await page.addScriptTag({ path: dist('chat.js') });
  await page.locator('.composer textarea').waitFor();
  return page;
}

/** Has the page's host answer a request with an error. */
export async function failOn(page: Page, method: string, error: ErrorInfo): Promise<void> {
  await page.evaluate(
    // Put there above.
    ([name, info]) => (window as unknown as { failing: Map<string, unknown> }).failing.set(name, info),
    [method, error] as const,
  );
}

/** Has the page's host tell something. */
export async function emit<E extends keyof ChatContract['events']>(
  page: Page,
  event: E,
  data: ChatContract['events'][E],
): Promise<void> {
  await page.evaluate((message) => window.postMessage(message, '*'), { event, data });
}

export function snapshot(turns: readonly TurnSnapshot[], id = 's'): SessionSnapshot {
  return {
    id,
    folder: 'f',
    title: 'A session',
    archived: false,
    createdAt: 0,
    updatedAt: 0,
    usage: NO_USAGE,
    settings: {},
    turns,
    approvals: [],
    seq: 0,
  };
}

export function turnOf(id: string, items: readonly Item[], more: Partial<TurnSnapshot> = {}): TurnSnapshot {
  return {
    id,
    source: { kind: 'window' },
    prompt: `Prompt ${id}`,
    attachments: [],
    status: 'completed',
    createdAt: 0,
    startedAt: 0,
    endedAt: 1_000,
    items,
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
    ...more,
  };
}

/** The kinds of items that a session of work has, one after the other. */
export function itemOf(place: number): Item {
  const base = { id: `i${place}`, status: 'completed', startedAt: 0, endedAt: 500 } as const;
  switch (place % 5) {
    case 0:
      return { ...base, type: 'reasoning', summary: `**Step ${place}**\n\nThinking about it.`, text: '' };
    case 1:
      return {
        ...base,
        type: 'command',
        command: `npm test -- part-${place}`,
        cwd: '/work',
        output: '\u001b[32mok\u001b[0m line\n'.repeat(200),
        omitted: 0,
        exitCode: 0,
        durationMs: 1_200,
      };
    case 2:
      return {
        ...base,
        type: 'file_change',
        changes: [
          {
            path: `src/part${place}.ts`,
            kind: 'update',
            added: 1,
            removed: 1,
            diff: '@@ -1 +1 @@\n-old\n+new\n',
          },
        ],
      };
    case 3:
      return {
        ...base,
        type: 'tool_call',
        server: 'docs',
        tool: 'search',
        args: '{"query":"a"}',
        result: '{"n":1}',
      };
    default:
      return { ...base, type: 'agent_message', text: answer(place) };
  }
}

function answer(place: number): string {
  return `## Part ${place}\n\nThis is what I did, with \`code\` and a [link](src/a.ts:1):\n\n- one\n- two\n\n\`\`\`ts\nconst part = ${place};\nexport function run(): number {\n  return part * 2;\n}\n\`\`\`\n`;
}
