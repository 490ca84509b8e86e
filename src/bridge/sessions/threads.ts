import { answerOf, type SessionSnapshot } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { CodexClient } from '../codex/client.ts';
import { isThreadLost } from '../codex/codexRefused.ts';
import type { SandboxPolicy } from '../codex/generated/v2/SandboxPolicy.ts';
import type { TurnStartParams } from '../codex/generated/v2/TurnStartParams.ts';
import type { CodexLink } from '../folders/codexHost.ts';
import type { LiveSession } from './liveSession.ts';

/** How much of the earlier conversation a new thread is given, in UTF-16 units (about 15,000 tokens). */
const MAX_RESTORED = 60_000;

export interface LoadedThread {
  readonly thread: string;
  /** The earlier conversation, when Codex had lost the thread and this is a new one. */
  readonly restored?: string;
}

/**
 * Makes sure that Codex has the session's thread loaded: starts a thread, resumes it, or, where Codex has
 * lost it (its files were deleted), goes on in a new one that is given the earlier conversation.
 *
 * Threads start and resume read-only and are raised per turn: a thread that starts with `workspace-write`
 * makes Codex mark the folder as trusted and run what the repository configures.
 */
export class Threads {
  readonly #folder: string;
  readonly #settings: () => BridgeSettings;
  /** Session id to the thread and the Codex generation in which it is loaded. */
  readonly #loaded = new Map<string, { thread: string; generation: number }>();
  readonly #sessions = new Map<string, string>();
  /** A turn and a terminal may want the same thread at the same time. */
  readonly #loading = new Map<string, Promise<string>>();
  /** Earlier conversations that the new thread of a session has not been given yet. */
  readonly #restored = new Map<string, string>();

  constructor(deps: { folder: string; settings: () => BridgeSettings }) {
    this.#folder = deps.folder;
    this.#settings = deps.settings;
  }

  isLoaded(session: string, generation: number): boolean {
    return this.#loaded.get(session)?.generation === generation;
  }

  /** Sessions whose thread some Codex has loaded, in the order of their loading. */
  loaded(): string[] {
    return [...this.#loaded.keys()];
  }

  /** The session whose thread that is, while it is loaded. */
  sessionOf(thread: string): string | undefined {
    return this.#sessions.get(thread);
  }

  /** The new thread has been given the earlier conversation. */
  restoredGiven(session: string): void {
    this.#restored.delete(session);
  }

  /** Codex has let go of the session's thread by itself: it was archived or deleted. */
  forget(session: string): void {
    const loaded = this.#loaded.get(session);
    if (loaded !== undefined) this.#sessions.delete(loaded.thread);
    this.#loaded.delete(session);
    this.#restored.delete(session);
  }

  /** A new Codex has nothing loaded. */
  forgetAll(): void {
    this.#loaded.clear();
    this.#sessions.clear();
  }

  /** `restored` comes again with every call until {@link Threads.restoredGiven}. */
  async load(session: LiveSession, link: CodexLink): Promise<LoadedThread> {
    const { id, head } = session;
    let { thread } = head;
    if (thread === undefined || !this.isLoaded(id, link.generation)) {
      const loading = this.#loading.get(id) ?? this.#load(session, link);
      this.#loading.set(id, loading);
      try {
        thread = await loading;
      } finally {
        if (this.#loading.get(id) === loading) this.#loading.delete(id);
      }
    }
    const restored = this.#restored.get(id);
    return restored === undefined ? { thread } : { thread, restored };
  }

  async #load(session: LiveSession, { client, generation }: CodexLink): Promise<string> {
    const { head } = session;
    if (head.thread !== undefined && (await this.#resume(client, head, head.thread))) {
      this.#keep(session.id, head.thread, generation);
      return head.thread;
    }
    const { thread } = await client.call('thread/start', this.#threadParams(head));
    this.#keep(session.id, thread.id, generation);
    session.emit({ type: 'session.thread', thread: thread.id });
    const restored = conversationOf(head);
    if (restored !== '') this.#restored.set(session.id, restored);
    return thread.id;
  }

  /** A fork of the session's thread in Codex; undefined where Codex has lost the thread. */
  async fork(
    session: LiveSession,
    { client, generation }: CodexLink,
    fork: string,
  ): Promise<string | undefined> {
    const { thread, restored } = await this.load(session, { client, generation });
    if (restored !== undefined) return undefined;
    const answer = await client.call('thread/fork', {
      threadId: thread,
      excludeTurns: true,
      ...this.#threadParams(session.head),
    });
    this.#keep(fork, answer.thread.id, generation);
    return answer.thread.id;
  }

  /** Codex may drop the thread from memory; it stays on disk. */
  async unload(session: string, { client, generation }: CodexLink): Promise<void> {
    const loaded = this.#loaded.get(session);
    if (loaded !== undefined) this.#sessions.delete(loaded.thread);
    this.#loaded.delete(session);
    if (loaded?.generation === generation)
      await client.call('thread/unsubscribe', { threadId: loaded.thread });
  }

  #keep(session: string, thread: string, generation: number): void {
    this.#loaded.set(session, { thread, generation });
    this.#sessions.set(thread, session);
  }

  async #resume(client: CodexClient, session: SessionSnapshot, thread: string): Promise<boolean> {
    try {
      await client.call('thread/resume', {
        threadId: thread,
        excludeTurns: true,
        ...this.#threadParams(session),
      });
      return true;
    } catch (error) {
      if (isThreadLost(error)) return false;
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

/** The rights of one turn in Codex's terms; sent with every turn, so that nothing carries over. */
export function turnRights(rights: {
  sandbox: 'read-only' | 'workspace-write' | 'danger-full-access';
  approvalPolicy: 'untrusted' | 'on-request' | 'never';
  network: boolean;
}): Required<Pick<TurnStartParams, 'sandboxPolicy' | 'approvalPolicy' | 'approvalsReviewer'>> {
  return {
    sandboxPolicy: sandboxPolicy(rights.sandbox, rights.network),
    approvalPolicy: rights.approvalPolicy,
    approvalsReviewer: 'user',
  };
}

function sandboxPolicy(
  sandbox: 'read-only' | 'workspace-write' | 'danger-full-access',
  networkAccess: boolean,
): SandboxPolicy {
  switch (sandbox) {
    case 'read-only':
      return { type: 'readOnly', networkAccess: false };
    case 'workspace-write':
      return {
        type: 'workspaceWrite',
        writableRoots: [],
        networkAccess,
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
      (answer === '' && turn.status !== 'completed')
    )
      continue;
    const text = `User:\n${turn.prompt}\n\nAssistant:\n${answer}`;
    if (length + text.length > MAX_RESTORED) {
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
