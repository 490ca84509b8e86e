import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Browser,
  type BrowserContext,
  chromium,
  errors,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core';
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
    const input = this.page.locator('.quick-input-widget input').first();
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    // A view that an earlier command shows takes the focus when it has come, and with it the palette is closed.
    for (let tries = 1; ; tries++) {
      await this.page.keyboard.press('F1');
      try {
        await input.fill(`>${title}`, { timeout: 3_000 });
        await row.click({ timeout: 5_000 });
        return;
      } catch (error) {
        if (!(error instanceof errors.TimeoutError) || tries === 5) throw error;
      }
    }
  }

  /** Opens the chat in the side bar and gives its document. */
  async chat(): Promise<FrameLocator> {
    const frame = this.chatFrame();
    const view = this.page.locator('.part.sidebar [id="workbench.view.extension.codexBridge"]');
    const icon = this.page.locator('.activitybar a[aria-label^="Codex Bridge"]');
    // A window that opens restores its side bar by itself, and a click on the icon of a shown view hides it:
    // so it is clicked only where nothing has come for a while.
    // A badge lies over it and takes the click for it.
    for (let tries = 0; tries < 10 && !(await appears(view)); tries++) await icon.click({ force: true });
    // Off the icon again, so that its label does not hang over the chat.
    await this.page.mouse.move(700, 300);
    await frame.locator('#root > *').first().waitFor({ timeout: 30_000 });
    return frame;
  }

  /** The chat's document, inside the two frames that VS Code puts around a webview. */
  chatFrame(): FrameLocator {
    // VS Code names the purpose the first time that it shows a view, and not when the view was hidden meanwhile.
    const view = 'iframe.webview.ready[src*="purpose=webviewView"]';
    return this.page
      .frameLocator(`${view}, body:not(:has(${view})) iframe.webview.ready`)
      .frameLocator('#active-frame');
  }

  /** The document of the session panel that is shown in the editor area. */
  panelFrame(): FrameLocator {
    return this.page
      .frameLocator('iframe.webview.ready:not([src*="purpose=webviewView"])')
      .frameLocator('#active-frame');
  }

  /** Writes a prompt and sends it. */
  async send(prompt: string): Promise<void> {
    const area = this.chatFrame().getByRole('textbox', { name: 'Prompt' });
    await area.fill(prompt);
    await area.press('Enter');
  }

  /** True once VS Code has written this text to its storage, which is in the browser's profile here. */
  async keeps(text: string): Promise<boolean> {
    return this.page.evaluate(async (wanted) => {
      const found = await Promise.all(
        (await indexedDB.databases()).map(
          ({ name }) =>
            new Promise<boolean>((resolve) => {
              if (name === undefined) return resolve(false);
              const open = indexedDB.open(name);
              open.onerror = () => resolve(false);
              open.onsuccess = () => {
                const db = open.result;
                if (!db.objectStoreNames.contains('ItemTable')) {
                  db.close();
                  return resolve(false);
                }
                const all = db.transaction('ItemTable').objectStore('ItemTable').getAll();
                all.onsuccess = () => {
                  db.close();
                  resolve(all.result.some((value) => String(value).includes(wanted)));
                };
                all.onerror = () => resolve(false);
              };
            }),
        ),
      );
      return found.includes(true);
    }, text);
  }

  async screenshot(name: string): Promise<string> {
    mkdirSync(RESULTS, { recursive: true });
    const path = join(RESULTS, `${name}.png`);
    // As it is when what moves has come to rest.
    await this.page.screenshot({ path, animations: 'disabled' });
    return path;
  }
}

async function appears(locator: Locator): Promise<boolean> {
  try {
    await locator.waitFor({ timeout: 1_500 });
    return true;
  } catch (error) {
    if (error instanceof errors.TimeoutError) return false;
    throw error;
  }
}
