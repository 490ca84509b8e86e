import { answerOf, type SessionId, type SessionSnapshot } from '../../shared/session.ts';
import type { BridgeSettings, TurnRights } from '../../shared/settings.ts';
import type { CodexClient } from '../codex/client.ts';
import { isThreadLost } from '../codex/codexRefused.ts';
import type { SandboxPolicy } from '../codex/generated/v2/SandboxPolicy.ts';
import type { ThreadStartResponse } from '../codex/generated/v2/ThreadStartResponse.ts';
import type { TurnStartParams } from '../codex/generated/v2/TurnStartParams.ts';
import type { CodexLink } from '../folders/codexHost.ts';
import type { LiveSession } from './liveSession.ts';
import { ThreadRights } from './threadRights.ts';

/** How much of the earlier conversation a new thread is given, in UTF-16 units (about 15,000 tokens). */
export const MAX_RESTORED = 60_000;

export interface LoadedThread {
  readonly thread: string;
  /** The model of turns that ask for none. */
  readonly model: string;
  /** The earlier conversation, while Codex has lost the thread and this is a new one without a turn. */
  readonly restored?: string;
}

/** Model and reasoning effort of one turn; absent: the thread's own. */
export interface TurnChoice {
  readonly model?: string;
  readonly effort?: string;
}

/** What `thread/start`, `thread/resume` and `thread/fork` tell alike. */
type ThreadAnswer = Pick<ThreadStartResponse, 'thread' | 'model' | 'reasoningEffort'>;

interface LoadedEntry {
  readonly thread: string;
  readonly generation: number;
  /** What Codex said that the thread uses when it was loaded (`thread/start` and its kin). */
  readonly model: string;
  readonly effort: string | null;
  /** A turn has named another model or effort: Codex would keep it for the next ones. */
  overridden: boolean;
  /** The thread stands in for a lost one, and no turn has told it the earlier conversation yet. */
  blank: boolean;
}

/**
 * Makes sure that Codex has the session's thread loaded: starts a thread, resumes it, or, where Codex has
 * lost it (its files were deleted), goes on in a new one that is given the earlier conversation.
 *
 * Threads start and resume read-only and are raised per turn: a thread that starts with `workspace-write`
 * makes Codex mark the folder as trusted and run what the repository configures.
 */
export class Threads {
  readonly rights = new ThreadRights();
  readonly #folder: string;
  readonly #settings: () => BridgeSettings;
  /** Session id to the thread and the Codex generation in which it is loaded. */
  readonly #loaded = new Map<SessionId, LoadedEntry>();
  readonly #sessions = new Map<string, SessionId>();
  /** A turn and a terminal may want the same thread at the same time. */
  readonly #loading = new Map<SessionId, Promise<LoadedEntry>>();

  constructor(deps: { folder: string; settings: () => BridgeSettings }) {
    this.#folder = deps.folder;
    this.#settings = deps.settings;
  }

  /** Sessions whose thread some Codex has loaded, in the order of their loading. */
  loaded(): SessionId[] {
    return [...this.#loaded.keys()];
  }

  /** The session whose thread that is, while it is loaded. */
  sessionOf(thread: string): SessionId | undefined {
    return this.#sessions.get(thread);
  }

  /** Codex has let go of the session's thread by itself: it was archived or deleted. */
  forget(session: SessionId): void {
    const loaded = this.#loaded.get(session);
    if (loaded !== undefined) {
      this.#sessions.delete(loaded.thread);
      this.rights.forget(loaded.thread);
    }
    this.#loaded.delete(session);
  }

  /** A new Codex has nothing loaded. */
  forgetAll(): void {
    this.#loaded.clear();
    this.#sessions.clear();
    this.rights.forgetAll();
  }

  async load(session: LiveSession, link: CodexLink): Promise<LoadedThread> {
    const entry = await this.#entry(session, link);
    const restored = entry.blank ? conversationOf(session.head) : '';
    return { thread: entry.thread, model: entry.model, ...(restored === '' ? {} : { restored }) };
  }

  /**
   * What `turn/start` must name so that nothing is left of what an earlier turn has asked for. Codex can't be
   * told "the model's own effort", so that one is looked up where the thread has none.
   */
  choice(
    session: SessionId,
    asked: TurnChoice,
    defaultEffort: (model: string) => string | undefined,
  ): TurnChoice {
    const entry = this.#loaded.get(session);
    if (entry?.overridden !== true) return asked;
    const effort = entry.effort ?? defaultEffort(asked.model ?? entry.model);
    return { model: entry.model, ...(effort === undefined ? {} : { effort }), ...asked };
  }

  /** Codex has taken a turn that was started with this choice; `told`: and with the earlier conversation. */
  accepted(session: SessionId, sent: TurnChoice, told = true): void {
    const entry = this.#loaded.get(session);
    if (entry === undefined) return;
    if (told) entry.blank = false;
    // Once anything was named, Codex keeps it: from then on every turn names what it wants.
    entry.overridden ||= sent.model !== undefined || sent.effort !== undefined;
  }

  /** A fork of the session's thread in Codex; undefined where Codex has lost the thread. */
  async fork(
    session: LiveSession,
    { client, generation }: CodexLink,
    fork: SessionId,
  ): Promise<string | undefined> {
    const { thread, blank } = await this.#entry(session, { client, generation });
    // An empty thread has nothing to fork: both sessions are told the conversation with their next prompts.
    if (blank) return undefined;
    const answer = await client.call('thread/fork', {
      threadId: thread,
      excludeTurns: true,
      ...this.#threadParams(session.head),
    });
    return this.#keep(fork, generation, answer).thread;
  }

  /** Codex may drop the thread from memory; it stays on disk. */
  async unload(session: SessionId, { client, generation }: CodexLink): Promise<void> {
    const loaded = this.#loaded.get(session);
    this.forget(session);
    if (loaded?.generation === generation)
      await client.call('thread/unsubscribe', { threadId: loaded.thread });
  }

  async #entry(session: LiveSession, link: CodexLink): Promise<LoadedEntry> {
    const loaded = this.#loaded.get(session.id);
    if (loaded?.generation === link.generation) return loaded;
    const loading = this.#loading.get(session.id) ?? this.#load(session, link);
    this.#loading.set(session.id, loading);
    try {
      return await loading;
    } finally {
      if (this.#loading.get(session.id) === loading) this.#loading.delete(session.id);
    }
  }

  async #load(session: LiveSession, { client, generation }: CodexLink): Promise<LoadedEntry> {
    const { head } = session;
    const resumed = head.thread === undefined ? undefined : await this.#resume(client, head, head.thread);
    if (resumed !== undefined) return this.#keep(session.id, generation, resumed);
    const started = await client.call('thread/start', this.#threadParams(head));
    const entry = this.#keep(session.id, generation, started);
    entry.blank = conversationOf(head) !== '';
    session.emit({ type: 'session.thread', thread: entry.thread });
    return entry;
  }

  #keep(session: SessionId, generation: number, told: ThreadAnswer): LoadedEntry {
    const entry = {
      thread: told.thread.id,
      generation,
      model: told.model,
      effort: told.reasoningEffort,
      overridden: false,
      blank: false,
    };
    this.#loaded.set(session, entry);
    this.#sessions.set(entry.thread, session);
    return entry;
  }

