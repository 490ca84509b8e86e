import { randomBytes } from 'node:crypto';
import type { ChangesEvents } from '../shared/changes.ts';
import { type Disposable, DisposableStore, Emitter } from '../shared/disposables.ts';
import { BridgeError } from '../shared/errors.ts';
import {
  type BridgeStatus,
  type ClientInfo,
  type Endpoints,
  FACE_CONTRACT,
  type FolderInfo,
  type Statistics,
} from '../shared/faces.ts';
import type { FolderKey, SessionId, TurnId } from '../shared/session.ts';
import type { BridgeSettings } from '../shared/settings.ts';
import type { BridgeApi, FolderApi } from './api.ts';
import type { ChangesDoor } from './changes/changesDoor.ts';
import type { ChangesApi } from './changes/folderChanges.ts';
import { openChanges } from './changes/openChanges.ts';
import { CodexStarter } from './codex/codexStarter.ts';
import { sweep } from './codex/processes.ts';
import { FaceDoor } from './faces/faceDoor.ts';
import type { AccountApi, AccountDoor } from './folders/folderAccount.ts';
import { FolderRegistry } from './folders/folderRegistry.ts';
import { FolderRuntime } from './folders/folderRuntime.ts';
import type { TrustApi, TrustDoor } from './folders/folderTrust.ts';
import { openHistory } from './history/history.ts';
import { mergeStatistics } from './history/statistics.ts';
import { publishDiscovery } from './http/discovery.ts';
import { endpointsOf } from './http/endpoints.ts';
import { HttpDoor } from './http/httpDoor.ts';
import { Tokens } from './http/tokens.ts';
import { clientInfos } from './mcp/clientInfos.ts';
import { McpDoor } from './mcp/mcpDoor.ts';
import { Metrics } from './metrics/metrics.ts';
import { prometheusText } from './metrics/prometheus.ts';
import { TurnMeter } from './metrics/turnMeter.ts';
import type { Clock, Logger } from './ports.ts';
import type { StateDirectory } from './stateDirectory.ts';
import { loadPty } from './terminal/pty.ts';
import type { TerminalApi } from './terminal/terminalApi.ts';
import type { Terminals } from './terminal/terminals.ts';

export interface BridgeOptions {
  readonly version: string;
  readonly state: StateDirectory;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A port that must be free; absent: the last bridge's, else any. */
  readonly port?: number;
  /** Settings from flags; absent: those that a window last sent, else the defaults. */
  readonly settings?: BridgeSettings;
  readonly env: NodeJS.ProcessEnv;
  /** Folder that the program runs from, for the discovery file. */
  readonly runtime?: string;
  /** For tests: the timers by which silent faces are noticed. A clock that runs ahead would find all of them silent. */
  readonly heartbeat?: Pick<Clock, 'after'>;
  /** Ends by itself when nobody needs it. `serve` in the foreground does not. */
  readonly endsItself: boolean;
  /** What there is to say of the log; absent: its level is the settings'. */
  log?(): BridgeStatus['log'] & object;
}

/** The composition root: wires everything, owns start and stop. There is one for each state directory. */
export class Bridge implements BridgeApi, TerminalApi, ChangesDoor, AccountDoor, TrustDoor {
  readonly version: string;
  /** Resolves when the bridge has ended and left nothing behind. */
  readonly ended: Promise<void>;
  readonly #options: BridgeOptions;
  readonly #instance = randomBytes(8).toString('hex');
  readonly #store = new DisposableStore();
  readonly #folders: FolderRegistry;
  /** Those that were named when the bridge was started. */
  readonly #kept = new Set<FolderKey>();
  readonly #clientsChanged: Emitter<void>;
  readonly #settingsChanged: Emitter<void>;
  readonly #changes: Emitter<ChangesEvents['changes.changed']>;
  readonly #tokens = new Tokens();
  readonly #metrics = new Metrics();
  readonly #faces: FaceDoor;
  readonly #mcp: McpDoor;
  readonly #http: HttpDoor;
  readonly #codex: CodexStarter;
  readonly startedAt: number;
  readonly #end = Promise.withResolvers<void>();
  #settings: BridgeSettings;
  #cancelGrace: (() => void) | undefined;
  #leaving: 'no' | 'after_turns' | 'now' = 'no';

