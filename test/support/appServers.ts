import { systemClock } from '../../src/bridge/clock.ts';
import { AppServer, type TransportKind } from '../../src/bridge/codex/appServer.ts';
import { CodexClient } from '../../src/bridge/codex/client.ts';
import type { ServerNotification } from '../../src/bridge/codex/generated/ServerNotification.ts';
import { GuardClient } from '../../src/bridge/codex/guardClient.ts';
import type { Clock, Logger } from '../../src/bridge/ports.ts';
import { type CodexHome, codexBinary, makeCodexHome, type TempDir, tempDir } from './codexHome.ts';
import { ScriptedModel } from './scriptedModel.ts';

/** Keeps what was logged, so that a failing test can show it. */
export class MemoryLogger implements Logger {
  readonly lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  debug(message: string, fields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }
  info(message: string, fields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(message: string, fields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(message: string, fields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }
  child(): Logger {
    return this;
  }
}

/** A scripted model, a Codex home, a folder, and app-servers on them; `dispose` ends and removes all of it. */
export class AppServerBench {
  readonly logger = new MemoryLogger();
  readonly guard = new GuardClient({ logger: this.logger });
  readonly model: ScriptedModel;
  readonly home: CodexHome;
  /** Holds `ws` (the folder) and `run` (the sockets). */
  readonly dir: TempDir;
  readonly #servers: AppServer[] = [];

  static async create(): Promise<AppServerBench> {
    const model = await ScriptedModel.start();
    return new AppServerBench(model, await makeCodexHome({ modelUrl: model.url }), await tempDir('as'));
  }

  private constructor(model: ScriptedModel, home: CodexHome, dir: TempDir) {
    this.model = model;
    this.home = home;
    this.dir = dir;
  }

  async start(transport: TransportKind = 'unix', mark = `test${process.pid}:i:f`): Promise<AppServer> {
    const server = await AppServer.start({
      codex: codexBinary(),
      cwd: this.dir.path,
      runDir: this.dir.path,
      transport,
      mark,
      env: this.home.env,
      clock: systemClock,
      logger: this.logger,
      guard: this.guard,
    });
    this.#servers.push(server);
    return server;
  }

  async connect(server: AppServer, clock: Clock = systemClock): Promise<CodexClient> {
    return CodexClient.connect(await server.connect(), { logger: this.logger, clock });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    this.guard.dispose();
    await this.model.close();
    await this.home.dispose();
    await this.dir.dispose();
  }
}

/** The parameters of each notification, by its method. */
type ParamsOf = { [N in ServerNotification as N['method']]: N['params'] };

/** What Codex told, in order; a test waits for what it expects. */
export class Notifications {
  readonly all: ServerNotification[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(client: CodexClient) {
    client.onNotification((notification) => {
      this.all.push(notification);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  /** The first notification of that method which satisfies `test`, also one that came before. */
  async next<M extends keyof ParamsOf>(
    method: M,
    test: (params: ParamsOf[M]) => boolean = () => true,
  ): Promise<ParamsOf[M]> {
    for (;;) {
      for (const one of this.all) {
        if (one.method !== method) continue;
        // The method decides which member of the union it is; generics do not narrow that far.
        const params = one.params as ParamsOf[M];
        if (test(params)) return params;
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The text of all `item/agentMessage/delta` so far. */
  get text(): string {
    return this.all.map((one) => (one.method === 'item/agentMessage/delta' ? one.params.delta : '')).join('');
  }
}
