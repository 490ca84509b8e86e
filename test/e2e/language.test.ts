import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebviewTexts, webviewTexts } from '../../src/extension/webviewTexts.ts';
import type { LoginState } from '../../src/shared/login.ts';
import type { Approval, Item, SessionSnapshot, TurnSnapshot } from '../../src/shared/session.ts';
import type { ChatProblem, ChatState } from '../../src/shared/webview.ts';
import { launchBrowser, RESULTS, Workbench } from '../support/browser.ts';
import { emit, failOn, openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { changeList, markedFile, openPanelPage } from '../support/panelPage.ts';
import { overflowing, PSEUDO, pseudo, pseudoBundle, unmarked } from '../support/pseudo.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { documentWith } from '../support/terminalPage.ts';
import { VsCode } from '../support/vscode.ts';

/** The width of a narrow side bar, in CSS pixels. */
const NARROW = 260;
/** Of the pages' own sessions. */
const CONTENTS = ['A session', 'Prompt t1', 'Prompt t2'];
const ERROR = { code: 'MODEL_ERROR', message: 'The model provider is busy: try again.' } as const;

/**
 * Every view in a language that nobody speaks: each text of ours stands in brackets, so one that does not was
 * forgotten; and each is longer, as most languages are. What people and Codex say is Cyrillic here.
 */
describe('in another language', () => {
  let browser: Browser;
  let texts: WebviewTexts;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    texts = webviewTexts(PSEUDO, pseudoBundle());
    mkdirSync(RESULTS, { recursive: true });
  });
  afterAll(async () => browser?.close());
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail')
      await page.screenshot({ path: join(RESULTS, `failed ${task.name}.png`) });
    await page.close();
  });

  /** Everything is translated, and has room. */
  async function look(name: string): Promise<void> {
    await page.screenshot({ path: join(RESULTS, `language-${name}.png`), animations: 'disabled' });
    expect(await unmarked(page, CONTENTS), name).toEqual([]);
    expect(await overflowing(page), name).toEqual([]);
  }

  const tell = (problem: ChatProblem | null, more: Partial<ChatState> = {}) =>
    emit(page, 'state', { problem, folders: [{ key: 'f', name: 'Ф' }], folder: 'f', sessions: [], ...more });
  const show = (session: SessionSnapshot | null) => emit(page, 'session', { session });

  it('the chat says what is missing', async () => {
    page = await openChatPage(browser, NARROW, texts);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe(PSEUDO);
    await look('empty');
    const problems: ChatProblem[] = [
      { kind: 'no_folder' },
      { kind: 'untrusted' },
      { kind: 'no_codex', tooOld: false, message: 'Codex was not found on the PATH.' },
      { kind: 'no_codex', tooOld: true, message: 'Codex 0.1 is too old.' },
      { kind: 'error', code: 'STATE_DIR_UNUSABLE', message: 'The directory /state is not yours.' },
      { kind: 'connecting' },
      { kind: 'history', code: 'HISTORY_UNAVAILABLE', message: 'The disk is full.' },
    ];
    for (const [place, problem] of problems.entries()) {
      await tell(null);
      await page.locator('.welcome .codicon-comment-discussion').waitFor();
      await tell(problem);
      await page
        .locator('.welcome .codicon:not(.codicon-comment-discussion), .connecting, .problem')
        .first()
        .waitFor();
      await look(`problem-${place}-${problem.kind}`);
    }
  });

  it('the ways to sign in', async () => {
    page = await openChatPage(browser, NARROW, texts);
    const [kind, url, expiresAt] = ['device_code', 'https://auth.example.com/device', Date.now()] as const;
    const logins: (LoginState | null)[] = [
      null,
      { state: 'waiting', kind: 'chatgpt', url, expiresAt },
      { state: 'waiting', kind, url, userCode: '1234-5678', expiresAt },
      { state: 'failed', kind, error: ERROR },
    ];
    for (const session of [null, snapshot([turnOf('1', [], { prompt: 'Вопрос' })])]) {
      await show(session);
      for (const [place, login] of logins.entries()) {
        await tell(null);
        await page.locator('.sign-in, .sign-in-line').waitFor({ state: 'detached' });
        await tell({ kind: 'logged_out', login, remote: place === 0 });
        await page.locator('.sign-in, .sign-in-line').waitFor();
        await look(`sign-in-${place}${session === null ? '' : '-line'}`);
      }
    }
  });

  it('a conversation with all that can be in it', async () => {
    page = await openChatPage(browser, NARROW, texts);
    await show({
      ...snapshot(conversation()),
      title: 'Разговор',
      usage: USAGE,
      context: { used: 10, window: 20 },
    });
    await page.locator('[data-turn=last]').waitFor();
    // From the first on: all that is drawn is opened.
    await page.locator('.earlier').waitFor({ state: 'detached' });
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    await page.locator('.decision dl').waitFor();
    await look('transcript');
  });

  it('what Codex asks', async () => {
    page = await openChatPage(browser, NARROW, texts);
    for (const approval of APPROVALS) {
      await show({
        ...snapshot([turnOf('t', [], { prompt: 'Да', status: 'waiting_for_approval' })]),
        approvals: [approval, approval],
      });
      await page.locator('.approval form').waitFor();
      await look(`approval-${approval.id}`);
      if (approval.id === 'form') {
        await page.locator('.approval [type=submit]').click();
        await page.locator('.approval [role=alert]').first().waitFor();
        await look('approval-problems');
      }
    }
    await page.locator('.approval .buttons button').last().click();
    await page.locator('#decline-reason').waitFor();
    await look('approval-why');
  });

  it('what opens over the chat, and what failed', async () => {
    page = await openChatPage(browser, NARROW, texts);
    await show({ ...snapshot([turnOf('t', [], { prompt: 'Да', status: 'running' })]), title: 'Разговор' });
    const summary = { folder: 'f', archived: false, createdAt: 0, turns: 1, usage: USAGE, settings: {} };
    const states = ['running', 'waiting_for_approval', 'queued', 'failed', 'idle'] as const;
    await tell(null, {
      sessions: states.map((state, place) => ({
        ...summary,
        id: `s${place}`,
        title: place === 0 ? '' : 'Разговор',
        state,
        updatedAt: Date.now() - place * 4_000_000,
      })),
    });
    await page.locator('.session-bar .current').click();
    await page.locator('.sessions .icon-button').first().click();
    await look('sessions');
    await page.keyboard.press('Escape');
    const area = page.locator('.composer textarea');
    await area.pressSequentially('/');
    await page.locator('.popup [role=option]').first().waitFor();
    await look('commands');
    await area.fill('@');
    await page.locator('.popup [role=status]').waitFor();
    await look('attach');
    await area.fill('');
    for (const [place, button] of (await page.locator('.picker-button').all()).entries()) {
      await button.click();
      await page.locator('.picker .popup').waitFor();
      await look(`picker-${place}`);
      await button.click();
    }
    await failOn(page, 'cancel', { code: 'RIGHTS_EXCEED_CEILING', message: 'Only read-only is allowed.' });
    await page.locator('.icon-button.stop').click();
    await page.locator('.problem').waitFor();
    await look('failure');
  });

  it('the changes of turns', async () => {
    const files = [
      markedFile('часть/один.1', { added: 2 }),
      markedFile('часть/два.1', { kind: 'delete', mark: 'kept' }),
      markedFile('часть/три.1', { kind: 'rename', movedTo: 'часть/3.1', mark: 'reverted' }),
      markedFile('часть/4.1', { kind: 'mode', modeAfter: 0o755, notRevertible: '1' }),
      markedFile('часть/5.1', { kind: 'add', binary: true }),
    ];
    const more = { overlaps: ['x'], excluded: [{ path: '6.1', reason: 'ignored' as const }], notes: ['1'] };
    const side = (text: string) => ({ encoding: 'utf8' as const, data: text, omitted: 0 });
    const lines = Array.from({ length: 30 }, (_, place) => `${place}\n`);
    page = await openPanelPage(
      browser,
      {
        turns: [
          { id: 't1', list: changeList(files, more) },
          {
            id: 't2',
            list: changeList([]),
            told: 'diff --git a/7.1 b/7.1\n--- a/7.1\n+++ b/7.1\n@@ -1 +1 @@\n-1\n+2\n',
          },
        ],
        content: {
          file: markedFile('часть/один.1'),
          before: side(lines.join('')),
          after: side(['я\n', ...lines.slice(1)].join('').trimEnd()),
          hunks: [
            { beforeStart: 0, beforeCount: 1, afterStart: 0, afterCount: 1, mark: 'open' },
            { beforeStart: 29, beforeCount: 1, afterStart: 29, afterCount: 1, mark: 'kept' },
          ],
        },
      },
      texts,
    );
    await page.locator('#tab-changes').click();
    await page.locator('.changes-tools select').selectOption('all');
    await page.locator('.excluded summary').click();
    await page.locator('.gap').first().waitFor();
    await look('changes');
    await page.setViewportSize({ width: NARROW, height: 900 });
    await look('changes-narrow');
    await page.locator('.turn-changes header .codicon-discard').click();
    await page.locator('.turn-changes header .danger').waitFor();
    await look('changes-sure');
  });
});

