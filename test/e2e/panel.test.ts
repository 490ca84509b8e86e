import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findings } from '../support/axe.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { changeList, manyFiles, markedFile, openPanelPage } from '../support/panelPage.ts';
import { command, ScriptedModel, text } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

const MUCH = Array.from({ length: 200 }, (_, place) => `Paragraph ${place}.`).join('\n\n');
const LINES = Array.from({ length: 40 }, (_, line) => `export const value${line} = ${line};\n`);

/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = {
  'Light Modern': 'vscode-light',
  'Default High Contrast': 'vscode-high-contrast',
  'Default High Contrast Light': 'vscode-high-contrast-light',
  'Dark Modern': 'vscode-dark',
};

/** The session panel: the chat at full width, and what a turn changed on the disk, in a folder without git. */
describe('the session panel', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let panel: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    write('values.ts', LINES.join(''));
    write('old.txt', 'one\r\ntwo\r\n');
    write('run.sh', 'echo hello\n');
    write('picture.bin', '\0before');
    model.script(({ outputs, prompt }) => {
      if (prompt.startsWith('Say much')) return [text(MUCH)];
      if (!prompt.startsWith('Change') || outputs.length > 0) return [text(`Done: ${prompt}`)];
      return [command(CHANGE)];
    });
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl(), { width: 1400, height: 900 });
    await workbench.chat();
    panel = workbench.panelFrame();
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

  const CHANGE = [
    `sed -i 's/value3 = 3;/value3 = "three";/; s/value30 = 30;/value30 = 300;/' values.ts`,
    `sed -i 's/two/2/' old.txt`,
    'chmod 755 run.sh',
    `printf '\\0after' > picture.bin`,
    `printf 'new\\n' > added.md`,
  ].join(' && ');

  const at = (name: string) => join(vscode.folder, name);
  const write = (name: string, content: string) => writeFileSync(at(name), content);
  const read = (name: string) => readFileSync(at(name), 'utf8');
  const file = (name: string): Locator => panel.locator(`.changed-file[data-path="${name}"]`);
  const hunk = (name: string, index: number): Locator => file(name).locator(`.hunk[data-hunk="${index}"]`);
  const tab = (name: string): Locator => panel.getByRole('tab', { name });

  async function send(prompt: string): Promise<void> {
    const area = panel.getByRole('textbox', { name: 'Prompt' });
    await area.fill(prompt);
    await area.press('Enter');
  }

  async function panelDocument(): Promise<Frame> {
    for (const frame of workbench.page.frames()) {
      if ((await frame.locator('#root > .tabs').count()) > 0) return frame;
    }
    throw new Error('the panel is not there');
  }

  async function backToPanel(): Promise<void> {
    await workbench.page.locator('.tabs-container .tab', { hasText: 'Change some files' }).click();
    await panel.getByRole('tab', { name: 'Changes' }).waitFor();
  }

  async function open(name: string): Promise<void> {
    const line = file(name).locator('.file-name');
    if ((await line.getAttribute('aria-expanded')) !== 'true') await line.click();
  }

  test('opens from the chat with the same conversation', async () => {
    await workbench.send('Change some files');
    await workbench.chatFrame().locator('.turn[data-status=completed]').waitFor();
    await workbench.chatFrame().getByRole('button', { name: 'Open in editor' }).click();
    await panel.locator('.answer', { hasText: 'Done: Change some files' }).waitFor();
    await workbench.page.locator('.tab', { hasText: 'Change some files' }).waitFor();
    await send('From the panel');
    await panel.locator('.answer', { hasText: 'Done: From the panel' }).waitFor();
    // The side bar shows the same session, live.
    await workbench.chatFrame().locator('.answer', { hasText: 'Done: From the panel' }).waitFor();
    await workbench.screenshot('panel-chat');
  });

  test('lists what the turn changed, and moves between its tabs by keyboard', async () => {
    await tab('Chat').focus();
    await workbench.page.keyboard.press('ArrowRight');
    await panel.getByRole('tab', { name: 'Changes', selected: true }).waitFor();
    await file('values.ts').waitFor();
    expect(await panel.locator('.changed-file').count()).toBe(5);
    await open('values.ts');
    await hunk('values.ts', 1).waitFor();
    expect(await hunk('values.ts', 0).locator('.word').allInnerTexts()).toEqual(['3', '"three"']);
    await file('picture.bin').getByText('binary', { exact: true }).waitFor();
    await file('run.sh').getByText('644 → 755').waitFor();
    await workbench.screenshot('panel-changes');
    await panel.getByRole('button', { name: 'Side by side' }).click();
    await panel.locator('.file-diff.split').first().waitFor();
    await workbench.screenshot('panel-changes-split');
    await panel.getByRole('button', { name: 'Unified' }).click();
  });

  test('reverts a hunk and a file byte for byte, and refuses a hunk that was edited since', async () => {
    await panel.getByRole('button', { name: 'Revert hunk 1 of values.ts' }).click();
    await hunk('values.ts', 0).getByText('Reverted').waitFor();
    expect(read('values.ts')).toBe(LINES.join('').replace('value30 = 30;', 'value30 = 300;'));

    await panel.getByRole('button', { name: 'Revert file: old.txt' }).click();
    await file('old.txt').getByText('Reverted').waitFor();
    expect(read('old.txt')).toBe('one\r\ntwo\r\n');

    await panel.getByRole('button', { name: 'Revert file: added.md' }).click();
    await file('added.md').getByText('Reverted').waitFor();
    expect(existsSync(at('added.md'))).toBe(false);

    write('values.ts', read('values.ts').replace('value30 = 300;', 'value30 = 3000;'));
    await panel.getByRole('button', { name: 'Revert hunk 2 of values.ts' }).click();
    const refusal = hunk('values.ts', 1).getByRole('alert');
    await refusal.waitFor();
    expect(await refusal.innerText()).toContain('edited since');
    expect(read('values.ts')).toContain('value30 = 3000;');
    await workbench.screenshot('panel-refused');

    await panel.getByRole('button', { name: 'Keep: run.sh' }).click();
    await file('run.sh').getByText('Kept', { exact: true }).waitFor();
  });

  test('shows a file in the diff editor', async () => {
    await panel.getByRole('button', { name: 'Open in diff editor: values.ts' }).click();
    await workbench.page.locator('.tab', { hasText: 'before the turn' }).waitFor();
    const editor = workbench.page.locator('.monaco-diff-editor');
    await editor.locator('.editor.original', { hasText: 'value30 = 30;' }).waitFor();
    await editor.locator('.editor.modified', { hasText: 'value30 = 3000;' }).waitFor();
    await workbench.screenshot('panel-diff-editor');
    await backToPanel();
    await panel.getByRole('button', { name: 'Open all in diff editor' }).click();
    await workbench.page.locator('.monaco-component.multiDiffEditor').waitFor();
    await workbench.page.locator('.multiDiffEntry', { hasText: 'values.ts' }).first().waitFor();
    await workbench.screenshot('panel-multi-diff');
    await backToPanel();
    await file('values.ts').waitFor();
  });

  test('is there again after a reload, with its tab, what was open and the unsent text', async () => {
    await tab('Chat').click();
    await send('Say much');
    await panel.getByText('Paragraph 199.').waitFor();
    // Somewhere in the middle, with nothing but the wheel.
    await panel.locator('.transcript').hover();
    await workbench.page.mouse.wheel(0, -3_000);
    const place = panel.getByText('Paragraph 120.');
    await place.scrollIntoViewIfNeeded();
    const before = await place.boundingBox();
    await panel.getByRole('textbox', { name: 'Prompt' }).fill('not sent from the panel');
    await tab('Changes').click();
    await hunk('values.ts', 1).waitFor();
    await expect.poll(() => workbench.keeps('not sent from the panel'), { timeout: 90_000 }).toBe(true);
    await workbench.reload();
    await panel.getByRole('tab', { name: 'Changes', selected: true }).waitFor();
    await hunk('values.ts', 1).waitFor();
    await tab('Chat').click();
    expect(await panel.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('not sent from the panel');
    await expect
      .poll(async () => (await panel.getByText('Paragraph 120.').boundingBox())?.y ?? 0)
      .toBeCloseTo(before?.y ?? -1, -1);
  });

  test('reads well in every theme and when it is narrow', async () => {
    await tab('Changes').click();
    chmodSync(at('run.sh'), 0o644);
    const found: string[] = [];
    for (const [theme, kind] of Object.entries(THEMES)) {
      vscode.setSettings({ 'workbench.colorTheme': theme });
      await workbench.reload();
      await panel.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      await hunk('values.ts', 1).waitFor();
      await workbench.screenshot(`panel-${kind}`);
      found.push(...(await findings(await panelDocument(), 'editor')).map((one) => `${theme}: ${one}`));
    }
    await workbench.page.setViewportSize({ width: 640, height: 800 });
    await hunk('values.ts', 1).waitFor();
    await workbench.screenshot('panel-narrow');
    expect(found).toEqual([]);
  });
});

