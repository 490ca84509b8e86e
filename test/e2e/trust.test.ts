import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

describe('a folder that is not trusted', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({
      env: codex.env,
      trusted: false,
      // Even where the person wants the bridge with each window.
      settings: { 'codexBridge.startWhen': 'windowOpens' },
    });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  test('starts nothing until it is trusted, and goes on by itself then', async () => {
    const workbench = await Workbench.open(browser, vscode.workbenchUrl());
    const chat = await workbench.chat();
    await chat.getByRole('heading', { name: 'This folder is not trusted' }).waitFor();
    await workbench.screenshot('chat-untrusted');
    await workbench.runCommand('Codex Bridge: Ask Codex');
    await workbench.page.locator('.notifications-toasts', { hasText: 'you do not trust' }).waitFor();
    expect(existsSync(`${vscode.bridgeHome}/bridge.json`)).toBe(false);
    expect(existsSync(`${vscode.bridgeHome}/logs`)).toBe(false);

    await chat.getByRole('button', { name: 'Manage Trust' }).click();
    await workbench.page
      .locator('.workspace-trust-editor')
      .getByRole('button', { name: /^Trust$/ })
      .click();
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('Now I trust you');
    await chat.locator('.answer', { hasText: 'Echo: Now I trust you' }).waitFor();
    expect(model.prompts()).toEqual(['Now I trust you']);
  });
});
