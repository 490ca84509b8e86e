import { type ChildProcess, spawn } from 'node:child_process';
import { parse } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { Logger } from '../ports.ts';

/** The guard beside this file: `guard.mjs` in the bundle, `guard.ts` when run from source. */
export function guardScript(): string {
  const name = import.meta.url.endsWith('.ts') ? './guard.ts' : './guard.mjs';
  return fileURLToPath(new URL(name, import.meta.url));
}

interface Running {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  /** Resolves when the guard reads its orders; rejects when it could not start. */
  readonly ready: Promise<void>;
}

/**
 * The bridge's end of the guard: one process for all app-servers, started with the first. It ends them if the
 * bridge dies, however that happens.
 */
export class GuardClient implements Disposable {
  readonly #script: string;
  readonly #logger: Logger;
  readonly #watched = new Map<number, string>();
  #running: Running | undefined;
  #disposed = false;

  constructor(deps: { logger: Logger; script?: string }) {
    this.#script = deps.script ?? guardScript();
    this.#logger = deps.logger;
  }

  /** Process id of the guard, while there is one. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /**
   * From now on the app-server `pid`, and everything that carries `mark`, ends with the bridge. The order is in
   * the guard's pipe when this returns, so it holds even if the bridge dies before the promise resolves.
   *
   * @throws BridgeError `CODEX_START_FAILED` (rejects) when there is no guard
   */
  watch(pid: number, mark: string): Promise<void> {
    if (this.#disposed) return Promise.reject(guardFailed('the bridge is stopping'));
    this.#watched.set(pid, mark);
    const fresh = this.#running === undefined;
    this.#running ??= this.#start();
    if (!fresh) send(this.#running, { watch: { pid, mark } });
    return this.#running.ready;
  }

  /** The app-server has ended by itself, with all that it started. */
  unwatch(pid: number): void {
    if (this.#watched.delete(pid) && this.#running !== undefined) send(this.#running, { unwatch: pid });
  }

  /** Lets the guard go; it ends what is still watched. */
  dispose(): void {
    this.#disposed = true;
    this.#running?.stdin.end();
  }

  #start(): Running {
    const child = spawn(process.execPath, [this.#script], {
      // Nothing of the folder, the terminal or the bridge ties the guard: own session, root directory, no
      // environment (and so no mark of an outer Codex's).
      cwd: parse(process.execPath).root,
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: guardEnvironment(),
    });
    child.unref();
    // Late errors of the pipe: the exit below tells what happened.
    child.stdin.on('error', () => {});
    let wasReady = false;
    const ready = new Promise<void>((resolve, reject) => {
      const failed = (why: string, cause?: unknown) => {
        reject(guardFailed(why, cause));
        this.#lost(child, why, wasReady);
      };
      child.on('error', (error) => failed(error.message, error));
      child.on('exit', (code, signal) => failed(`it exited with ${signal ?? code}`));
      child.stdout.once('data', () => {
        wasReady = true;
        resolve();
      });
    });
    // Who asked gets the rejection; a guard that nobody waits for must not end the bridge.
    ready.catch(() => {});
    const running = { child, stdin: child.stdin, ready };
    unref(child.stdin);
    unref(child.stdout);
    for (const [pid, mark] of this.#watched) send(running, { watch: { pid, mark } });
    return running;
  }

  /** A guard that did its work and died is replaced at once; one that never came up is not tried again here. */
  #lost(child: ChildProcess, why: string, wasReady: boolean): void {
    if (this.#running?.child !== child) return;
    this.#running = undefined;
    if (this.#disposed) return;
    this.#logger.warn('the guard of the app-servers ended', { why });
    if (wasReady && this.#watched.size > 0) this.#running = this.#start();
  }
}

/** The orders are short, and a pipe takes them whole at once. */
function send(running: Running, order: object): void {
  running.stdin.write(`${JSON.stringify(order)}\n`);
}

/** Pipes to the guard must not keep the bridge alive; its own type says nothing of `unref`, its socket has it. */
function unref(stream: object): void {
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}

function guardEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const name of ['PATH', 'SYSTEMROOT', 'SystemRoot']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  // VS Code's own binary runs scripts only with this.
  if (process.versions['electron'] !== undefined) env['ELECTRON_RUN_AS_NODE'] = '1';
  return env;
}

function guardFailed(why: string, cause?: unknown): BridgeError {
  return new BridgeError(
    'CODEX_START_FAILED',
    `The guard that ends Codex together with the bridge can't run: ${why}. Install Codex Bridge again.`,
    { cause },
  );
}
