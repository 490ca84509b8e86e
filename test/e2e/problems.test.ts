import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { commandLine, processesOf } from '../support/processFamily.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

describe('when something is missing', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env, settings: { 'codexBridge.limits.runningTurns': 0 } });
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

  async function withSettings(settings: Record<string, unknown>): Promise<void> {
    vscode.setSettings(settings);
    await workbench.reload();
    chat = await workbench.chat();
  }

  test('a setting with a wrong value is named, and nothing starts', async () => {
    await chat.getByRole('heading', { name: 'Codex Bridge could not start' }).waitFor();
    await chat.getByText('codexBridge.limits.runningTurns').waitFor();
    expect(await chat.locator('.welcome code').innerText()).toBe('INVALID_INPUT');
    await workbench.screenshot('chat-setting');
    expect(vscode.bridgePid()).toBeUndefined();
    await chat.getByRole('button', { name: 'Open Settings' }).click();
    await workbench.page.locator('.settings-editor').waitFor();
  });

  test('without Codex the prompt is not lost, and no empty session is left', async () => {
    await withSettings({ 'codexBridge.codexPath': '/nonexistent/codex' });
    await chat.getByRole('heading', { name: 'Codex was not found' }).waitFor();
    await chat.getByRole('button', { name: 'Install in a Terminal' }).click();
    await workbench.page
      .locator('.terminal-tabs-entry, .single-terminal-tab', { hasText: 'Install Codex' })
      .waitFor();
    await chat.getByRole('button', { name: 'Check again' }).click();
    await chat.locator('.problem').getByText('CODEX_NOT_FOUND', { exact: true }).waitFor();
    await workbench.send('Keep this');
    const problem = chat.locator('.problem');
    await problem.getByText('CODEX_NOT_FOUND', { exact: true }).waitFor();
    await workbench.screenshot('chat-no-codex');
    expect(await chat.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('Keep this');
    await expect.poll(() => chat.locator('.session-bar').count()).toBe(0);
    await expect.poll(() => workbench.keeps('Keep this'), { timeout: 10_000 }).toBe(true);
  });

  test('and once it is there the same prompt goes through', async () => {
    await withSettings({});
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    await expect.poll(() => area.inputValue()).toBe('Keep this');
    await area.press('Enter');
    await chat.locator('.answer', { hasText: 'Echo: Keep this' }).waitFor();
  });

  test('B2: a Codex that crashes again and again is restarted by a button, with the reason beside it', async () => {
    const stateDir = vscode.bridgeHome;
    for (let crash = 1; crash <= 5; crash++) {
      await workbench.send(`crash ${crash}`);
      await chat.locator('.answer', { hasText: `Echo: crash ${crash}` }).waitFor();
      await expect.poll(() => chat.locator('.turn.running').count()).toBe(0);
      const servers = processesOf({ stateDir, codexHome: codex.home }).filter((pid) =>
        commandLine(pid).includes(' app-server '),
      );
      expect(servers).not.toEqual([]);
      for (const pid of servers) process.kill(pid, 'SIGKILL');
      await workbench.page.locator('.statusbar-item', { hasText: 'Codex: failed' }).waitFor();
    }
    const problem = chat.locator('.problem', { hasText: 'crashed five times within three minutes' });
    await problem.getByText('CODEX_START_FAILED', { exact: true }).waitFor();
    await workbench.screenshot('chat-crash-loop');
    await problem.getByRole('button', { name: 'Restart Codex' }).click();
    await problem.waitFor({ state: 'detached' });
    await workbench.send('and on');
    await chat.locator('.answer', { hasText: 'Echo: and on' }).waitFor();
    expect(model.prompts().filter((prompt) => prompt.startsWith('crash'))).toHaveLength(5);
  });

  test('without a folder it asks for one', async () => {
    await workbench.page.goto(`${vscode.url}/?ew=true`);
    await workbench.ready();
    chat = await workbench.chat();
    await chat.getByRole('heading', { name: 'Open a folder' }).waitFor();
    expect(await chat.getByRole('textbox').count()).toBe(0);
  });
});
