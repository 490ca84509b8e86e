import * as vscode from 'vscode';
import { describePlan } from '../client/registrations/apply.ts';
import { carryOut, undo } from '../client/registrations/carryOut.ts';
import { type RegisteredClient, registrars } from '../client/registrations/clients.ts';
import type { Place, Plan, Registrar, Scope, Surroundings } from '../client/registrations/registration.ts';
import { BridgeError } from '../shared/errors.ts';
import { noticeText } from './noticeText.ts';
import { pickFolder } from './pickFolder.ts';
import type { WindowFace } from './windowFace.ts';

export interface ConnectDeps {
  readonly window: WindowFace;
  readonly around: Surroundings;
  onError(error: unknown): void;
}

/** VS Code itself is none of them: its own chat knows the bridge from the extension. */
const OFFERED = ['claude-code', 'codex', 'cursor', 'gemini'] as const satisfies readonly RegisteredClient[];

/** What the command gives back to code that called it; undefined when the person went back. */
export interface Connected {
  readonly client: string;
  readonly scope: Scope;
  readonly ok: boolean;
}

/** Asks which client, then connects it. */
export async function connectClient(deps: ConnectDeps): Promise<Connected | undefined> {
  const clients = registrars(deps.around);
  const picked = await vscode.window.showQuickPick(
    OFFERED.map((name) => ({ label: clients[name].label, name })),
    { title: vscode.l10n.t('Connect a client'), placeHolder: vscode.l10n.t('Who may hand work to Codex?') },
  );
  return picked === undefined ? undefined : connect(deps, clients[picked.name]);
}

export function connectClaudeCode(deps: ConnectDeps): Promise<Connected | undefined> {
  return connect(deps, registrars(deps.around)['claude-code']);
}

/** Folder, scope, then what will be done to the letter; nothing happens before the person has agreed. */
async function connect(deps: ConnectDeps, registrar: Registrar): Promise<Connected | undefined> {
  const { label } = registrar;
  const folder = await pickFolder(deps.window, vscode.l10n.t('Connect {0} for which folder?', label));
  if (folder === undefined) return undefined;
  const scope = await pickScope(registrar, folder.name);
  if (scope === undefined) return undefined;
  const place = { scope, folder: folder.path };
  const plan = await planned(registrar, place);
  if (plan === undefined || !(await isWanted(registrar, plan))) return undefined;
  const check = await busy(vscode.l10n.t('Connecting {0}', label), async () => {
    await carryOut(plan, deps.around);
    return registrar.check(place);
  });
  // Not awaited: the command is done, whenever the message is closed.
  void tell(deps, registrar, plan, check).catch(deps.onError);
  return { client: registrar.name, scope, ok: check.ok };
}

async function pickScope({ scopes, label }: Registrar, folder: string): Promise<Scope | undefined> {
  const meaning: Record<Scope, { label: string; detail: string }> = {
    local: {
      label: vscode.l10n.t('This project, for me'),
      detail: vscode.l10n.t('{0} only, in your own configuration', folder),
    },
    project: {
      label: vscode.l10n.t('This project, shared'),
      detail: vscode.l10n.t('A file in {0} that others may get, too. No secret is in it.', folder),
    },
    user: {
      label: vscode.l10n.t('All my projects'),
      detail: vscode.l10n.t('In your own configuration. Codex works in folders that are open in VS Code.'),
    },
  };
  if (scopes.length === 1) return scopes[0];
  const picked = await vscode.window.showQuickPick(
    scopes.map((scope) => ({ ...meaning[scope], scope })),
    { title: vscode.l10n.t('Connect {0}', label), placeHolder: vscode.l10n.t('Where is it registered?') },
  );
  return picked?.scope;
}

/** The plan; where somebody else's server has the name, only after the person said to replace that. */
async function planned(registrar: Registrar, place: Place): Promise<Plan | undefined> {
  const title = vscode.l10n.t('Asking {0} what it has', registrar.label);
  try {
    return await busy(title, () => registrar.plan(place));
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'REGISTRATION_EXISTS') throw error;
    const replace = vscode.l10n.t('Replace');
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('{0} has another server named "codex-bridge". Replace it?', registrar.label),
      { modal: true, detail: error.message },
      replace,
    );
    return answer === replace ? busy(title, () => registrar.plan(place, { replace: true })) : undefined;
  }
}

async function isWanted({ label }: Registrar, plan: Plan): Promise<boolean> {
  if (plan.steps.length === 0) return true;
  const question = vscode.l10n.t('Connect {0}? This will be done:', label);
  const yes = vscode.l10n.t('Connect');
  const show = vscode.l10n.t('Show in Editor');
  const detail = describePlan(plan);
  const answer = await vscode.window.showInformationMessage(question, { modal: true, detail }, yes, show);
  if (answer !== show) return answer === yes;
  const document = await vscode.workspace.openTextDocument({ content: detail, language: 'diff' });
  await vscode.window.showTextDocument(document, { preview: true });
  return (await vscode.window.showInformationMessage(question, yes)) === yes;
}

async function tell(
  { around }: ConnectDeps,
  registrar: Registrar,
  plan: Plan,
  check: Awaited<ReturnType<Registrar['check']>>,
): Promise<void> {
  const { label } = registrar;
  const text = check.ok
    ? vscode.l10n.t('{0} is connected. {1}', label, [check.detail, ...plan.notes].join(' '))
    : vscode.l10n.t('{0} is registered, but the check failed. {1}', label, check.detail);
  const show = check.ok ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const takeBack = vscode.l10n.t('Undo');
  const answer = await show(noticeText(text), ...(plan.steps.length > 0 ? [takeBack] : []));
  if (answer !== takeBack) return;
  await busy(vscode.l10n.t('Removing the registration'), () => undo(plan, registrar, around));
  await vscode.window.showInformationMessage(vscode.l10n.t('{0} is as it was before.', label));
}

function busy<T>(title: string, work: () => Promise<T>): Promise<T> {
  const location = vscode.ProgressLocation.Notification;
  return Promise.resolve(vscode.window.withProgress({ location, title }, work));
}
