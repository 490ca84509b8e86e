import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { readDiscovery } from '../../src/client/discovery.ts';
import type { SessionSummary } from '../../src/shared/session.ts';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { joinBridge } from '../support/faces.ts';
import { connectClient } from '../support/mcpClients.ts';
import { Latch, ScriptedModel, words } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** What is around the chat: the sessions and clients trees, the status bar, notifications. */
describe('the views beside the chat', () => {
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
    vscode = await VsCode.start({
      env: codex.env,
      settings: { 'codexBridge.defaults.approvalPolicy': 'untrusted' },
    });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl());
    beside = new BesideChat(workbench);
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

  test('lists sessions as they come, renames them by keyboard and finds them by what was said', async () => {
    await beside.expand('Sessions');
    await beside.tree().or(workbench.page.getByText('No sessions yet.')).first().waitFor();
    await workbench.send('About herons');
    await chat.locator('.turn[data-status=completed]').waitFor();
    await beside.row('About herons').waitFor();
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('!stall');
    await beside.row('running').waitFor();
    await expect.poll(() => beside.rows().count()).toBe(2);
    await workbench.screenshot('views-sessions');

    await beside.row('About herons').click();
    await chat.locator('.answer', { hasText: 'Echo: About herons' }).waitFor();
    await beside.row('About herons').click();
    await workbench.page.keyboard.press('F2');
    await beside.answer('Birds');
    await beside.row('Birds').waitFor();

    await workbench.runCommand('Codex Bridge: Find Sessions');
    await beside.answer('herons');
    await expect.poll(() => beside.rows().count()).toBe(1);
    await workbench.page.getByText('"herons": 1 session found').waitFor();
    await workbench.screenshot('views-filter');
    await workbench.runCommand('Codex Bridge: Show All Sessions');
    await expect.poll(() => beside.rows().count()).toBe(2);
  });

  test('forks, archives and brings back', async () => {
    await beside.menu(beside.row('Birds'), 'Fork Session');
    await beside.row('Birds (fork)').waitFor();
    await beside.menu(beside.row('Birds (fork)'), 'Archive Session');
    await beside.row('Birds (fork)').waitFor({ state: 'detached' });
    await workbench.runCommand('Codex Bridge: Show Archived Sessions');
    await beside.row('Birds (fork)').locator('.codicon-archive').first().waitFor();
    await workbench.screenshot('views-archived');
    await beside.menu(beside.row('Birds (fork)'), 'Unarchive Session');
    await expect.poll(() => beside.row('Birds (fork)').innerText()).not.toContain('archived');
    await workbench.runCommand('Codex Bridge: Hide Archived Sessions');
    await beside.row('Birds (fork)').waitFor();
  });

  test('deletes only what was not undone', async () => {
    await beside.row('Birds (fork)').click();
    await workbench.page.keyboard.press('Delete');
    await beside.row('Birds (fork)').waitFor({ state: 'detached' });
    await beside.toast('Deleted "Birds (fork)"').waitFor();
    await workbench.screenshot('views-undo');
    await beside.toast('Deleted "Birds (fork)"').getByRole('button', { name: 'Undo' }).click();
    await beside.row('Birds (fork)').waitFor();
  });

  test('brings back even what the bridge has deleted meanwhile', async () => {
    const bridge = await joinBridge(vscode.bridgeHome);
    try {
      const removed = new Promise((resolve) => bridge.rpc.on('session.removed', resolve));
      await beside.menu(beside.row('Birds (fork)'), 'Delete Session');
      await beside.row('Birds (fork)').waitFor({ state: 'detached' });
      await removed;
      expect(await readSessions(bridge, 'fork')).toEqual([]);
      await beside.toast('Deleted "Birds (fork)"').getByRole('button', { name: 'Undo' }).click();
      await beside.row('Birds (fork)').waitFor();
      expect(await readSessions(bridge, 'fork')).toMatchObject([{ title: 'Birds (fork)', turns: 1 }]);
    } finally {
      bridge.dispose();
    }
  });

  test('says in the status bar and in a notification what is asked, and closes it when it was answered elsewhere', async () => {
    await expect.poll(() => beside.status().innerText()).toContain('1 running');
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('!run touch asked.txt');
    await chat.getByRole('alertdialog').waitFor();
    await expect.poll(() => beside.status().innerText()).toContain('1 question, 2 running');
    // The chat shows the card: there is nothing to notify of.
    expect(await beside.toast('touch asked.txt').count()).toBe(0);
    await beside.row('waiting for you').waitFor();
    await workbench.screenshot('views-question');

    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await beside.toast("to run /bin/bash -lc 'touch asked.txt'").waitFor();
    await workbench.page.locator('.activitybar .badge:visible', { hasText: '1' }).first().waitFor();
    await workbench.screenshot('views-notice');
    const other = await joinBridge(vscode.bridgeHome);
    try {
      const id = (await readSessions(other, 'touch asked.txt'))[0]?.id ?? '';
      const { approvals } = await other.rpc.request('session.approvals', { session: id });
      const approval = approvals[0]?.id ?? '';
      await other.rpc.request('approval.answer', { session: id, approval, decision: 'decline' });
    } finally {
      other.dispose();
    }
    await beside.toast("to run /bin/bash -lc 'touch asked.txt'").waitFor({ state: 'detached' });
    await expect.poll(() => beside.status().innerText()).not.toContain('question');
  });

  test('declines from the notification, and shows the question by a click on the status bar', async () => {
    model.script(demoScript);
    await workbench.chat();
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('!run touch later.txt');
    await chat.getByRole('alertdialog').waitFor();
    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await beside.toast('touch later.txt').waitFor();
    await beside.toast('touch later.txt').getByText('Review').click();
    await chat.getByRole('alertdialog').waitFor();
    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await beside.status().click();
    await chat.getByRole('alertdialog').waitFor();
    await beside.toast('touch later.txt').waitFor({ state: 'detached' });
    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await beside.toast('touch later.txt').getByRole('button', { name: 'Cancel' }).click();
    await beside.toast('touch later.txt').waitFor({ state: 'detached' });
    await expect.poll(() => beside.status().innerText()).not.toContain('question');
    expect(existsSync(join(vscode.folder, 'later.txt'))).toBe(false);
  });

  test('shows who is connected over MCP and what they have running', async () => {
    await workbench.chat();
    await beside.expand('Clients');
    await workbench.page.getByText('No MCP client is connected.').waitFor();
    await workbench.screenshot('views-no-clients');
    const [door] = [new Latch()];
    model.script(() => [words(['one ', 'two'], (i) => (i === 1 ? door.wait() : undefined))]);
    const discovery = await readDiscovery(vscode.bridgeHome);
    if (discovery === undefined) throw new Error('the bridge has no discovery file');
    const client = await connectClient('2025-11-25', discovery);
    try {
      const clients = workbench.page.locator('.pane', { hasText: 'Clients' }).locator('.monaco-list-row');
      await clients.filter({ hasText: 'test-client' }).waitFor();
      await client.call('ask', { prompt: 'From the client', background: true, folder: vscode.folder });
      await clients.filter({ hasText: 'From the client' }).waitFor();
      await clients.filter({ hasText: '1 running' }).waitFor();
      await workbench.screenshot('views-clients');
      await clients.filter({ hasText: 'From the client' }).click();
      await chat.locator('.prompt .text', { hasText: 'From the client' }).waitFor();
      door.open();
      await clients.filter({ hasText: 'nothing running' }).waitFor();
      await client.close();
      await workbench.page.getByText('No MCP client is connected.').waitFor();
    } finally {
      await client.abandon();
    }
  });

  test("sends what is selected from the editor's menu", async () => {
    model.script(demoScript);
    writeFileSync(join(vscode.folder, 'poem.txt'), 'one\ntwo\nthree\n');
    await workbench.page.keyboard.press('Control+P');
    await workbench.page.locator('.quick-input-widget input').first().fill('poem.txt');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'poem.txt' }).click();
    const line = workbench.page.locator('.editor-instance .view-line', { hasText: 'two' });
    await line.click({ clickCount: 3 });
    await line.click({ button: 'right', position: { x: 5, y: 8 } });
    const entry = (text: string) =>
      workbench.page.locator('.monaco-menu .action-menu-item', { hasText: text }).first();
    await entry('Codex').hover();
    await workbench.page.keyboard.press('ArrowRight');
    await entry('Explain This Code').waitFor();
    await workbench.screenshot('views-editor-menu');
    await entry('Explain This Code').hover();
    await workbench.page.keyboard.press('Enter');
    await chat.locator('.answer', { hasText: 'Echo: Explain this code' }).last().waitFor();
    await chat.getByText('poem.txt:2').first().waitFor();
  });

  test('shows the way in a walkthrough, with pictures', async () => {
    // In a narrow window VS Code leaves the pictures out.
    await workbench.page.setViewportSize({ width: 1800, height: 900 });
    await workbench.runCommand('Welcome: Open Walkthrough');
    await workbench.page
      .locator('.quick-input-list .monaco-list-row', { hasText: 'Get started with Codex Bridge' })
      .click();
    await workbench.page.getByRole('button', { name: 'Find everything again' }).click();
    const picture = workbench.page.locator('.getting-started-media img');
    await picture.waitFor();
    await expect
      .poll(() => picture.evaluate((image) => (image instanceof HTMLImageElement ? image.naturalWidth : 0)))
      .toBeGreaterThan(100);
    await workbench.screenshot('views-walkthrough');
    await workbench.page.setViewportSize({ width: 1200, height: 800 });
  });
});

async function readSessions({ rpc }: BridgeConnection, query: string): Promise<readonly SessionSummary[]> {
  const { folders } = await rpc.request('status', {});
  const { sessions } = await rpc.request('session.list', { folder: folders[0]?.key ?? '', query });
  return sessions;
}
