import type { Browser, BrowserContext, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDiscovery } from '../../src/client/discovery.ts';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { type CodexHome, makeCodexHome } from '../support/codexHome.ts';
import { demoScript } from '../support/demoScript.ts';
import { connectClient, ERAS, type TestClient } from '../support/mcpClients.ts';
import { Latch, ScriptedModel, words } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

const FIRST = 'Tell me about bridges';
const SECOND = 'And about their towers';

/** One session through everything that the bridge promises: seen from all sides, left alone, killed, continued. */
describe('one session, live in the window and over MCP, through restarts of everything', () => {
  let model: ScriptedModel;
  let codex: CodexHome;
  let vscode: VsCode;
  let browser: Browser;
  let context: BrowserContext;
  let workbench: Workbench;
  let chat: FrameLocator;
  const clients: TestClient[] = [];

  beforeAll(async () => {
    model = await ScriptedModel.start();
    codex = await makeCodexHome({ modelUrl: model.url });
    vscode = await VsCode.start({ env: codex.env });
    browser = await launchBrowser();
    context = await browser.newContext();
    await open();
  });

  afterAll(async () => {
    for (const client of clients) await client.abandon();
    await browser?.close();
    await vscode?.stop();
    await codex?.dispose();
    await model?.close();
  });

  async function open(): Promise<void> {
    workbench = await Workbench.open(context, vscode.workbenchUrl());
    chat = await workbench.chat();
  }

  async function shown(text: string): Promise<void> {
    await chat.locator('.answer', { hasText: text }).last().waitFor();
  }

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

  test('streams, is asked about, is left, is killed, and goes on with its context', async () => {
    const list = ['A', 'bridge', 'carries', 'a', 'road', 'over', 'water.'];
    const doors = scriptWords(list);
    await workbench.send(FIRST);
    for (const door of doors.slice(0, 2)) door.open();
    await shown('A bridge');
    const turn = await chat.locator('.turn').getAttribute('data-turn');
    expect(turn).not.toBeNull();

    // Clients of either era see the same turn at the same moment.
    const discovery = await readDiscovery(vscode.bridgeHome);
    if (discovery === undefined) throw new Error('the bridge has no discovery file');
    for (const era of ERAS) {
      const client = await connectClient(era, { url: discovery.url, token: discovery.token });
      clients.push(client);
      const { data, isError } = await client.call('status', { turn });
      expect(isError, JSON.stringify(data)).toBe(false);
      expect(data['turn']).toMatchObject({ turn, status: 'running' });
      expect(String((data['turn'] as { answer: unknown }).answer).trim()).toBe('A bridge'); // checked by the match above
    }
    doors[2]?.open();
    await shown('A bridge carries');
    await workbench.screenshot('done-1-streaming');

    // The window goes; the turn goes on; the window comes back and has the whole of it.
    await workbench.page.close();
    for (const door of doors.slice(3, 6)) door.open();
    await open();
    await shown('A bridge carries a road over');
    doors[6]?.open();
    await chat.locator('.turn[data-status=completed]').waitFor();
    expect((await chat.locator('.answer').innerText()).trim()).toBe(list.join(' '));
    expect(await chat.locator('.turn').getAttribute('data-turn')).toBe(turn);

    // Everything dies in the middle of the next turn.
    const [first] = scriptWords(['Towers', 'hold', 'the', 'cables.']);
    await workbench.send(SECOND);
    first?.open();
    await shown('Towers');
    await workbench.page.close();
    await vscode.killAll();
    expect(await readDiscoveryAlive(vscode)).toBe(false);

    // A new start: the session is there with what it had, and its thread still knows what was said.
    model.script(demoScript);
    await vscode.restart();
    await open();
    await chat.locator('.turn[data-status=interrupted]').waitFor();
    expect(await chat.locator('.turn').count()).toBe(2);
    await shown('Towers');
    await workbench.send('!recall');
    await expect.poll(() => chat.locator('.turn').count()).toBe(3);
    await chat.locator('.turn:nth-child(3)[data-status=completed]').waitFor();
    const answer = await chat.locator('.turn:nth-child(3) .answer').innerText();
    expect(answer).toContain(FIRST);
    expect(answer).toContain(SECOND);
    await workbench.screenshot('done-2-restarted');

    expect(model.prompts()).toEqual([FIRST, SECOND, '!recall']);
  });
});

/** True while the process that the discovery file names lives. */
async function readDiscoveryAlive(vscode: VsCode): Promise<boolean> {
  const pid = vscode.bridgePid();
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
