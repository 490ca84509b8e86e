import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { commandLine, processesOf } from '../support/processFamily.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

const LOOSE = {
  'codexBridge.ceiling.sandbox': 'danger-full-access',
  'codexBridge.ceiling.approvalPolicy': 'never',
  'codexBridge.ceiling.network': true,
  'codexBridge.ceiling.writableRoots': ['/'],
  'codexBridge.ceiling.acceptForSession': true,
  'codexBridge.defaults.sandbox': 'danger-full-access',
  'codexBridge.defaults.approvalPolicy': 'never',
  'codexBridge.codexPath': '/bin/false',
  'codexBridge.codex.environment': ['*'],
  'codexBridge.mcp.elicitApprovals': true,
};

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
    // What a repository would bring along to loosen what the person allows.
    mkdirSync(join(vscode.folder, '.vscode'));
    writeFileSync(join(vscode.folder, '.vscode', 'settings.json'), JSON.stringify(LOOSE));
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  test('A1: starts nothing until it is trusted, and goes on by itself then', async () => {
    const workbench = await Workbench.open(browser, vscode.workbenchUrl());
    const chat = await workbench.chat();
    await chat.getByRole('heading', { name: 'This folder is not trusted' }).waitFor();
    await workbench.screenshot('chat-untrusted');
    // Nothing else can be done yet.
    const offered = await paletteOf(workbench);
    expect(offered).toEqual(['Codex Bridge: Show Chat', 'Codex Bridge: Show Log']);
    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await workbench.runCommand('Codex Bridge: Show Chat');
    await chat.getByRole('heading', { name: 'This folder is not trusted' }).waitFor();
    // No discovery file, no socket, no log; and no process that could have a port.
    expect(readdirSync(vscode.bridgeHome)).toEqual([]);
    expect(ours()).toEqual([]);

    await chat.getByRole('button', { name: 'Manage Trust' }).click();
    await workbench.page
      .locator('.workspace-trust-editor')
      .getByRole('button', { name: /^Trust$/ })
      .click();
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    expect(await paletteOf(workbench, 'New Session')).toContain('Codex Bridge: New Session');
    await workbench.send('Now I trust you');
    await chat.locator('.answer', { hasText: 'Echo: Now I trust you' }).waitFor();
    expect(model.prompts()).toEqual(['Now I trust you']);
    expect(ours().length).toBeGreaterThanOrEqual(2);
  });

  test('A12: what its .vscode/settings.json says loosens nothing, trusted or not', () => {
    const settings: unknown = JSON.parse(readFileSync(join(vscode.bridgeHome, 'settings.json'), 'utf8'));
    const { codexPath, codex, ceiling, defaults, mcp } = settings as BridgeSettings; // the bridge's own file
    const { sandbox, approvalPolicy } = DEFAULT_SETTINGS.defaults;
    expect({ codexPath, codex, ceiling, mcp }).toEqual({
      codexPath: undefined,
      codex: DEFAULT_SETTINGS.codex,
      ceiling: DEFAULT_SETTINGS.ceiling,
      mcp: DEFAULT_SETTINGS.mcp,
    });
    expect(defaults).toMatchObject({ sandbox, approvalPolicy });
  });

  /** Bridges and Codexes of this VS Code. */
  function ours(): string[] {
    return processesOf({ stateDir: vscode.bridgeHome, codexHome: codex.home })
      .map(commandLine)
      .filter((line) => /codex|runtime/i.test(line) && !line.includes('code-server'));
  }
});

/** Our commands that the palette offers for a title, or for all. */
async function paletteOf({ page }: Workbench, title = ''): Promise<string[]> {
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input').first().fill(`>Codex Bridge: ${title}`);
  const rows = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Codex Bridge:' });
  await rows.filter({ hasText: title || 'Show Log' }).waitFor();
  const labels = await rows.locator('.label-name').allInnerTexts();
  await page.keyboard.press('Escape');
  // VS Code brings a command of its own for each view.
  return labels
    .map((label) => label.replaceAll('\u00a0', ' '))
    .filter((label) => !/: Focus on .* View$/.test(label))
    .sort();
}
