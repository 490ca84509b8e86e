import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Frame, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findings as axeFindings } from '../support/axe.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { isReview } from '../support/reviewScript.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** Reviews and compactions, from where a person begins them to what they look like. */
describe('a review in VS Code', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    model.script(demoScript);
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    mkdirSync(join(vscode.folder, 'src'));
    git('init', '-q', '-b', 'main');
    write('src/list.js', 'export function first(list) {\n  return list[0];\n}\n');
    git('add', '.');
    git('commit', '-qm', 'The list knows its first');
    git('branch', 'older');
    write('README.md', '# List\n');
    git('add', '.');
    git('commit', '-qm', 'Say what it is');
    write('src/list.js', 'export function first(list) {\n  const [one] = list;\n  return one.name;\n}\n');
    write('src/zebra.js', 'export const stripes = true;\n');
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    chat = await workbench.chat();
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

  function write(path: string, text: string): void {
    writeFileSync(join(vscode.folder, path), text);
  }

  function git(...args: string[]): string {
    return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@t', ...args], {
      cwd: vscode.folder,
      encoding: 'utf8',
    }).trim();
  }

  /** The chat's document, inside the frames that VS Code puts around it. */
  async function chatDocument(): Promise<Frame> {
    for (const frame of workbench.page.frames()) {
      if ((await frame.locator('#root > main').count()) > 0) return frame;
    }
    throw new Error('the chat is not shown');
  }

  const turn = (text: string): Locator => chat.locator('.turn', { hasText: text });
  const done = (text: string): Locator => chat.locator('.turn[data-status=completed]', { hasText: text });
  const row = (text: string): Locator =>
    workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();

  test('begins with /review, lists what was found, and opens the place', async () => {
    await workbench.send('/review ');
    const reviewed = done('Review the uncommitted changes');
    await reviewed.waitFor();
    const found = reviewed.locator('.finding');
    expect(await found.count()).toBe(2);
    expect(await found.first().innerText()).toContain('Handle the case that nothing is there');
    expect(await found.first().locator('.severity').innerText()).toBe('high');
    expect(await axeFindings(await chatDocument())).toEqual([]);
    await found.first().scrollIntoViewIfNeeded();
    await workbench.screenshot('review-dark');
    await found.first().getByRole('link', { name: 'src/list.js:2-3' }).click();
    await workbench.page.locator('.tab', { hasText: 'list.js' }).waitFor();
    await workbench.page.locator('.statusbar-item', { hasText: 'Ln 2, Col 1' }).waitFor();
    // The prompt can be had back like any other.
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    await area.focus();
    await area.press('ArrowUp');
    await expect.poll(() => area.inputValue()).toBe('/review');
    await area.fill('');
  });

  test('of a branch and of a commit, picked from what there is', async () => {
    await workbench.runCommand('Codex Bridge: Review Changes Against a Branch');
    await row('older').waitFor();
    expect(await row('main').count()).toBe(0);
    await workbench.screenshot('review-branches');
    await row('older').click();
    await done('Review the changes against older').locator('.finding').first().waitFor();
    await workbench.runCommand('Codex Bridge: Review a Commit');
    await row('Say what it is').click();
    const commit = git('rev-parse', 'HEAD').slice(0, 12);
    const reviewed = done(`Review commit ${commit}: Say what it is`);
    await reviewed.waitFor();
    expect(await reviewed.locator('.finding').innerText()).toContain('README.md');
    await workbench.send(`/review branch older`);
    await expect.poll(() => done('Review the changes against older').count()).toBe(2);
    await workbench.send('/review branch nowhere');
    await chat.getByText('git knows no branch "nowhere" here.').waitFor();
  });

  test('from the Source Control view', async () => {
    await workbench.page.keyboard.press('Control+Shift+G');
    const menu = workbench.page.locator('.part.sidebar').getByRole('button', { name: 'Review With Codex' });
    await menu.first().waitFor();
    await workbench.screenshot('review-scm');
    await menu.first().click();
    await workbench.page.getByRole('menuitem', { name: 'Review Uncommitted Changes' }).click();
    chat = workbench.chatFrame();
    await expect.poll(() => done('Review the uncommitted changes').count()).toBe(2);
  });

  test('while it runs it says so and can be stopped, not steered', async () => {
    model.script((request) => (isReview(request) ? [{ do: 'stall' }] : demoScript(request)));
    await workbench.send('/review the names');
    const running = turn('the names');
    await running.getByText('Reviewing').waitFor();
    expect(await chat.locator('.steer-button').count()).toBe(0);
    await workbench.screenshot('review-running');
    await chat.getByRole('button', { name: 'Stop' }).click();
    await chat.locator('.turn[data-status=cancelled]', { hasText: 'the names' }).waitFor();
    model.script(demoScript);
  });

  test('a conversation is compacted with a mark where it was', async () => {
    await workbench.send('/compact');
    await done('Compact the conversation').locator('.compacted').waitFor();
    await workbench.send('and on');
    await done('Echo: and on').waitFor();
    expect(await axeFindings(await chatDocument())).toEqual([]);
  });

  test('reads well in every theme, and says where there is nothing to review', async () => {
    const found: string[] = [];
    for (const [theme, kind] of [
      ['Default High Contrast', 'vscode-high-contrast'],
      ['Default High Contrast Light', 'vscode-high-contrast-light'],
      ['Light Modern', 'vscode-light'],
    ]) {
      vscode.setSettings({ 'workbench.colorTheme': theme });
      await workbench.reload();
      chat = await workbench.chat();
      await chat.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      const reviewed = done('Review the uncommitted changes').first();
      await reviewed.locator('.finding').first().scrollIntoViewIfNeeded();
      await reviewed.locator('.finding .wrong').first().hover();
      await workbench.screenshot(`review-${kind}`);
      found.push(...(await axeFindings(await chatDocument())).map((finding) => `${theme}: ${finding}`));
    }
    expect(found).toEqual([]);
    git('add', '.');
    git('commit', '-qm', 'All of it');
    await workbench.send('/review ');
    await chat.getByText('There are no uncommitted changes.').waitFor();
    await workbench.runCommand('Codex Bridge: Review Uncommitted Changes');
    await workbench.page
      .locator('.notifications-toasts', { hasText: 'There are no uncommitted changes.' })
      .waitFor();
  });
});
