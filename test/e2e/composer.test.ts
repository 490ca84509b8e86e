import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { Latch, ScriptedModel, words } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** 1 × 1, red. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** Where prompts are written: the real VS Code, the real Codex, a model that follows a script. */
describe('the composer', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;
  let area: Locator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    mkdirSync(join(vscode.folder, 'src/deep'), { recursive: true });
    mkdirSync(join(vscode.folder, 'node_modules/hidden'), { recursive: true });
    writeFileSync(
      join(vscode.folder, 'src/deep/parser.ts'),
      'export const parser = 1;\nexport const two = 2;\n',
    );
    writeFileSync(join(vscode.folder, 'src/other.ts'), 'other\n');
    writeFileSync(join(vscode.folder, 'node_modules/hidden/parser.js'), 'hidden\n');
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    await workbench.chat();
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  beforeEach(async () => {
    model.script(demoScript);
    await workbench.runCommand('Codex Bridge: New Session');
    chat = workbench.chatFrame();
    area = chat.getByRole('textbox', { name: 'Prompt' });
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    // The command ends with the focus here: a list that a test opens before would be closed by it.
    await expect
      .poll(() => area.evaluate((element) => document.hasFocus() && document.activeElement === element))
      .toBe(true);
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const turn = (status: string): Locator => chat.locator(`.turn[data-status=${status}]`);
  const option = (name: string): Locator => chat.getByRole('option', { name });

  test('steers a running turn with Alt+Enter', async () => {
    const door = new Latch();
    model.script(() => [
      words(['Working ', 'on '], (index) => (index === 1 ? door.wait() : Promise.resolve())),
    ]);
    await workbench.send('Begin');
    await chat.locator('.answer', { hasText: 'Working' }).waitFor();
    model.script(demoScript);
    await area.fill('Mind the tests');
    await workbench.screenshot('composer-steer');
    await area.press('Alt+Enter');
    await chat.locator('.steer', { hasText: 'Mind the tests' }).first().waitFor();
    expect(await area.inputValue()).toBe('');
    door.open();
    await turn('completed').waitFor();
    await chat.locator('.steer', { hasText: 'Mind the tests' }).waitFor();
    expect(await chat.locator('.turn').count()).toBe(1);
    expect(await chat.locator('.steer.pending').count()).toBe(0);
  });

  test('walks through earlier prompts with the arrow keys, also after a reload', async () => {
    for (const prompt of ['The first prompt', 'The second prompt']) {
      await workbench.send(prompt);
      await chat.locator('.answer', { hasText: `Echo: ${prompt}` }).waitFor();
    }
    await area.fill('unsent');
    await area.press('Home');
    await area.press('ArrowUp');
    await expect.poll(() => area.inputValue()).toBe('The second prompt');
    await area.press('ArrowUp');
    await expect.poll(() => area.inputValue()).toBe('The first prompt');
    await area.press('ArrowDown');
    await area.press('ArrowDown');
    await expect.poll(() => area.inputValue()).toBe('unsent');
    await area.fill('');
    await expect.poll(() => workbench.keeps('The second prompt'), { timeout: 10_000 }).toBe(true);
    await workbench.reload();
    chat = await workbench.chat();
    area = chat.getByRole('textbox', { name: 'Prompt' });
    await area.focus();
    await expect
      .poll(async () => {
        await area.press('ArrowUp');
        return area.inputValue();
      })
      .toBe('The second prompt');
    await area.fill('');
  });

  test('attaches a file that @ finds, and the bridge gives it to the model', async () => {
    await area.fill('Explain ');
    await area.pressSequentially('@parse');
    await option('src/deep/parser.ts').waitFor();
    expect(await chat.getByRole('option', { name: 'node_modules' }).count()).toBe(0);
    await workbench.screenshot('composer-attach');
    await area.press('Enter');
    await chat.locator('.chip', { hasText: 'src/deep/parser.ts' }).waitFor();
    expect(await area.inputValue()).toBe('Explain ');
    await area.press('Enter');
    await turn('completed').waitFor();
    expect(await chat.locator('.prompt .attachments').innerText()).toContain('src/deep/parser.ts');
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('export const parser = 1;');
    expect(await chat.locator('.chip').count()).toBe(0);
  });

  test('attaches the selection of the editor', async () => {
    await workbench.page.keyboard.press('Control+p');
    await workbench.page.locator('.quick-input-widget input').first().fill('src/deep/parser.ts');
    await workbench.page
      .locator('.quick-input-list .monaco-list-row', { hasText: 'parser.ts' })
      .first()
      .click();
    await workbench.page.locator('.tab.active', { hasText: 'parser.ts' }).waitFor();
    await workbench.page.locator('.monaco-editor .view-lines').first().click();
    await workbench.page.keyboard.press('Control+Home');
    await workbench.page.keyboard.press('Shift+ArrowDown');
    await area.click();
    await area.pressSequentially('@');
    await option('src/deep/parser.ts:1').first().click();
    await chat.locator('.chip', { hasText: 'src/deep/parser.ts:1' }).waitFor();
    await chat.getByRole('button', { name: 'Remove src/deep/parser.ts:1' }).click();
    expect(await chat.locator('.chip').count()).toBe(0);
    await area.fill('');
  });

  test('takes an image that is pasted', async () => {
    await area.focus();
    await area.evaluate((element, data) => {
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'shot.png', { type: 'image/png' }));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));
    }, PNG);
    await chat.locator('.chip img').waitFor();
    await workbench.send('What is this?');
    await turn('completed').waitFor();
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain(PNG);
    await chat.locator('.prompt .codicon-file-media').waitFor();
  });

  test('says why a file can not be attached', async () => {
    await area.evaluate((element) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array([0, 1, 2])], 'a.bin'));
      element.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
    });
    await chat.getByText('"a.bin" is no text and no image').waitFor();
  });

  test('plans without the right to change anything, and forks', async () => {
    await area.pressSequentially('/pl');
    await option('/plan').waitFor();
    await workbench.screenshot('composer-commands');
    await area.press('Enter');
    expect(await area.inputValue()).toBe('/plan ');
    await area.pressSequentially('a new parser');
    await area.press('Enter');
    await turn('completed').waitFor();
    expect(await chat.locator('.prompt .text').innerText()).toContain('a new parser');
    expect(JSON.stringify(model.requests.at(-1)?.body)).toMatch(/sandbox_mode[^.]{0,40}read-only|read-only/);

    // What was typed comes back, not what was made of it.
    await area.press('ArrowUp');
    await expect.poll(() => area.inputValue()).toBe('/plan a new parser');
    await area.fill('');

    const title = await chat.locator('.session-bar .title').first().innerText();
    await area.fill('/rename Another name');
    await area.press('Enter');
    await chat.locator('.session-bar .title', { hasText: 'Another name' }).waitFor();
    expect(title).not.toBe('Another name');
    await area.fill('');
    await area.pressSequentially('/fork');
    await area.press('Enter');
    await expect.poll(() => chat.locator('.session-bar .title').first().innerText()).not.toBe('Another name');
  });

  test('has model, effort and access chosen by keyboard, for the session', async () => {
    await workbench.send('Wake up');
    await turn('completed').waitFor();
    const access = chat.getByRole('combobox', { name: 'Access' });
    await access.focus();
    await access.press('ArrowDown');
    await workbench.screenshot('composer-access');
    // More than the settings allow is not offered.
    expect(await chat.getByRole('option').allInnerTexts()).toHaveLength(2);
    await access.press('Home');
    await access.press('Enter');
    await expect.poll(() => access.textContent()).toContain('Read');
    const models = chat.getByRole('combobox', { name: 'Model' });
    await models.click();
    await chat.getByRole('option', { name: 'Default' }).waitFor();
    await models.press('Escape');
    await workbench.send('!run touch not-allowed.txt');
    await expect.poll(() => turn('completed').count(), { timeout: 30_000 }).toBe(2);
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('Read-only file system');
  });
});
