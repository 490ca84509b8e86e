import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { COMMAND_IDS } from '../../src/extension/commandIds.ts';
import type { ExtensionApi } from '../../src/extension/extension.ts';
import type { Face } from '../../src/extension/face.ts';
import { answerOf, hasEnded, type TurnSnapshot } from '../../src/shared/session.ts';

export const ID = 'codex-bridge.codex-bridge';

/** What `codexBridge.ask` answers when it is called with a prompt. */
export interface Sent {
  readonly session: string;
  readonly turn: string;
}

describe('Codex Bridge in the extension host', () => {
  let api: ExtensionApi;
  let face: Face;

  before(async () => {
    const extension = vscode.extensions.getExtension<ExtensionApi>(ID);
    assert.ok(extension, `${ID} is not installed`);
    api = await extension.activate();
    face = await api.face();
  });

  it('activates in less than 50 ms', () => {
    console.log(`activation: ${api.activationMs.toFixed(1)} ms`);
    assert.ok(api.activationMs < 50, `it took ${api.activationMs} ms`);
  });

  it('registers every command that its manifest declares, and no other', async () => {
    const extension = vscode.extensions.getExtension(ID);
    // The manifest is ours: a test of it may name its parts.
    const manifest = extension?.packageJSON as { contributes: { commands: { command: string }[] } };
    const declared = manifest.contributes.commands.map(({ command }) => command).sort();
    assert.deepEqual(declared, [...COMMAND_IDS].sort());
    const registered = await vscode.commands.getCommands(true);
    // VS Code adds some of its own for the view.
    const ours = registered.filter((id) => (COMMAND_IDS as readonly string[]).includes(id)).sort();
    assert.deepEqual(ours, declared);
  });

  it('answers a prompt', async () => {
    const turn = await ask('Hello from the host');
    assert.equal(turn.status, 'completed');
    assert.equal(answerOf(turn), 'Echo: Hello from the host');
    assert.equal(turn.source.kind, 'palette');
  });

  it('goes on in the session that is open', async () => {
    const before = face.window.selected;
    const turn = await ask('!recall');
    assert.equal(face.window.selected, before);
    assert.match(answerOf(turn), /Hello from the host/);
  });

  it('keeps an index of the sessions in the workspace state', async () => {
    const id = face.window.selected;
    await face.index.flush();
    const entry = face.index.sessions().find((session) => session.id === id);
    assert.ok(entry, 'the open session is not in the index');
    assert.match(entry.title, /Hello from the host/);
    assert.equal(face.index.selected, id);
  });

  it('shows the status of the bridge: what is exposed, and no token', async () => {
    await vscode.commands.executeCommand('codexBridge.showBridgeStatus');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /Listens on 127\.0\.0\.1:\d+, for this machine only\. Tokens that open it: \d+\./);
    assert.match(text, /Turns: [1-9]/);
    const { token, folders } = await face.window.link.request('endpoints', {});
    for (const secret of [token, ...folders.map((folder) => folder.token)]) assert.ok(!text.includes(secret));
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('copies diagnostics without prompts, answers, tokens and paths', async () => {
    const prompt = 'canary-in-a-prompt';
    await ask(prompt);
    await vscode.commands.executeCommand('codexBridge.copyDiagnostics');
    const text = await vscode.env.clipboard.readText();
    assert.match(text, /^# Codex Bridge diagnostics\n/);
    assert.match(text, new RegExp(`VS Code ${vscode.version}`));
    assert.match(text, /"completed": [1-9]/);
    assert.match(text, /the bridge is ready/);
    const { token, folders } = await face.window.link.request('endpoints', {});
    const [folder] = folders;
    for (const secret of [prompt, token, folder?.token ?? '', folder?.path ?? ''])
      assert.ok(!text.includes(secret), `${secret} is in it`);
  });

  it('makes a new session only when there is something to say', async () => {
    const before = face.window.sessions.length;
    await vscode.commands.executeCommand('codexBridge.newSession');
    assert.equal(face.window.selected, null);
    assert.equal(face.window.sessions.length, before);
    await ask('Another one');
    assert.equal(face.window.sessions.length, before + 1);
  });

  it('cancels a turn', async () => {
    const ended = nextEnd(face);
    // Listened for before the prompt: the first text may be told before the prompt's own answer.
    const streams = event(face, ({ event }) => event.type === 'item.delta');
    const sent = await vscode.commands.executeCommand<Sent>('codexBridge.ask', '!stall');
    await streams;
    assert.deepEqual(await vscode.commands.executeCommand('codexBridge.cancel'), [sent.turn]);
    assert.equal((await ended).status, 'cancelled');
  });

  it('shows a session by its id and exports it', async () => {
    const first = face.window.sessions.find(({ title }) => title.includes('Hello from the host'));
    assert.ok(first);
    await vscode.commands.executeCommand('codexBridge.showSession', first.id);
    assert.equal(face.window.selected, first.id);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const target = vscode.Uri.file(join(folder, 'export.md'));
    await vscode.commands.executeCommand('codexBridge.exportSession', {
      session: first.id,
      format: 'markdown',
      target,
    });
    const text = Buffer.from(await vscode.workspace.fs.readFile(target)).toString();
    assert.match(text, /Hello from the host/);
  });

  it('imports what it has exported', async () => {
    const session = face.window.selected;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const target = vscode.Uri.file(join(folder, 'export.json'));
    await vscode.commands.executeCommand('codexBridge.exportSession', { session, format: 'json', target });
    const imported = await vscode.commands.executeCommand<string[]>('codexBridge.importSessions', target);
    assert.equal(imported.length, 1);
    assert.equal(face.window.selected, imported[0]);
    assert.notEqual(face.window.selected, session);
    await vscode.commands.executeCommand('codexBridge.showSession', session);
  });

  it('tells its caller what went wrong, with a code', async () => {
    await assert.rejects(
      async () => vscode.commands.executeCommand('codexBridge.showSession', 's_unknown'),
      /session/i,
    );
  });

  it('goes on with its context after Codex was restarted', async () => {
    const before = face.window.selected;
    await vscode.commands.executeCommand('codexBridge.restartCodex');
    const turn = await ask('!recall');
    assert.equal(face.window.selected, before);
    assert.match(answerOf(turn), /Hello from the host/);
  });

  it('stops the bridge, and starts the next one at the next prompt', async () => {
    const { link } = face.window;
    const { pid } = await link.request('status', {});
    await vscode.commands.executeCommand('codexBridge.stopBridge');
    assert.equal(link.state.kind, 'idle');
    const turn = await ask('!recall');
    assert.match(answerOf(turn), /Hello from the host/);
    assert.notEqual((await link.request('status', {})).pid, pid);
  });

  it('passes settings on to the bridge as they change', async () => {
    const settings = vscode.workspace.getConfiguration('codexBridge');
    const { link } = face.window;
    const limit = async () => (await link.request('status', {})).limits.runningTurns;
    assert.equal(await limit(), 4);
    await settings.update('limits.runningTurns', 7, vscode.ConfigurationTarget.Global);
    // Sent before ours on the same line, so it has been heard when the answer is there.
    assert.equal(await limit(), 7);
    await settings.update('limits.runningTurns', undefined, vscode.ConfigurationTarget.Global);
    assert.equal(await limit(), 4);
  });

  it('B26: follows folders that are added to the window and removed', async () => {
    const path = process.env['CODEX_BRIDGE_SECOND_FOLDER'];
    assert.ok(path, 'the second folder is not set');
    const link = face.window.link;
    const added = folders(face, (count) => count === 2);
    assert.ok(vscode.workspace.updateWorkspaceFolders(1, 0, { uri: vscode.Uri.file(path) }));
    await added;
    assert.equal(link.folderAt(path)?.name, 'second');
    // The sessions view has a level for the folders now.
    const [first, second] = face.sessions.getChildren();
    assert.deepEqual([first?.node, second?.node], ['folder', 'folder']);
    assert.ok(face.sessions.getChildren(first).length > 0);
    assert.deepEqual(face.sessions.getChildren(second), []);
    // What is open leaves with its folder.
    await face.window.newSession(link.folderAt(path)?.key);
    await ask('In the second folder');
    assert.equal(link.session?.folder, link.folderAt(path)?.key);
    const removed = folders(face, (count) => count === 1);
    const closed = new Promise<void>((resolve) => {
      const subscription = link.onSession((session) => {
        if (session !== null) return;
        subscription.dispose();
        resolve();
      });
    });
    assert.ok(vscode.workspace.updateWorkspaceFolders(1, 1));
    await Promise.all([removed, closed]);
    assert.equal(link.folderAt(path), undefined);
    assert.ok(face.sessions.getChildren().every(({ node }) => node === 'session'));
  });

  async function ask(prompt: string): Promise<TurnSnapshot> {
    const ended = nextEnd(face);
    const sent = await vscode.commands.executeCommand<Sent>('codexBridge.ask', prompt);
    const turn = await ended;
    assert.equal(turn.id, sent.turn);
    return turn;
  }
});

export type LinkEvent = Parameters<Parameters<Face['window']['link']['onEvent']>[0]>[0];

function event(face: Face, wanted: (event: LinkEvent) => boolean): Promise<LinkEvent> {
  return new Promise((resolve) => {
    const subscription = face.window.link.onEvent((happened) => {
      if (!wanted(happened)) return;
      subscription.dispose();
      resolve(happened);
    });
  });
}

/** The next turn of the open session that ends, also where its end came with the snapshot. */
export function nextEnd(face: Face): Promise<TurnSnapshot> {
  const { link } = face.window;
  const before = new Set(link.session?.turns.filter((turn) => hasEnded(turn.status)).map(({ id }) => id));
  return new Promise((resolve) => {
    const look = () => {
      const turn = link.session?.turns.find(({ id, status }) => hasEnded(status) && !before.has(id));
      if (turn === undefined) return;
      for (const subscription of subscriptions) subscription.dispose();
      resolve(turn);
    };
    const subscriptions = [link.onEvent(look), link.onSession(look)];
  });
}

function folders(face: Face, wanted: (count: number) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const subscription = face.window.link.onFolders((list) => {
      if (!wanted(list.length)) return;
      subscription.dispose();
      resolve();
    });
  });
}
