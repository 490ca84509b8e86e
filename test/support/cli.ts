import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import type { Discovery } from '../../src/client/discovery.ts';
import type { Endpoints } from '../../src/shared/faces.ts';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type CodexHome, codexBinary, makeCodexHome, type TempDir, tempDir } from './codexHome.ts';
import { alive, processesOf } from './processFamily.ts';
import { ScriptedModel } from './scriptedModel.ts';

/** What is built and shipped; test/support/buildRuntime.ts brings it up to date before the tests. */
export const RUNTIME = fileURLToPath(new URL('../../dist/runtime', import.meta.url));
const CLI = join(RUNTIME, 'cli.mjs');

/** No single wait of these tests may take longer, in ms. */
const DEADLINE_MS = 20_000;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start to the exit. */
  readonly ms: number;
}

/** The line of `serve --json`. */
export interface ReadyLine extends Endpoints {
  readonly pid: number;
  readonly version: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the first folder. */
  readonly cwd?: string;
  /** Written to the standard input, which then ends. */
  readonly input?: string;
  /** Program and first arguments in place of Node and the built CLI. */
  readonly program?: readonly [string, ...string[]];
}

/** A promise with a deadline: a test that hangs says what it waited for. */
export async function within<T>(what: () => string, promise: Promise<T>, ms = DEADLINE_MS): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited ${ms} ms for ${what()}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    // The aborted timer rejects, and nobody listens any more.
    late.catch(() => {});
  }
}

/** For what tells nothing when it happens: the end of a process that is not ours, a file that appears. */
export async function until(what: string, check: () => boolean | Promise<boolean>, ms = DEADLINE_MS) {
  const deadline = performance.now() + ms;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms until ${what}`);
    await delay(20);
  }
}

/** A running CLI. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Finished>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    const started = performance.now();
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.exited = once(child, 'close').then(() => {
      this.#wake();
      return {
        code: child.exitCode,
        signal: child.signalCode,
        stdout: this.stdout,
        stderr: this.stderr,
        ms: performance.now() - started,
      };
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it was not started');
    return this.child.pid;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when what it has printed matches. */
  async prints(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const look = async () => {
      while (!pattern.test(this[stream])) {
        if (!this.running) throw new Error(`it ended (${this.child.exitCode}) and printed only: ${this.all}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    };
    await within(() => `${pattern} on ${stream}; it printed: ${this.all}`, look());
  }

  /** The line of `serve --json`. */
  async ready(): Promise<ReadyLine> {
    await this.prints(/\n/);
    // The tests check that the contract's fields are there.
    return JSON.parse(this.stdout) as ReadyLine;
  }

  async ends(ms?: number): Promise<Finished> {
    return within(() => `the end of the CLI, which printed: ${this.all}`, this.exited, ms);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  private get all(): string {
    return `${this.stdout}\n${this.stderr}`;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A state directory, a Codex home, folders and a scripted model, and the built CLI on them. */
export class CliBench {
  readonly model: ScriptedModel;
  readonly codex: CodexHome;
  readonly dir: TempDir;
  /** The state directory. */
  readonly home: string;
  readonly folders: readonly [string, string];
  readonly #started: CliProcess[] = [];
  readonly #faces: BridgeConnection[] = [];

  /** `needsLogin`: Codex has none, and its model wants one. `codexConfig`: more lines of config.toml. */
  static async create(options: { needsLogin?: boolean; codexConfig?: string } = {}): Promise<CliBench> {
    const dir = await tempDir('cl');
    const model = await ScriptedModel.start();
    const codex = await makeCodexHome({
      modelUrl: model.url,
      dir: join(dir.path, 'ch'),
      config: options.codexConfig ?? '',
      needsLogin: options.needsLogin ?? false,
    });
    return new CliBench(dir, model, codex);
  }

  private constructor(dir: TempDir, model: ScriptedModel, codex: CodexHome) {
    this.dir = dir;
    this.model = model;
    this.codex = codex;
    this.home = join(dir.path, 's');
    const real = realpathSync(dir.path);
    this.folders = [join(real, 'f0'), join(real, 'f1')];
    for (const folder of this.folders) mkdirSync(folder);
  }

  get env(): Record<string, string> {
    return { ...this.codex.env, CODEX_BRIDGE_HOME: this.home, CODEX_BRIDGE_CODEX: codexBinary() };
  }

  start(args: readonly string[], options: StartOptions = {}): CliProcess {
    const [program, ...first] = options.program ?? [process.execPath, CLI];
    const child = spawn(program, [...first, ...args], {
      cwd: options.cwd ?? this.folders[0],
      env: { ...this.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    // The CLI may refuse before it has read everything: the exit tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    const started = new CliProcess(child);
    this.#started.push(started);
    return started;
  }

  run(args: readonly string[], options?: StartOptions): Promise<Finished> {
    return this.start(args, options).ends();
  }

  /** `ask --json`: the line of the result, and the whole end. */
  async ask(prompt: string, ...more: string[]): Promise<Finished & { result: AskResult }> {
    const finished = await this.run(['ask', '--json', ...more, prompt]);
    const result = jsonLines(finished.stdout).find(({ type }) => type === 'result');
    if (result === undefined) throw new Error(`no result: ${finished.stdout}\n${finished.stderr}`);
    // The shape is the CLI's own; the tests look at what they need.
    return { ...finished, result: result as unknown as AskResult };
  }

  /** A face of ours on the running bridge, let go of at the end. */
  async face(): Promise<BridgeConnection> {
    const face = await connectBridge({
      home: this.home,
      kind: 'cli',
      canAnswer: false,
      version: '0.1.0',
      start: false,
    });
    return this.keep(face);
  }

  /** Lets go of a connection at the end. */
  keep(face: BridgeConnection): BridgeConnection {
    this.#faces.push(face);
    return face;
  }

  async discovery(): Promise<Discovery> {
    // Written by the bridge that is being tested.
    return JSON.parse(await readFile(join(this.home, 'bridge.json'), 'utf8')) as Discovery;
  }

  writeSettings(limits: Partial<BridgeSettings['limits']>): void {
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    const settings = { ...DEFAULT_SETTINGS, limits: { ...DEFAULT_SETTINGS.limits, ...limits } };
    writeFileSync(join(this.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
  }

  /** A program that stands in for Codex and prints a version. */
  async standIn(version: string): Promise<string> {
    const file = join(this.dir.path, 'codex-stand-in');
    await writeFile(file, `#!/bin/sh\necho "codex-cli ${version}"\n`);
    await chmod(file, 0o755);
    return file;
  }

  async mode(...path: string[]): Promise<number> {
    return (await stat(join(this.home, ...path))).mode & 0o777;
  }

  /** All processes of this bench: by their environment, and whatever those have started. */
  processes(): number[] {
    return processesOf({ stateDir: this.home, codexHome: this.codex.home });
  }

  /** Ends everything and removes it; fails when something lives on. */
  async dispose(): Promise<void> {
    for (const face of this.#faces) face.dispose();
    for (const { child } of this.#started) child.kill('SIGKILL');
    await Promise.all(this.#started.map(({ exited }) => exited));
    const before = this.processes();
    try {
      await this.run(['stop', '--now']);
      await until(`no process is left of ${before}`, () => this.processes().length + alive(before) === 0);
    } finally {
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
      await this.model.close();
      await this.dir.dispose();
    }
  }
}

export interface AskResult {
  readonly session: string;
  readonly turn: string;
  readonly status: string;
  readonly answer: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export function jsonLines(text: string): Record<string, unknown>[] {
  // Each line is an object, or JSON.parse throws and the test fails.
  return text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
}
