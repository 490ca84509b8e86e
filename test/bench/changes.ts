import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { manyFiles, newFile, openPanelPage, type PanelChanges } from '../support/panelPage.ts';
import type { Bench } from './bench.ts';
import { type Figure, median } from './figure.ts';
import { mainThreadTasks, taskFigure } from './webview.ts';

const FILES = 200;
const LINES = 50_000;
const ROUNDS = 5;
const group = 'changes';

/** What large diffs cost: one of many files, and one of a single file. */
export async function changes(bench: Bench): Promise<Figure[]> {
  const browser = await launchBrowser();
  bench.atEnd(() => browser.close());
  const times: Record<'listed' | 'opened' | 'end', number[]> = { listed: [], opened: [], end: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const page = await openPanelPage(browser, manyFiles(FILES, LINES / FILES));
    times.listed.push(await until(page, '#tab-changes', `.changed-file:nth-child(${FILES})`));
    const expand = '.turn-changes header button[aria-label="Expand all files"]';
    times.opened.push(await until(page, expand, '.changed-file .rows'));
    times.end.push(await until(page, null, `.changed-file:nth-child(${FILES}) .rows`));
    await page.close();
  }
  const figure = (name: string, samples: readonly number[]): Figure => ({
    group,
    name: `${FILES} files, ${LINES} lines: ${name}`,
    value: median(samples),
    unit: 'ms',
    most: 1_000,
    note: `median of ${ROUNDS}, painted`,
  });
  return [
    figure('listed', times.listed),
    figure('all opened, the first one read', times.opened),
    figure('scrolled from there to the end', times.end),
    ...(await oneFile(
      browser,
      `one file, ${LINES} lines in ${LINES / 10} hunks`,
      manyFiles(1, LINES),
      `.hunk[data-hunk="${LINES / 10 - 1}"]`,
    )),
    ...(await oneFile(
      browser,
      `one new file, ${LINES} lines`,
      newFile(LINES),
      `.number[data-number="${LINES}"]`,
    )),
  ];
}

/** What one huge file costs: until it is open, until its end is reached, and while it is scrolled through. */
async function oneFile(browser: Browser, name: string, given: PanelChanges, last: string): Promise<Figure[]> {
  const times: Record<'opened' | 'end', number[]> = { opened: [], end: [] };
  let tasks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await openPanelPage(browser, given);
    await until(page, '#tab-changes', '.changed-file');
    times.opened.push(await until(page, '.file-name', '.changed-file .rows'));
    if (round === 0) tasks = await mainThreadTasks(browser, page, () => scrollThrough(page));
    times.end.push(await until(page, null, last));
    await page.close();
  }
  const figure = (what: string, samples: readonly number[]): Figure => ({
    group,
    name: `${name}: ${what}`,
    value: median(samples),
    unit: 'ms',
    most: 1_000,
    note: `median of ${ROUNDS}, painted`,
  });
  return [
    figure('opened', times.opened),
    figure('from there to the end', times.end),
    taskFigure(group, `${name}: scrolled through`, tasks),
  ];
}

/** A screen with each frame, for some hundred screens. */
async function scrollThrough(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const list = document.querySelector('.changes-list');
    if (list === null) throw new Error('no list');
    for (let screens = 0; screens < 300; screens++) {
      list.scrollTop += list.clientHeight;
      await new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
    }
  });
}

/** Clicks, or goes to the end of the list; @returns ms until the wanted element is painted. */
async function until(page: Page, click: string | null, wanted: string): Promise<number> {
  return page.evaluate(
    async ({ button, selector }) => {
      const frame = () => new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
      const began = performance.now();
      if (button !== null) document.querySelector<HTMLElement>(button)?.click();
      const list = () => document.querySelector('.changes-list');
      while (document.querySelector(selector) === null) {
        if (performance.now() - began > 30_000) throw new Error(`"${selector}" did not come`);
        const element = list();
        if (button === null && element !== null) element.scrollTop = element.scrollHeight;
        await frame();
      }
      // The frame with it in has been painted when the next one begins.
      await frame();
      await frame();
      return performance.now() - began;
    },
    { button: click, selector: wanted },
  );
}
