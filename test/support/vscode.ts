import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureVsCode } from '../../scripts/vscode.mjs';
import { codexBinary, type TempDir, tempDir } from './codexHome.ts';
import { installedIn, packedExtension } from './packedExtension.ts';
import { commandLine, processesOf } from './processFamily.ts';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

export interface VsCodeOptions {
  /** `CODEX_HOME` and what else the processes of Codex need: {@link "./codexHome.ts".CodexHome}. */
  readonly env?: Readonly<Record<string, string>>;
  /** User settings beside the ones that keep VS Code quiet. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** False: the workspace starts in Restricted Mode and VS Code can ask for trust. Default true. */
  readonly trusted?: boolean;
  /** Flags for tests that run in the extension host; see {@link hostTestUrl}. */
  readonly testDriver?: boolean;
}

/** A real VS Code (code-server) with the package of these sources installed, and directories of its own. */
export class VsCode {
  /** `CODEX_BRIDGE_HOME` of everything in it. */
  readonly bridgeHome: string;
  /** An empty folder to work in. */
  readonly folder: string;
  readonly #temp: TempDir;
  readonly #options: VsCodeOptions;
  readonly #log: string[] = [];
  #server: ChildProcess | undefined;
  #url = '';

  static async start(options: VsCodeOptions = {}): Promise<VsCode> {
    const temp = await tempDir('vs');
    const vscode = new VsCode(temp, options);
    vscode.#install();
    await vscode.restart();
    return vscode;
  }

  private constructor(temp: TempDir, options: VsCodeOptions) {
    this.#temp = temp;
    this.#options = options;
    this.bridgeHome = join(temp.path, 'b');
    this.folder = join(temp.path, 'work');
    for (const name of ['b', 'work', 'run']) mkdirSync(join(temp.path, name), { mode: 0o700 });
  }

  /** `http://127.0.0.1:PORT` */
  get url(): string {
    return this.#url;
  }

  /** The workbench on a folder, or on a `.code-workspace` file. */
  workbenchUrl(path = this.folder): string {
    const kind = path.endsWith('.code-workspace') ? 'workspace' : 'folder';
    return `${this.#url}/?${kind}=${encodeURIComponent(path)}`;
  }