/** The whole way: VS Code in that language, our bundle for it in the package, and what its webviews are given. */
describe('in a VS Code of another language', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let workbench: Workbench;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    // As a translator's file would lie there.
    const file = join(vscode.extension, 'l10n', `bundle.l10n.${PSEUDO}.json`);
    writeFileSync(file, JSON.stringify(pseudoBundle()));
    browser = await launchBrowser();
    const context = await browser.newContext();
    // What VS Code's own language packs set; its own texts stay English.
    await context.addInitScript(
      (language) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: language }),
      PSEUDO,
    );
    workbench = await Workbench.open(context, vscode.workbenchUrl());
  });

  afterAll(async () => {
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  it('chat, views and errors speak it', async () => {
    const chat = await workbench.chat();
    await chat.getByRole('heading', { name: pseudo('Ask Codex') }).waitFor();
    const document = await documentWith(workbench.page, '.composer textarea');
    expect(await document.evaluate(() => globalThis.document.documentElement.lang)).toBe(PSEUDO);
    expect(await unmarked(document)).toEqual([]);
    const area = chat.locator('.composer textarea');
    await area.fill('!fail 500');
    await area.press('Enter');
    const problem = chat.locator('.turn[data-status=failed] .problem');
    await problem
      .getByText(pseudo('The model failed or refused. Try again, or check the provider and your limits.'))
      .waitFor();
    expect(await problem.locator('[lang=en]').innerText()).not.toBe('');
    // The host's own texts.
    const bar = workbench.page.locator('.statusbar-item', { hasText: 'Codex' });
    await bar.locator(`[aria-label*="${pseudo('The bridge is connected.')}"]`).waitFor();
    await workbench.screenshot('language-vscode');
  });
});

