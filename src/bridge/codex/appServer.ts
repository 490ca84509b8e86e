import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import { redact } from '../../shared/redact.ts';
import type { Clock, Logger } from '../ports.ts';
import { codexEnvironment } from './environment.ts';
import type { GuardClient } from './guardClient.ts';
import { withoutOurselves } from './ownRegistration.ts';
import { endMarked, endProcess, type ProcessIdentity } from './processes.ts';
import { StdioTransport } from './stdio.ts';
import { Tail } from './tail.ts';
import type { CodexTransport } from './transport.ts';
import { checkSocketPath, connectUnixSocket } from './unixSocket.ts';
import { endKin, unmarkedKin } from './unmarkedKin.ts';
import { connectWebSocket } from './webSocket.ts';

const START_MS = 10_000;
/** The ladder: Codex finishes its turn after one SIGTERM, ends at the second, and nothing survives SIGKILL. */
const FIRST_TERM_MS = 150;
const SECOND_TERM_MS = 1500;
const LAST_WORDS_MS = 100;
const POLL_MS = 5;
/** So much of its standard error is kept for messages, bytes. */
const STDERR_BYTES = 8 * 1024;

export type TransportKind = 'unix' | 'ws' | 'stdio';

/** Unix sockets, but on Windows, where Codex has none. */
export function defaultTransport(platform: NodeJS.Platform = process.platform): TransportKind {
  return platform === 'win32' ? 'ws' : 'unix';
}

export interface AppServerOptions {
  /** The program, absolute; see `findCodex`. */
  readonly codex: string;
  /** The folder that it works in, a real path. */
  readonly cwd: string;
  /** A 0700 directory for its socket or its token file. */
  readonly runDir: string;
  readonly transport: TransportKind;
  /** From `formatMark`; every app-server adds a part of its own. */
  readonly mark: string;
  /** The whole one of the bridge; Codex gets a part of it. */
  readonly env: NodeJS.ProcessEnv;
  /** What Codex inherits of it beside the usual; see {@link codexEnvironment}. */
  readonly named?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: GuardClient;
}

export interface ExitInfo {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether {@link AppServer.stop} asked for it. */
  readonly asked: boolean;
  /** The end of what it wrote to standard error. */
  readonly stderr: string;
}

/** Where an app-server listens: for us, and for a terminal that attaches to it. */
type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'ws'; readonly url: string; readonly tokenFile: string }
  | { readonly kind: 'stdio' };

/**
 * One `codex app-server` process from its start to its end, with all that it started. It knows nothing of
 * threads. It ends when the bridge dies, by the guard, and when it is stopped, by the ladder.
 */
export class AppServer {
  /** What its processes carry in their environment. */
  readonly mark: string;
  /** Resolves as soon as the process has ended, for whatever reason. Its commands may live a moment longer. */
  readonly exited: Promise<ExitInfo>;
  readonly #options: AppServerOptions;
  readonly #files: Files;
  readonly #child: ChildProcess;
  readonly #stderr = new Tail(STDERR_BYTES);
  #address: Address | undefined;
  #spawnError: Error | undefined;
  #asked = false;
  #stdioTaken = false;
  /** What was started without its mark. */
  #kin: ProcessIdentity[] = [];
  /** The process has ended, its commands too, and its files are removed. */
  readonly #cleaned: Promise<void>;

