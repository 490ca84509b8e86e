import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findings } from '../support/axe.ts';
import { launchBrowser, RESULTS, Workbench } from '../support/browser.ts';
import { itemOf, openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = {
  'Dark Modern': 'vscode-dark',
  'Light Modern': 'vscode-light',
  'Default High Contrast': 'vscode-high-contrast',
  'Default High Contrast Light': 'vscode-high-contrast-light',
};
const SAMPLE = [
  '# A heading',
  'With `code`, **bold** text and [a file](src/a.ts:1).',
  '```ts',
  '// Twice as much',
  'export function twice(value: number): number {',
  '  return value * 2; // "done"',
  '}',
  '```',
  '- one\\n- two',
].join('\\n');

/** How a conversation reads: the real VS Code, the real Codex, a model that follows a script. */
describe('the transcript', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    model.script(demoScript);
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    chat = await workbench.chat();
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

  const completed = (): Locator => chat.locator('.turn[data-status=completed]');

  test('colours code, and copies it', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await workbench.send(`!say ${SAMPLE}`);
    await completed().first().waitFor();
    const code = chat.locator('.answer .code-block');
    expect(await code.locator('.hljs-keyword').first().innerText()).toBe('export');
    await code.hover();
    await code.getByRole('button', { name: 'Copy' }).click();
    await code.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await workbench.page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain('return value * 2; // "done"');
  });

  test('shows what a command printed in its colours, and of much the end first', async () => {
    await workbench.send("!run printf '\\033[31mred\\033[0m plain\\n'; seq 1 150");
    await expect.poll(() => completed().count(), { timeout: 30_000 }).toBe(2);
    const step = chat.locator('.step.command');
    expect(await step.locator('.output').count()).toBe(0);
    await step.locator('summary').click();
    await step.getByRole('button', { name: 'Show 51 earlier lines' }).click();
    expect(await step.locator('.output .ansi-red').innerText()).toBe('red');
    expect(await step.locator('.output').innerText()).toMatch(/red plain\n1\n2\n[\s\S]*\n150$/);
  });

  test('has no serious finding of axe in any theme', async () => {
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send(`!say ${SAMPLE}`);
    await completed().waitFor();
    await workbench.send("!run printf '\\033[31mred \\033[32mgreen \\033[34mblue\\033[0m plain\\n'");
    await expect.poll(() => completed().count(), { timeout: 30_000 }).toBe(2);
    const found: string[] = [];
    for (const [theme, kind] of Object.entries(THEMES)) {
      vscode.setSettings({ 'workbench.colorTheme': theme });
      await workbench.reload();
      chat = await workbench.chat();
      await chat.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      await chat.locator('.step.command summary').click();
      await chat.locator('.step.command .output').waitFor();
      await workbench.screenshot(`transcript-${kind}`);
      const area = chat.getByRole('textbox', { name: 'Prompt' });
      const frame = await chatDocument(workbench);
      found.push(...(await findings(frame)).map((finding) => `${theme}: ${finding}`));
      await area.focus();
      await area.pressSequentially('/');
      await chat.getByRole('option', { name: '/new' }).waitFor();
      found.push(...(await findings(frame)).map((finding) => `${theme}, with the list: ${finding}`));
      await area.press('Escape');
      await area.fill('');
    }
    expect(found).toEqual([]);
  });

  test('opens thousands of items at their end and reaches their beginning', async () => {
    const page = await openChatPage(browser, 260);
    const items = Array.from({ length: 1_000 }, (_, place) => itemOf(place));
    const turns = [
      turnOf('first', items, { source: { kind: 'mcp', name: 'claude-code' } }),
      turnOf('last', [
        { id: 'c', type: 'compaction', status: 'completed', startedAt: 0 },
        { id: 'w', type: 'web_search', status: 'completed', startedAt: 0, query: 'how to bridge' },
        itemOf(3),
        itemOf(4),
      ]),
    ];
    await page.evaluate(
      (session) => window.postMessage({ event: 'session', data: { session } }, '*'),
      snapshot(turns),
    );
    await page.locator('[data-turn=last]').waitFor();
    expect(await page.locator('.items > *').count()).toBeLessThan(150);
    await page.getByText('Searched the web: how to bridge').waitFor();
    await page.locator('.compacted', { hasText: 'The model goes on from a summary' }).waitFor();
    const call = page.locator('[data-turn=last] details', { hasText: 'docs: search' });
    await call.locator('summary').click();
    expect(await call.locator('.output').first().innerText()).toBe('{\n  "query": "a"\n}');
    mkdirSync(RESULTS, { recursive: true });
    await page.screenshot({ path: join(RESULTS, 'transcript-260.png') });
    const log = page.getByRole('log');
    await expect
      .poll(
        async () => {
          await log.evaluate((element) => {
            element.scrollTop = 0;
          });
          return page.locator('.earlier').count();
        },
        { timeout: 60_000, interval: 20 },
      )
      .toBe(0);
    await page.getByText('Claude Code').waitFor();
    expect(await page.locator('.items > *').count()).toBe(1_004);
    await page.close();
  });
});

/** The chat's document, inside the frames that VS Code puts around it. */
async function chatDocument(workbench: Workbench): Promise<Frame> {
  for (const frame of workbench.page.frames()) {
    if ((await frame.locator('#root > main').count()) > 0) return frame;
  }
  throw new Error('the chat is not there');
}
