import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** What is done with a session beside talking to it, as a person does it: menus, dialogs, icons. */
describe('sessions by menu and dialog', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let beside: BesideChat;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    beside = new BesideChat(workbench);
    chat = await workbench.chat();
    model.script(demoScript);
    await beside.expand('Sessions');
    await workbench.send('About herons');
    await beside.row('About herons').waitFor();
    await chat.locator('.turn[data-status=completed]').waitFor();
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

  test('exports to Markdown, into the folder of the session, and opens it', async () => {
    await beside.menu(beside.row('About herons'), 'Export Session');
    await beside.pick('Markdown');
    const file = join(vscode.folder, 'About-herons.md');
    await beside.saveAs(file);
    await expect.poll(() => existsSync(file)).toBe(true);
    await expect.poll(() => readFileSync(file, 'utf8')).toContain('Echo: About herons');
    await workbench.screenshot('sessions-exported');
    await beside.toast('About-herons.md').getByRole('button', { name: 'Open' }).click();
    await workbench.page.locator('.tab', { hasText: 'About-herons.md' }).waitFor();
  });

  test('exports to JSON and imports it again', async () => {
    const file = join(vscode.folder, 'About-herons.json');
    await workbench.chat();
    await workbench.runCommand('Codex Bridge: Export Session');
    await beside.pick('JSON');
    await beside.saveAs(file);
    await beside.toast('About-herons.json').waitFor();
    expect(readFileSync(file, 'utf8')).toContain('Echo: About herons');
    await workbench.runCommand('Codex Bridge: Rename Session');
    await beside.answer('The original');
    await beside.row('The original').waitFor();

    await workbench.runCommand('Codex Bridge: Import Sessions');
    await beside.pick('About-herons.json');
    await beside.row('About herons').waitFor();
    await chat.locator('.answer', { hasText: 'Echo: About herons' }).waitFor();
    await expect.poll(() => beside.rows().count()).toBe(2);
    // What was imported can be talked to.
    await workbench.send('!recall');
    await chat.locator('.turn[data-status=completed]').nth(1).waitFor();
    await workbench.screenshot('sessions-imported');
  });

  test('says why a file can not be imported', async () => {
    vscode.writeFile('work/wrong.json', '{ "no": "session" }');
    await workbench.runCommand('Codex Bridge: Import Sessions');
    await beside.pick('wrong.json');
    await beside.toast(`can't be imported`).waitFor();
    await workbench.screenshot('sessions-not-imported');
    await beside.toast(`can't be imported`).getByRole('button', { name: 'Show Log' }).click();
    await beside.output().waitFor();
  });

  test('restarts Codex, and the session goes on with what it knew', async () => {
    await beside.row('The original').click();
    await chat.locator('.session-bar .title', { hasText: 'The original' }).waitFor();
    await workbench.runCommand('Codex Bridge: Restart Codex');
    await beside.toast('Restarting Codex').waitFor();
    await beside.toast('Restarting Codex').waitFor({ state: 'detached' });
    await workbench.send('!recall');
    await chat.locator('.answer', { hasText: 'About herons' }).last().waitFor();
  });

  test('archives and deletes by the icons of a row', async () => {
    await beside.row('About herons').hover();
    await beside.row('About herons').getByRole('button', { name: 'Archive Session' }).click();
    await beside.row('About herons').waitFor({ state: 'detached' });
    await workbench.runCommand('Codex Bridge: Show Archived Sessions');
    await beside.row('About herons').hover();
    await beside.row('About herons').getByRole('button', { name: 'Unarchive Session' }).click();
    await expect.poll(() => beside.row('About herons').innerText()).not.toContain('archived');
    await beside.row('About herons').hover();
    await beside.row('About herons').getByRole('button', { name: 'Delete Session' }).click();
    await beside.row('About herons').waitFor({ state: 'detached' });
    await beside.toast('Deleted "About herons"').getByRole('button', { name: 'Undo' }).click();
    await beside.row('About herons').waitFor();
  });

  test('runs the doctor and shows what it says', async () => {
    await workbench.runCommand('Codex Bridge: Run Doctor');
    await beside.toast('doctor').waitFor();
    await beside.toast('doctor').waitFor({ state: 'detached' });
    await expect.poll(() => beside.output().innerText()).toMatch(/Listens\son\s127\.0\.0\.1/);
    // Only the lines in view are in the document: its checks stand above what the bridge exposes.
    await workbench.runCommand('View: Toggle Maximized Panel');
    await expect.poll(() => beside.output().innerText()).toContain('node-pty');
    await workbench.screenshot('sessions-doctor');
    expect(await beside.output().innerText()).not.toMatch(/not\sfound/i);
    await workbench.runCommand('View: Toggle Maximized Panel');
  });

  test('shows the log', async () => {
    await workbench.runCommand('View: Toggle Panel Visibility');
    await beside.output().waitFor({ state: 'hidden' });
    await workbench.runCommand('Codex Bridge: Show Log');
    await beside.output().waitFor();
    // Only some of its lines are in view.
    await workbench.page.getByRole('textbox', { name: 'Filter' }).fill('activated in');
    await expect.poll(() => beside.output().innerText()).toMatch(/activated\sin/);
  });
});
