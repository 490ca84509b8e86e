import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { WebviewTexts } from '../../src/extension/webviewTexts.ts';
import type { ChangeContent, ChangeList, MarkedFile } from '../../src/shared/changes.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { ENGLISH, snapshot, turnOf } from './chatPage.ts';
import { packedExtension } from './packedExtension.ts';

const dist = (file: string) => join(packedExtension().installed, 'dist/webview', file);

/** So many lines of each file are changed, every tenth; the others stand between. */
const EVERY = 10;

/** What the host of {@link openPanelPage} knows: the turns of a session, and one content for every file. */
export interface PanelChanges {
  readonly turns: readonly {
    readonly id: string;
    readonly list: ChangeList;
    /** It still runs, and Codex has told this diff. */
    readonly told?: string;
  }[];
  readonly content: ChangeContent;
}

/** One turn with so many changed files. */
export function manyFiles(files: number, linesOfEach: number): PanelChanges {
  const changed = Math.ceil(linesOfEach / EVERY);
  const list = Array.from({ length: files }, (_, place) =>
    markedFile(`src/part${place % 20}/file${place}.ts`, { added: changed, removed: changed }),
  );
  return { turns: [{ id: 't1', list: changeList(list) }], content: contentOf(linesOfEach) };
}

/** One turn with one file of so many lines, which is new: a single hunk. */
export function newFile(lines: number): PanelChanges {
  const { hunks: _, before: _none, ...content } = contentOf(lines);
  const file = markedFile('src/new.ts', { kind: 'add', added: lines, removed: 0 });
  const hunk = { beforeStart: 0, beforeCount: 0, afterStart: 0, afterCount: lines, mark: 'open' } as const;
  return { turns: [{ id: 't1', list: changeList([file]) }], content: { ...content, file, hunks: [hunk] } };
}

export function markedFile(path: string, more: Partial<MarkedFile> = {}): MarkedFile {
  const plain = { kind: 'update', type: 'file', binary: false, mark: 'open' } as const;
  return { path, ...plain, added: 1, removed: 1, modeBefore: 0o644, modeAfter: 0o644, ...more };
}

export function changeList(files: readonly MarkedFile[], more: Partial<ChangeList> = {}): ChangeList {
  return { files, overlaps: [], excluded: [], notes: [], complete: true, ...more };
}

/** The session panel's own bundle in a page, with a host that is a few lines. */
export async function openPanelPage(
  browser: Browser | BrowserContext,
  { turns, content }: PanelChanges,
  texts: WebviewTexts = ENGLISH,
): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.setContent(
    `<!DOCTYPE html><html lang="${texts.language}"><title>Panel</title><body><div id="root"></div>${texts.element}</body></html>`,
  );
  await page.addStyleTag({ path: dist('panel.css') });
  await page.evaluate(
    ({ session, read, lists }) => {
      const results: Record<string, unknown> = {
        ready: {
          problem: null,
          folders: [{ key: 'f', name: 'F' }],
          folder: 'f',
          sessions: [],
          session,
          draft: '',
        },
        'composer.options': { models: [], ceiling: 'workspace-write', defaults: {}, chosen: {} },
        'composer.history': { prompts: [] },
        'panel.ready': { tab: 'chat', tabs: ['chat', 'changes'] },
        'changes.read': read,
      };
      interface Asked {
        id: number;
        method: string;
        params: { turn?: string };
      }
      const answer = ({ id, method, params }: Asked) => ({
        id,
        result: (method === 'changes.list' ? lists[params.turn ?? ''] : results[method]) ?? null,
      });
      Object.assign(window, {
        acquireVsCodeApi: () => ({
          getState: () => undefined,
          setState: () => {},
          postMessage: (message: Asked & { event?: string; data?: Asked }) => {
            const reply =
              message.data === undefined ? answer(message) : { event: 'panel', data: answer(message.data) };
            window.postMessage(reply, '*');
          },
        }),
      });
    },
    {
      session: snapshot(
        turns.map(({ id, list, told }) =>
          turnOf(
            id,
            [],
            told === undefined ? { changes: { ...list, more: 0 } } : { status: 'running', diff: told },
          ),
        ),
      ),
      read: content,
      lists: Object.fromEntries(turns.map(({ id, list }) => [id, list])),
    },
  );
  await page.addScriptTag({ path: dist('panel.js') });
  await page.locator('#tab-changes').waitFor();
  return page;
}

/** Tells the page of {@link openPanelPage} what happens to its session. */
export async function tell(page: Page, seq: number, event: SessionEvent): Promise<void> {
  await page.evaluate((data) => window.postMessage({ event: 'event', data }, '*'), {
    session: 's',
    seq,
    event,
  });
}

function contentOf(lines: number): ChangeContent {
  const line = (place: number, value: string) => `export const value${place} = compute(${value}, "text");\n`;
  const side = (value: (place: number) => string) =>
    Array.from({ length: lines }, (_, place) => line(place, value(place))).join('');
  const places = Array.from({ length: Math.ceil(lines / EVERY) }, (_, place) => place * EVERY);
  const one = { beforeCount: 1, afterCount: 1, mark: 'open' } as const;
  return {
    file: markedFile('src/part0/file0.ts', { added: places.length, removed: places.length }),
    before: { encoding: 'utf8', data: side(String), omitted: 0 },
    after: {
      encoding: 'utf8',
      data: side((place) => (place % EVERY === 0 ? `${place} + 1` : String(place))),
      omitted: 0,
    },
    hunks: places.map((place) => ({ ...one, beforeStart: place, afterStart: place })),
  };
}
