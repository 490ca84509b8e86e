import { execFile } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import { counterLines, exposureLines } from '../shared/exposure.ts';
import type { ActionDeps } from './actions.ts';
import { displayLocale } from './displayLocale.ts';

/** The document that "Show Bridge Status" shows. */
const STATUS_URI = vscode.Uri.from({ scheme: 'codex-bridge-status', path: '/Codex Bridge' });

/** What looks at the bridge and at Codex: the doctor, the report for who is to help, the status. */
export function createDoctorActions(deps: ActionDeps) {
  return {
    'codexBridge.runDoctor': () => runDoctor(deps),
    'codexBridge.copyDiagnostics': () => copyDiagnostics(deps),
    'codexBridge.showBridgeStatus': () => showBridgeStatus(deps),
  };
}

async function runDoctor(deps: ActionDeps): Promise<void> {
  const output = await examine(deps, [], vscode.l10n.t('The doctor is looking at Codex'));
  deps.log.info(`doctor\n${output}`);
  deps.log.show();
}

/** The CLI's report, with what only VS Code knows above it. It is copied, not sent: the person looks first. */
async function copyDiagnostics(deps: ActionDeps): Promise<string> {
  const { window } = deps;
  const report = await examine(deps, ['--diagnostics'], vscode.l10n.t('Collecting diagnostics'));
  const { state } = window.link;
  const about = [
    `- VS Code ${vscode.version}, ${vscode.env.uiKind === vscode.UIKind.Web ? 'web' : 'desktop'}, remote: ${vscode.env.remoteName ?? 'none'}`,
    `- extension ${deps.version}, ${window.sessions.length} sessions, link: ${state.kind}${state.kind === 'failed' ? ` (${state.error.code})` : ''}`,
  ].join('\n');
  const text = report.replace(/^(# .*\n\n)?/, (title) => `${title}${about}\n`);
  await vscode.env.clipboard.writeText(text);
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'Diagnostics are on the clipboard, without secrets, prompts, names and paths of yours. Look at them before you pass them on.',
    ),
  );
  return text;
}

/** Runs the doctor of the CLI that came with this version, and gives back what it printed. */
function examine({ context }: ActionDeps, more: readonly string[], title: string): Promise<string> {
  const cli = join(context.extensionPath, 'dist', 'runtime', 'cli.mjs');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const run = () =>
    new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [cli, 'doctor', ...more],
        // Where the program is VS Code's own binary this makes it behave as Node.
        {
          env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
          ...(folder === undefined ? {} : { cwd: folder }),
        },
        // A failed check is an exit status of 1 with its report on stdout.
        (error, stdout, stderr) => resolve(`${stdout}${stderr}` || String(error)),
      );
    });
  const progress = { location: vscode.ProgressLocation.Notification, title };
  return Promise.resolve(vscode.window.withProgress(progress, run));
}

async function showBridgeStatus({ window, status }: ActionDeps): Promise<void> {
  const { link } = window;
  if (link.state.kind !== 'connected') {
    throw new BridgeError(
      'BRIDGE_NOT_RUNNING',
      vscode.l10n.t('This window is not connected to a bridge. Send a prompt, and it is.'),
      { translated: true },
    );
  }
  const [told, { clients }] = await Promise.all([link.request('status', {}), link.request('clients', {})]);
  const { t } = vscode.l10n;
  const since = new Date(told.startedAt).toLocaleString(displayLocale());
  status.show([
    t('Codex Bridge {0}, process {1}, running since {2}', told.version, told.pid, since),
    '',
    ...exposureLines(told, clients, t),
    ...(told.counters === undefined ? [] : ['', ...counterLines(told.counters, t)]),
  ]);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(STATUS_URI), {
    preview: true,
  });
}

/** A read-only document with the bridge's status, as it was when the command ran. */
export class StatusDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registered: vscode.Disposable;
  #text = '';

  constructor() {
    this.#registered = vscode.workspace.registerTextDocumentContentProvider(STATUS_URI.scheme, this);
  }

  readonly onDidChange = this.#changed.event;

  provideTextDocumentContent(): string {
    return this.#text;
  }

  show(lines: readonly string[]): void {
    this.#text = `${lines.join('\n')}\n`;
    this.#changed.fire(STATUS_URI);
  }

  dispose(): void {
    this.#registered.dispose();
    this.#changed.dispose();
  }
}
