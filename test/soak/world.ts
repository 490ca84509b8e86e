import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BridgeError, type ErrorCode, messageOf } from '../../src/shared/errors.ts';
import type { Endpoints } from '../../src/shared/faces.ts';
import type { FolderKey, SessionId } from '../../src/shared/session.ts';
import { type BridgeSettings, DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type CodexHome, codexBinary, makeCodexHome, type TempDir, tempDir } from '../support/codexHome.ts';
import { Oracle } from '../support/oracle.ts';
import { ModelTally } from '../support/oracleChecks.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { soakScript } from './prompts.ts';
import type { SoakWindow } from './window.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const VERSION: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** More prompts than this, and a session is left alone: its context would grow without end. */
const SESSION_PROMPTS = 30;

/** What a request may be answered while others kill, delete and restart what it is about. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  'CONNECTION_CLOSED',
  'BRIDGE_NOT_RUNNING',
  'BRIDGE_STOPPING',
  'SESSION_NOT_FOUND',
  'SESSION_ARCHIVED',
  'SESSION_BUSY',
  'TURN_NOT_FOUND',
  'TURN_NOT_RUNNING',
  'APPROVAL_NOT_FOUND',
  'FOLDER_UNKNOWN',
  'QUEUE_FULL',
  'CODEX_EXITED',
  'CODEX_REFUSED',
  'MODEL_ERROR',
]);

/** A Codex that is killed while it starts. */
const KILLED_AT_START = /exited with SIG/;

export interface SoakSession {
  readonly id: SessionId;
  readonly folder: FolderKey;
  prompts: number;
}

/** Everything that the actors of a soak share. */
export class World {
  readonly oracle = new Oracle();
  readonly tally = new ModelTally();
  readonly dir: TempDir;
  readonly model: ScriptedModel;
  readonly codex: CodexHome;
  readonly stateDir: string;
  /** A copy of what is built: building again during the soak does not disturb it. */
  readonly runtime: string;
  /** The last one comes and goes. */
  readonly folders: readonly string[];
  readonly openFolders: Set<string>;
  readonly windows: SoakWindow[] = [];
  /** Those that prompts go to; the oldest leave it. */
  readonly sessions: SoakSession[] = [];
  readonly counts = new Map<string, number>();
  readonly problems: string[] = [];
  /** Times of `SoakWindow.join`, in ms. */
  readonly joins: number[] = [];
  readonly #sessionsWanted: number;
  endpoints: Endpoints | undefined;
  stopping = false;
  readonly #started = performance.now();
  #bridge: number | undefined;
  #gone = Promise.withResolvers<void>();

  static async open(sessions: number): Promise<World> {
    const dir = await tempDir('soak');
    const model = await ScriptedModel.start();
    const codex = await makeCodexHome({ modelUrl: model.url, dir: join(dir.path, 'ch') });
    return new World(dir, model, codex, sessions);
  }

  private constructor(dir: TempDir, model: ScriptedModel, codex: CodexHome, sessions: number) {
    this.dir = dir;
    this.model = model;
    this.codex = codex;
    this.#sessionsWanted = sessions;
    this.stateDir = join(dir.path, 's');
    this.runtime = join(dir.path, 'runtime');
    cpSync(join(root, 'dist/runtime'), this.runtime, { recursive: true });
    this.folders = ['f0', 'f1', 'f2'].map((name) => join(dir.path, name));
    for (const folder of this.folders) mkdirSync(folder);
    this.openFolders = new Set(this.folders);
    // A window hands its own environment on to the bridge that it starts.
    Object.assign(process.env, this.env);
    model.script((request) => {
      this.tally.add(request);
      this.count('requests to the model');
      // They hold whole contexts; the tally is enough.
      model.requests.length = 0;
      return soakScript(request);
    });
  }

  get env(): Record<string, string> {
    return { ...this.codex.env, CODEX_BRIDGE_HOME: this.stateDir, CODEX_BRIDGE_CODEX: codexBinary() };
  }

  get settings(): BridgeSettings {
    return {
      ...DEFAULT_SETTINGS,
      limits: { ...DEFAULT_SETTINGS.limits, runningTurns: 6, loadedSessions: 15 },
    };
  }

  /** Process id of the bridge that runs now. */
  get bridge(): number | undefined {
    return this.#bridge;
  }

  /** Resolves when another bridge has come in its place. */
  get bridgeGone(): Promise<void> {
    return this.#gone.promise;
  }

  /** A window has found this bridge. */
  found(bridge: number): void {
    if (this.#bridge === bridge) return;
    this.#bridge = bridge;
    this.count('bridges');
    this.#gone.resolve();
    this.#gone = Promise.withResolvers();
  }

  /** Since the start. */
  get seconds(): string {
    return ((performance.now() - this.#started) / 1000).toFixed(1);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** True while there are too few sessions to prompt in. */
  get wantsSession(): boolean {
    return this.sessions.length < this.#sessionsWanted;
  }

  /** A prompt goes there. */
  prompted(session: SoakSession): void {
    session.prompts += 1;
    if (session.prompts >= SESSION_PROMPTS) this.retire(session.id);
  }

  retire(id: SessionId): void {
    const at = this.sessions.findIndex((session) => session.id === id);
    if (at >= 0) this.sessions.splice(at, 1);
  }

  /** A request was refused; whether that may be is decided here. */
  refused(by: string, what: string, error: unknown): void {
    const code = error instanceof BridgeError ? error.code : undefined;
    this.refusedWith(by, what, code, messageOf(error));
  }

  refusedWith(by: string, what: string, code: string | undefined, message: string): void {
    this.count(`refused: ${code ?? 'no code'}`);
    if (code === 'CODEX_START_FAILED' && KILLED_AT_START.test(message)) return;
    if (![...EXPECTED].some((expected) => expected === code))
      this.problem(`${by}, ${what}: ${code}: ${message}`);
  }

  problem(what: string): void {
    this.problems.push(`${what} (at ${this.seconds} s)`);
  }
}