  /** Undefined where Codex has lost the thread. */
  async #resume(client: CodexClient, session: SessionSnapshot, threadId: string) {
    try {
      return await client.call('thread/resume', {
        threadId,
        excludeTurns: true,
        ...this.#threadParams(session),
      });
    } catch (error) {
      if (isThreadLost(error)) return undefined;
      throw error;
    }
  }

  #threadParams({ settings }: SessionSnapshot) {
    const model = settings.model ?? this.#settings().defaults.model;
    return {
      cwd: this.#folder,
      sandbox: 'read-only' as const,
      approvalPolicy: 'on-request' as const,
      ...(model === undefined ? {} : { model }),
      ...(settings.instructions === undefined ? {} : { developerInstructions: settings.instructions }),
    };
  }
}

/** The rights of one turn in Codex's terms; named where the thread has others, so that nothing carries over. */
export function turnRights(
  rights: TurnRights,
): Required<Pick<TurnStartParams, 'sandboxPolicy' | 'approvalPolicy' | 'approvalsReviewer'>> {
  return {
    sandboxPolicy: sandboxPolicy(rights),
    approvalPolicy: rights.approvalPolicy,
    approvalsReviewer: 'user',
  };
}

function sandboxPolicy({ sandbox, network, writableRoots }: TurnRights): SandboxPolicy {
  switch (sandbox) {
    case 'read-only':
      return { type: 'readOnly', networkAccess: false };
    case 'workspace-write':
      return {
        type: 'workspaceWrite',
        writableRoots: [...writableRoots],
        networkAccess: network,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      };
    case 'danger-full-access':
      return { type: 'dangerFullAccess' };
  }
}

/** The conversation so far, newest turns kept, as a text for a thread that does not know it. */
export function conversationOf(session: SessionSnapshot): string {
  const turns: string[] = [];
  let length = 0;
  for (const turn of session.turns.toReversed()) {
    const answer = answerOf(turn);
    if (
      turn.status === 'queued' ||
      turn.status === 'running' ||
      turn.task?.kind === 'compact' ||
      (answer === '' && turn.status !== 'completed')
    )
      continue;
    const text = `User:\n${turn.prompt}\n\nAssistant:\n${answer}`;
    if (length + text.length > MAX_RESTORED) {
      if (turns.length === 0) turns.push(shortened(text));
      turns.push('(Earlier turns are left out.)');
      break;
    }
    length += text.length;
    turns.push(text);
  }
  return turns.length === 0
    ? ''
    : `This conversation goes on from an earlier thread that is no longer available. What was said before:\n\n${turns.toReversed().join('\n\n')}\n\nThe user goes on:`;
}

/** Beginning and end of a turn that alone is too long: what was asked, and where it led. */
function shortened(text: string): string {
  const half = MAX_RESTORED / 2;
  // A cut between the halves of a character would make Codex refuse the whole message.
  return `${text.slice(0, half).toWellFormed()}\n(…)\n${text.slice(-half).toWellFormed()}`;
}
