import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type ErrorInfo, toErrorInfo } from '../../src/shared/errors.ts';
import type { NumberedEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import type { TurnTask } from '../../src/shared/review.ts';
import type { Params, RequestName, Result, RpcClient } from '../../src/shared/rpc.ts';
import {
  type Approval,
  type FolderKey,
  hasEnded,
  type SessionId,
  type SessionSettings,
  type SessionSnapshot,
  type TurnId,
  type TurnSnapshot,
} from '../../src/shared/session.ts';
import type {
  ChatContract,
  ChatProblem,
  ChatState,
  ChosenAttachment,
  ComposerOptions,
} from '../../src/shared/webview.ts';

export type WindowState = Omit<ChatState, 'session' | 'draft'>;

/** A turn with a signal of its own: what streams in one turn draws that turn and no other. */
export interface TurnSlot {
  readonly id: TurnId;
  readonly turn: Signal<TurnSnapshot>;
}

/** What of the session stays the same while a turn streams. */
export interface SessionHead {
  readonly id: SessionId;
  readonly title: string;
  readonly tokens: number;
  readonly context: SessionSnapshot['context'];
  readonly settings: SessionSettings;
}

/** Failures that are over when the window no longer has the problem that they tell of. */
const LACKS: Readonly<Record<string, ChatProblem['kind']>> = {
  CODEX_LOGGED_OUT: 'logged_out',
  CODEX_NOT_FOUND: 'no_codex',
  CODEX_TOO_OLD: 'no_codex',
};

/** The host takes no longer one. */
const MAX_DRAFT = 100_000;

/** Calls back before the next frame, and also where no frame comes because the page is hidden. */
export type Schedule = (callback: () => void) => void;

export function nextFrame(callback: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    callback();
  };
  requestAnimationFrame(once);
  setTimeout(once, 100);
}

/**
 * The chat's state: pulled once, then kept by numbered events through the same reducer as everywhere. Events
 * of one frame are applied together.
 */
export class ChatStore {
  readonly window: Signal<WindowState> = signal<WindowState>({
    problem: { kind: 'connecting' },
    folders: [],
    folder: null,
    sessions: [],
  });
  readonly head: Signal<SessionHead | null> = signal<SessionHead | null>(null);
  readonly turns: Signal<readonly TurnSlot[]> = signal<readonly TurnSlot[]>([]);
  /** The turn that can be steered. Told only when it is another one, not with each of its words. */
  readonly live: ReadonlySignal<TurnId | null> = computed(() => {
    const slot = this.turns.value.find(({ turn }) => {
      const { status } = turn.value;
      return status === 'running' || status === 'waiting_for_approval';
    });
    return slot?.id ?? null;
  });
  /** It takes something in addition: a review or a compaction does not. */
  readonly steerable: ReadonlySignal<TurnId | null> = computed(() => {
    const slot = this.turns.value.find(({ id }) => id === this.live.value);
    return slot === undefined || slot.turn.value.task !== undefined ? null : slot.id;
  });
  /** The next prompt would wait. */
  readonly busy: ReadonlySignal<boolean> = computed(() =>
    this.turns.value.some(({ turn }) => !hasEnded(turn.value.status) && turn.value.held !== true),
  );
  /** How many prompts wait until the person has them sent. */
  readonly held: ReadonlySignal<number> = computed(
    () => this.turns.value.filter(({ turn }) => turn.value.held === true).length,
  );
  readonly approvals: Signal<readonly Approval[]> = signal<readonly Approval[]>([]);
  /** The person has asked for the card, wherever the keyboard was. */
  readonly reviewing: Signal<boolean> = signal(false);
  /** False until the host has answered for the first time. */
  readonly loaded: Signal<boolean> = signal(false);
  /** What went wrong with the person's last action. */
  readonly failure: Signal<ErrorInfo | null> = signal<ErrorInfo | null>(null);
  /** Counts up with each change of the transcript. */
  readonly revision: Signal<number> = signal(0);
  readonly draft: Signal<string> = signal('');
  /** What goes along with the next prompt. */
  readonly attachments: Signal<readonly ChosenAttachment[]> = signal<readonly ChosenAttachment[]>([]);
  /** What was added to running turns, until Codex has taken it up. */
  readonly steers: Signal<readonly { readonly turn: TurnId; readonly text: string }[]> = signal<
    readonly { readonly turn: TurnId; readonly text: string }[]
  >([]);
  /** What the pickers offer; null until the host has told. */
  readonly options: Signal<ComposerOptions | null> = signal<ComposerOptions | null>(null);
  readonly #rpc: RpcClient<ChatContract>;
  readonly #schedule: Schedule;
  #session: SessionSnapshot | null = null;
  #waiting: ({ session: SessionId } & NumberedEvent)[] = [];
  #scheduled = false;
  #pulling = false;
  /** The folder that was chosen here, until the host has heard of it. */
  #chosen: FolderKey | null = null;

