import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContext, Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { Latch, ScriptedModel, words } from '../support/scriptedModel.ts';
import { documentWith, openTerminalPage, TerminalPage } from '../support/terminalPage.ts';
import { VsCode } from '../support/vscode.ts';

/** Answers what the TUI would ask at its first start: which of two models. */
const QUIET = '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n';
/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = [
  ['Light Modern', 'vscode-light'],
  ['Dark High Contrast', 'vscode-high-contrast'],
  ['Light High Contrast', 'vscode-high-contrast-light'],
  ['Dark Modern', 'vscode-dark'],
] as const;
/** For what is told by no event, in ms. */
const WAIT = { timeout: 20_000 };
/** VS Code's command that says there is a screen reader, and takes it back. */
const READER = 'Toggle Screen Reader Accessibility Mode';
const SETTINGS = { 'terminal.integrated.gpuAcceleration': 'off', 'editor.fontFamily': 'monospace' };

/** A session's terminal: the real VS Code, the real TUI of Codex, a model that follows a script. */
describe('the terminal', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: Frame;
  let terminal: TerminalPage;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    model.script(demoScript);
    codex = await makeCodexHome({ modelUrl: model.url });
    appendFileSync(join(codex.home, 'config.toml'), QUIET);
    vscode = await VsCode.start({ env: codex.env, settings: SETTINGS });
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl(), { width: 1400, height: 900 });
    await workbench.chat();
    await workbench.send('Hello there');
    chat = await documentWith(workbench.page, '.turn[data-status=completed]');
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

  test('shows the conversation, and marks no folder as trusted', async () => {
    await workbench.runCommand('Codex Bridge: Open Terminal');
    terminal = await TerminalPage.of(workbench.page);
    await terminal.shows('OpenAI Codex');
    await terminal.shows('Echo: Hello there');
    await workbench.screenshot('terminal');
    expect(readFileSync(join(codex.home, 'config.toml'), 'utf8')).not.toContain('[projects');
  });

  test('B19: hands what is typed there to the chat, once, and shows what the chat asks while it is answered', async () => {
    await terminal.line('typed in the terminal');
    await chat.locator('.answer', { hasText: 'Echo: typed in the terminal' }).waitFor();
    expect(await chat.locator('.prompt .text', { hasText: 'typed in the terminal' }).count()).toBe(1);

    const gate = new Latch();
    model.script(() => [words(['First ', 'then last'], (i) => (i === 1 ? gate.wait() : undefined))]);
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    await area.fill('asked in the chat');
    await area.press('Enter');
    await terminal.shows('asked in the chat');
    await terminal.shows('First');
    expect(await terminal.text()).not.toContain('then last');
    gate.open();
    await terminal.shows('then last');
    model.script(demoScript);
  });

  test('is a tab of the session panel', async () => {
    await terminal.frame.getByRole('tab', { name: 'Chat' }).click();
    const panel = await documentWith(
      workbench.page,
      '.tabs [role=tab][aria-selected=true] .codicon-comment-discussion',
    );
    await panel.locator('.answer', { hasText: 'First then last' }).waitFor();
    await panel.getByRole('textbox', { name: 'Prompt' }).fill('a draft of the chat');
    await panel.getByRole('tab', { name: 'Changes' }).click();
    await panel.getByRole('tab', { name: 'Terminal' }).click();
    terminal = await TerminalPage.of(workbench.page);
    await terminal.shows('First then last');
    // By keyboard, out of the terminal and to another tab.
    await terminal.focus();
    await workbench.page.keyboard.press('F6');
    await terminal.frame.locator('[role=tab][aria-selected=true]:focus').waitFor();
    await workbench.page.keyboard.press('ArrowRight');
    const again = await documentWith(
      workbench.page,
      '.tabs [role=tab][aria-selected=true] .codicon-comment-discussion',
    );
    const draft = again.getByRole('textbox', { name: 'Prompt' });
    await expect.poll(() => draft.inputValue(), WAIT).toBe('a draft of the chat');
    await again.getByRole('tab', { name: 'Terminal' }).click();
    terminal = await TerminalPage.of(workbench.page);
    await terminal.shows('First then last');
  });

  test('finds what it shows', async () => {
    await terminal.focus();
    await workbench.page.keyboard.press('Control+f');
    const input = terminal.frame.getByRole('textbox', { name: 'Find in terminal' });
    await input.fill('Hello there');
    await input.press('Enter');
    await terminal.frame.locator('.xterm-selection div').first().waitFor();
    await input.fill('nowhere to be found');
    await terminal.frame.getByText('No results').waitFor();
    await workbench.screenshot('terminal-find');
    await input.press('Escape');
    await input.waitFor({ state: 'hidden' });
  });

  test('copies what is selected and pastes what was copied', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: vscode.url });
    const clipboard = () => workbench.page.evaluate(() => navigator.clipboard.readText());
    await terminal.focus();
    await terminal.select('then last');
    await workbench.page.keyboard.press('Control+c');
    await expect.poll(clipboard, WAIT).toBe('then last');
    // Copying takes the selection away; now Ctrl+C would be the program's again.
    await expect.poll(() => terminal.frame.locator('.xterm-selection div').count(), WAIT).toBe(0);
    await workbench.page.evaluate(() => navigator.clipboard.writeText('pasted one\npasted two'));
    await terminal.focus();
    await workbench.page.keyboard.press('Control+v');
    // Two lines of an unsent draft: a paste is no Enter.
    await terminal.shows('pasted one');
    await terminal.shows('pasted two');
    expect(model.prompts().filter((prompt) => prompt.includes('pasted'))).toEqual([]);
    await workbench.page.keyboard.press('Control+c');
    await expect.poll(async () => (await terminal.text()).includes('pasted'), WAIT).toBe(false);
  });

  test('B5: has screen and unsent draft after a reload of the window', async () => {
    await terminal.type('an unsent draft');
    await terminal.shows('an unsent draft');
    await expect.poll(() => keepsTab(workbench), { timeout: 90_000 }).toBe(true);
    await workbench.reload();
    terminal = await TerminalPage.of(workbench.page);
    await terminal.shows('Echo: Hello there');
    await terminal.shows('an unsent draft');
    // It goes on where it was.
    await terminal.type(' goes on');
    await terminal.shows('an unsent draft goes on');
    await workbench.page.keyboard.press('Control+u');
  });

  test('has one size for two viewers: that of the one with the focus', async () => {
    const second = await Workbench.open(context, vscode.workbenchUrl(), { width: 1000, height: 600 });
    try {
      const large = await terminal.size();
      // VS Code brings the panel back in it, too.
      const other = await TerminalPage.of(second.page);
      await other.shows('Echo: Hello there');
      await other.focus();
      await terminal.frame.getByText('Another viewer sets the size.').waitFor();
      await expect.poll(async () => (await terminal.size()).rows, WAIT).toBe((await other.size()).rows);
      expect((await terminal.size()).rows).toBeLessThan(large.rows);
      await workbench.screenshot('terminal-letterbox');
      await workbench.page.bringToFront();
      await terminal.focus();
      await expect.poll(() => terminal.size(), WAIT).toEqual(large);
      await other.frame.getByText('Another viewer sets the size.').waitFor();
      await second.screenshot('terminal-letterbox-small');
    } catch (error) {
      await second.screenshot('failed second');
      throw error;
    } finally {
      await second.page.close();
    }
  });

  test('is the same in an integrated terminal', async () => {
    await workbench.runCommand('Codex Bridge: Open in Integrated Terminal');
    const integrated = workbench.page.locator('.terminal-wrapper .xterm-rows');
    await expect
      .poll(async () => (await integrated.innerText()).replaceAll(' ', ' '), WAIT)
      .toContain('First then last');
    await workbench.page.locator('.terminal-wrapper .xterm-helper-textarea').focus();
    await workbench.page.keyboard.type('both see this');
    await terminal.shows('both see this');
    await expect
      .poll(async () => (await integrated.innerText()).replaceAll(' ', ' '), WAIT)
      .toContain('both see this');
    await workbench.screenshot('terminal-integrated');
    await workbench.page.keyboard.press('Control+u');
    await workbench.runCommand('Terminal: Kill the Active Terminal Instance');
    await integrated.waitFor({ state: 'detached' });
  });

  test('starts again when it has ended, and by the button', async () => {
    await terminal.frame.getByRole('button', { name: 'Restart Terminal' }).click();
    await terminal.frame.getByText('Restarting the terminal…').waitFor({ state: 'hidden' });
    await terminal.shows('Echo: Hello there');
    await terminal.line('/quit');
    await terminal.frame.getByText('The terminal has ended').waitFor();
    await workbench.screenshot('terminal-ended');
    // The keyboard is where something can be done.
    await terminal.frame.locator('button:focus', { hasText: 'Start Again' }).waitFor();
    await workbench.page.keyboard.press('Enter');
    await terminal.shows('Echo: Hello there');
    await terminal.line('once more');
    await terminal.shows('Echo: once more');
  });

  test('opens links: the web when the person agrees, files at their line', async () => {
    mkdirSync(join(vscode.folder, 'src'));
    const lines = Array.from({ length: 20 }, (_, line) => `export const line${line + 1} = 0;\n`);
    writeFileSync(join(vscode.folder, 'src/linked.ts'), lines.join(''));
    await terminal.line('see src/linked.ts:7:14 or https://example.org/page');
    await terminal.shows('Echo: see src/linked.ts');
    await terminal.openLink('https://example.org/page');
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.getByText('https://example.org/page').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await terminal.openLink('src/linked.ts:7:14');
    await workbench.page.locator('.tab.active', { hasText: 'linked.ts' }).waitFor();
    await workbench.page.locator('.statusbar-item', { hasText: 'Ln 7, Col 14' }).waitFor();
    await workbench.screenshot('terminal-link');
    await workbench.runCommand('View: Close Editor');
    terminal = await TerminalPage.of(workbench.page);
    await terminal.shows('Echo: see src/linked.ts');
  });

  test('can be read by a screen reader, as soon as the person says that there is one', async () => {
    const tree = terminal.frame.locator('.xterm-accessibility-tree [role=listitem]');
    expect(await tree.count()).toBe(0);
    await workbench.runCommand(READER);
    await tree.filter({ hasText: 'Echo: Hello there' }).first().waitFor();
    // What comes is in it, too.
    await terminal.line('read this out');
    await tree.filter({ hasText: 'Echo: read this out' }).first().waitFor();
    expect(await findings(terminal.frame)).toEqual([]);
    await workbench.runCommand(READER);
    await expect.poll(() => tree.count(), WAIT).toBe(0);
  });

  test('takes over another theme while it is shown, and axe finds nothing serious in any', async () => {
    const found: string[] = [];
    for (const [theme, kind] of THEMES) {
      await workbench.runCommand('Preferences: Color Theme');
      const input = workbench.page.locator('.quick-input-widget input').first();
      await input.fill(theme);
      await workbench.page
        .locator('.quick-input-list .monaco-list-row', { hasText: theme })
        .first()
        .waitFor();
      await input.press('Enter');
      await terminal.frame.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      await expect.poll(() => colors(terminal), WAIT).toMatchObject({ same: true });
      await workbench.screenshot(`terminal-${kind}`);
      found.push(...(await findings(terminal.frame)).map((finding) => `${theme}: ${finding}`));
    }
    expect(found).toEqual([]);
  });
});

