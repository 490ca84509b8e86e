import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readDiscovery } from '../../src/client/discovery.ts';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = {
  'Light Modern': 'vscode-light',
  'Default High Contrast': 'vscode-high-contrast',
  'Default High Contrast Light': 'vscode-high-contrast-light',
  'Dark Modern': 'vscode-dark',
};
/** The width that a side bar has when it is made narrow, in CSS pixels. */
const NARROW = 260;
const EDIT = '!edit greet.ts export const greeting = "Hello"; => export const greeting = "Good morning";';

/**
 * The whole window as a person sees it in each kind of theme, wide and narrow, with something in every view. The
 * pictures in test-results are for eyes; what can be measured is measured here.
 */
describe('looks', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let beside: BesideChat;
  let chat: FrameLocator;
  let client: TestClient;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({
      env: codex.env,
      settings: { 'codexBridge.defaults.approvalPolicy': 'untrusted' },
    });
    writeFileSync(join(vscode.folder, 'greet.ts'), 'export const greeting = "Hello";\n');
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl(), { width: 1200, height: 1000 });
    beside = new BesideChat(workbench);
    chat = await workbench.chat();
    model.script(demoScript);
    await fill();
  });

  afterAll(async () => {
    await client?.abandon();
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  /** A session in each state, a client with work, and a turn that asks. */
  async function fill(): Promise<void> {
    await beside.expand('Sessions');
    await beside.expand('Clients');
    await ask('Explain how the release script finds its version, and where it could go wrong');
    await ended('completed');
    await ask('!fail 500');
    await ended('failed');
    await ask('!stall');
    await beside.row('running').waitFor();
    const discovery = await readDiscovery(vscode.bridgeHome);
    if (discovery === undefined) throw new Error('the bridge has no discovery file');
    client = await connectClient('2025-11-25', discovery);
    await client.call('ask', { prompt: '!stall for Claude', background: true, folder: vscode.folder });
    await ask('!think Where is the greeting? It is in **greet.ts**.');
    await ended('completed');
    await workbench.send(EDIT);
    await chat.getByRole('alertdialog').getByRole('button', { name: 'Accept', exact: true }).click();
    await chat.locator('.turn[data-status=completed]').nth(1).waitFor();
    await workbench.send('!run npm test -- --reporter=verbose && git status --short');
    await chat.getByRole('alertdialog').waitFor();
    await beside.row('waiting for you').waitFor();
  }

  async function ask(prompt: string): Promise<void> {
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send(prompt);
    await chat.locator('.prompt .text').first().waitFor();
  }

  const ended = (status: string) => chat.locator(`.turn[data-status=${status}]`).waitFor();

  async function choose(theme: string, kind: string): Promise<void> {
    await workbench.runCommand('Preferences: Color Theme');
    const input = workbench.page.locator('.quick-input-widget input').first();
    await input.fill(theme);
    const row = workbench.page
      .locator('.quick-input-list .monaco-list-row')
      .filter({ has: workbench.page.getByText(theme, { exact: true }) });
    await row.first().click();
    await chat.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
  }

  /** Drags the border of the side bar until it is so wide. */
  async function makeSideBar(width: number): Promise<void> {
    const { page } = workbench;
    const box = async () => {
      const bar = await page.locator('.part.sidebar').boundingBox();
      if (bar === null) throw new Error('there is no side bar');
      return bar;
    };
    await expect
      .poll(async () => {
        const { x, width: before } = await box();
        await page.mouse.move(x + before + 1, 400, { steps: 3 });
        await page.mouse.down();
        await page.mouse.move(x + width + 1, 400, { steps: 5 });
        await page.mouse.up();
        // Off the border, so that it loses its mark.
        await page.mouse.move(700, 300, { steps: 5 });
        return Math.abs((await box()).width - width);
      })
      .toBeLessThan(3);
  }

  /** What stands out of the chat to the right, by its class: nothing should. */
  async function overflowing(): Promise<string[]> {
    return chat.locator('#root').evaluate((root) => {
      const edge = root.getBoundingClientRect().right + 0.5;
      return [...root.querySelectorAll('button, .prompt, .turn, .composer *, .approval *')]
        .filter((element) => element.getBoundingClientRect().right > edge)
        .map((element) => `${element.tagName} ${element.className}`);
    });
  }

  test.each(Object.entries(THEMES))('in %s', async (theme, kind) => {
    await choose(theme, kind);
    await makeSideBar(340);
    await workbench.screenshot(`looks-${kind}`);
    expect(await overflowing()).toEqual([]);
    await makeSideBar(NARROW);
    await workbench.screenshot(`looks-${kind}-narrow`);
    expect(await overflowing()).toEqual([]);
    // The chat alone, at the beginning of what it shows.
    await beside.collapse('Sessions');
    await beside.collapse('Clients');
    await chat.getByRole('log').evaluate((log) => {
      log.scrollTop = 0;
    });
    await workbench.screenshot(`looks-${kind}-chat`);
    await beside.expand('Sessions');
    await beside.expand('Clients');
  });

  test('a low view with a question', async () => {
    await workbench.page.setViewportSize({ width: 1200, height: 700 });
    await workbench.screenshot('looks-low');
    const card = () => chat.locator('.approval').boundingBox();
    const title = chat.locator('.approval h2');
    await title.click({ trial: true });
    expect((await title.boundingBox())?.height).toBeLessThan((await card())?.height ?? 0);
    expect(await chat.locator('.to-end').isVisible()).toBe(false);
    // Nothing lies over the answers when they were scrolled to.
    const answer = chat.getByRole('button', { name: 'Accept', exact: true });
    await answer.click({ trial: true });
    const [inner, outer] = [await answer.boundingBox(), await card()];
    expect((inner?.y ?? 0) + (inner?.height ?? 0)).toBeLessThanOrEqual(
      (outer?.y ?? 0) + (outer?.height ?? 0),
    );
    await workbench.screenshot('looks-low-answers');
    await workbench.page.setViewportSize({ width: 1200, height: 1000 });
  });

  test('the panel in a narrow group', async () => {
    await makeSideBar(NARROW);
    await workbench.runCommand('Codex Bridge: Open Session in Editor');
    const panel = workbench.panelFrame();
    await panel.getByRole('tab', { name: 'Changes' }).click();
    await workbench.page.setViewportSize({ width: 48 + NARROW + 300, height: 900 });
    const last = panel.getByRole('tab').last();
    await last.waitFor();
    await workbench.screenshot('looks-panel-narrow');
    expect(await last.evaluate((tab) => tab.getBoundingClientRect().right <= window.innerWidth)).toBe(true);
  });
});
