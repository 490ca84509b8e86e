import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { ChangeContent, ChangedFile } from '../../src/shared/changes.ts';
import { snapshot, turnOf } from './chatPage.ts';

const dist = (file: string) => fileURLToPath(new URL(`../../dist/webview/${file}`, import.meta.url));

/** So many lines of each file are changed, every tenth; the others stand between. */
const EVERY = 10;

/** The session panel's own bundle in a page, with a host that knows one turn with so many changed files. */
export async function openPanelPage(browser: Browser, files: number, linesOfEach: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await page.setContent(
    '<!DOCTYPE html><html lang="en"><title>Panel</title><body><div id="root"></div></body></html>',
  );
  await page.addStyleTag({ path: dist('panel.css') });
  const list = Array.from({ length: files }, (_, place): ChangedFile => {
    const changed = Math.ceil(linesOfEach / EVERY);
    const path = `src/part${place % 20}/file${place}.ts`;
    const modes = { modeBefore: 0o644, modeAfter: 0o644 };
    return { path, kind: 'update', type: 'file', binary: false, added: changed, removed: changed, ...modes };
  });
  const changes = { files: list, more: 0, overlaps: [], excluded: [], notes: [], complete: true };
  await page.evaluate(
    ({ session, content, listed }) => {
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
        'changes.list': listed,
        'changes.read': content,
      };
      const answer = ({ id, method }: { id: number; method: string }) => ({
        id,
        result: results[method] ?? null,
      });
      Object.assign(window, {
        acquireVsCodeApi: () => ({
          getState: () => undefined,
          setState: () => {},
          postMessage: (message: { id: number; method: string; event?: string; data?: unknown }) => {
            const inside = message.data as { id: number; method: string }; // the panel's envelope
            const reply =
              message.event === undefined ? answer(message) : { event: 'panel', data: answer(inside) };
            window.postMessage(reply, '*');
          },
        }),
      });
    },
    {
      session: snapshot([turnOf('t1', [], { changes })]),
      content: contentOf(linesOfEach),
      listed: { ...changes, files: list.map((file) => ({ ...file, mark: 'open' })) },
    },
  );
  await page.addScriptTag({ path: dist('panel.js') });
  await page.getByRole('tab', { name: 'Changes' }).waitFor();
  return page;
}

function contentOf(lines: number): ChangeContent {
  const line = (place: number, value: string) => `export const value${place} = compute(${value}, "text");\n`;
  const side = (value: (place: number) => string) =>
    Array.from({ length: lines }, (_, place) => line(place, value(place))).join('');
  const places = Array.from({ length: Math.ceil(lines / EVERY) }, (_, place) => place * EVERY);
  const one = { beforeCount: 1, afterCount: 1, mark: 'open' } as const;
  return {
    file: {
      path: 'src/part0/file0.ts',
      kind: 'update',
      type: 'file',
      binary: false,
      added: places.length,
      removed: places.length,
      mark: 'open',
    },
    before: { encoding: 'utf8', data: side(String), omitted: 0 },
    after: {
      encoding: 'utf8',
      data: side((place) => (place % EVERY === 0 ? `${place} + 1` : String(place))),
      omitted: 0,
    },
    hunks: places.map((place) => ({ ...one, beforeStart: place, afterStart: place })),
  };
}
