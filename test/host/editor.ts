import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { answerInChat } from '../../src/extension/chatParticipant.ts';
import type { ExtensionApi } from '../../src/extension/extension.ts';
import type { Face } from '../../src/extension/face.ts';
import type { TurnSnapshot } from '../../src/shared/session.ts';
import { ID, nextEnd, type Sent } from './extension.ts';

describe('Codex Bridge and the editor', () => {
  let face: Face;
  let editor: vscode.TextEditor;
  let problems: vscode.DiagnosticCollection;

  before(async () => {
    const extension = vscode.extensions.getExtension<ExtensionApi>(ID);
    assert.ok(extension, `${ID} is not installed`);
    face = await (await extension.activate()).face();
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const file = vscode.Uri.file(join(folder, 'code.txt'));
    await vscode.workspace.fs.writeFile(file, Buffer.from('one\ntwo\nthree\n'));
    editor = await vscode.window.showTextDocument(file);
    problems = vscode.languages.createDiagnosticCollection('test');
    await vscode.commands.executeCommand('codexBridge.newSession');
    await vscode.window.showTextDocument(file);
  });

  after(() => problems.dispose());

  async function run(command: string, argument?: unknown): Promise<TurnSnapshot> {
    const ended = nextEnd(face);
    await vscode.window.showTextDocument(editor.document, { selection: editor.selection });
    const sent = await vscode.commands.executeCommand<Sent>(command, argument);
    const turn = await ended;
    assert.equal(turn.id, sent.turn);
    assert.equal(turn.status, 'completed', turn.error?.message);
    return turn;
  }

  it('asks about what is selected, under its place in the file', async () => {
    editor.selection = new vscode.Selection(1, 0, 2, 0);
    const turn = await run('codexBridge.askAboutSelection', 'What is it?');
    assert.equal(turn.prompt, 'What is it?');
    assert.deepEqual(turn.attachments, [{ kind: 'text', label: 'code.txt:2' }]);
  });

  it('explains the whole file where nothing is selected', async () => {
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    const turn = await run('codexBridge.explain');
    assert.match(turn.prompt, /^Explain this code/);
    assert.deepEqual(turn.attachments, [{ kind: 'text', label: 'code.txt:1-3' }]);
  });

  it('offers to fix what a compiler has found, and sends it', async () => {
    const { uri } = editor.document;
    const range = new vscode.Range(1, 0, 1, 3);
    const found = new vscode.Diagnostic(range, 'two is not a number', vscode.DiagnosticSeverity.Error);
    found.source = 'test';
    problems.set(uri, [found]);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      uri,
      range,
    );
    const fix = actions.find(({ title }) => title === 'Fix with Codex');
    assert.ok(fix?.command, `there is no such action among ${actions.map(({ title }) => title)}`);
    const turn = await run(fix.command.command, fix.command.arguments?.[0]);
    assert.equal(turn.prompt, 'Fix this problem:\n\n- code.txt:2: error (test): two is not a number');
    assert.deepEqual(turn.attachments, [{ kind: 'text', label: 'code.txt:1-3' }]);
    // From the palette it is what the cursor is on.
    editor.selection = new vscode.Selection(1, 1, 1, 1);
    assert.equal((await run('codexBridge.fixProblem')).prompt, turn.prompt);
  });

  it('answers @codex with what Codex says, one session for each conversation', async () => {
    const said: string[] = [];
    const response = { markdown: (text: string) => void said.push(text), progress: () => {} };
    const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
    const deps = {
      window: face.window,
      t: vscode.l10n.t,
      onError: (error: unknown) => {
        throw error;
      },
    };
    // The parts of VS Code's stream and token that are used.
    const ask = (prompt: string, history: readonly unknown[]) =>
      answerInChat(deps, prompt, history, response as unknown as vscode.ChatResponseStream, token);
    const first = await ask('From the other chat', []);
    assert.equal(said.join(''), 'Echo: From the other chat');
    said.length = 0;
    const second = await ask('!recall', [{ result: first }]);
    assert.equal(second.metadata.session, first.metadata.session);
    assert.match(said.join(''), /From the other chat/);
  });

  it('tells MCP clients of VS Code where the bridge is', async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const { url, token } = await face.endpoint(folder);
    assert.equal((await fetch(url, { method: 'POST' })).status, 401);
    const headers = { Authorization: `Bearer ${token}` };
    assert.notEqual((await fetch(url, { method: 'POST', headers })).status, 401);
  });

  it('has no default keybinding that anything else has', async () => {
    const defaults = await vscode.workspace.openTextDocument(
      vscode.Uri.parse('vscode://defaultsettings/keybindings.json'),
    );
    const text = defaults.getText().replaceAll(/^\s*\/\/.*$/gm, '');
    // VS Code's own list.
    const all = JSON.parse(text) as { key: string; command: string; when?: string }[];
    assert.ok(all.length > 100, 'VS Code lists its keybindings');
    const ours = all.filter(({ command }) => command.startsWith('codexBridge.'));
    assert.ok(ours.length > 0, 'ours are among them');
    // Those of our own views are in force only there.
    const everywhere = ours.filter(({ when }) => when?.includes('focusedView == ') !== true);
    const others = everywhere.flatMap(({ key }) =>
      all.filter(
        (other) =>
          !other.command.startsWith('codexBridge.') &&
          other.when !== 'false' &&
          (other.key === key || key.startsWith(`${other.key} `)),
      ),
    );
    assert.deepEqual(others, []);
  });
});