/** The terminal's own bundle in a page, with a host that writes down what it is told. */
describe('the document of a terminal', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test('tells the colours of a theme that comes while it is open, and who has the keyboard', async () => {
    const style = (background: string) =>
      `--vscode-terminal-background: ${background}; --vscode-terminal-foreground: #808080`;
    const page = await openTerminalPage(browser, style('#101010'));
    const tellsColors = (method: string, background: string) =>
      page.waitForFunction(
        ([wanted, color]) =>
          (
            globalThis as unknown as {
              told: [string, { colors?: { background: string }; focused?: boolean }][];
            }
          ).told // put there above
            .some(
              ([name, { colors, focused = true }]) =>
                name === wanted && colors?.background === color && focused,
            ),
        [method, background] as const,
      );
    await tellsColors('open', '#101010');
    await page.evaluate((css) => document.documentElement.setAttribute('style', css), style('#fafafa'));
    await tellsColors('resize', '#fafafa');
    await page.close();
  });
});

/** True once VS Code has written down that the panel shows its terminal: JSON in a string, some levels deep. */
async function keepsTab(workbench: Workbench): Promise<boolean> {
  const kept = [1, 3, 7].map((levels) => {
    const quote = `${'\\'.repeat(levels)}"`;
    return workbench.keeps(`${quote}tab${quote}:${quote}terminal${quote}`);
  });
  return (await Promise.all(kept)).includes(true);
}

/** The terminal's own background, and whether it is the theme's. */
function colors({ frame }: TerminalPage): Promise<{ background: string; same: boolean }> {
  return frame.evaluate(() => {
    const terminal = document.querySelector('.xterm-scrollable-element');
    const background = terminal === null ? '' : getComputedStyle(terminal).backgroundColor;
    return { background, same: background === getComputedStyle(document.body).backgroundColor };
  });
}

/** What axe finds in the document that is serious or worse, in words. */
async function findings(frame: Frame): Promise<string[]> {
  await frame.evaluate(axe.source);
  const { violations } = await frame.evaluate(() =>
    // Put there by the line above. The program's own colours are the program's.
    (globalThis as unknown as { axe: typeof axe }).axe.run(
      { include: ['body'], exclude: ['.xterm-rows'] },
      { resultTypes: ['violations'] },
    ),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
}