  private constructor(options: BridgeOptions) {
    const { logger, clock, state } = options;
    this.version = options.version;
    this.ended = this.#end.promise;
    this.#options = options;
    this.startedAt = clock.now();
    this.#settings = options.settings ?? state.readSettings(logger);
    const failed = (error: unknown) => logger.error('a listener failed', { error });
    this.#clientsChanged = new Emitter(failed);
    this.#settingsChanged = new Emitter(failed);
    this.#changes = new Emitter(failed);
    this.#folders = new FolderRegistry({
      logger,
      open: (info, lifetime) => this.#openFolder(info, lifetime),
    });
    this.#codex = new CodexStarter({
      env: options.env,
      named: () => this.#settings.codex?.environment ?? [],
      clock,
      logger,
      runDir: state.runDir,
      stateHash: state.hash,
      instance: this.#instance,
    });
    this.#faces = new FaceDoor({
      bridge: this,
      terminals: this,
      changes: this,
      accounts: this,
      trust: this,
      mcp: { attach: (request, line) => this.#mcp.attach(request, line) },
      logger,
      instance: this.#instance,
      key: this.#tokens.faceKey,
      onCount: () => this.#facesChanged(),
      counts: this.#metrics,
      heartbeat: options.heartbeat,
    });
    const onClients = () => this.#mcpChanged();
    this.#mcp = new McpDoor({ bridge: this, logger, clock, onClients, metrics: this.#metrics });
    this.#http = new HttpDoor({
      tokens: this.#tokens,
      logger,
      hasFolder: (key) => this.#folders.has(key),
      handle: (exchange) => this.#mcp.handle(exchange),
      metrics: () => prometheusText(this.status()),
      counts: this.#metrics,
    });
  }

  /**
   * Starts the bridge of a state directory.
   *
   * @throws BridgeError `BRIDGE_RUNNING`, `STATE_DIR_UNUSABLE`, `SOCKET_PATH_TOO_LONG`, `PORT_TAKEN`
   */
  static async start(options: BridgeOptions): Promise<Bridge> {
    const { state } = options;
    const lock = state.lock();
    const bridge = new Bridge(options);
    try {
      state.sweep();
      await bridge.#listen();
    } catch (error) {
      await bridge.#shutDown('The bridge could not start.');
      lock.dispose();
      throw error;
    }
    void bridge.ended.then(() => lock.dispose());
    // What a bridge before this one could not end: killed together with its guard.
    void sweep(state.hash, bridge.#instance).catch((error: unknown) =>
      options.logger.warn('left-over processes can not be looked for', { error }),
    );
    bridge.#checkNeeded();
    return bridge;
  }

  get settings(): BridgeSettings {
    return this.#settings;
  }

  status(): BridgeStatus {
    const { limits, ceiling } = this.#settings;
    return {
      version: this.version,
      contract: FACE_CONTRACT,
      pid: process.pid,
      startedAt: this.startedAt,
      stateDir: this.#options.state.path,
      url: this.#http.url,
      faces: this.#faces.count,
      clients: this.#mcp.clients().length,
      folders: this.#folders.all().map((folder) => folder.status()),
      limits,
      ceiling,
      tokens: this.#tokens.count,
      log: this.#options.log?.() ?? { level: this.#settings.log.level },
      counters: this.#metrics.read(),
    };
  }

  folders(): readonly FolderApi[] {
    return this.#folders.all();
  }

  folder(key: FolderKey): FolderRuntime {
    return this.#folders.get(key);
  }

  folderOfSession(session: SessionId): FolderRuntime {
    return this.#folders.ofSession(session);
  }

  terminalsOf(session: SessionId): Terminals {
    return this.folderOfSession(session).terminals;
  }

  accountOf(folder: FolderKey): AccountApi {
    return this.folder(folder).account;
  }

  trustOf(folder: FolderKey): TrustApi {
    return this.folder(folder).trust;
  }

  changesOf(session: SessionId, turn: TurnId): ChangesApi {
    const folder = this.folderOfSession(session);
    // Throws where the turn is another session's.
    folder.session(session).turn(turn);
    return folder.changes;
  }

  readonly onChanges = (listener: (event: ChangesEvents['changes.changed']) => void): Disposable =>
    this.#changes.on(listener);

  async addFolder(path: string, name?: string): Promise<FolderApi> {
    // While it only waits for its turns, a window that comes back still sees them.
    if (this.#leaving === 'now') throw stopping();
    return this.#folders.add(path, name);
  }

  /** The same for one that stays, whoever shows it. @throws BridgeError `FOLDER_NOT_FOUND` */
  async keepFolder(path: string): Promise<FolderApi> {
    const folder = await this.addFolder(path);
    this.#kept.add(folder.info.key);
    return folder;
  }

  async removeFolder(key: FolderKey): Promise<void> {
    if (this.#kept.has(key) || !this.#folders.has(key)) return;
    this.#tokens.revoke(key);
    await this.#folders.remove(
      key,
      'The folder was removed from VS Code while this turn ran. What it had is kept; add the folder again and send a prompt to go on from here.',
    );
    this.#checkNeeded();
  }

  endpoints(): Endpoints {
    const folders = this.#folders.all().map(({ info }) => info);
    return endpointsOf(this.#http, this.#tokens, folders);
  }

  clients(): ClientInfo[] {
    return clientInfos(this.#mcp.clients(), this.folders());
  }

  statistics(): Statistics {
    return mergeStatistics(
      this.#folders.all().map((folder) => folder.history),
      this.#settings,
    );
  }

  setSettings(settings: BridgeSettings): void {
    this.#settings = settings;
    this.#options.state.writeSettings(settings);
    for (const folder of this.#folders.all()) folder.settingsChanged();
    this.#settingsChanged.fire();
  }

  stop(now: boolean): void {
    if (this.#leaving === 'now') return;
    this.#leaving = now ? 'now' : 'after_turns';
    this.#options.logger.info('the bridge is about to end', { when: this.#leaving });
    this.#faces.announceLeaving(
      now ? 'The bridge was told to end.' : 'The bridge ends as soon as its turns are done.',
    );
    this.#checkNeeded();
  }

  readonly onFolders = (listener: (folder: FolderApi) => void): Disposable => this.#folders.onAdded(listener);
  readonly onFolderRemoved = (listener: (folder: FolderApi) => void): Disposable =>
    this.#folders.onRemoved(listener);
  readonly onClients = (listener: () => void): Disposable => this.#clientsChanged.on(listener);
  readonly onSettings = (listener: () => void): Disposable => this.#settingsChanged.on(listener);

  async #listen(): Promise<void> {
    const { state, runtime } = this.#options;
    const socket = state.socketPath(this.#instance);
    const demanded = this.#options.port;
    const remembered = state.readPort();
    const [port] = await Promise.all([
      this.#http.listen({
        ...(demanded === undefined ? {} : { demanded }),
        ...(remembered === undefined ? {} : { remembered }),
      }),
      this.#faces.listen(socket),
    ]);
    if (port !== remembered) state.writePort(port);
    this.#store.add(
      publishDiscovery(state.path, {
        contract: FACE_CONTRACT,
        version: this.version,
        pid: process.pid,
        instance: this.#instance,
        socket,
        key: this.#tokens.faceKey,
        url: this.#http.url,
        token: this.#tokens.all,
        ...(runtime === undefined ? {} : { runtime }),
      }),
    );
  }

  #openFolder(info: FolderInfo, lifetime: DisposableStore): FolderRuntime {
    const { key } = info;
    const { state, clock } = this.#options;
    const logger = this.#options.logger.child({ folder: key });
    const folder = new FolderRuntime({
      info,
      history: openHistory(state.historyFile(key), key, { logger, clock }),
      clock,
      logger,
      settings: () => this.#settings,
      env: this.#options.env,
      ...openChanges(state, info, { clock, logger }),
      loadPty,
      findCodex: () =>
        this.#codex.find(
          this.#settings.codexPath,
          this.#folders.all().map((each) => each.info.path),
        ),
      startCodex: (binary) => this.#codex.start(binary, info, logger),
      onEvent: new TurnMeter({ metrics: this.#metrics, clock, logger }).accept,
    });
    folder.setAttended(this.#faces.canAnswer);
    lifetime.add(folder.onStatus(() => this.#checkNeeded()));
    lifetime.add(
      folder.changes.onChanged((turn) => {
        const session = folder.history.sessionOfTurn(turn);
        if (session !== undefined) this.#changes.fire({ session, turn });
      }),
    );
    lifetime.add(folder.account.share(() => this.#folders.all().map(({ account }) => account)));
    return folder;
  }

  #facesChanged(): void {
    for (const folder of this.#folders.all()) folder.setAttended(this.#faces.canAnswer);
    this.#checkNeeded();
  }

  #mcpChanged(): void {
    this.#clientsChanged.fire();
    this.#checkNeeded();
  }

  /** Ends the bridge when it was told to, or when for a while nobody was there and nothing ran. */
  #checkNeeded(): void {
    const busy = this.#folders.all().some((folder) => folder.activeTurns > 0);
    if (this.#leaving === 'now' || (this.#leaving === 'after_turns' && !busy)) {
      this.#leaving = 'now';
      this.#cancelGrace?.();
      void this.#shutDown(
        'The bridge was told to end while this turn ran. Send a prompt to go on from here.',
      );
      return;
    }
    const terminals = this.#folders.all().some((folder) => folder.terminals.count > 0);
    const needed = busy || terminals || this.#faces.count > 0 || this.#mcp.clients().length > 0;
    if (needed || !this.#options.endsItself) {
      this.#cancelGrace?.();
      this.#cancelGrace = undefined;
      return;
    }
    this.#cancelGrace ??= this.#options.clock.after(this.#settings.limits.graceSeconds * 1000, () => {
      this.#options.logger.info('nobody needs the bridge');
      this.stop(false);
    });
  }

  #shutDown(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason).then(
      () => this.#end.resolve(),
      (error: unknown) => {
        this.#options.logger.error('the bridge did not end cleanly', { error });
        this.#end.resolve();
      },
    );
    return this.#closing;
  }

  #closing: Promise<void> | undefined;

  async #close(reason: string): Promise<void> {
    // First nobody finds us any more, then what runs ends, and the faces see its end before they are let go.
    this.#store.dispose();
    const [stopped] = await Promise.allSettled([this.#folders.stop(reason)]);
    await this.#mcp.dispose();
    await this.#http.close();
    this.#faces.dispose();
    this.#codex.dispose();
    this.#metrics.dispose();
    if (stopped.status === 'rejected') throw stopped.reason;
  }
}

function stopping(): BridgeError {
  return new BridgeError('BRIDGE_STOPPING', 'The bridge is about to end. Try again in a moment.');
}