  constructor(rpc: RpcClient<ChatContract>, schedule: Schedule = nextFrame) {
    this.#rpc = rpc;
    this.#schedule = schedule;
    rpc.on('state', (state) => {
      this.#setWindow(state);
      // What could not be sent for want of a login or of a Codex can be sent now.
      const lacks = LACKS[this.failure.value?.code ?? ''];
      if (lacks !== undefined && state.problem?.kind !== lacks) this.failure.value = null;
    });
    rpc.on('session', ({ session }) => {
      // What came before belongs to the old snapshot; what follows, to this one.
      this.#waiting = [];
      this.#show(session);
    });
    rpc.on('approval.focus', () => {
      this.reviewing.value = true;
    });
    rpc.on('event', (event) => {
      this.#waiting.push(event);
      this.#flushSoon();
    });
  }

  /** Pulls everything. */
  async pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      const { session, draft, ...state } = await this.#rpc.request('ready', {});
      batch(() => {
        this.#setWindow(state);
        if (!this.loaded.value) this.draft.value = draft;
        this.loaded.value = true;
        this.#show(session);
      });
    } finally {
      this.#pulling = false;
      if (this.#waiting.length > 0) this.#flushSoon();
    }
  }

  /** Asks the host; a failure is shown. @returns undefined when it failed. */
  async ask<M extends RequestName<ChatContract>>(
    method: M,
    params: Params<ChatContract, M>,
  ): Promise<Result<ChatContract, M> | undefined> {
    this.failure.value = null;
    try {
      return await this.#rpc.request(method, params);
    } catch (error) {
      this.failure.value = toErrorInfo(error);
      return undefined;
    }
  }

  /**
   * Where the next session goes. At once: a prompt that follows on its heels must not go to the folder that was
   * there before, also where older news of the host's come in between.
   */
  async chooseFolder(folder: FolderKey): Promise<void> {
    this.#chosen = folder;
    this.#setWindow(this.window.value);
    await this.ask('session.new', { folder });
    if (this.#chosen === folder) this.#chosen = null;
  }

  /** Sends a prompt with what is attached. @returns undefined when it was not taken; then nothing is lost. */
  async sendPrompt(
    prompt: string,
    options: { settings?: SessionSettings; typed?: string } = {},
  ): Promise<{ session: SessionId } | undefined> {
    if (prompt.trim() === '') return undefined;
    const chosen = this.attachments.value;
    const { folder } = this.window.value;
    this.attachments.value = [];
    const sent = await this.ask('prompt', {
      session: this.head.value?.id ?? null,
      prompt,
      ...(folder === null ? {} : { folder }),
      ...(chosen.length === 0 ? {} : { attachments: chosen.map(({ attachment }) => attachment) }),
      ...options,
    });
    if (sent === undefined) this.attachments.value = [...chosen, ...this.attachments.value];
    return sent;
  }

  /** Begins what is no prompt, in the open session or a new one. @returns undefined when it was not taken */
  startTask(task: TurnTask, typed: string): Promise<{ session: SessionId } | undefined> {
    const { folder } = this.window.value;
    return this.ask('task', {
      session: this.head.value?.id ?? null,
      task,
      typed,
      ...(folder === null ? {} : { folder }),
    });
  }

  /** Adds to a running turn. @returns undefined when it was not taken. */
  async steer(turn: TurnId, text: string): Promise<null | undefined> {
    const session = this.head.value?.id;
    if (session === undefined) return undefined;
    const done = await this.ask('steer', { session, turn, prompt: text });
    if (done !== undefined) this.steers.value = [...this.steers.value, { turn, text }];
    return done;
  }

  /** Attaches what the host has or knows. */
  async attach(what: Params<ChatContract, 'composer.attach'>['what']): Promise<void> {
    const added = await this.ask('composer.attach', { folder: this.window.value.folder, what });
    if (added === undefined) return;
    const known = new Set(this.attachments.value.map(({ label }) => label));
    const fresh = added.attachments.filter(({ label }) => !known.has(label));
    this.attachments.value = [...this.attachments.value, ...fresh];
  }

  async loadOptions(): Promise<void> {
    const options = await this.ask('composer.options', { folder: this.window.value.folder });
    if (options !== undefined) this.options.value = options;
  }

  /** For the open session, or the next new one; `null` takes the default again. */
  async choose(choice: Params<ChatContract, 'composer.choose'>['choice']): Promise<void> {
    await this.ask('composer.choose', { session: this.head.value?.id ?? null, choice });
    await this.loadOptions();
  }

  /** Has the host keep the unsent text as it is now. */
  async keepDraft(): Promise<void> {
    try {
      await this.#rpc.request('draft', { text: this.draft.value.slice(0, MAX_DRAFT) });
    } catch (error) {
      this.failure.value = toErrorInfo(error);
    }
  }

  #flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // The snapshot that is on its way may hold these events already.
    if (this.#pulling) return;
    const events = this.#waiting;
    this.#waiting = [];
    let session = this.#session;
    for (const event of events) {
      if (session === null || event.session !== session.id || event.seq <= session.seq) continue;
      if (event.seq !== session.seq + 1) {
        void this.pull();
        break;
      }
      session = reduce(session, event);
    }
    if (session !== this.#session) this.#show(session);
  }

  #setWindow(state: WindowState): void {
    this.window.value = this.#chosen === null ? state : { ...state, folder: this.#chosen };
  }

  #show(session: SessionSnapshot | null): void {
    if (session?.id !== this.#session?.id && this.steers.value.length > 0) this.steers.value = [];
    const changed = session?.turns !== this.#session?.turns || session?.id !== this.#session?.id;
    this.#session = session;
    batch(() => {
      this.#showHead(session);
      this.#showTurns(session?.turns ?? []);
      const approvals = session?.approvals ?? [];
      if (approvals !== this.approvals.value) this.approvals.value = approvals;
      if (changed) this.revision.value += 1;
    });
  }

  #showHead(session: SessionSnapshot | null): void {
    const old = this.head.value;
    if (session === null) {
      this.head.value = null;
    } else if (
      old?.id !== session.id ||
      old.title !== session.title ||
      old.tokens !== session.usage.total ||
      old.context !== session.context ||
      old.settings !== session.settings
    ) {
      const { id, title, usage, context, settings } = session;
      this.head.value = { id, title, tokens: usage.total, context, settings };
    }
  }

  #showTurns(turns: readonly TurnSnapshot[]): void {
    const slots = this.turns.value;
    const same = slots.length === turns.length && slots.every((slot, place) => slot.id === turns[place]?.id);
    if (same) {
      for (const [place, turn] of turns.entries()) {
        const slot = slots[place];
        if (slot !== undefined) slot.turn.value = turn;
      }
      return;
    }
    const known = new Map(slots.map((slot) => [slot.id, slot]));
    this.turns.value = turns.map((turn) => {
      const slot = known.get(turn.id) ?? { id: turn.id, turn: signal(turn) };
      slot.turn.value = turn;
      return slot;
    });
  }
}
