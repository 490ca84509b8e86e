import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LoginState } from '../../src/shared/login.ts';
import type { ChatProblem } from '../../src/shared/webview.ts';
import { findings } from '../support/axe.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { openChatPage } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { FakeIssuer, PERSON, USER_CODE } from '../support/fakeIssuer.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

const KEY = 'sk-test-0123456789';
/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = {
  'Dark Modern': 'vscode-dark',
  'Light Modern': 'vscode-light',
  'Default High Contrast': 'vscode-high-contrast',
  'Default High Contrast Light': 'vscode-high-contrast-light',
};

/** Codex without a login, in the real VS Code, with a login server of ours. */
describe('signing in', () => {
  let model: ScriptedModel;
  let issuer: FakeIssuer;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    issuer = await FakeIssuer.start();
    codex = await makeCodexHome({ modelUrl: model.url, config: issuer.config, needsLogin: true });
    vscode = await VsCode.start({ env: { ...codex.env, ...issuer.env } });
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    chat = await workbench.chat();
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await issuer?.close();
    await model?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const button = (name: string) => chat.getByRole('button', { name, exact: true });
  const heading = (name: string) => chat.getByRole('heading', { name });
  const authFile = () => join(codex.home, 'auth.json');

  async function signOut(): Promise<void> {
    await workbench.runCommand('Codex Bridge: Sign Out');
    await workbench.page.locator('.monaco-dialog-box').getByRole('button', { name: 'Sign Out' }).click();
    await heading('Sign in to Codex').waitFor();
  }

  test('is offered before the first prompt, reads well in every theme', async () => {
    await heading('Sign in to Codex').waitFor();
    const found: string[] = [];
    const look = async (state: string, theme: string, kind: string) => {
      await workbench.screenshot(`sign-in-${state}-${kind}`);
      found.push(...(await findings(await chatDocument())).map((one) => `${state}, ${theme}: ${one}`));
    };
    for (const [theme, kind] of Object.entries(THEMES)) {
      vscode.setSettings({ 'workbench.colorTheme': theme });
      await workbench.reload();
      chat = await workbench.chat();
      await chat.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      await heading('Sign in to Codex').waitFor();
      await look('choices', theme, kind);
      await button('Use a Device Code').click();
      await chat.getByText(USER_CODE, { exact: true }).waitFor();
      await look('code', theme, kind);
      await button('Cancel').click();
      await heading('Sign in to Codex').waitFor();
    }
    expect(found).toEqual([]);
  });

  test('with a device code: the page, the code, and the chat is there without a reload', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    await area.fill('Hello');
    await area.press('Enter');
    await chat.locator('.problem').getByText('CODEX_LOGGED_OUT').waitFor();
    await button('Use a Device Code').click();
    await button('Copy the Code').click();
    await expect.poll(() => workbench.page.evaluate(() => navigator.clipboard.readText())).toBe(USER_CODE);
    const page = await opened(() => button('Open the Page').click());
    // VS Code in a browser leads pages of its own machine through a proxy.
    expect(page.url()).toMatch(/\/codex\/device$/);
    await page.close();
    issuer.approve();
    await heading('Ask Codex').waitFor();
    expect(await chat.locator('.problem').count()).toBe(0);
    // The refused prompt was not lost.
    expect(await area.inputValue()).toBe('Hello');
    await area.press('Enter');
    await chat.locator('.answer', { hasText: 'Echo: Hello' }).waitFor();
    await expect
      .poll(() =>
        workbench.page
          .locator('[id="codex-bridge.codex-bridge.codexBridge.status"]')
          .getAttribute('aria-label'),
      )
      .toContain(`${PERSON.email} (${PERSON.plan})`);
  });

  test('out by command: the conversation stays, and says that nobody is signed in', async () => {
    await workbench.runCommand('Codex Bridge: Sign Out');
    await workbench.page.locator('.monaco-dialog-box').getByRole('button', { name: 'Sign Out' }).click();
    await chat.getByText('Codex is not signed in.').waitFor();
    expect(await chat.locator('.answer').count()).toBe(1);
    await workbench.screenshot('sign-in-line');
    expect(existsSync(authFile())).toBe(false);
    await workbench.runCommand('Codex Bridge: New Session');
    await heading('Sign in to Codex').waitFor();
  });

  test('with an API key, which only Codex keeps', async () => {
    await button('Use an API Key').click();
    const input = workbench.page.locator('.quick-input-widget input[type=password]');
    await input.fill('two words');
    await workbench.page.getByText('A key has no spaces').waitFor();
    await workbench.screenshot('sign-in-key');
    await input.fill(KEY);
    await input.press('Enter');
    await heading('Ask Codex').waitFor();
    expect(JSON.parse(readFileSync(authFile(), 'utf8'))).toMatchObject({ OPENAI_API_KEY: KEY });
    await signOut();
  });

  test('in the browser: waits, can be cancelled, and is done when the page comes back', async () => {
    const dialog = workbench.page.locator('.notification-toast', { hasText: 'A device code works' });
    await button('Sign In with ChatGPT').click();
    await heading('Sign in on the page').waitFor();
    // This window is on "another machine": VS Code has a proxy for the port, not the port.
    await dialog.waitFor();
    await workbench.screenshot('sign-in-browser');
    // It waits in the bridge, not in the window.
    await workbench.reload();
    chat = await workbench.chat();
    await heading('Sign in on the page').waitFor();
    await button('Cancel').click();
    await heading('Sign in to Codex').waitFor();
    await button('Sign In with ChatGPT').click();
    const page = await opened(() => dialog.getByRole('button', { name: 'Open Anyway' }).click());
    const { searchParams } = new URL(page.url());
    expect(searchParams.get('scope')?.split(' ')).toContain('openid');
    await page.goto(callback(page.url()));
    await heading('Ask Codex').waitFor();
    await signOut();
  });

  test('from the palette, and in a terminal of the person', async () => {
    await workbench.runCommand('Codex Bridge: Sign In');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Another Model' }).click();
    await workbench.page.locator('.tab', { hasText: 'config.toml' }).waitFor();
    await workbench.screenshot('sign-in-provider');
    // What another program writes there is found when the person says so.
    writeFileSync(authFile(), JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: KEY }), { mode: 0o600 });
    await expect
      .poll(async () => {
        const check = chat.getByRole('button', { name: /check again/i });
        if ((await check.count()) > 0 && (await check.isEnabled())) await check.click();
        return heading('Ask Codex').count();
      })
      .toBe(1);
  });

  /** The page that an act opens. */
  async function opened(act: () => Promise<void>): Promise<Page> {
    const [page] = await Promise.all([context.waitForEvent('page'), act()]);
    await page.waitForURL(/^http/);
    return page;
  }

  function callback(authUrl: string): string {
    const { searchParams } = new URL(authUrl);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('code', 'a-code');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    return back.href;
  }

  async function chatDocument(): Promise<Frame> {
    const frame = await (await chat.locator('body').elementHandle())?.ownerFrame();
    return frame ?? expect.fail('the chat has no document');
  }
});