const USAGE = { input: 12_000, cachedInput: 1_000, output: 300, reasoningOutput: 0, total: 12_300 };

function conversation(): TurnSnapshot[] {
  const base = { status: 'completed', startedAt: 0, endedAt: 65_000 } as const;
  const item = <T extends Item['type']>(
    id: string,
    type: T,
    more: Omit<Extract<Item, { type: T }>, 'id' | 'type' | 'status' | 'startedAt'> & Partial<Item>,
  ): Item => ({ ...base, id, type, ...more }) as unknown as Item; // put together above
  const change = { path: 'часть/1.1', added: 1, removed: 0, diff: '@@ -1 +1 @@\n-1\n+2\n' };
  const all: Item[] = [
    item('1', 'user_message', { text: 'Ещё' }),
    item('2', 'agent_message', { text: 'Ответ:\n\n```\n1\n```' }),
    item('3', 'reasoning', { summary: 'Мысль', text: '' }),
    item('4', 'command', {
      command: 'сборка',
      cwd: '/1',
      output: '1\n'.repeat(120),
      omitted: 9,
      exitCode: 1,
    }),
    item('5', 'command', { command: 'сборка', cwd: '/1', output: '', omitted: 0, status: 'declined' }),
    item('6', 'file_change', {
      changes: [
        { ...change, kind: 'update' },
        { ...change, path: '2', kind: 'add', diff: '' },
        { ...change, path: '3', kind: 'delete' },
      ],
      status: 'declined',
    }),
    item('7', 'file_change', { changes: [], status: 'failed' }),
    item('8', 'tool_call', {
      server: '',
      tool: 'часть',
      args: '{}',
      result: '1',
      status: 'failed',
      error: '1',
    }),
    item('9', 'web_search', { query: 'мост' }),
    item('10', 'web_search', { query: '' }),
    item('11', 'image', { path: '/1' }),
    item('12', 'compaction', {}),
    item('13', 'decision', {
      about: 'question',
      subject: '1',
      by: 'face',
      decision: 'accept',
      answers: [{ question: 'Куда?' }],
    }),
    item('14', 'decision', { about: 'command', subject: 'сборка', by: 'timeout', decision: 'decline' }),
    item('15', 'decision', { about: 'permissions', subject: '1', by: 'face', decision: 'accept' }),
    item('16', 'review', { text: '', summary: '', findings: [] }),
    item('17', 'review', {
      text: '',
      summary: 'Да',
      findings: (['critical', 'high', 'medium', 'low'] as const).map((severity) => ({
        title: 'Ошибка',
        body: '',
        file: '1.1',
        line: 1,
        endLine: 2,
        severity,
      })),
    }),
  ];
  const prompt = { prompt: 'Вопрос', usage: USAGE };
  return [
    turnOf('all', all, {
      ...prompt,
      plan: [
        { step: '1', status: 'completed' },
        { step: '2', status: 'pending' },
      ],
    }),
    turnOf('failed', [], { ...prompt, status: 'failed', error: ERROR, source: { kind: 'palette' } }),
    turnOf('unknown', [], { ...prompt, status: 'failed', source: { kind: 'cli' } }),
    turnOf('cut', [], { ...prompt, status: 'interrupted', source: { kind: 'terminal' } }),
    turnOf('stopped', [], { ...prompt, status: 'cancelled', source: { kind: 'mcp' } }),
    turnOf('task', [], { ...prompt, prompt: '', task: { kind: 'compact' } }),
    turnOf(
      'running',
      [item('20', 'command', { command: 'сборка', cwd: '/1', output: '', omitted: 0, status: 'running' })],
      {
        ...prompt,
        status: 'running',
        plan: [{ step: '1', status: 'in_progress' }],
      },
    ),
    turnOf('last', [], { ...prompt, status: 'queued' }),
  ];
}

