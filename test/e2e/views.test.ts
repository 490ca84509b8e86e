import type { Browser, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** What is around the chat: the sessions and clients trees, the status bar, notifications. */
describe('the views beside the chat', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({
      env: codex.env,
      settings: { 'codexBridge.defaults.approvalPolicy': 'untrusted' },
    });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    chat = await workbench.chat();
    model.script(demoScript);
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const tree = (): Locator =>
    workbench.page.locator('.pane', { hasText: 'Sessions' }).locator('.monaco-list');
  const rows = (): Locator => tree().locator('.monaco-list-row');
  const row = (text: string): Locator => tree().locator('.monaco-list-row', { hasText: text });
  const toast = (text: string): Locator =>
    workbench.page.locator('.notifications-toasts .notification-list-item', { hasText: text });

  async function expand(name: string): Promise<void> {
    const header = workbench.page.locator('.pane-header', { hasText: name });
    if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
  }

  /** Answers an input box of VS Code's. */
  async function answer(text: string): Promise<void> {
    const input = workbench.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(text);
    await input.press('Enter');
  }

  async function menu(text: string, item: string): Promise<void> {
    await row(text).click({ button: 'right' });
    const entry = workbench.page.locator('.monaco-menu .action-menu-item', { hasText: item }).first();
    // A click right after the menu has opened is taken for the end of the one that opened it.
    await entry.hover();
    await workbench.page.keyboard.press('Enter');
    await entry.waitFor({ state: 'detached' });
  }

  test('lists sessions as they come, renames them by keyboard and finds them by what was said', async () => {
    await expand('Sessions');
    await tree().or(workbench.page.getByText('No sessions yet.')).first().waitFor();
    await workbench.send('About herons');
    await chat.locator('.turn[data-status=completed]').waitFor();
    await row('About herons').waitFor();
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('!stall');
    await row('running').waitFor();
    await expect.poll(() => rows().count()).toBe(2);
    await workbench.screenshot('views-sessions');

    await row('About herons').click();
    await chat.locator('.answer', { hasText: 'Echo: About herons' }).waitFor();
    await row('About herons').click();
    await workbench.page.keyboard.press('F2');
    await answer('Birds');
    await row('Birds').waitFor();

    await workbench.runCommand('Codex Bridge: Find Sessions');
    await answer('herons');
    await expect.poll(() => rows().count()).toBe(1);
    await workbench.page.getByText('"herons": 1 session found').waitFor();
    await workbench.screenshot('views-filter');
    await workbench.runCommand('Codex Bridge: Show All Sessions');
    await expect.poll(() => rows().count()).toBe(2);
  });

  test('forks, archives and brings back', async () => {
    await menu('Birds', 'Fork Session');
    await row('Birds (fork)').waitFor();
    await menu('Birds (fork)', 'Archive Session');
    await row('Birds (fork)').waitFor({ state: 'detached' });
    await workbench.runCommand('Codex Bridge: Show Archived Sessions');
    await row('Birds (fork)').locator('.codicon-archive').first().waitFor();
    await workbench.screenshot('views-archived');
    await menu('Birds (fork)', 'Unarchive Session');
    await expect.poll(() => row('Birds (fork)').innerText()).not.toContain('archived');
    await workbench.runCommand('Codex Bridge: Hide Archived Sessions');
    await row('Birds (fork)').waitFor();
  });

  test('deletes only what was not undone', async () => {
    await row('Birds (fork)').click();
    await workbench.page.keyboard.press('Delete');
    await row('Birds (fork)').waitFor({ state: 'detached' });
    await toast('Deleted "Birds (fork)"').waitFor();
    await workbench.screenshot('views-undo');
    await toast('Deleted "Birds (fork)"').getByRole('button', { name: 'Undo' }).click();
    await row('Birds (fork)').waitFor();
  });
});
