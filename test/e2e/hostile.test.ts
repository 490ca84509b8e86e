import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Item, SessionSnapshot } from '../../src/shared/session.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import {
  type Canary,
  foundIn,
  hostileText,
  startCanary,
  unfold,
  watch,
  watchPolicy,
} from '../support/hostile.ts';
import { changeList, markedFile, newFile, openPanelPage } from '../support/panelPage.ts';
import { call, command, reasoning, ScriptedModel, text } from '../support/scriptedModel.ts';
import { documentWith, openTerminalPage, TerminalPage } from '../support/terminalPage.ts';
import { VsCode } from '../support/vscode.ts';

/** Answers what the TUI would ask at its first start: which of two models. */
const QUIET = '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n';
/** VS Code opens the addresses of this machine without asking. */
const WEB = 'https://stranger.example/link';
/** What stands in the TUI's composer while nothing is typed. */
const EMPTY = 'Ask Codex to do anything';
const FILE = '<img src=x onerror=__ran(`file`)>.html';

const REFUSED = ['connect-src', 'frame-src', 'img-src', 'script-src-attr', 'script-src-elem'];
const STYLES = ['style-src-attr', 'style-src-elem'];

/** Of {@link openTerminalPage}. */
interface Told {
  readonly told: readonly (readonly [string, unknown])[];
}

let canary: Canary;
let browser: Browser;
let context: BrowserContext;
let ran: string[];

beforeAll(async () => {
  canary = await startCanary();
  browser = await launchBrowser();
  context = await browser.newContext();
  ran = await watch(context);
});
afterAll(async () => {
  await browser?.close();
  await canary?.close();
});

/** The real VS Code, where strangers wrote all that Codex says, does and makes. */
describe('a hostile session in VS Code', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let workbench: Workbench;
  let chat: Frame;
  let policy: { refused(): Promise<string[]> };

  beforeAll(async () => {
    model = await ScriptedModel.start();
    model.script(({ outputs }) => {
      const words = hostileText(canary.url, `answer ${outputs.length}`);
      const plan = [{ step: words, status: 'in_progress' }];
      if (outputs.length === 0) return [call('update_plan', { plan, explanation: words })];
      if (outputs.length === 1) return [command(`printf '%s' '${words}' | tee '${FILE}'`)];
      return [reasoning(`**${words}**`), text(`${words}\n\n[web](${WEB})\n\nThe end.`)];
    });
    codex = await makeCodexHome({ modelUrl: model.url, config: 'tools.update_plan.enabled = true' });
    appendFileSync(join(codex.home, 'config.toml'), QUIET);
    vscode = await VsCode.start({ env: codex.env });
    workbench = await Workbench.open(context, vscode.workbenchUrl(), { width: 1400, height: 900 });
    await workbench.chat();
    policy = await watchPolicy(await documentWith(workbench.page, '#root > main'));
    await workbench.send(`<img src=x onerror=__ran(1)> ${hostileText(canary.url, 'prompt')}`);
    chat = await documentWith(workbench.page, '.turn[data-status=completed]');
  });
  afterAll(async () => {
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const nothingHappened = async (document: Frame) => {
    expect(await foundIn(document)).toEqual([]);
    expect([ran, canary.visits]).toEqual([[], []]);
    expect(await workbench.page.locator('.tab', { hasText: 'Untitled' }).count()).toBe(0);
  };

  test('A22: runs no script and loads nothing, in the chat and in the changes', async () => {
    await chat.locator('.answer', { hasText: 'The end.' }).waitFor();
    await unfold(chat);
    await chat.locator('.step.command .output', { hasText: 'onerror' }).waitFor();
    await nothingHappened(chat);
    expect(await policy.refused()).toEqual([]);
    await workbench.screenshot('hostile-chat');
    await chat.getByRole('button', { name: 'Open in editor' }).click();
    await workbench.page
      .locator('.tabs-container .tab', { hasText: '<img src=x onerror=__ran(1)>' })
      .waitFor();
    const panel = await documentWith(workbench.page, '#root > .tabs');
    await panel.getByRole('tab', { name: 'Changes' }).click();
    const file = panel.locator('.changed-file', { hasText: FILE });
    const name = file.locator('.file-name');
    if ((await name.getAttribute('aria-expanded')) !== 'true') await name.click();
    await file.locator('.hunk', { hasText: 'onerror' }).first().waitFor();
    await nothingHappened(panel);
    await workbench.screenshot('hostile-changes');
  });

  test('A22: has links to the web only, and each is asked about', async () => {
    const links = await chat
      .locator('.answer a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')).filter((href) => href !== null));
    expect(links).toContain(WEB);
    for (const link of links) expect(link).toMatch(/^https?:/);
    await chat.locator('.answer a', { hasText: /^web$/ }).click();
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.getByText(WEB).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    // A link that came through would be refused by the host as well.
    for (const href of ['command:workbench.action.files.newUntitledFile', 'javascript:__ran(`click`)']) {
      await chat.evaluate((address) => {
        const link = document.createElement('a');
        link.setAttribute('href', address);
        document.getElementById('root')?.append(link);
        link.click();
        link.remove();
      }, href);
      await workbench.page.locator('.notification-toast', { hasText: href.slice(0, 20) }).waitFor();
    }
    await workbench.runCommand('Notifications: Clear All Notifications');
    await nothingHappened(chat);
  });

  test('A23: lets nothing out, not even what a script in the webview would send', async () => {
    await workbench.page.locator('.tabs-container .tab', { hasText: '__ran(1)' }).click();
    const panel = await documentWith(workbench.page, '#root > .tabs');
    // xterm.js writes styles; nothing that is shown in its document is HTML.
    for (const document of [chat, panel])
      expect(await breakOut(document)).toEqual([...REFUSED, ...STYLES].sort());
    await panel.getByRole('tab', { name: 'Terminal' }).click();
    const terminal = await TerminalPage.of(workbench.page);
    expect(await breakOut(terminal.frame)).toEqual(expect.arrayContaining(REFUSED));
    expect([ran, canary.visits]).toEqual([[], []]);
  });

  test('A24: writes no clipboard, sets no title and types nothing through its terminal', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: vscode.url });
    await workbench.page.evaluate(() => navigator.clipboard.writeText('mine'));
    const terminal = await TerminalPage.of(workbench.page);
    const title = await terminal.frame.title();
    await terminal.shows(EMPTY);
    const draw = (data: string) =>
      terminal.frame.evaluate(
        (shown) =>
          window.postMessage({ event: 'terminal', data: { event: 'data', data: { data: shown } } }, '*'),
        data,
      );
    const stolen = Buffer.from('stolen').toString('base64');
    await draw(
      `\u001b]52;c;${stolen}\u0007\u001b]52;c;?\u0007\u001b]0;taken\u0007\u001b[c\u001b[>c\u001b[6n\u001b[5n\u001bP$qm\u001b\\\u001b]10;?\u0007`,
    );
    // Codex may draw its own screen over it at any moment.
    await expect
      .poll(
        async () => {
          await draw('\u001b[3;3Hdrawn by a stranger');
          return terminal.text();
        },
        { timeout: 30_000 },
      )
      .toContain('drawn by a stranger');
    expect(await workbench.page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
    expect(await terminal.frame.title()).toBe(title);
    // Codex draws all of it anew: an answer that was typed would be in its composer.
    await terminal.frame.getByRole('tab', { name: 'Chat' }).click();
    const panel = await documentWith(workbench.page, '#root > .tabs');
    await panel.getByRole('tab', { name: 'Terminal' }).click();
    const again = await TerminalPage.of(workbench.page);
    await again.shows('The end.');
    await again.shows(EMPTY);
    expect([ran, canary.visits]).toEqual([[], []]);
  });
});

