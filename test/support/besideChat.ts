import { basename } from 'node:path';
import type { Locator } from 'playwright-core';
import { expect } from 'vitest';
import type { Workbench } from './browser.ts';

/** What is around the chat: VS Code's own trees, menus, input boxes, dialogs and notifications. */
export class BesideChat {
  readonly #workbench: Workbench;

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
  }

  /** A tree of our side bar. */
  tree(name: 'Sessions' | 'Clients' = 'Sessions'): Locator {
    return this.#workbench.page.locator('.pane', { hasText: name }).locator('.monaco-list');
  }

  rows(): Locator {
    return this.tree().locator('.monaco-list-row');
  }

  /** A row of the sessions tree. */
  row(text: string): Locator {
    return this.tree().locator('.monaco-list-row', { hasText: text });
  }

  toast(text: string): Locator {
    return this.#workbench.page.locator('.notifications-toasts .notification-list-item', { hasText: text });
  }

  status(): Locator {
    return this.#workbench.page.locator('.statusbar-item[id$="codexBridge.status"]');
  }

  async expand(name: string): Promise<void> {
    await this.#fold(name, true);
  }

  async collapse(name: string): Promise<void> {
    await this.#fold(name, false);
  }

  async #fold(name: string, open: boolean): Promise<void> {
    const header = this.#workbench.page.locator('.pane-header', { hasText: name });
    // Not Playwright's click: to reach a header at the window's edge it scrolls the window, which then stays so.
    const click = () => header.evaluate((element) => element instanceof HTMLElement && element.click());
    if ((await header.getAttribute('aria-expanded')) !== String(open)) await click();
  }

  /** Chooses a folder in VS Code's simple file dialog. */
  async chooseFolder(path: string): Promise<void> {
    const { page } = this.#workbench;
    const input = page.locator('.quick-input-widget input').first();
    const entry = page
      .locator('.quick-input-list .monaco-list-row')
      .getByText(basename(path), { exact: true });
    await input.waitFor();
    await input.fill(path);
    await entry.first().waitFor();
    // Enter takes what the dialog is at: it is in the folder when it lists what is in there, not the folder.
    await input.fill(`${path}/`);
    await entry.first().waitFor({ state: 'detached' });
    await input.press('Enter');
  }

  /** Takes what VS Code's simple dialog proposes as the file to save. */
  async saveAs(proposed: string): Promise<void> {
    const input = this.#workbench.page.locator('.quick-input-widget input').first();
    await expect.poll(() => input.inputValue()).toBe(proposed);
    await input.press('Enter');
  }

  /** Lines of the output channel that is shown. */
  output(): Locator {
    return this.#workbench.page.locator('[id="workbench.panel.output"] .view-lines');
  }

  /** Answers an input box of VS Code's. */
  async answer(text: string): Promise<void> {
    const input = this.#workbench.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(text);
    await input.press('Enter');
  }

  /** Chooses from a list that VS Code shows over the window. */
  async pick(text: string): Promise<void> {
    await this.#workbench.page
      .locator('.quick-input-list .monaco-list-row', { hasText: text })
      .first()
      .click();
  }

  /** Chooses from the menu of a row of any tree. */
  async menu(row: Locator, item: string): Promise<void> {
    await row.click({ button: 'right' });
    await this.chooseInMenu(item);
  }

  /** Chooses from the menu that is open. */
  async chooseInMenu(item: string): Promise<void> {
    const entry = this.#workbench.page.locator('.monaco-menu .action-menu-item', { hasText: item }).first();
    // A click right after the menu has opened is taken for the end of the one that opened it.
    await entry.hover();
    await this.#workbench.page.keyboard.press('Enter');
    await entry.waitFor({ state: 'detached' });
  }
}
