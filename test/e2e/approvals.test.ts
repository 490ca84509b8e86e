import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FieldInput, FieldOption, QuestionField } from '../../src/shared/questions.ts';
import type { Approval } from '../../src/shared/session.ts';
import { findings } from '../support/axe.ts';
import { launchBrowser, RESULTS, Workbench } from '../support/browser.ts';
import { openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { joinBridge } from '../support/faces.ts';
import { call, ScriptedModel, text } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** A theme of each kind, as VS Code marks it in a webview. */
const THEMES = {
  'Light Modern': 'vscode-light',
  'Default High Contrast': 'vscode-high-contrast',
  'Default High Contrast Light': 'vscode-high-contrast-light',
  'Dark Modern': 'vscode-dark',
};

/** So that commands have to be approved. */
const SETTINGS = { 'codexBridge.defaults.approvalPolicy': 'untrusted' };

const QUESTIONS = [
  {
    id: 'store',
    header: 'Store',
    question: 'Where shall the sessions be kept?',
    options: [
      { label: 'SQLite (Recommended)', description: 'One file for each folder, safe when the power fails.' },
      { label: 'JSON files', description: 'Easy to read, slower with many sessions.' },
    ],
  },
  {
    id: 'name',
    header: 'Name',
    question: 'What is the table called?',
    options: [
      { label: 'sessions', description: 'As in the code.' },
      { label: 'threads', description: 'As in Codex.' },
    ],
  },
];

function field(id: string, input: FieldInput, more: Partial<QuestionField> = {}): QuestionField {
  return { id, label: id, required: true, secret: false, input, ...more };
}

function named(value: string): FieldOption {
  return { value, label: value };
}

/** What Codex asks, and how a person answers without a mouse: the real VS Code, the real Codex. */
describe('approvals and questions', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({
      modelUrl: model.url,
      config: 'suppress_unstable_features_warning = true',
      features: ['default_mode_request_user_input', 'request_permissions_tool'],
    });
    vscode = await VsCode.start({
      env: codex.env,
      settings: SETTINGS,
    });
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
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const card = (): Locator => chat.getByRole('alertdialog');
  const completed = (): Locator => chat.locator('.turn[data-status=completed]');
  const button = (name: string): Locator => card().getByRole('button', { name, exact: true });
  const press = (key: string) => workbench.page.keyboard.press(key);
  const toast = (words: string): Locator =>
    workbench.page.locator('.notifications-toasts .notification-toast', { hasText: words });

  /** The model asks these questions first, and says what it was told. */
  function scriptQuestions(questions: readonly object[]): void {
    model.script(({ outputs }) =>
      outputs.length === 0
        ? [call('request_user_input', { questions })]
        : [text(`You said ${outputs.join(' ').replaceAll('"', "'")}`)],
    );
  }

  test('declines with a reason, by keyboard, and Codex reads it', async () => {
    await workbench.send('!run touch made.txt');
    await card().waitFor();
    // The composer has the focus; the card is the stop before it.
    await button('Decline and say why…').focus();
    await press('Enter');
    const area = card().getByRole('textbox', { name: 'Why not, and what instead?' });
    await expect.poll(() => area.evaluate((element) => element === document.activeElement)).toBe(true);
    await press('Escape');
    await area.waitFor({ state: 'detached' });
    await button('Decline and say why…').press('Enter');
    await area.pressSequentially('Write it with the editor instead');
    await workbench.screenshot('approval-why');
    await area.press('Enter');
    await card().waitFor({ state: 'detached' });
    await completed().waitFor();
    // The model was told as by the person, after the refusal.
    await chat.locator('.answer', { hasText: 'Echo: Write it with the editor instead' }).waitFor();
    await chat.locator('.decision', { hasText: 'You declined' }).waitFor();
    expect(await chat.locator('.decision .words').innerText()).toBe('Write it with the editor instead');
    expect(await chat.locator('.steer').count()).toBe(0);
    expect(existsSync(join(vscode.folder, 'made.txt'))).toBe(false);
    const prompt = chat.getByRole('textbox', { name: 'Prompt' });
    expect(await prompt.evaluate((element) => element === document.activeElement)).toBe(true);
    await workbench.screenshot('approval-declined');
  });

  test('brings the keyboard to the card by a command, from wherever it was', async () => {
    await workbench.send('!run touch made.txt');
    await card().waitFor();
    const focused = () => card().evaluate((element) => element === document.activeElement);
    expect(await focused()).toBe(false);
    await workbench.runCommand('Codex Bridge: Review What Codex Asks');
    await expect.poll(focused).toBe(true);
    await workbench.screenshot('approval-focused');
    await press('Tab');
    expect(await button('Accept').evaluate((element) => element === document.activeElement)).toBe(true);
    await press('Tab');
    await press('Enter');
    await card().waitFor({ state: 'detached' });
    await completed().waitFor();
    expect(existsSync(join(vscode.folder, 'made.txt'))).toBe(false);
  });

  test('stops the turn with a reason that becomes the next prompt', async () => {
    await workbench.send('!run touch made.txt');
    await button('Decline and say why…').click();
    await card().getByRole('textbox').fill('Something else first');
    await button('Decline and stop').click();
    await chat.locator('.turn[data-status=cancelled]').waitFor();
    await chat.locator('.answer', { hasText: 'Echo: Something else first' }).waitFor();
    expect(existsSync(join(vscode.folder, 'made.txt'))).toBe(false);
  });

  test('answers questions by keyboard alone', async () => {
    scriptQuestions(QUESTIONS.slice(0, 1));
    await workbench.send('Build it');
    await card()
      .getByRole('group', { name: /Where shall the sessions be kept/ })
      .waitFor();
    // Nothing is chosen: an answer is needed, and the reader is led to it.
    await button('Answer').focus();
    await press('Enter');
    await card().getByText('An answer is needed.').waitFor();
    expect(
      await card()
        .getByRole('radio', { name: /SQLite/ })
        .evaluate((element) => element === document.activeElement),
    ).toBe(true);
    await press('Space');
    await press('ArrowDown');
    expect(
      await card()
        .getByRole('radio', { name: /JSON files/ })
        .isChecked(),
    ).toBe(true);
    await press('ArrowDown');
    await press('Tab');
    await workbench.page.keyboard.type('In memory');
    await press('Enter');
    await card().waitFor({ state: 'detached' });
    await completed().waitFor();
    await chat.locator('.answer', { hasText: "{'answers':{'store':{'answers':['In memory']}}}" }).waitFor();
    expect(await chat.locator('.decision').innerText()).toMatch(
      /You answered\s+Where shall the sessions be kept\?\s+In memory/,
    );
  });

  test('closes a question that another face has answered', async () => {
    scriptQuestions(QUESTIONS.slice(0, 1));
    await workbench.send('Asked twice');
    await card().getByRole('radio').first().waitFor();
    const other = await joinBridge(vscode.bridgeHome);
    try {
      const { folders } = await other.rpc.request('status', {});
      const { sessions } = await other.rpc.request('session.list', {
        folder: folders[0]?.key ?? '',
        query: '"Asked twice"',
      });
      const session = sessions[0]?.id ?? '';
      const { approvals } = await other.rpc.request('session.approvals', { session });
      await other.rpc.request('approval.answer', {
        session,
        approval: approvals[0]?.id ?? '',
        decision: 'accept',
        answers: [{ id: 'store', value: 'JSON files' }],
      });
    } finally {
      other.dispose();
    }
    await card().waitFor({ state: 'detached' });
    await chat.locator('.decision', { hasText: 'JSON files' }).waitFor();
  });

  test('looks right, and has no serious finding of axe, in every theme', async () => {
    scriptQuestions(QUESTIONS);
    await workbench.send('Which way?');
    await card().getByRole('radio').first().waitFor();
    // VS Code writes down a moment later which session is shown.
    await expect.poll(() => workbench.keeps('Which way?'), { timeout: 20_000 }).toBe(true);
    const found: string[] = [];
    for (const [theme, kind] of Object.entries(THEMES)) {
      vscode.setSettings({ ...SETTINGS, 'workbench.colorTheme': theme });
      await workbench.reload();
      chat = await workbench.chat();
      await chat.locator(`body[data-vscode-theme-kind="${kind}"]`).waitFor();
      await card()
        .getByRole('radio', { name: /JSON files/ })
        .check();
      await card().getByRole('radio', { name: 'Something else' }).nth(1).check();
      await card().getByRole('textbox', { name: 'Your answer' }).fill('conversations');
      await workbench.screenshot(`question-${kind}`);
      const frame = await chatDocument();
      found.push(...(await findings(frame)).map((finding) => `${theme}: ${finding}`));
      await button('Decline and say why…').click();
      await card().getByRole('textbox').fill('Ask me later');
      await workbench.screenshot(`question-why-${kind}`);
      found.push(...(await findings(frame)).map((finding) => `${theme}, with a reason: ${finding}`));
      await button('Back').click();
      await chat.getByRole('log').focus();
      await press('ArrowUp');
      await workbench.screenshot(`keyboard-${kind}`);
      found.push(...(await findings(frame)).map((finding) => `${theme}, in the transcript: ${finding}`));
    }
    // As narrow as people make it.
    const sash = workbench.page.locator('.monaco-sash.vertical:not(.disabled)').first();
    const { x = 0, y = 0, height = 0 } = (await sash.boundingBox()) ?? {};
    await workbench.page.mouse.move(x + 2, y + height / 2);
    await workbench.page.mouse.down();
    await workbench.page.mouse.move(x + 2, y + height / 2 + 5);
    await workbench.page.mouse.move(48 + 260, y + height / 2);
    await workbench.page.mouse.up();
    const root = chat.locator('html');
    await expect.poll(() => root.evaluate((element) => element.clientWidth)).toBeLessThan(290);
    await workbench.screenshot('question-dark-260');
    await button('Decline and say why…').click();
    await workbench.screenshot('question-why-dark-260');
    expect(await root.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    await button('Back').click();
    expect(found).toEqual([]);
    await button('Decline').click();
    await completed().waitFor();
  });

  test('has room for everything at 260 pixels', async () => {
    const page = await openChatPage(browser, 260);
    const base = { turn: 't', item: '', createdAt: 0 };
    const approvals: Approval[] = [
      {
        ...base,
        id: 'form',
        decisions: ['accept', 'decline', 'cancel'],
        request: {
          kind: 'question',
          text: 'deploy: Where shall it go?',
          intro: 'deploy: Where shall it go?',
          fields: [
            field('region', { kind: 'choices', options: ['eu-central-1', 'us-east-1'].map(named), least: 1 }),
            field('token', { kind: 'text' }, { secret: true, description: 'It is kept nowhere.' }),
            field('copies', { kind: 'number', integer: true, minimum: 1, initial: 2 }),
            field('dry', { kind: 'boolean', initial: true }, { required: false, label: 'Only try it' }),
          ],
        },
      },
      {
        ...base,
        id: 'rights',
        reason: 'To download the packages that the tests need.',
        decisions: ['accept', 'accept_for_session', 'decline', 'cancel'],
        request: {
          kind: 'permissions',
          text: 'Network access to any host\nWrite /home/someone/a/folder/with/a/long/name/cache',
        },
      },
    ];
    const session = { ...snapshot([turnOf('t', [], { status: 'waiting_for_approval' })]), approvals };
    await page.evaluate(
      (shown) => window.postMessage({ event: 'session', data: { session: shown } }, '*'),
      session,
    );
    const open = page.getByRole('alertdialog');
    await open.getByLabel('token').waitFor();
    expect(await open.getByLabel('token').getAttribute('type')).toBe('password');
    await open.getByLabel('copies').fill('many');
    await open.getByRole('button', { name: 'Answer' }).click();
    expect(await open.getByRole('alert').allInnerTexts()).toEqual([
      'An answer is needed.',
      'An answer is needed.',
      'Write a number.',
    ]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBe(260);
    await page.screenshot({ path: join(RESULTS, 'question-260.png') });
    await page.evaluate((shown) => window.postMessage({ event: 'session', data: { session: shown } }, '*'), {
      ...session,
      approvals: approvals.slice(1),
    });
    await open.getByText('Network access to any host').waitFor();
    await page.screenshot({ path: join(RESULTS, 'approval-260.png') });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(260);
    await page.close();
  });

  test('a card in the place of another takes no click that was meant for that one', async () => {
    const page = await openChatPage(browser);
    const ask = (id: string): Approval => ({
      ...{ id, turn: 't', item: '', createdAt: 0, decisions: ['accept', 'decline'] },
      request: { kind: 'command', command: `rm ${id}`, cwd: '/f' },
    });
    const show = (...ids: string[]) =>
      page.evaluate((shown) => window.postMessage({ event: 'session', data: { session: shown } }, '*'), {
        ...snapshot([turnOf('t', [], { status: 'waiting_for_approval' })]),
        approvals: ids.map(ask),
      });
    const open = page.getByRole('alertdialog');
    const accept = open.getByRole('button', { name: 'Accept' });
    await show('one', 'two');
    await open.getByText('rm one').waitFor();
    expect(await accept.isEnabled()).toBe(true);
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 1_000);
    await show('two');
    await open.getByText('rm two').waitFor();
    expect(await accept.isEnabled()).toBe(false);
    expect(await open.getByRole('button', { name: 'Decline', exact: true }).isEnabled()).toBe(false);
    await page.clock.runFor(1_000);
    expect(await accept.isEnabled()).toBe(true);
    await page.close();
  });

  test('brings the keyboard to the card of a chat that was hidden', async () => {
    await workbench.send('!run touch made.txt');
    await card().waitFor();
    await workbench.page.locator('.activitybar a[aria-label^="Explorer"]').click();
    await workbench.page.locator('iframe.webview.ready').waitFor({ state: 'hidden' });
    await workbench.runCommand('Codex Bridge: Review What Codex Asks');
    chat = workbench.chatFrame();
    await expect
      .poll(() => card().evaluate((element) => element === document.activeElement), { timeout: 20_000 })
      .toBe(true);
    await button('Decline').click();
    await card().waitFor({ state: 'detached' });
  });

  test('notifies only where no view shows the question: not beside the session in its panel', async () => {
    const explorer = workbench.page.locator('.activitybar a[aria-label^="Explorer"]');
    const panel = workbench.panelFrame();
    await workbench.send('Open me');
    await completed().waitFor();
    await chat.getByRole('button', { name: 'Open in editor' }).click();
    await explorer.click();
    await panel.locator('.answer').waitFor();
    const area = panel.getByRole('textbox', { name: 'Prompt' });
    await area.fill('!run touch shown.txt');
    await area.press('Enter');
    await panel.getByRole('alertdialog').waitFor();
    await workbench.page.locator('.activitybar .badge:visible', { hasText: '1' }).first().waitFor();
    expect(await toast('shown.txt').count()).toBe(0);
    await panel.getByRole('tab', { name: 'Changes' }).click();
    await panel.locator('#panel-changes').getByRole('alertdialog').waitFor();
    await workbench.screenshot('approval-panel-changes');
    // Behind another editor it can't be seen any more.
    await workbench.runCommand('File: New Untitled Text File');
    await toast('shown.txt').waitFor();
    await workbench.page.locator('.tabs-container .tab', { hasText: 'Open me' }).click();
    await toast('shown.txt').waitFor({ state: 'detached' });
    await panel.getByRole('tab', { name: 'Chat' }).click();
    await panel.getByRole('alertdialog').getByRole('button', { name: 'Decline', exact: true }).click();
    await panel.getByRole('alertdialog').waitFor({ state: 'detached' });
  });

  async function chatDocument(): Promise<Frame> {
    for (const frame of workbench.page.frames()) {
      if ((await frame.locator('#root > main').count()) > 0) return frame;
    }
    throw new Error('the chat is not there');
  }
});
