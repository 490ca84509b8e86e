import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../shared/disposables.ts';
import { BridgeError } from '../shared/errors.ts';
import type { FolderInfo } from '../shared/faces.ts';
import { API_KEY, type LoginMethod, type LoginState } from '../shared/login.ts';
import type { LoginAction } from '../shared/webview.ts';
import type { LoginCommandId } from './commandIds.ts';
import { callbackOf, leadsBack } from './loginPage.ts';
import type { WindowFace } from './windowFace.ts';

interface LoginDeps {
  readonly window: WindowFace;
  showChat(): Promise<void>;
  onError(error: unknown): void;
}

/** A table for Codex's config.toml, to begin with. */
const PROVIDER_EXAMPLE = `model = "name-of-the-model"
model_provider = "mine"

[model_providers.mine]
name = "My provider"
base_url = "https://models.example.com/v1"
wire_api = "responses"
# Name it in the setting "codexBridge.codex.environment", too.
env_key = "MY_PROVIDER_API_KEY"
`;

/** Signs the person in and out of Codex: what the chat's buttons and the commands do. */
export class LoginActions implements Disposable {
  readonly #deps: LoginDeps;
  readonly #store = new DisposableStore();

  constructor(deps: LoginDeps) {
    this.#deps = deps;
    // Perhaps they come from a terminal in which they have signed in.
    this.#store.add(
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused && this.#loggedOut()) this.#check().catch(deps.onError);
      }),
    );
  }

  readonly commands: { readonly [id in LoginCommandId]: () => Promise<unknown> } = {
    'codexBridge.signIn': () => this.#choose(),
    'codexBridge.signOut': () => this.#signOut(),
  };

  async run(what: LoginAction): Promise<void> {
    switch (what) {
      case 'chatgpt':
        return this.#inBrowser();
      case 'device_code':
        await this.#start({ kind: 'device_code' });
        return;
      case 'api_key':
        return this.#withKey();
      case 'provider':
        return this.#openConfiguration();
      case 'open':
        return this.#openPage();
      case 'copy':
        return this.#copyCode();
      case 'cancel':
        return this.#cancel();
      case 'check':
        return this.#check();
    }
  }

  dispose(): void {
    this.#store.dispose();
  }

  async #choose(): Promise<void> {
    const remote = vscode.env.remoteName !== undefined;
    const device = {
      what: 'device_code' as const,
      label: vscode.l10n.t('Device Code'),
      description: remote ? vscode.l10n.t('recommended: this window is on another machine') : '',
      detail: vscode.l10n.t('Type a code in on a page in any browser.'),
    };
    const browser = {
      what: 'chatgpt' as const,
      label: vscode.l10n.t('ChatGPT'),
      description: '',
      detail: vscode.l10n.t('Sign in on a page in the browser of this machine.'),
    };
    const picked = await vscode.window.showQuickPick(
      [
        ...(remote ? [device, browser] : [browser, device]),
        {
          what: 'api_key' as const,
          label: vscode.l10n.t('API Key'),
          description: '',
          detail: vscode.l10n.t('Paid by use. Codex keeps the key, Codex Bridge does not.'),
        },
        {
          what: 'provider' as const,
          label: vscode.l10n.t('Another Model Provider'),
          description: '',
          detail: vscode.l10n.t("Set in Codex's config.toml."),
        },
      ],
      { title: vscode.l10n.t('Sign in to Codex'), matchOnDetail: true },
    );
    if (picked === undefined) return;
    await this.run(picked.what);
    if (picked.what !== 'provider') await this.#deps.showChat();
  }

  async #inBrowser(): Promise<void> {
    const login = await this.#start({ kind: 'chatgpt' });
    if (login?.state !== 'waiting') return;
    if (await this.#comesBack(login.url)) await openExternal(login.url);
    // Not waited for: the chat has its own buttons for a login that waits.
    else this.#offerCode(login.url).catch(this.#deps.onError);
  }

  async #offerCode(url: string): Promise<void> {
    const device = vscode.l10n.t('Use a Device Code');
    const open = vscode.l10n.t('Open Anyway');
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t(
        'The sign-in page sends your browser back to a port of the machine where Codex runs, and this window does not lead there. A device code works from everywhere.',
      ),
      device,
      open,
    );
    if (answer === device) await this.#start({ kind: 'device_code' });
    else if (answer === open) await openExternal(url);
  }

  /** In a remote window VS Code forwards the port, if it can. */
  async #comesBack(url: string): Promise<boolean> {
    const callback = callbackOf(url);
    if (vscode.env.remoteName === undefined || callback === undefined) return true;
    const external = await vscode.env.asExternalUri(vscode.Uri.parse(callback));
    return leadsBack(callback, external.toString(true));
  }

  /** The key is asked for here and handed on: it is in no setting, no state and no message to the chat. */
  async #withKey(): Promise<void> {
    const typed = await vscode.window.showInputBox({
      title: vscode.l10n.t('Sign in to Codex with an API key'),
      prompt: vscode.l10n.t('Codex keeps the key; Codex Bridge does not.'),
      placeHolder: 'sk-…',
      password: true,
      ignoreFocusOut: true,
      validateInput: (value) =>
        value.trim() === '' || API_KEY.test(value.trim())
          ? undefined
          : vscode.l10n.t('A key has no spaces and no line breaks.'),
    });
    const apiKey = typed?.trim();
    if (apiKey === undefined || apiKey === '') return;
    await this.#start({ kind: 'api_key', apiKey });
  }

  async #openConfiguration(): Promise<void> {
    const { window } = this.#deps;
    const folder = await this.#folder();
    await window.link.request('account.read', { folder: folder.key });
    const home = window.codex.of(folder.key)?.home;
    if (home === undefined) {
      throw new BridgeError(
        'CODEX_START_FAILED',
        vscode.l10n.t('Codex has not told where its configuration is. Run the doctor, then try again.'),
        { translated: true },
      );
    }
    const file = vscode.Uri.file(join(home, 'config.toml'));
    await vscode.window.showTextDocument(existsSync(file.fsPath) ? file : file.with({ scheme: 'untitled' }));
    const copy = vscode.l10n.t('Copy an Example');
    const answer = await vscode.window.showInformationMessage(
      vscode.l10n.t(
        'Name your provider in config.toml, save it, and choose "Check Again" in the chat. A key belongs into an environment variable.',
      ),
      copy,
    );
    if (answer === copy) await vscode.env.clipboard.writeText(PROVIDER_EXAMPLE);
  }

  async #openPage(): Promise<void> {
    const { url } = this.#waiting();
    await openExternal(url);
  }

  async #copyCode(): Promise<void> {
    const login = this.#waiting();
    if (login.kind === 'device_code') await vscode.env.clipboard.writeText(login.userCode);
  }

  /** Also takes a failed login out of the way. */
  async #cancel(): Promise<void> {
    const { codex, link } = this.#deps.window;
    const folder = codex.login?.folder;
    if (folder !== undefined) await link.request('login.cancel', { folder });
  }

  async #check(): Promise<void> {
    const folder = await this.#folder();
    await this.#deps.window.link.request('account.read', { folder: folder.key });
  }

  async #signOut(): Promise<void> {
    const { link } = this.#deps.window;
    const folder = await this.#folder();
    const { account } = await link.request('account.read', { folder: folder.key });
    if (account === undefined) {
      await vscode.window.showInformationMessage(vscode.l10n.t('Nobody is signed in to Codex.'));
      return;
    }
    const signOut = vscode.l10n.t('Sign Out');
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Sign out of Codex? It holds for all folders and for Codex in your terminals.'),
      { modal: true },
      signOut,
    );
    if (answer === signOut) await link.request('logout', { folder: folder.key });
  }

  async #start(method: LoginMethod): Promise<LoginState | null> {
    const folder = await this.#folder();
    return (await this.#deps.window.link.request('login.start', { folder: folder.key, method })).login;
  }

  #waiting(): Extract<LoginState, { state: 'waiting' }> {
    const login = this.#deps.window.codex.login?.state;
    if (login?.state === 'waiting') return login;
    throw new BridgeError('CANCELLED', vscode.l10n.t('No sign-in is waiting any more. Start a new one.'), {
      translated: true,
    });
  }

  #loggedOut(): boolean {
    const { codex, folder } = this.#deps.window;
    return folder !== undefined && codex.of(folder.key)?.loggedIn === false;
  }

  async #folder(): Promise<FolderInfo> {
    const { window } = this.#deps;
    const folders = await window.connectedFolders();
    const folder = window.folder ?? folders[0];
    if (folder !== undefined) return folder;
    throw new BridgeError('FOLDER_UNKNOWN', vscode.l10n.t('Codex works in a folder. Open one first.'), {
      translated: true,
    });
  }
}

async function openExternal(url: string): Promise<void> {
  await vscode.env.openExternal(vscode.Uri.parse(url, true));
}
