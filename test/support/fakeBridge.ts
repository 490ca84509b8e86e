import type { BridgeApi, FolderApi } from '../../src/bridge/api.ts';
import { folderKey, newSessionId, newTurnId } from '../../src/bridge/ids.ts';
import type { Clock, Logger, SessionQuery } from '../../src/bridge/ports.ts';
import type { PromptRequest, Session, SessionChange } from '../../src/bridge/sessions/session.ts';
import { Emitter } from '../../src/shared/disposables.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import type { BridgeStatus, FolderInfo, FolderStatus, Statistics } from '../../src/shared/faces.ts';
import { reduce } from '../../src/shared/reducer.ts';
import {
  hasEnded,
  heldTurns,
  NO_USAGE,
  type SessionSettings,
  type SessionSnapshot,
  summaryOf,
  type TurnEnd,
  type TurnId,
  type TurnSnapshot,
} from '../../src/shared/session.ts';
import { type BridgeSettings, DEFAULT_SETTINGS, effectiveRights } from '../../src/shared/settings.ts';

/** What a fake session does with a prompt; the default answers "Echo: …" at once. */
export type FakeScript = (session: FakeSession, turn: TurnId, request: PromptRequest) => void;

const echo: FakeScript = (session, turn, request) => {
  session.start(turn);
  session.say(turn, `Echo: ${request.prompt}`);
  session.end(turn, 'completed');
};

function raise(error: unknown): never {
  throw error;
}

/** A session in memory that tests drive event by event, through the real reducer. */
export class FakeSession implements Session {
  readonly prompts: PromptRequest[] = [];
  readonly steers: { turn: TurnId; text: string }[] = [];
  readonly #changes = new Emitter<SessionChange>(raise);
  readonly #folder: FakeFolder;
  #snapshot: SessionSnapshot;
  #item = 0;

