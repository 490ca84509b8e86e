import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findings } from '../support/axe.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { changeList, manyFiles, markedFile, newFile, openPanelPage, tell } from '../support/panelPage.ts';
import { addFile, command, Latch, patch, ScriptedModel, text, words } from '../support/scriptedModel.ts';
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
    await workbench.page.setViewportSize({ width: 1400, height: 900 });
  });

  test('shows live what a patch does, and everything with its reverts when the turn has ended', async () => {
    const gate = new Latch();
    model.script(({ outputs }) => {
      if (outputs.length === 0) return [patch(addFile('live.ts', 'export const live = true;'))];
      if (outputs.length === 1) return [command('echo beside > beside.txt')];
      return [words(['Almost', ' done'], (word) => (word === 1 ? gate.wait() : undefined))];
    });
    await tab('Chat').click();
    await send('Patch a file');
    await tab('Changes').click();
    const live = panel.locator('.turn-changes.running');
    await live.locator('.changed-file[data-path="live.ts"]').waitFor();
    await live.locator('.rows .added', { hasText: 'export const live = true;' }).first().waitFor();
    expect(await live.getByRole('button', { name: /Revert|Keep/ }).count()).toBe(0);
    await panel
      .getByRole('combobox', { name: 'Whose changes' })
      .getByText('(running)')
      .waitFor({ state: 'attached' });
    await workbench.screenshot('panel-changes-live');
    gate.open();
    await file('beside.txt').waitFor();
    expect(await live.count()).toBe(0);
    await panel.getByRole('button', { name: 'Revert file: live.ts' }).click();
    await file('live.ts').getByText('Reverted').waitFor();
    expect(existsSync(at('live.ts'))).toBe(false);
    // The button is gone; the keyboard is at the file still.
    expect(await (await panelDocument()).evaluate(() => document.activeElement?.className)).toBe('file-name');
  });
});

/** Resolves when such an element is on the screen. */
async function inView(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((wanted) => {
    const box = document.querySelector('.changes-list')?.getBoundingClientRect();
    return [...document.querySelectorAll(wanted)].some((element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return box !== undefined && top < box.bottom && bottom > box.top;
    });
  }, selector);
}

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

  test('shows a file of 50,000 lines a screen at a time, to its end', async () => {
    for (const [given, last] of [
      [manyFiles(1, 50_000), '.hunk[data-hunk="4999"]'],
      [newFile(50_000), '.number[data-number="50000"]'],
    ] as const) {
      const page = await openPanelPage(browser, given);
      await page.getByRole('tab', { name: 'Changes' }).click();
      await page.locator('.file-name').click();
      await page.locator('.rows').first().waitFor();
      const list = page.locator('.changes-list');
      const whole = await list.evaluate((element) => element.scrollHeight);
      expect(whole).toBeGreaterThan(200_000);
      await list.evaluate((element) => {
        element.scrollTop = element.scrollHeight / 2;
      });
      await inView(page, '.rows');
      await list.evaluate((element) => {
        element.scrollTop = element.scrollHeight;
      });
      await inView(page, last);
      expect(await page.locator('.rows tr').count()).toBeLessThan(1_500);
      await list.evaluate((element) => {
        element.scrollTop = 0;
      });
      await inView(page, '.hunk[data-hunk="0"]');
      expect(await list.evaluate((element) => element.scrollHeight)).toBeCloseTo(whole, -4);
      await page.close();
    }
  });

  test('is read and worked with by keyboard alone', async () => {
    const { turns, content } = manyFiles(2, 5_000);
    const page = await openPanelPage(browser, { turns, content });
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        const file = element?.closest<HTMLElement>('.changed-file')?.dataset['path'] ?? '';
        const hunk = element?.closest<HTMLElement>('.hunk')?.dataset['hunk'];
        return `${file} ${hunk ?? element?.className ?? ''}`;
      });
    const [first, second] = ['src/part0/file0.ts', 'src/part1/file1.ts'];
    await page.getByRole('tab', { name: 'Chat' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.changed-file').first().waitFor();
    // From anywhere to the first change.
    await page.keyboard.press('F7');
    await expect.poll(focused).toBe(`${first} file-name`);
    await page.keyboard.press('ArrowDown');
    await expect.poll(focused).toBe(`${second} file-name`);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.locator('.file-diff').waitFor();
    await page.keyboard.press('F7');
    await expect.poll(focused).toBe(`${first} 0`);
    await page.keyboard.press('F7');
    await expect.poll(focused).toBe(`${first} 1`);
    // The buttons of the hunk come next.
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toContain('Keep: hunk 2');
    // Back over its name: from the second file to the last hunk of the first, which was never drawn before.
    await page.keyboard.press('Shift+F7');
    await page.keyboard.press('Shift+F7');
    await expect.poll(focused).toBe(`${first} file-name`);
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+F7');
    await expect.poll(focused).toBe(`${first} 499`);
    await inView(page, '.hunk[data-hunk="499"]');
    await page.keyboard.press('F7');
    await expect.poll(focused).toBe(`${second} file-name`);
    expect(await findings(page.mainFrame(), 'editor')).toEqual([]);
    await page.close();
  });

  test('shows what Codex tells while a turn runs, until the record from the disk takes its place', async () => {
    const one = '@@ -1,2 +1,2 @@\n const a = 1;\n-const b = 2;\n+const b = 3;\n';
    const diff = (hunks: string) =>
      `diff --git a/src/a.ts b/src/a.ts\n--- a/src/a.ts\n+++ b/src/a.ts\n${hunks}`;
    const { content } = manyFiles(1, 10);
    const list = changeList([markedFile('src/a.ts'), markedFile('by-a-command.txt')]);
    const page = await openPanelPage(browser, { turns: [{ id: 't1', list, told: diff(one) }], content });
    await page.getByRole('tab', { name: 'Changes' }).click();
    const live = page.locator('.turn-changes.running[data-turn=t1]');
    await live.getByText('Running').waitFor();
    await expect.poll(() => live.locator('.word').allInnerTexts()).toEqual(['2', '3']);
    expect(await live.getByRole('button', { name: /Revert|Keep/ }).count()).toBe(0);
    await tell(page, 1, {
      type: 'turn.diff',
      turn: 't1',
      diff: `${diff(`${one}@@ -10 +10,2 @@ more\n x\n+y\n`)}diff --git a/n.md b/n.md\nnew file mode 100644\n--- /dev/null\n+++ b/n.md\n@@ -0,0 +1 @@\n+new\n`,
    });
    await live.locator('.changed-file[data-path="n.md"]').getByText('new', { exact: true }).waitFor();
    await live.getByText('7 unchanged lines').waitFor();
    await page.keyboard.press('F7');
    await page.keyboard.press('F7');
    await page.keyboard.press('F7');
    await page.waitForFunction(() => document.activeElement?.matches('[data-hunk="1"]'));
    expect(await findings(page.mainFrame(), 'editor')).toEqual([]);
    await tell(page, 2, { type: 'turn.changes', turn: 't1', changes: { ...list, more: 0 } });
    await tell(page, 3, { type: 'turn.ended', turn: 't1', at: 2_000, status: 'completed' });
    await page.locator('.changed-file[data-path="by-a-command.txt"]').waitFor();
    await page.getByRole('button', { name: 'Revert file: src/a.ts' }).waitFor();
    expect(await page.locator('.turn-changes.told').count()).toBe(0);
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