  /**
   * Starts Codex and waits until it listens, 10 s at the most.
   *
   * @throws BridgeError `CODEX_START_FAILED` with what it wrote to standard error, `SOCKET_PATH_TOO_LONG`,
   * `FOLDER_NOT_FOUND`
   */
  static async start(options: AppServerOptions): Promise<AppServer> {
    const name = randomBytes(4).toString('hex');
    const files = {
      socket: join(options.runDir, `${name}.sock`),
      token: join(options.runDir, `${name}.token`),
    };
    if (options.transport === 'unix') checkSocketPath(files.socket);
    // Without this a folder that is gone would look like a program that is not there.
    await access(options.cwd).catch((error: unknown) => {
      throw new BridgeError('FOLDER_NOT_FOUND', `The folder ${options.cwd} is not there. Open it again.`, {
        cause: error,
      });
    });
    if (options.transport === 'ws') {
      await writeFile(files.token, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
    }
    const server = new AppServer(options, name, files, await withoutOurselves(options.env));
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    options.logger.info('codex listens', { pid: server.pid, transport: options.transport });
    return server;
  }

  private constructor(options: AppServerOptions, name: string, files: Files, config: readonly string[]) {
    this.#options = options;
    this.#files = files;
    this.mark = `${options.mark}:${name}`;
    const args = ['app-server', ...config, ...listenArguments(options.transport, files)];
    this.#child = spawn(options.codex, args, {
      cwd: options.cwd,
      env: codexEnvironment(options.env, { named: options.named ?? [], mark: this.mark }),
      stdio: [options.transport === 'stdio' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      // A session of its own: Ctrl+C in the bridge's terminal is for the bridge, which ends Codex in order.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#stderr.add(chunk));
    // On a socket it has nothing to say here, but a full pipe would stop it.
    if (options.transport !== 'stdio') this.#child.stdout?.resume();
    this.exited = this.#watchExit();
    this.#cleaned = this.exited.then(() => this.#clean());
  }

  /** Undefined where it could not even be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What a TUI attaches to (`codex --remote …`); undefined on stdio, which has room for us only. */
  get remote(): { readonly url: string; readonly tokenFile?: string } | undefined {
    const address = this.#address;
    if (address?.kind === 'unix') return { url: `unix://${address.path}` };
    return address?.kind === 'ws' ? { url: address.url, tokenFile: address.tokenFile } : undefined;
  }

  /**
   * A new connection; on stdio there is only one in its life.
   *
   * @throws BridgeError `CODEX_START_FAILED`, `CODEX_EXITED`
   */
  async connect(): Promise<CodexTransport> {
    const { logger } = this.#options;
    const address = this.#address;
    if (!this.#alive || address === undefined) {
      throw new BridgeError('CODEX_EXITED', 'Codex has ended. Send the prompt again: it is restarted.');
    }
    if (address.kind === 'unix') return connectUnixSocket(address.path, logger);
    if (address.kind === 'ws') return connectWebSocket(address.url, address.tokenFile, logger);
    const { stdin, stdout } = this.#child;
    if (this.#stdioTaken || stdin === null || stdout === null) {
      throw new BridgeError('CODEX_START_FAILED', 'On stdio Codex takes one connection only. Restart it.');
    }
    this.#stdioTaken = true;
    return new StdioTransport(stdin, stdout, logger);
  }

  /**
   * Ends it and everything that it started, and resolves when nothing of that is left. Interrupt its turns
   * before, where there is time. May be called more than once, also when it has ended by itself.
   */
  async stop(): Promise<void> {
    if (!this.#asked) {
      this.#asked = true;
      void this.#ladder();
    }
    await this.#cleaned;
  }

  get #alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== undefined;
  }

  async #ready(): Promise<void> {
    const { clock, guard } = this.#options;
    let cancel = () => {};
    const deadline = new Promise<never>((_, reject) => {
      cancel = clock.after(START_MS, () =>
        reject(this.#startFailed(`it did not listen within ${START_MS / 1000} s`)),
      );
    });
    const ended = this.#failWhenExited();
    // In the guard's pipe before anything can go wrong here.
    const guarded = this.pid === undefined ? undefined : guard.watch(this.pid, this.mark);
    try {
      await Promise.race([Promise.all([this.#listening(), guarded]), ended, deadline]);
    } finally {
      cancel();
      // Where another of them was first, nobody hears of this one.
      ended.catch(() => {});
    }
  }

  /** Never resolves. */
  async #failWhenExited(): Promise<never> {
    const exit = await this.exited;
    throw this.#startFailed(
      this.#spawnError?.message ?? `it exited with ${exit.signal ?? `status ${exit.code}`}`,
    );
  }

  async #listening(): Promise<void> {
    switch (this.#options.transport) {
      case 'unix':
        // Codex says nothing when it is ready on a Unix socket.
        while (this.#alive && !(await accepts(this.#files.socket))) {
          await new Promise<void>((resolve) => this.#options.clock.after(POLL_MS, resolve));
        }
        if (!this.#alive) await this.#failWhenExited();
        this.#address = { kind: 'unix', path: this.#files.socket };
        return;
      case 'ws': {
        const url = await this.#stderr.match(/listening on: (ws:\/\/127\.0\.0\.1:\d+)/);
        this.#address = { kind: 'ws', url, tokenFile: this.#files.token };
        return;
      }
      case 'stdio':
        this.#address = { kind: 'stdio' };
    }
  }

  #startFailed(why: string): BridgeError {
    const said = redact(this.#stderr.text.trim());
    const tail = said === '' ? '' : `\nIt wrote:\n${said}`;
    return new BridgeError(
      'CODEX_START_FAILED',
      `Codex could not be started: ${why}. Run "codex-bridge doctor" to see what is wrong.${tail}`,
    );
  }

  #watchExit(): Promise<ExitInfo> {
    const child = this.#child;
    return new Promise((resolve) => {
      const done = () => {
        const { exitCode: code, signalCode: signal } = child;
        resolve({ code, signal, asked: this.#asked, stderr: redact(this.#stderr.text) });
      };
      child.on('error', (error) => {
        this.#spawnError = error;
        // An error without a process is a start that failed; any other leaves the process running.
        if (child.pid === undefined) done();
      });
      child.on('exit', () => {
        // Its last words may still be in the pipe; a command that inherited the pipe may hold it open for ever.
        const cancel = this.#options.clock.after(LAST_WORDS_MS, done);
        child.on('close', () => {
          cancel();
          done();
        });
      });
    });
  }

  async #ladder(): Promise<void> {
    const child = this.#child;
    this.#kin = await unmarkedKin((mark) => mark === this.mark);
    if (process.platform === 'win32' && child.pid !== undefined) {
      await endProcess({ pid: child.pid, started: '' });
      return;
    }
    for (const [signal, ms] of [
      ['SIGTERM', FIRST_TERM_MS],
      ['SIGTERM', SECOND_TERM_MS],
    ] as const) {
      // Node signals only a child that it has not reaped, so this is never another process.
      if (this.#alive) child.kill(signal);
      await this.#exitedWithin(ms);
    }
    if (this.#alive) child.kill('SIGKILL');
  }

  #exitedWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      void this.exited.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Never rejects: what can't be ended or removed is logged. */
  async #clean(): Promise<void> {
    const { logger, guard } = this.#options;
    try {
      const matches = (mark: string) => mark === this.mark;
      // Where it ended by itself, only what its commands have started is still known as theirs.
      this.#kin.push(...(await unmarkedKin(matches)));
      const { ended, left } = await endMarked(matches);
      await endKin(this.#kin);
      if (ended > 0) logger.info('commands that codex left were ended', { count: ended });
      if (left.length > 0)
        logger.warn('commands that codex left can not be ended', { pids: left.map((one) => one.pid) });
      else if (this.pid !== undefined) guard.unwatch(this.pid);
      await Promise.all(Object.values(this.#files).map((file) => rm(file, { force: true })));
    } catch (error) {
      logger.error('codex could not be cleaned up', { error });
    }
  }
}

/** Files of one app-server in the run directory. */
interface Files {
  readonly socket: string;
  readonly token: string;
}

function listenArguments(transport: TransportKind, files: Files): string[] {
  switch (transport) {
    case 'unix':
      return ['--listen', `unix://${files.socket}`];
    case 'ws':
      return [
        '--listen',
        'ws://127.0.0.1:0',
        '--ws-auth',
        'capability-token',
        '--ws-token-file',
        files.token,
      ];
    case 'stdio':
      return ['--listen', 'stdio://'];
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
