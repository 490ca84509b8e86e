import { join } from 'node:path';
import { type Browser, type BrowserContext, errors, type Frame, type Page } from 'playwright-core';
import { packedExtension } from './packedExtension.ts';

/** How long a document may take to come, in ms. */
const DEADLINE_MS = 30_000;
const AGAIN_MS = 50;

const dist = (file: string) => join(packedExtension().installed, 'dist/webview', file);

/** Waits for the webview document that has such an element, whichever of the frames around it that is. */
export async function documentWith(page: Page, selector: string): Promise<Frame> {
  for (const deadline = performance.now() + DEADLINE_MS; ; ) {
    const found = await findFrame(page, selector);
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`no document of the page has ${selector}`);
    // No event tells of an element in a frame that is still to come.
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function findFrame(page: Page, selector: string): Promise<Frame | undefined> {
  for (const frame of page.frames()) {
    try {
      if ((await frame.locator(selector).count()) > 0) return frame;
    } catch (error) {
      // One that is just going away is not the one.
      if (!(error instanceof Error) || !/detached|destroyed|closed/i.test(error.message)) throw error;
    }
  }
  return undefined;
}

/**
 * The terminal's own bundle in a page, with a host that writes down what it is told: `told` of the window, as
 * method and parameters.
 */
export async function openTerminalPage(browser: Browser | BrowserContext, style = ''): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewportSize({ width: 900, height: 500 });
  await page.setContent(
    `<!DOCTYPE html><html lang="en" style="${style}"><title>T</title><body><div id="root" data-session="s"></div></body></html>`,
  );
  await page.addStyleTag({ path: dist('terminal.css') });
  await page.evaluate(() => {
    const look = {
      ...{
        title: 'T',
        fontFamily: 'monospace',
        fontSize: 14,
        fontWeight: 'normal',
        fontWeightBold: 'bold',
      },
      ...{ lineHeight: 1, letterSpacing: 0, cursorStyle: 'block', cursorBlink: false },
      ...{ minimumContrastRatio: 4.5, macOptionIsMeta: false, screenReader: false },
    };
    const told: unknown[] = [];
    Object.assign(window, {
      told,
      acquireVsCodeApi: () => ({
        getState: () => undefined,
        setState: () => {},
        postMessage: ({ data }: { data: { id: number; method: string; params: unknown } }) => {
          told.push([data.method, data.params]);
          const results: Record<string, unknown> = { ready: look, 'files.known': { known: [] } };
          const result = results[data.method] ?? null;
          window.postMessage({ event: 'terminal', data: { id: data.id, result } }, '*');
        },
      }),
    });
  });
  await page.addScriptTag({ path: dist('terminal.js') });
  return page;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A session's terminal as it is shown in the editor area. */
export class TerminalPage {
  readonly page: Page;
  readonly frame: Frame;

  static async of(page: Page): Promise<TerminalPage> {
    return new TerminalPage(page, await documentWith(page, '#root[data-session] .xterm-screen'));
  }

  private constructor(page: Page, frame: Frame) {
    this.page = page;
    this.frame = frame;
  }

  /** The visible lines, blanks made plain. */
  async text(): Promise<string> {
    const text = await this.frame.locator('.xterm-rows').innerText();
    return text.replaceAll(' ', ' ');
  }

  async size(): Promise<{ rows: number; width: number }> {
    const rows = await this.frame.locator('.xterm-rows > div').count();
    const box = await this.frame.locator('.xterm-screen').boundingBox();
    return { rows, width: Math.round(box?.width ?? 0) };
  }

  async shows(wanted: string): Promise<void> {
    await this.frame.waitForFunction((text) => {
      const shown = document.querySelector<HTMLElement>('.xterm-rows')?.innerText ?? '';
      return shown.replaceAll(' ', ' ').includes(text);
    }, wanted);
  }

  /** Where a text stands on the screen, in the page: the middle of its first character and of its last. */
  async placeOf(text: string): Promise<{ first: Point; last: Point }> {
    await this.shows(text);
    const found = await this.frame.evaluate((wanted) => {
      const screen = document.querySelector('.xterm-screen')?.getBoundingClientRect();
      for (const row of document.querySelectorAll('.xterm-rows > div')) {
        const at = (row.textContent ?? '').replaceAll('\u00a0', ' ').indexOf(wanted);
        if (at < 0 || screen === undefined) continue;
        const middle = (place: number) => {
          const nodes = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
          for (let left = place, node = nodes.nextNode(); node !== null; node = nodes.nextNode()) {
            const { length } = node.textContent ?? '';
            if (left >= length) {
              left -= length;
              continue;
            }
            const range = document.createRange();
            range.setStart(node, left);
            range.setEnd(node, left + 1);
            const { x, y, width, height } = range.getBoundingClientRect();
            return { x: x + width / 2 - screen.x, y: y + height / 2 - screen.y };
          }
          throw new Error('the row is shorter than its text');
        };
        return { first: middle(at), last: middle(at + wanted.length - 1) };
      }
      return undefined;
    }, text);
    const box = await this.frame.locator('.xterm-screen').boundingBox();
    if (found === undefined || box === null) throw new Error(`"${text}" is in no row`);
    const inPage = ({ x, y }: Point) => ({ x: box.x + x, y: box.y + y });
    return { first: inPage(found.first), last: inPage(found.last) };
  }

  /** Clicks a link as a person does: it is marked under the mouse, and the click is with Ctrl. */
  async openLink(text: string): Promise<void> {
    const { x, y } = await this.#hover(text);
    await this.page.keyboard.down('Control');
    await this.page.mouse.click(x, y);
    await this.page.keyboard.up('Control');
  }

  /** Moves the mouse over a link until it is one: a line that is drawn again is none until the mouse moves again. */
  async #hover(text: string): Promise<Point> {
    const marked = this.frame.locator('.xterm-cursor-pointer');
    for (const deadline = performance.now() + DEADLINE_MS; ; ) {
      const { first, last } = await this.placeOf(text);
      const middle = { x: (first.x + last.x) / 2, y: first.y };
      await this.page.mouse.move(first.x, first.y);
      await this.page.mouse.move(middle.x, middle.y);
      try {
        await marked.waitFor({ timeout: 1_000 });
        return middle;
      } catch (error) {
        if (!(error instanceof errors.TimeoutError) || performance.now() > deadline) throw error;
      }
    }
  }

  /** Selects with the mouse; with Shift, since the program takes the mouse for itself. */
  async select(text: string): Promise<void> {
    const { mouse, keyboard } = this.page;
    const { first, last } = await this.placeOf(text);
    const half = (last.x - first.x) / Math.max(1, text.length - 1) / 2;
    await keyboard.down('Shift');
    await mouse.move(first.x - half + 1, first.y);
    await mouse.down();
    await mouse.move(last.x + half - 1, last.y, { steps: 5 });
    await mouse.up();
    await keyboard.up('Shift');
    await this.frame.locator('.xterm-selection div').first().waitFor();
  }

  async focus(): Promise<void> {
    await this.frame.locator('.xterm-screen').click();
  }

  async type(text: string): Promise<void> {
    await this.frame.locator('.xterm-helper-textarea').focus();
    await this.page.keyboard.type(text);
  }

  /** Types a line as a person does: Enter comes when the text is on the screen, else the TUI takes it for a paste. */
  async line(text: string): Promise<void> {
    await this.type(text);
    await this.shows(text);
    await this.page.keyboard.press('Enter');
  }
}
