import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, FrameLocator, Locator, WebSocket } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { sung, sungInFiles } from '../support/canaries.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { joinBridge } from '../support/faces.ts';
import { Latch, ScriptedModel, words } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** The sidebar chat as a person sees it: the real VS Code, the real Codex, a model that follows a script. */
describe('the chat in the sidebar', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;
  /** What the extension host and VS Code say to each other: webviews' documents and messages, memory, logs. */
  let heard: (string | Buffer)[] = [];

  function listenTo(socket: WebSocket): void {
    const hear = ({ payload }: { payload: string | Buffer }) => void heard.push(payload);
    socket.on('framereceived', hear).on('framesent', hear);
  }

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({
      env: codex.env,
      // So that a command in the scripted model's answers has to be approved.
      settings: { 'codexBridge.defaults.approvalPolicy': 'untrusted' },
    });
    browser = await launchBrowser();
    context = await browser.newContext();
    context.on('page', (page) => page.on('websocket', listenTo));
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

  const turn = (status: string): Locator => chat.locator(`.turn[data-status=${status}]`);

  /** A model that says one word each time the door beside it is opened. */
  function scriptWords(list: readonly string[]): Latch[] {
    const doors = list.map(() => new Latch());
    model.script(() => [
      words(
        list.map((word) => `${word} `),
        (index) => doors[index]?.wait(),
      ),
    ]);
    return doors;
  }

  test('shows each word as it comes', async () => {
    const list = ['alpha', 'beta', 'gamma', 'delta'];
    const doors = scriptWords(list);
    await workbench.send('Count for me');
    for (const [index, door] of doors.entries()) {
      door.open();
      const soFar = list.slice(0, index + 1).join(' ');
      await chat.locator('.answer', { hasText: soFar }).waitFor();
      if (index === list.length - 1) break;
      expect(await turn('running').count()).toBe(1);
      expect(await chat.locator('.answer').innerText()).not.toContain(list[index + 1]);
      if (index === 1) await workbench.screenshot('chat-streaming');
    }
    await turn('completed').waitFor();
    expect((await chat.locator('.answer').innerText()).trim()).toBe(list.join(' '));
    expect(await chat.locator('.prompt .text').innerText()).toBe('Count for me');
  });

  test('stops a turn', async () => {
    await workbench.send('!stall');
    await chat.locator('.answer', { hasText: 'I begin,' }).waitFor();
    await chat.getByRole('button', { name: 'Stop' }).click();
    await turn('cancelled').waitFor();
    expect(await chat.locator('.answer').innerText()).toContain('I begin,');
    expect(await chat.getByRole('button', { name: 'Stop' }).count()).toBe(0);
  });

  test('queues a prompt that is sent while a turn runs', async () => {
    const [door] = scriptWords(['first']);
    await workbench.send('One');
    await turn('running').waitFor();
    await workbench.send('Two');
    await turn('queued').waitFor();
    model.script(demoScript);
    door?.open();
    await expect.poll(() => turn('completed').count(), { timeout: 20_000 }).toBe(2);
    expect(await chat.locator('.answer').allInnerTexts()).toEqual(['first', 'Echo: Two']);
  });

  test('lists, opens and deletes sessions', async () => {
    await workbench.send('The first session');
    await turn('completed').waitFor();
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('The second session');
    await turn('completed').waitFor();

    await chat.locator('.session-bar .current').click();
    await workbench.screenshot('chat-sessions');
    await chat.locator('.sessions .choose', { hasText: 'The first session' }).click();
    await chat.locator('.answer', { hasText: 'Echo: The first session' }).waitFor();
    expect(await chat.locator('.turn').count()).toBe(1);

    await chat.locator('.session-bar .current').click();
    const second = chat.locator('.sessions li', { hasText: 'The second session' });
    await second.hover();
    await second.getByRole('button', { name: /^Delete/ }).click();
    await second.getByRole('button', { name: 'Delete', exact: true }).click();
    await second.waitFor({ state: 'detached' });
    expect(await chat.locator('.sessions li', { hasText: 'The first session' }).count()).toBe(1);
  });

  test('shows the whole answer after the window was reloaded in the middle of it', async () => {
    const list = ['before', 'the', 'reload', 'and', 'after'];
    const doors = scriptWords(list);
    await workbench.send('Survive a reload');
    for (const door of doors.slice(0, 3)) door.open();
    await chat.locator('.answer', { hasText: 'before the reload' }).waitFor();
    await chat.getByRole('textbox', { name: 'Prompt' }).fill('not sent yet');
    await expect.poll(() => workbench.keeps('not sent yet'), { timeout: 10_000 }).toBe(true);

    await workbench.reload();
    // What is said while no window is there belongs to the answer too.
    doors[3]?.open();
    chat = await workbench.chat();
    await chat.locator('.answer', { hasText: 'before the reload and' }).waitFor();
    doors[4]?.open();
    await turn('completed').waitFor();
    expect((await chat.locator('.answer').innerText()).trim()).toBe(list.join(' '));
    expect(model.prompts().filter((prompt) => prompt === 'Survive a reload')).toHaveLength(1);
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    expect(await area.inputValue()).toBe('not sent yet');
    await area.fill('');
  });

  test('B18: a second window shows the same turn word by word, and what it asks waits in the same queue', async () => {
    const doors = scriptWords(['one', 'bridge', 'two', 'windows']);
    await workbench.send('Watched twice');
    for (const door of doors.slice(0, 2)) door.open();
    await chat.locator('.answer', { hasText: 'one bridge' }).waitFor();
    const second = await Workbench.open(context, vscode.workbenchUrl());
    try {
      const other = await second.chat();
      if (!(await other.locator('.turn').first().isVisible())) {
        await other.locator('.session-bar .current').click();
        await other.locator('.sessions .choose', { hasText: 'Watched twice' }).click();
      }
      await other.locator('.answer', { hasText: 'one bridge' }).waitFor();
      doors[2]?.open();
      for (const window of [chat, other])
        await window.locator('.answer', { hasText: 'one bridge two' }).waitFor();
      await second.send('From the second');
      await turn('queued').waitFor();
      expect(model.prompts().at(-1)).toBe('Watched twice');
      doors[3]?.open();
      await expect.poll(() => turn('completed').count(), { timeout: 20_000 }).toBe(2);
      await expect.poll(() => other.locator('.turn[data-status=completed]').count()).toBe(2);
      const answers = await Promise.all([chat, other].map((one) => one.locator('.answer').allInnerTexts()));
      expect(answers[1]).toEqual(answers[0]);
      expect(model.prompts().slice(-2)).toEqual(['Watched twice', 'From the second']);
    } catch (error) {
      await second.screenshot('failed second window');
      throw error;
    } finally {
      await second.page.close();
    }
  });

  test('shows what came while it was hidden', async () => {
    const doors = scriptWords(['seen', 'unseen', 'seen again']);
    await workbench.send('Hide and seek');
    doors[0]?.open();
    await chat.locator('.answer', { hasText: 'seen' }).waitFor();
    await workbench.page.locator('.activitybar a[aria-label^="Search"]').click();
    await workbench.page.locator('iframe.webview.ready').waitFor({ state: 'hidden' });
    doors[1]?.open();
    chat = await workbench.chat();
    await chat.locator('.answer', { hasText: 'seen unseen' }).waitFor();
    doors[2]?.open();
    await turn('completed').waitFor();
    expect((await chat.locator('.answer').innerText()).trim()).toBe('seen unseen seen again');
  });

  async function copyConfiguration(): Promise<string> {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await workbench.runCommand('Codex Bridge: Copy HTTP Configuration');
    await workbench.page.getByPlaceholder('Which folder may the client use?').waitFor();
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'work' }).first().click();
    await workbench.page.locator('.notifications-toasts', { hasText: 'has a token in it' }).waitFor();
    return workbench.page.evaluate(() => navigator.clipboard.readText());
  }

  test('A18: no webview and nothing in VS Code is told a token before the person copies one', async () => {
    heard = [];
    await workbench.reload();
    chat = await workbench.chat();
    await workbench.send('canary-in-a-prompt');
    // VS Code may have brought back the session before the reload.
    await turn('completed').filter({ hasText: 'Echo: canary-in-a-prompt' }).last().waitFor();
    const face = await joinBridge(vscode.bridgeHome, false);
    const { token, folders } = await face.rpc.request('endpoints', {});
    face.dispose();
    const [folder] = folders;
    const tokens = { token, 'token of the folder': folder?.token ?? '' };
    const all = () =>
      heard.map((frame) => (typeof frame === 'string' ? frame : frame.toString('latin1'))).join('');
    expect(all()).toContain('canary-in-a-prompt');
    expect(sung('VS Code', all(), tokens)).toEqual([]);
    expect(sung('the chat', await chat.locator('html').innerHTML(), tokens)).toEqual([]);
    await copyConfiguration();
    expect(sung('VS Code', all(), tokens)).toEqual(['token of the folder in VS Code']);
    expect(sungInFiles(vscode.userData, tokens, [])).toEqual([]);
  });

  test('copies an HTTP configuration that works', async () => {
    const copied = await copyConfiguration();
    const server = (
      JSON.parse(copied) as {
        mcpServers: Record<string, { url: string; headers: { Authorization: string } }>;
      }
    ).mcpServers['codex-bridge']; // written by the extension
    if (server === undefined) throw new Error(`no server in ${copied}`);
    const ask = (headers: Record<string, string>) =>
      fetch(server.url, {
        method: 'POST',
        headers: {
          ...headers,
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: {
            protocolVersion: '2025-11-25',
            capabilities: {},
            clientInfo: { name: 'test', version: '1' },
          },
        }),
      });
    expect((await ask({})).status).toBe(401);
    const answer = await ask(server.headers);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('codex-bridge');
  });

  test('runs nothing that an answer brings along', async () => {
    const evil = [
      '<img src=x onerror="document.title=1">',
      '<script>document.title=2</script>',
      '[a](javascript:alert(1)) [b](command:workbench.action.quit) [c](data:text/html,x)',
      '![pixel](http://127.0.0.1:9/pixel.png)',
      '<a href="https://example.com" onclick="document.title=3">raw</a>',
      '**bold** and `code`',
    ];
    const requested: string[] = [];
    workbench.page.on('request', (request) => requested.push(request.url()));
    await workbench.send(`!say ${evil.join('\\n\\n')}`);
    await turn('completed').waitFor();
    const answer = chat.locator('.answer');
    expect(await answer.locator('strong').innerText()).toBe('bold');
    expect(await answer.locator('img, script, iframe, svg, style').count()).toBe(0);
    const hrefs = await answer
      .locator('a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    expect(hrefs.filter((href) => /^(javascript|data|vscode):/i.test(href ?? ''))).toEqual([]);
    const handlers = await answer
      .locator('*')
      .evaluateAll((elements) =>
        elements.flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith('on')),
      );
    expect(handlers).toEqual([]);
    for (const link of await answer.locator('a[href^="command:"]').all()) await link.click();
    expect(await chat.locator('html').evaluate(() => document.title)).toBe('Codex Bridge');
    expect(requested.filter((url) => url.includes('pixel.png'))).toEqual([]);
  });

  test('opens a file that an answer links to', async () => {
    writeFileSync(join(vscode.folder, 'notes.md'), 'one\ntwo\nthree\n');
    await workbench.send('!say See [the notes](notes.md:2).');
    await turn('completed').waitFor();
    await chat.locator('.answer a').click();
    await workbench.page.locator('.tab', { hasText: 'notes.md' }).waitFor();
  });

  test('runs a command only after it was accepted, and shows exactly what it is', async () => {
    const file = join(vscode.folder, 'approved.txt');
    await workbench.send('!run sh -c "echo yes > approved.txt; echo written"');
    const card = chat.getByRole('alertdialog');
    await card.waitFor();
    await workbench.screenshot('chat-approval');
    expect(await card.locator('.exact').innerText()).toContain('echo yes > approved.txt');
    expect(existsSync(file)).toBe(false);
    await card.getByRole('button', { name: 'Accept', exact: true }).click();
    await turn('completed').waitFor();
    expect(existsSync(file)).toBe(true);
    const step = chat.locator('.step.command');
    await step.locator('summary').click();
    expect(await step.locator('.output').innerText()).toContain('written');
  });

  test('does not run a command that was declined', async () => {
    const file = join(vscode.folder, 'declined.txt');
    await workbench.send('!run sh -c "echo no > declined.txt"');
    await chat.getByRole('alertdialog').getByRole('button', { name: 'Decline', exact: true }).click();
    await chat.getByRole('alertdialog').waitFor({ state: 'detached' });
    await chat.locator('.turn[data-status=completed], .turn[data-status=cancelled]').waitFor();
    expect(existsSync(file)).toBe(false);
  });

  test('says what went wrong and how to go on', async () => {
    await workbench.send('!fail 500');
    await turn('failed').waitFor();
    const problem = chat.locator('.turn .problem');
    expect(await problem.locator('code').innerText()).toBe('MODEL_ERROR');
    await workbench.screenshot('chat-error');
    await workbench.send('Are you there?');
    await chat.locator('.answer', { hasText: 'Echo: Are you there?' }).waitFor();
  });

  test('breaks the line with Shift+Enter', async () => {
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    await area.fill('first line');
    await area.press('Shift+Enter');
    await area.pressSequentially('second line');
    await area.press('Enter');
    await turn('completed').waitFor();
    expect(await chat.locator('.prompt .text').innerText()).toBe('first line\nsecond line');
  });
});
