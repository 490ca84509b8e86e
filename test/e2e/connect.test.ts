import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { clientCommand, ensureClientTools } from '../../scripts/lib/clientTools.mjs';
import { launcherFile } from '../../src/client/launcher.ts';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { until } from '../support/cli.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { alive } from '../support/processFamily.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** From the command in VS Code to what the real Claude Code lists, and back. */
describe('connecting a client in VS Code', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let beside: BesideChat;

  beforeAll(async () => {
    await ensureClientTools();
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    // VS Code takes the PATH from a login shell, so Claude Code is where its own installer puts it.
    mkdirSync(join(codex.home, '.local/bin'), { recursive: true });
    symlinkSync(clientCommand('claude'), join(codex.home, '.local/bin/claude'));
    vscode = await VsCode.start({ env: { ...codex.env, ...QUIET } });
    // Claude Code files what is local under the repository's root, and the tests lie in ours.
    mkdirSync(join(vscode.folder, '.git'));
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    beside = new BesideChat(workbench);
    await workbench.chat();
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

  const dialog = (): Locator => workbench.page.locator('.monaco-dialog-box');
  const button = (name: string) => dialog().getByRole('button', { name, exact: true });

  /** What Claude Code itself says. */
  function claudeList(): string {
    const env = { ...codex.env, ...QUIET };
    const options = { cwd: vscode.folder, env, encoding: 'utf8', timeout: 60_000 } as const;
    return execFileSync(clientCommand('claude'), ['mcp', 'list'], options);
  }

  test('shows to the letter what it will do, and does nothing when the person goes back', async () => {
    await workbench.runCommand('Codex Bridge: Connect Claude Code…');
    await beside.pick('This project, shared');
    await dialog().waitFor();
    const detail = await dialog().innerText();
    expect(detail).toContain(join(realpathSync(vscode.folder), '.mcp.json'));
    expect(detail).toContain('"attach"');
    expect(detail).not.toMatch(/Bearer|token/i);
    await workbench.screenshot('connect-plan');
    await button('Cancel').click();
    await dialog().waitFor({ state: 'detached' });
    expect(existsSync(join(vscode.folder, '.mcp.json'))).toBe(false);
  });

  test('Claude Code is connected, and after Undo it is not', async () => {
    await workbench.runCommand('Codex Bridge: Connect Claude Code…');
    await beside.pick('This project, for me');
    await dialog().waitFor();
    expect(await dialog().innerText()).toMatch(/mcp add codex-bridge --scope local/);
    await button('Connect').click();
    const toast = beside.toast('Claude Code is connected');
    await toast.waitFor();
    await workbench.screenshot('connect-done');
    expect(claudeList()).toMatch(/codex-bridge: .*bin\/codex-bridge attach .* ✔ Connected/);
    await toast.getByRole('button', { name: 'Undo' }).click();
    await beside.toast('Claude Code is as it was before').waitFor();
    expect(claudeList()).not.toContain('codex-bridge');
  });

  test('another client is chosen from a list, and what is shown can be read in the editor', async () => {
    rmSync(join(vscode.folder, '.cursor'), { recursive: true, force: true });
    await workbench.runCommand('Notifications: Clear All Notifications');
    await workbench.runCommand('Codex Bridge: Connect a Client…');
    await beside.pick('Cursor');
    await beside.pick('This project, shared');
    await button('Show in Editor').click();
    await workbench.page.locator('.editor-instance', { hasText: '"mcpServers"' }).waitFor();
    await beside.toast('Connect Cursor?').getByRole('button', { name: 'Connect' }).click();
    await beside.toast('Cursor is connected').waitFor();
    expect(readFileSync(join(vscode.folder, '.cursor/mcp.json'), 'utf8')).toContain('codex-bridge');
  });

  test('the copied configuration has no token; the one with a token is a choice of its own', async () => {
    const copied = () => workbench.page.evaluate(() => navigator.clipboard.readText());
    await workbench.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await workbench.runCommand('Codex Bridge: Copy MCP Configuration');
    await beside.toast('no token is in it').waitFor();
    const plain = await copied();
    expect(JSON.parse(plain)).toMatchObject({ mcpServers: { 'codex-bridge': { args: ['attach'] } } });
    expect(plain).not.toMatch(/Bearer/);
    await workbench.runCommand('Codex Bridge: Copy HTTP Configuration (With Token)');
    await beside.pick('All folders');
    await beside.toast('has a token in it').waitFor();
    expect(await copied()).toMatch(/"Authorization": "Bearer /);
  });

  test('uninstalling ends the bridge at the next start, and says which registrations remain', async () => {
    const bridge = vscode.bridgePid() ?? 0;
    expect(alive([bridge])).toBe(1);
    await workbench.page.close();
    vscode.uninstall();
    await vscode.restart();
    // VS Code tidies up when the first window connects.
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    await until('the bridge has gone', () => alive([bridge]) === 0, 60_000);
    const log = join(vscode.bridgeHome, 'logs/uninstall.log');
    await until('it is told', () => existsSync(log));
    const launcher = launcherFile(vscode.bridgeHome);
    const told = readFileSync(log, 'utf8');
    expect(told).toContain(`cursor, for ${realpathSync(vscode.folder)}`);
    expect(told).toContain(`"${launcher}" connect --remove`);
    execFileSync(launcher, ['connect', '--remove', '--yes'], {
      cwd: vscode.folder,
      env: { ...codex.env, CODEX_BRIDGE_HOME: vscode.bridgeHome },
      timeout: 60_000,
    });
    expect(existsSync(join(vscode.folder, '.cursor'))).toBe(false);
    expect(existsSync(launcher)).toBe(false);
  });
});

/** Claude Code without a word to anybody. */
const QUIET = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' };
