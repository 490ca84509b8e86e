import type { Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { manyFiles, openPanelPage } from '../support/panelPage.ts';
import type { Bench } from './bench.ts';
import { type Figure, median } from './figure.ts';

const FILES = 200;
const LINES = 50_000;
const ROUNDS = 5;
const group = 'changes';

/** What a large diff costs: until it is listed, until all its files are open, and until its end is reached. */
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
  ];
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