const ASKED = {
  turn: 't',
  item: '',
  createdAt: 0,
  decisions: ['accept', 'accept_for_session', 'decline', 'cancel'],
} as const;
const FIELD = { label: 'Куда?', required: true, secret: false } as const;
const APPROVALS: readonly Approval[] = [
  {
    ...ASKED,
    id: 'form',
    request: {
      kind: 'question',
      text: '1',
      fields: [
        { ...FIELD, id: 'a', input: { kind: 'choice', options: [{ value: '1', label: 'Да' }], other: true } },
        { ...FIELD, id: 'b', input: { kind: 'number', integer: true, initial: 1.5 } },
        { ...FIELD, id: 'c', input: { kind: 'text', format: 'email', initial: '1' } },
        { ...FIELD, id: 'd', required: false, input: { kind: 'text' } },
      ],
    },
  },
  { ...ASKED, id: 'page', request: { kind: 'question', text: 'Куда?', url: 'https://example.com' } },
  { ...ASKED, id: 'rights', reason: 'Надо', request: { kind: 'permissions', text: 'Сеть' } },
  {
    ...ASKED,
    id: 'files',
    request: {
      kind: 'file_change',
      changes: [{ path: 'часть/1.1', kind: 'update', added: 1, removed: 1, diff: '@@ -1 +1 @@\n-1\n+2\n' }],
      grantRoot: '/часть',
    },
  },
  { ...ASKED, id: 'command', request: { kind: 'command', command: 'сборка', cwd: '/часть' } },
];
