import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findings } from '../support/axe.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { documentWith } from '../support/terminalPage.ts';
import { VsCode } from '../support/vscode.ts';

/** Answers what the TUI would ask at its first start: which of two models. */
const QUIET = '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n';
/** For what is told by no event, in ms. */
const WAIT = { timeout: 20_000 };
const SETTINGS = { 'terminal.integrated.gpuAcceleration': 'off', 'editor.fontFamily': 'monospace' };

/** A machine for which node-pty has no binary: the bridge can have no terminal, VS Code can. */
describe('the terminal where node-pty can not be loaded', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    model.script(demoScript);
    codex = await makeCodexHome({ modelUrl: model.url });
    appendFileSync(join(codex.home, 'config.toml'), QUIET);
    vscode = await VsCode.start({ env: codex.env, settings: SETTINGS });
    rmSync(join(vscode.extension, 'dist/runtime/node_modules/node-pty/prebuilds'), { recursive: true });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl(), { width: 1400, height: 900 });
    await workbench.chat();
    await workbench.send('Hello there');
    await workbench.chatFrame().locator('.turn[data-status=completed]').waitFor();
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

  /** Waits until the palette is gone: the next one must not be opened while this one closes. */
  async function run(title: string): Promise<void> {
    await workbench.runCommand(title);
    await workbench.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }
  const integrated = () => workbench.page.locator('.terminal-wrapper .xterm-rows');
  const shows = (text: string) =>
    expect.poll(async () => (await integrated().innerText()).replaceAll('\u00a0', ' '), WAIT).toContain(text);

  test('says so, and opens the session in a terminal of VS Code, on the same thread', async () => {
    await run('Codex Bridge: Open Terminal');
    const shown = await documentWith(workbench.page, '#root[data-session] .notice');
    await shown.getByText('node-pty can not be loaded').waitFor();
    expect(await shown.getByText('Another viewer sets the size.').isVisible()).toBe(false);
    await workbench.screenshot('terminal-unavailable');
    expect(await findings(shown, 'editor')).toEqual([]);
    // By keyboard: the notice's button, and what VS Code opens takes the keyboard over.
    await shown.locator('.notice').getByRole('button', { name: 'Open in Integrated Terminal' }).focus();
    await workbench.page.keyboard.press('Enter');
    await shows('Echo: Hello there');
    await workbench.page.locator('.terminal-wrapper .xterm-helper-textarea').focus();
    await workbench.page.keyboard.type('typed in VS Code');
    await shows('typed in VS Code');
    await workbench.page.keyboard.press('Enter');
    await workbench.chatFrame().locator('.answer', { hasText: 'Echo: typed in VS Code' }).waitFor();
    await workbench.screenshot('terminal-fallback');
  });

  test('has one for a session, which the command shows again', async () => {
    await run('Codex Bridge: Open in Integrated Terminal');
    await shows('Echo: typed in VS Code');
    expect(await workbench.page.locator('.terminal-wrapper').count()).toBe(1);
    await run('Terminal: Kill the Active Terminal Instance');
    await integrated().waitFor({ state: 'detached' });
    await run('Codex Bridge: Open in Integrated Terminal');
    await shows('Echo: typed in VS Code');
  });
});