  constructor(folder: FakeFolder, options: { title?: string; settings?: SessionSettings }) {
    this.#folder = folder;
    this.#snapshot = {
      id: newSessionId(),
      folder: folder.info.key,
      title: options.title ?? 'New session',
      archived: false,
      createdAt: 1_000,
      updatedAt: 1_000,
      usage: NO_USAGE,
      settings: options.settings ?? {},
      turns: [],
      approvals: [],
      seq: 0,
    };
  }

  readonly onChange = this.#changes.on;

  get listenerCount(): number {
    return this.#changes.listenerCount;
  }

  get id(): string {
    return this.#snapshot.id;
  }

  get snapshot(): SessionSnapshot {
    return this.#snapshot;
  }

  turn(id: TurnId): TurnSnapshot {
    const turn = this.#snapshot.turns.find((one) => one.id === id);
    if (turn === undefined) throw new BridgeError('TURN_NOT_FOUND', `There is no turn ${id}.`);
    return turn;
  }

  emit(event: SessionEvent): void {
    const numbered = { seq: this.#snapshot.seq + 1, event };
    this.#snapshot = reduce(this.#snapshot, numbered);
    this.#changes.fire({ ...numbered, snapshot: this.#snapshot });
  }

  async prompt(request: PromptRequest): Promise<{ turn: TurnId }> {
    effectiveRights(DEFAULT_SETTINGS, { ...this.#snapshot.settings, ...request.settings });
    this.prompts.push(request);
    const turn: TurnSnapshot = {
      id: newTurnId(),
      source: request.source,
      prompt: request.prompt,
      attachments: (request.attachments ?? []).map((one) => ({ kind: one.kind, label: one.kind })),
      status: 'queued',
      createdAt: 1_000,
      items: [],
      plan: [],
      diff: '',
      usage: NO_USAGE,
      notices: [],
    };
    this.emit({ type: 'turn.queued', turn });
    if (request.idempotencyKey !== undefined) {
      this.#folder.keys.set(request.idempotencyKey, { session: this.id, turn: turn.id });
    }
    this.#folder.script(this, turn.id, request);
    return { turn: turn.id };
  }

  async release(turn?: TurnId): Promise<TurnId[]> {
    const held = heldTurns(this.#snapshot).filter(({ id }) => turn === undefined || id === turn);
    for (const { id } of held) this.emit({ type: 'turn.released', turn: id });
    return held.map(({ id }) => id);
  }

  start(turn: TurnId): void {
    this.emit({ type: 'turn.started', turn, at: 1_001, model: 'gpt-test' });
  }

  /** A whole message; without `done` it stays open for {@link FakeSession.delta}. */
  say(turn: TurnId, text: string, done = true): string {
    const item = { id: `i${this.#item++}`, type: 'agent_message' as const, startedAt: 1_002, text };
    this.emit({ type: 'item.started', turn, item: { ...item, status: 'running', text: '' } });
    if (done) this.emit({ type: 'item.completed', turn, item: { ...item, status: 'completed' } });
    else this.delta(turn, item.id, text);
    return item.id;
  }

  delta(turn: TurnId, item: string, text: string): void {
    this.emit({ type: 'item.delta', turn, item, field: 'text', text });
  }

  end(turn: TurnId, status: TurnEnd, error?: { code: string; message: string }): void {
    this.emit({ type: 'turn.ended', turn, at: 1_500, status, ...(error === undefined ? {} : { error }) });
  }

  async steer(turn: TurnId, text: string): Promise<void> {
    if (this.turn(turn).status !== 'running') {
      throw new BridgeError('TURN_NOT_RUNNING', 'This turn does not run. Send a prompt instead.');
    }
    this.steers.push({ turn, text });
  }

  async cancel(turn?: TurnId): Promise<TurnId[]> {
    const live = this.#snapshot.turns.filter((one) => !hasEnded(one.status));
    const found = live.filter((one) => turn === undefined || one.id === turn).map((one) => one.id);
    for (const id of found) this.end(id, 'cancelled');
    return found;
  }

  ended(turn: TurnId, signal?: AbortSignal): Promise<TurnSnapshot> {
    return new Promise((resolve, reject) => {
      const now = this.turn(turn);
      if (hasEnded(now.status)) return resolve(now);
      const onAbort = () => {
        subscription.dispose();
        reject(new BridgeError('CANCELLED', 'Nobody waits any more.'));
      };
      const subscription = this.onChange(({ event }) => {
        if (event.type !== 'turn.ended' || event.turn !== turn) return;
        subscription.dispose();
        signal?.removeEventListener('abort', onAbort);
        resolve(this.turn(turn));
      });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async rename(title: string): Promise<void> {
    this.emit({ type: 'session.titled', title });
  }

  configure(settings: SessionSettings): void {
    this.emit({ type: 'session.settings', settings });
  }

  async archive(archived: boolean): Promise<void> {
    this.emit({ type: 'session.archived', archived });
  }

  answer(): void {
    throw new Error('not used');
  }
}

export class FakeFolder implements FolderApi {
  readonly info: FolderInfo;
  readonly sessions = new Map<string, FakeSession>();
  readonly keys = new Map<string, { session: string; turn: string }>();
  script: FakeScript = echo;
  restarts = 0;
  readonly #never = new Emitter<never>(raise);

  constructor(path: string, name: string) {
    this.info = { key: folderKey(path), path, name };
  }

  status(): FolderStatus {
    const turns = [...this.sessions.values()].flatMap((one) => one.snapshot.turns);
    const count = (status: string) => turns.filter((turn) => turn.status === status).length;
    return {
      ...this.info,
      codex: { state: 'ready', version: '0.169.0', loggedIn: true, restarts: this.restarts },
      running: count('running'),
      queued: count('queued'),
      waitingForApproval: count('waiting_for_approval'),
      loaded: this.sessions.size,
    };
  }

  createSession(options: { title?: string; settings?: SessionSettings }): FakeSession {
    const session = new FakeSession(this, options);
    this.sessions.set(session.id, session);
    return session;
  }

  session(id: string): FakeSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new BridgeError('SESSION_NOT_FOUND', `There is no session ${id}.`);
    return session;
  }

  sessionOfTurn(turn: string): FakeSession {
    for (const session of this.sessions.values()) {
      if (session.snapshot.turns.some((one) => one.id === turn)) return session;
    }
    throw new BridgeError('TURN_NOT_FOUND', `There is no turn ${turn}.`);
  }

  async sessionOfThread(thread: string): Promise<FakeSession> {
    for (const session of this.sessions.values()) if (session.snapshot.thread === thread) return session;
    throw new BridgeError('SESSION_NOT_FOUND', `There is no session ${thread}.`);
  }

  turnByKey(key: string) {
    return this.keys.get(key);
  }

  pendingTurns() {
    return [...this.sessions.values()].flatMap((session) =>
      session.snapshot.turns.flatMap((turn) => (hasEnded(turn.status) ? [] : [{ session, turn }])),
    );
  }

  list(query: SessionQuery) {
    if (query.cursor !== undefined) throw new BridgeError('CURSOR_INVALID', 'This cursor is not known.');
    const sessions = [...this.sessions.values()].map((one) => summaryOf(one.snapshot));
    const found = sessions.filter((one) => one.archived === (query.archived ?? false));
    const words = query.query;
    const named = words === undefined ? found : found.filter((one) => one.title.includes(words));
    return { sessions: named.slice(0, query.limit) };
  }

  async fork(id: string): Promise<FakeSession> {
    return this.createSession({ title: `Fork of ${this.session(id).snapshot.title}` });
  }

  async deleteSession(id: string): Promise<void> {
    await this.session(id).cancel();
    this.sessions.delete(id);
  }

  exportSession(id: string): string {
    return JSON.stringify(this.session(id).snapshot);
  }

  async diff(id: string): Promise<string> {
    return this.session(id)
      .snapshot.turns.map((turn) => turn.diff)
      .join('\n');
  }

  async screen(): Promise<string | undefined> {
    return undefined;
  }

  importSessions(data: string): string[] {
    if (!data.startsWith('{')) throw new BridgeError('IMPORT_INVALID', 'This is no export.');
    return [this.createSession({ title: 'Imported' }).id];
  }

  async turnDiff(turn: string): Promise<string> {
    return this.sessionOfTurn(turn).turn(turn).diff;
  }

  readonly applied: string[] = [];

  async applyPreview(turn: string): Promise<void> {
    this.applied.push(turn);
  }

  statistics(): Statistics {
    return {
      sessions: { total: this.sessions.size, active: this.sessions.size, archived: 0 },
      turns: { total: 0, byStatus: {}, durationMs: { total: 0, mean: 0, p50: 0, p95: 0 } },
      usage: NO_USAGE,
      byModel: {},
    };
  }

  async restart(): Promise<void> {
    this.restarts++;
  }

  readonly onSession = this.#never.on;
  readonly onRemoved = this.#never.on;
  readonly onStatus = this.#never.on;
  readonly onScreen = this.#never.on;
}

/** A fake behind our own port: a bridge with folders in memory and no Codex. */
export class FakeBridge implements BridgeApi {
  readonly version = '0.0.0-test';
  readonly startedAt = 1_000;
  settings = DEFAULT_SETTINGS;
  readonly #settingsChanged = new Emitter<void>(raise);
  readonly onSettings = this.#settingsChanged.on;
  readonly list: FakeFolder[];

  constructor(...folders: FakeFolder[]) {
    this.list = folders;
  }

  status(): BridgeStatus {
    return {
      version: this.version,
      contract: 1,
      pid: process.pid,
      startedAt: this.startedAt,
      stateDir: '/nowhere',
      url: '',
      faces: 0,
      clients: 0,
      folders: this.list.map((one) => one.status()),
      limits: this.settings.limits,
      ceiling: this.settings.ceiling,
    };
  }

  folders(): readonly FakeFolder[] {
    return this.list;
  }

  folder(key: string): FakeFolder {
    const found = this.list.find((one) => one.info.key === key);
    if (found === undefined) throw new BridgeError('FOLDER_UNKNOWN', `There is no folder ${key}.`);
    return found;
  }

  folderOfSession(session: string): FakeFolder {
    const found = this.list.find((one) => one.sessions.has(session));
    if (found === undefined) throw new BridgeError('SESSION_NOT_FOUND', `There is no session ${session}.`);
    return found;
  }

  async addFolder(path: string, name = path): Promise<FakeFolder> {
    const folder = new FakeFolder(path, name);
    this.list.push(folder);
    return folder;
  }

  clients(): never {
    throw new Error('not used');
  }

  endpoints(): never {
    throw new Error('not used');
  }

  statistics(): never {
    throw new Error('not used');
  }

  setSettings(settings: BridgeSettings): void {
    this.settings = settings;
    this.#settingsChanged.fire();
  }

  stop(): void {}
  async removeFolder(): Promise<void> {}
  readonly onFolders = new Emitter<never>(raise).on;
  readonly onFolderRemoved = new Emitter<never>(raise).on;
  readonly onClients = new Emitter<void>(raise).on;
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