  /** The workbench, with mocha tests in its extension host: `index` is a bundle that exports `run()`. */
  hostTestUrl(index: string, path = this.folder): string {
    const host = new URL(this.#url).host;
    const payload = [
      ['extensionDevelopmentPath', `vscode-remote://${host}${this.extension}`],
      ['extensionTestsPath', `vscode-remote://${host}${index}`],
    ];
    return `${this.workbenchUrl(path)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
  }

  /** Where the extension is installed, unpacked. */
  get extension(): string {
    return installedIn(join(this.#temp.path, 'e'));
  }

  /** What VS Code writes down: settings, logs, what extensions keep. */
  get userData(): string {
    return join(this.#temp.path, 'u');
  }

  /** Another folder beside {@link folder}. */
  makeFolder(name: string): string {
    const path = join(this.#temp.path, name);
    mkdirSync(path);
    return path;
  }

  writeFile(name: string, text: string): string {
    const path = join(this.#temp.path, name);
    writeFileSync(path, text);
    return path;
  }

  setSettings(settings: Readonly<Record<string, unknown>>): void {
    const folder = join(this.#temp.path, 'u', 'User');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'settings.json'), JSON.stringify({ ...QUIET, ...settings }));
  }

  /** What VS Code's server has printed. */
  log(): string {
    return this.#log.join('\n');
  }

  /** The pid of the bridge of {@link bridgeHome}, as its discovery file tells. */
  bridgePid(): number | undefined {
    const file = join(this.bridgeHome, 'bridge.json');
    if (!existsSync(file)) return undefined;
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid; // the bridge's own file
  }

  /** The extension hosts that run now: one for each window. Linux only. */
  extensionHosts(): number[] {
    const ours = processesOf({ stateDir: this.bridgeHome, codexHome: join(this.#temp.path, 'none') });
    return ours.filter((pid) => commandLine(pid).includes('--type=extensionHost'));
  }

  /** Ends VS Code if it runs and starts it again on the same directories. The bridge is left alone. */
  async restart(): Promise<void> {
    await this.#stopServer('SIGTERM');
    const at = (name: string) => join(this.#temp.path, name);
    const flags = [
      // The same port as before: the browser keeps what VS Code remembers by its address.
      ...['--auth', 'none', '--bind-addr', `127.0.0.1:${this.#url === '' ? 0 : new URL(this.#url).port}`],
      ...['--config', at('config.yaml')],
      ...['--user-data-dir', at('u'), '--extensions-dir', at('e')],
      ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
      ...(this.#options.trusted === false ? [] : ['--disable-workspace-trust']),
      ...(this.#options.testDriver === true ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
    ];
    const server = spawn(process.execPath, [ensureVsCode().entry, ...flags], {
      // A group of its own, so that the extension hosts end with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment(),
    });
    this.#server = server;
    this.#url = await this.#listening(server);
  }

  /** Uninstalls the extension, as the command of VS Code does. What it leaves to do is done at the next start. */
  uninstall(): void {
    const at = (name: string) => join(this.#temp.path, name);
    const flags = ['--config', at('config.yaml'), '--user-data-dir', at('u'), '--extensions-dir', at('e')];
    execFileSync(
      process.execPath,
      [ensureVsCode().entry, ...flags, '--uninstall-extension', 'codex-bridge.codex-bridge'],
      { env: this.#environment(), timeout: START_DEADLINE_MS, stdio: 'pipe' },
    );
  }

  /** Everything at once, as in a power cut: VS Code, the bridge and its Codex. */
  async killAll(): Promise<void> {
    const bridge = this.bridgePid();
    await this.#stopServer('SIGKILL');
    if (bridge !== undefined) await kill(bridge, 'SIGKILL');
  }

  /** Ends VS Code and the bridge, and removes everything. */
  async stop(): Promise<void> {
    await this.#stopServer('SIGTERM');
    const bridge = this.bridgePid();
    if (bridge !== undefined) await kill(bridge, 'SIGTERM');
    await this.#temp.dispose();
  }

  #environment(): NodeJS.ProcessEnv {
    const own = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS|VITEST|CODEX_)/.test(name),
      ),
    );
    return {
      ...own,
      ...this.#options.env,
      CODEX_BRIDGE_HOME: this.bridgeHome,
      CODEX_BRIDGE_CODEX: codexBinary(),
      // VS Code's own sockets go where they are removed again.
      XDG_RUNTIME_DIR: join(this.#temp.path, 'run'),
    };
  }

  #install(): void {
    cpSync(packedExtension().extensions, join(this.#temp.path, 'e'), { recursive: true });
    this.setSettings(this.#options.settings ?? {});
  }

  async #listening(server: ChildProcess): Promise<string> {
    const failed = new AbortController();
    const timer = setTimeout(() => failed.abort(), START_DEADLINE_MS);
    try {
      return await new Promise<string>((resolve, reject) => {
        failed.signal.addEventListener('abort', () => reject(this.#startFailed('was not ready in time')));
        server.once('exit', (code) => reject(this.#startFailed(`ended (${code})`)));
        for (const stream of [server.stdout, server.stderr]) {
          if (stream === null) continue;
          createInterface(stream).on('line', (line) => {
            this.#log.push(line);
            const url = /HTTP server listening on (http:\/\/[\d.:]+)/.exec(line)?.[1];
            if (url !== undefined) resolve(url);
          });
        }
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #startFailed(how: string): Error {
    return new Error(`VS Code ${how}:\n${this.log()}`);
  }

  async #stopServer(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    signalGroup(server.pid, signal);
    const timer = setTimeout(() => signalGroup(server.pid ?? 0, 'SIGKILL'), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
    // The extension host may outlast its parent for a moment.
    signalGroup(server.pid, 'SIGKILL');
  }
}

const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Default Dark Modern',
  'window.commandCenter': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'files.simpleDialog.enable': true,
};

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody is left in it.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Signals a process that is not our child and waits until it is gone; SIGKILL after the deadline. */
async function kill(pid: number, signal: NodeJS.Signals): Promise<void> {
  const deadline = performance.now() + STOP_DEADLINE_MS;
  for (let sent: NodeJS.Signals | 0 = signal; ; sent = 0) {
    try {
      process.kill(pid, sent);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return;
      throw error;
    }
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    // The system has no event for the end of a process that is not our child.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