/** What no real Codex does on demand. */
describe('the changes tab', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test('shows the whole session by turn, what is not revertible and why, and turns that overlapped', async () => {
    const first = changeList(
      [markedFile('one.ts'), markedFile('big.iso', { notRevertible: 'It is too large.' })],
      {
        overlaps: ['other'],
        excluded: [{ path: 'node_modules/', reason: 'ignored' }],
      },
    );
    const second = changeList([markedFile('two.ts')], { notes: ['The folder was not compared whole.'] });
    const { content } = manyFiles(1, 10);
    const turns = [
      { id: 't1', list: first },
      { id: 't2', list: second },
    ];
    const page = await openPanelPage(browser, { turns, content });
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.getByText('The folder was not compared whole.').waitFor();
    // The latest turn first; the whole session is a choice.
    expect(await page.locator('.turn-changes').count()).toBe(1);
    await page.getByRole('combobox', { name: 'Whose changes' }).selectOption('all');
    await page.locator('.turn-changes[data-turn=t1]').waitFor();
    expect(await page.locator('.turn-changes').count()).toBe(2);
    await page.getByText('Another turn ran in this folder at the same time').waitFor();
    const big = page.locator('.changed-file[data-path="big.iso"]');
    await big.getByText('Not revertible: It is too large.').waitFor();
    expect(await big.getByRole('button', { name: /Revert file/ }).count()).toBe(0);
    await page.getByText('Not looked at, not revertible: 1 place').click();
    await page.getByText('node_modules/').waitFor();
    await page.close();
  });

  test('asks once more before a whole turn is taken back', async () => {
    const page = await openPanelPage(browser, manyFiles(3, 10));
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.getByRole('button', { name: 'Revert the whole turn' }).click();
    const sure = page.getByRole('button', { name: 'Revert 3 files' });
    await sure.waitFor();
    expect(await sure.evaluate((button) => document.activeElement === button)).toBe(true);
    await page.getByRole('button', { name: 'Do not revert' }).click();
    await page.getByRole('button', { name: 'Revert the whole turn' }).waitFor();
    await page.close();
  });
});