/** What no login server of ours does on demand. */
describe('the ways to sign in', () => {
  const LOGIN_FAILED = {
    state: 'failed',
    kind: 'chatgpt',
    error: {
      code: 'CODEX_LOGGED_OUT',
      message: `The login was not completed: ${'it took too long '.repeat(9)}.`,
    },
  } as const;
  const CODE = {
    state: 'waiting',
    kind: 'device_code',
    url: 'https://auth.openai.com/codex/device',
    userCode: USER_CODE,
    expiresAt: 0,
  } as const;

  test('fit into a narrow side bar, with the browser first where Codex is on the same machine', async () => {
    const browser = await launchBrowser();
    const page = await openChatPage(browser, 260);
    const show = async (login: LoginState | 'none' | null) => {
      const problem: ChatProblem | null =
        login === 'none' ? null : { kind: 'logged_out', login, remote: false };
      await page.evaluate((shown) => {
        const state = { problem: shown, folders: [{ key: 'f', name: 'F' }], folder: 'f', sessions: [] };
        window.postMessage({ event: 'state', data: state }, '*');
      }, problem);
    };
    const labels = async () => page.locator('.sign-in button').allInnerTexts();
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: at } = document;
        return at?.getAttribute('aria-label') ?? at?.textContent;
      });
    const fits = () =>
      page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    try {
      await show(null);
      await page.getByRole('heading', { name: 'Sign in to Codex' }).waitFor();
      expect((await labels())[0]).toBe('Sign In with ChatGPT');
      expect(await page.getByText('another machine').count()).toBe(0);
      expect(await fits()).toBe(true);
      await show(LOGIN_FAILED);
      await page.getByRole('alert').getByText('was not completed').waitFor();
      expect(await labels()).toHaveLength(5);
      expect(await fits()).toBe(true);
      await page.getByRole('button', { name: 'Use a Device Code' }).focus();
      await show(CODE);
      await page.getByRole('heading', { name: 'Type this code in' }).waitFor();
      await expect.poll(focused).toBe('Open the Page');
      expect(await labels()).toEqual(['Open the Page', 'Copy the Code', 'Cancel']);
      expect(await fits()).toBe(true);
      // Read letter by letter.
      await page.getByText([...USER_CODE].join(' ')).waitFor({ state: 'attached' });
      await show('none');
      await page.getByRole('heading', { name: 'Ask Codex' }).waitFor();
      await expect.poll(focused).toBe('Prompt');
    } finally {
      await browser.close();
    }
  });
});