/** Our own documents without a content policy around them: what is left then is what they take for HTML. */
describe('a hostile session in the webviews alone', () => {
  async function nothingHappened(page: Page): Promise<void> {
    expect(await foundIn(page)).toEqual([]);
    expect([ran, canary.visits]).toEqual([[], []]);
  }

  /** Everything that the chat shows of a session, of strangers. */
  function session(): SessionSnapshot {
    const h = (where: string) => hostileText(canary.url, where);
    const base = { status: 'completed', startedAt: 0, endedAt: 1 } as const;
    const change = {
      path: h('path'),
      kind: 'update',
      movedTo: h('moved'),
      added: 1,
      removed: 1,
      diff: `@@ -1 +1 @@\n-${h('old')}\n+${h('new')}`,
    } as const;
    const items: Item[] = [
      { ...base, id: '1', type: 'user_message', text: h('steer') },
      { ...base, id: '2', type: 'agent_message', text: h('answer') },
      { ...base, id: '3', type: 'reasoning', summary: h('summary'), text: h('thought') },
      {
        ...base,
        id: '4',
        type: 'command',
        command: h('command'),
        cwd: h('cwd'),
        output: `\u001b[31m${h('output')}`,
        omitted: 5,
        exitCode: 1,
      },
      { ...base, id: '5', type: 'file_change', changes: [change] },
      {
        ...base,
        id: '6',
        type: 'tool_call',
        server: h('server'),
        tool: h('tool'),
        args: h('args'),
        result: h('result'),
        error: h('error'),
      },
      { ...base, id: '7', type: 'web_search', query: h('query') },
      { ...base, id: '8', type: 'plan', text: h('plan') },
      { ...base, id: '9', type: 'image', path: h('image') },
      { ...base, id: '10', type: 'review', text: h('review'), summary: h('summary of it') },
      {
        ...base,
        id: '11',
        type: 'decision',
        about: 'command',
        subject: h('subject'),
        cwd: h('where'),
        diff: h('diff'),
        decision: 'decline',
        by: 'face',
        who: { kind: 'mcp', name: h('client') },
        reason: h('reason'),
      },
      { ...base, id: '12', type: 'other', name: h('other') },
    ];
    const turn = turnOf('t', items, {
      source: { kind: 'mcp', name: h('name') },
      prompt: h('prompt'),
      attachments: [{ kind: 'file', label: h('label') }],
      status: 'waiting_for_approval',
      plan: [{ step: h('step'), status: 'pending', details: h('details'), files: [h('planned')] }],
      error: { code: 'INTERNAL', message: h('failure') },
      notices: [{ kind: 'warning', text: h('notice') }],
      model: h('model'),
    });
    const approval = { turn: 't', createdAt: 0, reason: h('why'), decisions: ['accept', 'decline'] } as const;
    return {
      ...snapshot([turn]),
      title: h('title'),
      settings: { model: h('chosen model') },
      approvals: [
        {
          ...approval,
          id: 'a',
          item: '4',
          request: { kind: 'command', command: h('asked'), cwd: h('asked cwd') },
        },
        {
          ...approval,
          id: 'b',
          item: '5',
          request: { kind: 'file_change', changes: [change], grantRoot: h('root') },
        },
        {
          ...approval,
          id: 'c',
          item: '6',
          request: {
            kind: 'question',
            text: h('question'),
            intro: h('intro'),
            url: `javascript:__ran(\`url\`)`,
            fields: [
              {
                id: h('id'),
                heading: h('heading'),
                label: h('field'),
                description: h('description'),
                required: true,
                secret: false,
                input: {
                  kind: 'choice',
                  other: true,
                  options: [{ value: h('value'), label: h('option'), description: h('told') }],
                },
              },
            ],
          },
        },
      ],
    };
  }

  test('A22: is text in the chat, wherever it stands', async () => {
    const page = await openChatPage(context);
    const shown = session();
    for (const approval of shown.approvals) {
      await page.evaluate((one) => window.postMessage({ event: 'session', data: { session: one } }, '*'), {
        ...shown,
        approvals: [approval],
      });
      await page.getByRole('alertdialog').filter({ hasText: 'onerror' }).waitFor();
      await nothingHappened(page);
    }
    await page.evaluate((one) => window.postMessage({ event: 'session', data: { session: one } }, '*'), {
      ...shown,
      approvals: [],
      turns: shown.turns.map((turn) => ({ ...turn, status: 'completed' })),
    });
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await unfold(page);
    await nothingHappened(page);
    await page.close();
  });

  test('A9: shows all of what is asked, and what hides in it, above the buttons', async () => {
    const page = await openChatPage(context, 260);
    const asked = `ls a\u202egpj.x\u200b \u001b[2K\rrm${' '.repeat(500)} ${'word '.repeat(2_000)}; rm -r .`;
    const request = { kind: 'command', command: asked, cwd: '/w\u2066' } as const;
    const common = { id: 'a', turn: 't', item: 'i', createdAt: 0, decisions: ['accept', 'decline'] } as const;
    const shown = {
      ...snapshot([turnOf('t', [], { status: 'waiting_for_approval' })]),
      approvals: [{ ...common, request }],
    };
    await page.evaluate(
      (one) => window.postMessage({ event: 'session', data: { session: one } }, '*'),
      shown,
    );
    const card = page.getByRole('alertdialog');
    await card.waitFor();
    const hidden = await card.locator('.hidden-character').allInnerTexts();
    expect(hidden.toSorted()).toEqual(
      ['U+202E', 'U+200B', 'U+001B', 'U+000D', 'U+0020 ×501', 'U+2066'].toSorted(),
    );
    // Its end can be read, and the buttons are there beside it.
    const end = card.getByText('; rm -r .');
    const inSight = await end.evaluate((element) => {
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      let last: Node | null = null;
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) last = node;
      const scrolls = element.closest('.scrolls');
      if (last === null || scrolls === null) return false;
      const range = document.createRange();
      range.setStart(last, (last.textContent ?? '').length - 2);
      range.setEnd(last, (last.textContent ?? '').length);
      const place = () => range.getBoundingClientRect();
      element.scrollTop = element.scrollHeight;
      scrolls.scrollTop += place().top - scrolls.getBoundingClientRect().top - 40;
      const { left, top } = place();
      return element.contains(document.elementFromPoint(left + 1, top + 2));
    });
    expect(inSight).toBe(true);
    expect(await card.getByRole('button', { name: 'Accept', exact: true }).isVisible()).toBe(true);
    await page.close();
  });

  test('A22: is text in the changes, wherever it stands', async () => {
    const hostile = hostileText(canary.url, 'line');
    const { content } = newFile(20);
    const path = hostileText(canary.url, 'path');
    const file = markedFile(path, {
      kind: 'add',
      added: 20,
      removed: 0,
      movedTo: hostileText(canary.url, 'moved'),
    });
    const data = Array.from({ length: 20 }, () => `${hostile.replaceAll('\n', ' ')}\n`).join('');
    const page = await openPanelPage(context, {
      turns: [{ id: 't1', list: changeList([file], { notes: [hostile], excluded: [] }) }],
      content: { ...content, file, after: { encoding: 'utf8', data, omitted: 0 } },
    });
    await page.getByRole('tab', { name: 'Changes' }).click();
    const name = page.locator('.changed-file .file-name').first();
    if ((await name.getAttribute('aria-expanded')) !== 'true') await name.click();
    await page.locator('.hunk', { hasText: 'onerror' }).first().waitFor();
    await nothingHappened(page);
    await page.close();
  });

  test('A24: answers no question of the screen, and has links to the web only', async () => {
    const page = await openTerminalPage(context);
    await page.waitForFunction(() => (globalThis as unknown as Told).told.some(([name]) => name === 'open'));
    const draw = (event: string, data: object) =>
      page.evaluate((message) => window.postMessage({ event: 'terminal', data: message }, '*'), {
        event,
        data,
      });
    const asks =
      '\u001b[c\u001b[>c\u001b[6n\u001b[?6n\u001b[5n\u001bP$qm\u001b\\\u001b]10;?\u0007\u001b]52;c;?\u0007\u001b[?1$p';
    const link = (to: string, shown: string) => `\u001b]8;;${to}\u0007${shown}\u001b]8;;\u0007`;
    await draw('screen', { screen: `${asks}screen drawn`, cols: 80, rows: 24 });
    const links = [
      link('javascript:__ran(`terminal`)', 'to-script'),
      link('command:workbench.action.quit', 'to-command'),
      link('file:///etc/passwd', 'to-file'),
      link(WEB, 'to-the-web'),
    ];
    await draw('data', { data: `${asks}\r\n\r\n${links.join('\r\n\r\n')}\r\n\r\ndata drawn` });
    await page.locator('.xterm-rows', { hasText: 'data drawn' }).waitFor();
    await page.keyboard.down('Control');
    for (const shown of ['to-script', 'to-command', 'to-file', 'to-the-web']) {
      const box = await page.locator('.xterm-rows > div', { hasText: shown }).boundingBox();
      const { x, y, height } = box ?? expect.fail(shown);
      // Once more, so that what a link says of itself is heard.
      for (const at of [x + 10, x + 20, x + 14]) await page.mouse.move(at, y + height / 2);
      if (shown === 'to-the-web') await page.locator('.xterm-cursor-pointer').waitFor();
      await page.mouse.click(x + 14, y + height / 2);
    }
    await page.keyboard.up('Control');
    const toldOf = (...names: string[]) =>
      page.evaluate(
        (wanted) => (globalThis as unknown as Told).told.filter(([name]) => wanted.includes(name)),
        names,
      );
    await expect.poll(() => toldOf('link.open')).toEqual([['link.open', { href: WEB }]]);
    expect(await toldOf('input', 'copy', 'file.open')).toEqual([]);
    expect(await page.title()).toBe('T');
    expect([ran, canary.visits]).toEqual([[], []]);
    await page.close();
  });
});

