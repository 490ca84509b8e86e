import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, FrameLocator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { folderKey } from '../../src/bridge/ids.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { readDiscovery } from '../../src/client/discovery.ts';
import type { FolderInfo } from '../../src/shared/faces.ts';
import { BesideChat } from '../support/besideChat.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { until } from '../support/cli.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { joinBridge } from '../support/faces.ts';
import { connectClient, type TestClient } from '../support/mcpClients.ts';
import { alive, commandLine } from '../support/processFamily.ts';
import { command, Latch, ScriptedModel, text, words } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

/** A face that comes back shows everything within so long, in ms. */
const RETURN_MS = 2_000;
/** When the bridge is killed, nothing of Codex is left after so long, in ms. */
const GRACE_MS = 3_000;
const WORK = 'Work unsandboxed';
const ASK = 'Ask before you touch';

/** Commands run without a sandbox, so that nothing but us ends what they leave behind. */
const SETTINGS = {
  'codexBridge.ceiling.sandbox': 'danger-full-access',
  'codexBridge.defaults.sandbox': 'danger-full-access',
};

/** What goes on when a window, its extension host or the bridge dies: the real VS Code, the real Codex. */
describe('survival', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;
  let client: TestClient;
  let watcher: BridgeConnection;
  let folder: FolderInfo;

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env, settings: SETTINGS });
    browser = await launchBrowser();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    chat = await workbench.chat();
  });

  afterAll(async () => {
    watcher?.dispose();
    await client?.abandon();
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await workbench.screenshot(`failed ${task.name}`);
  });

  const status = (words: string) => workbench.page.locator('.statusbar-item', { hasText: words });

  async function connect(): Promise<void> {
    const discovery = await readDiscovery(vscode.bridgeHome);
    if (discovery === undefined) throw new Error('the bridge has no discovery file');
    client = await connectClient('2026-07-28', { url: discovery.url, token: discovery.token });
    watcher?.dispose();
    watcher = await joinBridge(vscode.bridgeHome, false);
    folder = await watcher.rpc.request('folder.add', { path: vscode.folder });
  }

  test('B4: an extension host killed with -9: the next one has the running turn, the queue and the approval of another session', async () => {
    const gate = new Latch();
    model.script(({ prompt, outputs }) => {
      if (prompt === ASK) return outputs.length === 0 ? [command('touch asked.txt')] : [text('Touched.')];
      if (prompt !== WORK) return [text(`Done: ${prompt}`)];
      if (outputs.length === 0)
        return [command('setsid sleep 301 & setsid -f nohup sleep 302 > /dev/null 2>&1; echo begun')];
      return [words(['Half of ', 'the answer'], (index) => (index === 0 ? undefined : gate.wait()))];
    });
    await workbench.send(WORK);
    await chat.locator('.answer', { hasText: 'Half of' }).waitFor();
    await workbench.send('Waits its turn');
    const queued = () => chat.locator('.turn[data-status=queued]');
    await queued().waitFor();
    await connect();
    await client.call('ask', { prompt: ASK, approval_policy: 'untrusted', background: true });
    await status('Codex: 1 question').waitFor();
    const faces = async () => (await watcher.rpc.request('status', {})).faces;
    expect(await faces()).toBe(2);
    const bridge = vscode.bridgePid();
    const [host] = vscode.extensionHosts();
    if (host === undefined) throw new Error('there is no extension host');
    await mark(workbench.page);
    process.kill(host, 'SIGKILL');
    await until('the face has gone', async () => (await faces()) === 1);
    await until('the next extension host is connected', async () => (await faces()) === 2, 60_000);
    const start = performance.now();
    await until('the next one shows the turn', () => showsAnew(workbench.page, 'Half of'));
    await status('Codex: 1 question').waitFor();
    expect(performance.now() - start).toBeLessThan(RETURN_MS);
    chat = await workbench.chat();
    const waiting = await queued().getAttribute('data-turn');
    await client.call('cancel', { turn: waiting });
    await chat.locator(`.turn[data-turn="${waiting}"][data-status=cancelled]`).waitFor();
    expect(vscode.bridgePid()).toBe(bridge);
    expect(model.prompts()).toEqual([WORK, ASK]);
  });

  test('B4b: then the bridge killed with -9: nothing with our mark lives on, and what was queued is held', async () => {
    const { sessions } = await watcher.rpc.request('session.list', { folder: folder.key });
    const session = sessions.find(({ title }) => title === WORK)?.id;
    for (const prompt of ['first in the queue', 'second in the queue'])
      await client.call('chat_msg', { session, prompt, background: true });
    const marked = markedOf(vscode.bridgeHome);
    expect(marked.map(commandLine)).toEqual(
      expect.arrayContaining([expect.stringContaining('sleep 301'), expect.stringContaining('sleep 302')]),
    );
    await client.abandon();
    const start = performance.now();
    process.kill(vscode.bridgePid() ?? 0, 'SIGKILL');
    await until('nothing with our mark lives', () => alive(marked) === 0, 10_000);
    expect(performance.now() - start).toBeLessThan(GRACE_MS);

    // The window has the next bridge, and all that is left: it is the person's to decide.
    chat = await workbench.chat();
    const held = chat.getByRole('region', { name: 'Held prompts' });
    await held.getByText('2 prompts wait: the bridge ended before they were sent.').waitFor();
    await chat.locator('.turn[data-status=interrupted] .answer', { hasText: 'Half of' }).waitFor();
    await workbench.screenshot('survival-held');
    expect(await chat.locator('.turn[data-status=queued]').count()).toBe(2);
    // Its question is void: nobody said yes.
    expect(existsSync(join(vscode.folder, 'asked.txt'))).toBe(false);
    await connect();
    await client.call('cancel', {
      turn: await chat.locator('.turn[data-status=queued]').first().getAttribute('data-turn'),
    });
    await held.getByText('1 prompt waits: the bridge ended before it was sent.').waitFor();
    expect(model.prompts()).toEqual([WORK, ASK]);
    await held.getByRole('button', { name: 'Send' }).click();
    await held.waitFor({ state: 'detached' });
    await chat.locator('.answer', { hasText: 'Done: second in the queue' }).waitFor();
    expect(model.prompts()).toEqual([WORK, ASK, 'second in the queue']);
    await client.close();
  });

  test('B5: a window reloaded in the middle of a turn: no word is lost, none comes twice', async () => {
    const list = ['One ', 'two ', 'three ', 'four ', 'five.'];
    const doors = list.map(() => new Latch());
    model.script(() => [words(list, (index) => doors[index]?.wait())]);
    await workbench.runCommand('Codex Bridge: New Session');
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    await workbench.send('Count');
    doors[0]?.open();
    await chat.locator('.answer', { hasText: 'One' }).waitFor();
    // Which session is open is VS Code's to remember, and it takes its time.
    const { sessions } = await watcher.rpc.request('session.list', { folder: folder.key });
    const open = sessions.find(({ title }) => title === 'Count')?.id ?? '';
    await expect.poll(() => keepsSelected(workbench, open), { timeout: 90_000 }).toBe(true);
    const reloaded = workbench.reload();
    doors[1]?.open();
    doors[2]?.open();
    await reloaded;
    chat = await workbench.chat();
    await chat.locator('.answer', { hasText: 'One two three' }).waitFor();
    doors[3]?.open();
    await chat.locator('.answer', { hasText: 'One two three four' }).waitFor();
    doors[4]?.open();
    await chat.locator('.turn[data-status=completed]').waitFor();
    expect((await chat.locator('.answer').innerText()).trim()).toBe('One two three four five.');
    expect(await chat.locator('.turn').count()).toBe(1);
    expect(model.prompts().filter((prompt) => prompt === 'Count')).toHaveLength(1);
  });

  test('B6: an extension host that never comes to its end: what was done last is there', async () => {
    const gate = new Latch();
    model.script(() => [words(['Begun ', 'and done.'], (index) => (index === 0 ? undefined : gate.wait()))]);
    const hosts = vscode.extensionHosts();
    await workbench.send('The last thing');
    await chat.locator('.turn[data-status=running] .answer', { hasText: 'Begun' }).waitFor();
    // It can neither deactivate nor write anything any more.
    for (const pid of hosts) process.kill(pid, 'SIGSTOP');
    const reloaded = workbench.reload();
    for (const pid of hosts) process.kill(pid, 'SIGKILL');
    await reloaded;
    chat = await workbench.chat();
    await chat.locator('.turn[data-status=running] .answer', { hasText: 'Begun' }).waitFor();
    gate.open();
    await chat.locator('.turn:nth-child(2)[data-status=completed]').waitFor();
    expect(await chat.locator('.turn .prompt .text').allInnerTexts()).toEqual(['Count', 'The last thing']);
    expect(model.prompts().filter((prompt) => prompt === 'The last thing')).toHaveLength(1);
  });

  test('B9: a window whose memory VS Code has lost has everything back from the bridge', async () => {
    const gate = new Latch();
    model.script(() => [words(['Still ', 'running.'], (index) => (index === 0 ? undefined : gate.wait()))]);
    await workbench.send('Go on without me');
    await chat.locator('.turn[data-status=running] .answer', { hasText: 'Still' }).waitFor();
    // What VS Code keeps for a workspace is in the browser's profile here: this one is new.
    await context.close();
    context = await browser.newContext();
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    chat = await workbench.chat();
    await chat.getByRole('heading', { name: 'Ask Codex' }).waitFor();
    const beside = new BesideChat(workbench);
    await beside.expand('Sessions');
    for (const title of [WORK, ASK, 'Count']) await beside.row(title).waitFor();
    await beside.row('Count').click();
    await chat.locator('.turn[data-status=running] .answer', { hasText: 'Still' }).waitFor();
    gate.open();
    await chat.locator('.turn:nth-child(3)[data-status=completed]').waitFor();
    const asked = ['Count', 'The last thing', 'Go on without me'];
    expect(await chat.locator('.turn .prompt .text').allInnerTexts()).toEqual(asked);
    expect(model.prompts().filter((prompt) => prompt === 'Go on without me')).toHaveLength(1);
    // What was asked is offered again, too.
    const area = chat.getByRole('textbox', { name: 'Prompt' });
    for (const prompt of asked.toReversed()) {
      await area.press('ArrowUp');
      await expect.poll(() => area.inputValue()).toBe(prompt);
    }
  });
});

