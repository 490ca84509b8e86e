import type { Browser, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { itemOf, openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** A conversation without a mouse: the real VS Code, the real Codex, a model that follows a script. */
describe('the keyboard in the transcript', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    await workbench.chat();
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  beforeEach(async () => {
    await workbench.runCommand('Codex Bridge: New Session');
    chat = workbench.chatFrame();
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const completed = (): Locator => chat.locator('.turn[data-status=completed]');
  const press = (key: string) => workbench.page.keyboard.press(key);

  test('goes by the arrow keys in the sidebar', async () => {
    await workbench.send('!say First answer with [a link](notes.md) in it');
    await completed().waitFor();
    await workbench.send('!run echo one');
    await expect.poll(() => completed().count(), { timeout: 20_000 }).toBe(2);
    await goesThrough(chat, 'sidebar');
  });

  test('goes by them in a panel, too', async () => {
    await workbench.send('!say First answer with [a link](notes.md) in it');
    await completed().waitFor();
    await workbench.send('!run echo one');
    await expect.poll(() => completed().count(), { timeout: 20_000 }).toBe(2);
    await chat.getByRole('button', { name: 'Open in editor' }).click();
    const panel = workbench.panelFrame();
    await panel.locator('.answer').nth(1).waitFor();
    await goesThrough(panel, 'panel');
  });

  /** Two turns: a prompt and an answer with a link; a prompt, a command and an answer. */
  async function goesThrough(view: FrameLocator, where: string): Promise<void> {
    const focused = () =>
      view.locator(':focus').evaluate((element) => `${element.tagName} ${element.className}`.trim());
    const text = () => view.locator(':focus').innerText();
    const prompt = view.getByRole('textbox', { name: 'Prompt' });
    await view.getByRole('log').focus();
    await press('ArrowUp');
    expect(await text()).toContain('It printed');
    await press('ArrowUp');
    expect(await focused()).toBe('SUMMARY');
    await press('Enter');
    await view.locator('.step.command .output').waitFor();
    await workbench.screenshot(`keyboard-${where}`);
    await press('ArrowLeft');
    await view.locator('.step.command .output').waitFor({ state: 'hidden' });
    await press('ArrowUp');
    expect(await text()).toContain('!run echo one');
    await press('ArrowUp');
    expect(await text()).toContain('First answer');
    // The entry's own link, then on behind the transcript; and back to the entry.
    await press('Tab');
    expect(await focused()).toMatch(/^A/);
    await press('Escape');
    expect(await text()).toContain('First answer');
    await press('Tab');
    await press('Tab');
    expect(await view.getByRole('log').locator(':focus').count()).toBe(0);
    await prompt.focus();
    await press('Shift+Tab');
    expect(await text()).toContain('First answer');
    await press('Home');
    expect(await text()).toContain('!say First answer');
    await press('End');
    expect(await text()).toContain('It printed');
    await press('Escape');
    expect(await prompt.evaluate((element) => element === document.activeElement)).toBe(true);
  }

  test('goes up beyond what is drawn, and stays where it was read', async () => {
    const page = await openChatPage(browser);
    const items = Array.from({ length: 300 }, (_, place) => itemOf(place));
    await page.evaluate(
      (shown) => window.postMessage({ event: 'session', data: { session: shown } }, '*'),
      snapshot([turnOf('first', items), turnOf('last', [itemOf(2), itemOf(3)])]),
    );
    const log = page.getByRole('log');
    await log.locator('[data-turn=last]').waitFor();
    await log.focus();
    const drawn = await log.locator('[data-entry]').count();
    expect(drawn).toBeLessThan(150);
    await page.keyboard.press('Home');
    const before = await log.locator(':focus').innerText();
    // What comes before is drawn on the way.
    const seen = new Set<string>([before]);
    for (let steps = 0; steps < 40; steps++) {
      await page.keyboard.press('ArrowUp');
      seen.add(await log.locator(':focus').innerText());
    }
    expect(seen.size).toBeGreaterThan(20);
    expect(await log.locator('[data-entry]').count()).toBeGreaterThan(drawn);
    // One stop of Tab in all, whatever was drawn since.
    expect(await log.locator('[data-entry][tabindex="0"]').count()).toBe(1);
    expect(await log.getAttribute('tabindex')).toBe('-1');
    const here = await log.locator(':focus').innerText();
    await page.getByRole('textbox', { name: 'Prompt' }).focus();
    await page.keyboard.press('Shift+Tab');
    // The button to the end comes first, where there is one.
    if ((await log.locator(':focus').count()) === 0) await page.keyboard.press('Shift+Tab');
    expect(await log.locator(':focus').innerText()).toBe(here);
    await page.close();
  });
});
