import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type FrameLocator, type Page } from 'playwright-core';
import { ensureChromium } from '../../scripts/vscode.mjs';

/** Pictures that are kept when the tests are over (git-ignored). */
export const RESULTS = fileURLToPath(new URL('../../test-results/', import.meta.url));

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: ensureChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
}

/** A VS Code window in the browser. */
export class Workbench {
  readonly page: Page;

  /** `context` is the profile: a second window in the same one remembers what VS Code keeps in the browser. */
  static async open(
    context: BrowserContext | Browser,
    url: string,
    size: { width: number; height: number } = { width: 1200, height: 800 },
  ): Promise<Workbench> {
    const page = await context.newPage();
    await page.setViewportSize(size);
    await page.goto(url);
    const workbench = new Workbench(page);
    await workbench.ready();
    return workbench;
  }

  private constructor(page: Page) {
    this.page = page;
  }

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.activitybar').waitFor({ timeout: 60_000 });
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** Runs a command by its title in the command palette. */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input').first();
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  /** Opens the chat in the side bar and gives its document. */
  async chat(): Promise<FrameLocator> {
    const frame = this.chatFrame();
    const icon = this.page.locator('.activitybar .action-item', {
      has: this.page.locator('a[aria-label^="Codex Bridge"]'),
    });
    await icon.waitFor();
    // Where it is shown already a click would hide it.
    if (!(await icon.evaluate((element) => element.classList.contains('checked')))) await icon.click();
    // Off the icon again, so that its label does not hang over the chat.
    await this.page.mouse.move(700, 300);
    await frame.locator('#root > *').first().waitFor({ timeout: 30_000 });
    return frame;
  }

  /** The chat's document, inside the two frames that VS Code puts around a webview. */
  chatFrame(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** Writes a prompt and sends it. */
  async send(prompt: string): Promise<void> {
    const area = this.chatFrame().getByRole('textbox', { name: 'Prompt' });
    await area.fill(prompt);
    await area.press('Enter');
  }

  async screenshot(name: string): Promise<string> {
    mkdirSync(RESULTS, { recursive: true });
    const path = join(RESULTS, `${name}.png`);
    await this.page.screenshot({ path });
    return path;
  }
}