/** What a script in the document would try first. Resolves with what the content policy refused of it. */
async function breakOut(document: Frame): Promise<string[]> {
  // What is refused would be heard of if it were not.
  await document.evaluate(() => (globalThis as unknown as { __ran(what: string): void }).__ran('control'));
  await expect.poll(() => ran.splice(0)).toEqual(['control']);
  const { refused } = await watchPolicy(document);
  await document.evaluate((url) => {
    const element = (name: string, attributes: Record<string, string>, inner = '') => {
      const made = window.document.createElement(name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.textContent = inner;
      window.document.body.append(made);
      return made;
    };
    const made = [
      element('script', {}, '__ran("inline")'),
      element('script', { src: `${url}script` }),
      element('style', {}, `@import "${url}style";`),
      element('link', { rel: 'stylesheet', href: `${url}css` }),
      element('div', { style: `background: url(${url}background)` }),
      element('img', { src: `${url}picture` }),
      element('iframe', { src: `${url}frame` }),
      element('button', { onclick: '__ran("handler")' }),
    ];
    made.at(-1)?.click();
    for (const one of made) one.remove();
    fetch(`${url}fetch`).catch(() => undefined); // refused, as it should be
  }, canary.url);
  await expect.poll(refused).toEqual(expect.arrayContaining(REFUSED));
  return refused();
}
