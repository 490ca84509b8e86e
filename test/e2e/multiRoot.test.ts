import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { joinBridge } from '../support/faces.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

describe('a window with several folders', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;
  let beside: BesideChat;
  let chat: FrameLocator;
  let second: string;
  let third: string;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    second = vscode.makeFolder('second');
    third = vscode.makeFolder('third');
    const workspace = vscode.writeFile(
      'two.code-workspace',
      JSON.stringify({ folders: [{ path: 'work' }, { path: 'second' }] }),
    );
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, vscode.workbenchUrl(workspace));
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

  const folderPicker = () => chat.getByRole('combobox', { name: 'In folder' });
  const folders = () => folderPicker().locator('option').allInnerTexts();

  test('asks each folder in a session of its own, and lists them under their folders', async () => {
    await beside.expand('Sessions');
    await folderPicker().waitFor();
    expect(await folders()).toEqual(['work', 'second']);
    await workbench.send('!run pwd');
    await chat.locator('.answer', { hasText: vscode.folder }).waitFor();
    await workbench.runCommand('Codex Bridge: New Session');
    await folderPicker().selectOption('second');
    await workbench.screenshot('multi-root-picker');
    await workbench.send('!run basename "$PWD"');
    await chat.locator('.answer', { hasText: 'second' }).waitFor();
    await lists([/^work/, /!run pwd/, /^second/, /!run basename/]);
    await workbench.screenshot('multi-root-tree');
    // A session opens with its folder, whichever was chosen last.
    await beside.row('!run pwd').click();
    await chat.locator('.answer', { hasText: vscode.folder }).waitFor();
    await workbench.send('!run basename "$PWD"');
    await chat.locator('.answer', { hasText: 'work' }).last().waitFor();
  });

  test('takes up a folder that is added to the window', async () => {
    await workbench.runCommand('Workspaces: Add Folder to Workspace');
    await beside.chooseFolder(third);
    await lists([/^work/, /!run pwd/, /^second/, /!run basename/, /^third/]);
    await workbench.runCommand('Codex Bridge: New Session');
    await folderPicker().waitFor();
    expect(await folders()).toEqual(['work', 'second', 'third']);
    await folderPicker().selectOption('third');
    await workbench.send('!patch new.txt');
    await chat.locator('.turn[data-status=completed]').waitFor();
    expect(existsSync(join(third, 'new.txt'))).toBe(true);
    await lists([/^work/, /!run pwd/, /^second/, /!run basename/, /^third/, /!patch new/]);
  });

  test('begins a session in the folder whose row is asked', async () => {
    const folder = beside.row('second').first();
    await folder.hover();
    await folder.getByRole('button', { name: 'New Session' }).click();
    await expect.poll(() => folderPicker().locator('option:checked').innerText()).toBe('second');
  });

  test('finds sessions in all folders, and shows only the folders with one', async () => {
    await workbench.runCommand('Codex Bridge: Find Sessions');
    await beside.answer('basename');
    await lists([/^work/, /!run pwd/, /^second/, /!run basename/]);
    await workbench.runCommand('Codex Bridge: Find Sessions');
    await beside.answer('new.txt');
    await lists([/^third/, /!patch new/]);
    await workbench.runCommand('Codex Bridge: Show All Sessions');
    await lists([/^work/, /!run pwd/, /^second/, /!run basename/, /^third/, /!patch new/]);
  });

  test('lets a folder go with its sessions, and brings them back with it', async () => {
    await beside.row('!run basename').click();
    await chat.locator('.answer', { hasText: 'second' }).waitFor();
    await workbench.runCommand('Workspaces: Remove Folder from Workspace');
    await beside.pick('second');
    await lists([/^work/, /!run pwd/, /^third/, /!patch new/]);
    // What was open has left with its folder.
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    expect(await folders()).toEqual(['work', 'third']);
    await workbench.screenshot('multi-root-removed');
    await workbench.runCommand('Workspaces: Add Folder to Workspace');
    await beside.chooseFolder(second);
    await lists([/^work/, /!run pwd/, /^third/, /!patch new/, /^second/, /!run basename/]);
  });

  test('shows the same after a reload', async () => {
    await beside.row('!patch new').click();
    await chat.locator('.prompt .text', { hasText: '!patch new.txt' }).waitFor();
    const open = await idOf('!patch new.txt');
    await expect.poll(() => workbench.keeps(`"selected":"${open}"`)).toBe(true);
    await workbench.reload();
    chat = await workbench.chat();
    await chat.locator('.prompt .text', { hasText: '!patch new.txt' }).waitFor();
    await lists([/^work/, /!run pwd/, /^third/, /!patch new/, /^second/, /!run basename/]);
  });

  async function idOf(title: string): Promise<string> {
    const bridge = await joinBridge(vscode.bridgeHome);
    try {
      const { folders } = await bridge.rpc.request('status', {});
      const lists = await Promise.all(
        folders.map(({ key }) => bridge.rpc.request('session.list', { folder: key })),
      );
      const found = lists.flatMap(({ sessions }) => sessions).find((session) => session.title === title);
      return found?.id ?? '';
    } finally {
      bridge.dispose();
    }
  }

  /** The sessions tree, folders and sessions, in this order. */
  async function lists(wanted: readonly RegExp[]): Promise<void> {
    await expect
      .poll(() => beside.rows().allInnerTexts())
      .toEqual(wanted.map((text) => expect.stringMatching(text)));
  }
});
