import type { Frame, Page } from 'playwright-core';

/** How long a document may take to come, in ms. */
const DEADLINE_MS = 30_000;
const AGAIN_MS = 50;

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