/** What carries the mark of this state directory's bridges. Linux only. */
function markedOf(home: string): number[] {
  const mark = `CODEX_BRIDGE_MARK=${folderKey(home)}:`;
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    return Number.isInteger(pid) && environmentOf(pid).includes(mark) ? [pid] : [];
  });
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // It has just ended, or is another user's.
  }
}

/** Whether VS Code has written down which session is open: JSON, perhaps in JSON of VS Code's own. */
async function keepsSelected(workbench: Workbench, session: string): Promise<boolean> {
  const kept = [0, 1, 3].map((levels) => {
    const quote = `${'\\'.repeat(levels)}"`;
    return workbench.keeps(`${quote}selected${quote}:${quote}${session}${quote}`);
  });
  return (await Promise.all(kept)).includes(true);
}

/** Tells the documents of this extension host from those of the next. */
async function mark(page: Page): Promise<void> {
  for (const frame of page.frames()) await frame.evaluate(() => Object.assign(window, { seenBefore: true }));
}

async function showsAnew(page: Page, words: string): Promise<boolean> {
  for (const frame of page.frames()) {
    try {
      const shown = await frame.evaluate(
        (wanted) =>
          !('seenBefore' in window) &&
          [...document.querySelectorAll('.answer')].some((answer) => answer.textContent?.includes(wanted)),
        words,
      );
      if (shown) return true;
    } catch (error) {
      // One that is just going away is not the one.
      if (!(error instanceof Error) || !/detached|destroyed|closed/i.test(error.message)) throw error;
    }
  }
  return false;
}
