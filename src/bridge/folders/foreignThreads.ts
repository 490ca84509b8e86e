import { realpath } from 'node:fs/promises';
import { BridgeError } from '../../shared/errors.ts';
import type { FolderInfo } from '../../shared/faces.ts';
import { NO_USAGE, type SessionId, type SessionSnapshot, type TurnSnapshot } from '../../shared/session.ts';
import { CLIENT_NAME } from '../codex/client.ts';
import { CodexRefusedError, isThreadLost } from '../codex/codexRefused.ts';
import { turnError } from '../codex/events/errors.ts';
import { toItem, userText } from '../codex/events/items.ts';
import type { Thread } from '../codex/generated/v2/Thread.ts';
import type { ThreadListResponse } from '../codex/generated/v2/ThreadListResponse.ts';
import type { Turn } from '../codex/generated/v2/Turn.ts';
import { newSessionId, newTurnId } from '../ids.ts';
import type { Clock, HistoryStore } from '../ports.ts';
import type { LiveSession } from '../sessions/liveSession.ts';
import { titleOf } from '../sessions/titles.ts';
import type { CodexHost } from './codexHost.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Threads that Codex lists at once. */
const LIST_PAGE = 100;

interface ForeignThreadsDeps {
  readonly info: FolderInfo;
  readonly history: HistoryStore;
  readonly codex: CodexHost;
  readonly clock: Clock;
  session(id: SessionId): LiveSession;
  /** Makes a session, on disk when it returns. */
  add(snapshot: SessionSnapshot): LiveSession;
}

/** Sessions by their thread, and threads of the folder that were begun elsewhere: by Codex's own programs. */
export class ForeignThreads {
  readonly #deps: ForeignThreadsDeps;
  /** A thread that is asked for twice at once is one session. */
  readonly #adopting = new Map<string, Promise<LiveSession>>();

  constructor(deps: ForeignThreadsDeps) {
    this.#deps = deps;
  }

  /**
   * The session of a thread. One that Codex knows in this very folder becomes a session, with what was said in it.
   *
   * @throws BridgeError `SESSION_NOT_FOUND`, also for a thread of another folder; `CODEX_*`
   */
  async session(thread: string): Promise<LiveSession> {
    const known = this.#deps.history.sessionOfThread(thread);
    if (known !== undefined) return this.#deps.session(known);
    if (!UUID.test(thread)) throw notFound(thread);
    const adopting = this.#adopting.get(thread) ?? this.#adopt(thread);
    this.#adopting.set(thread, adopting);
    try {
      return await adopting;
    } finally {
      this.#adopting.delete(thread);
    }
  }

  /**
   * Brings back the sessions that a damaged history has lost: Codex keeps the threads that the bridge had begun
   * in this folder. Answers with their number.
   *
   * @throws BridgeError `CODEX_*`
   */
  async bringBack(): Promise<number> {
    let count = 0;
    for (const archived of [false, true]) {
      for (const { id, updatedAt } of await this.#ours(archived)) {
        if (this.#deps.history.sessionOfThread(id) !== undefined) continue;
        await this.#adopt(id, { archived, updatedAt: updatedAt * 1000 });
        count++;
      }
    }
    return count;
  }

  /** The threads in this very folder that were begun by this program. */
  async #ours(archived: boolean): Promise<Thread[]> {
    const { client } = await this.#deps.codex.link();
    const found: Thread[] = [];
    let cursor: string | null = null;
    do {
      const page: ThreadListResponse = await client.call('thread/list', {
        cwd: this.#deps.info.path,
        archived,
        cursor,
        limit: LIST_PAGE,
        modelProviders: [],
        sourceKinds: ['cli', 'vscode', 'exec', 'appServer', 'unknown'],
      });
      const ours = page.data.filter(({ originator }) => originator === CLIENT_NAME);
      found.push(...ours.filter(({ parentThreadId, ephemeral }) => parentThreadId === null && !ephemeral));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  }

  async #adopt(id: string, known?: { archived: boolean; updatedAt: number }): Promise<LiveSession> {
    const thread = await this.#read(id);
    const { clock, info, add } = this.#deps;
    return add({
      id: newSessionId(),
      folder: info.key,
      title: titleOf(thread.name ?? thread.preview),
      archived: known?.archived ?? false,
      createdAt: thread.createdAt * 1000,
      updatedAt: known?.updatedAt ?? clock.now(),
      settings: {},
      // What it has used so far, nobody tells.
      usage: NO_USAGE,
      thread: id,
      turns: thread.turns.flatMap((turn) => this.#turnOf(turn, thread)),
      approvals: [],
      seq: 0,
    });
  }

  async #read(threadId: string): Promise<Thread> {
    const { client } = await this.#deps.codex.link();
    try {
      const { thread } = await client.call('thread/read', { threadId, includeTurns: true });
      // Codex reaches every folder's threads; those of another one are as unknown as those that never were.
      const here = await realpath(thread.cwd).catch(() => undefined); // Gone: no folder of ours.
      if (here === this.#deps.info.path && thread.parentThreadId === null && !thread.ephemeral) return thread;
    } catch (error) {
      if (!isThreadLost(error) && !(error instanceof CodexRefusedError)) throw error;
    }
    throw notFound(threadId);
  }

  #turnOf(turn: Turn, thread: Thread): TurnSnapshot[] {
    const startedAt = (turn.startedAt ?? thread.createdAt) * 1000;
    const endedAt = (turn.completedAt ?? turn.startedAt ?? thread.createdAt) * 1000;
    const [first] = turn.items.flatMap((item) => (item.type === 'userMessage' ? [item] : []));
    if (first === undefined) return [];
    const context = { folder: this.#deps.info.path, done: true, startedAt, endedAt };
    return [
      {
        id: newTurnId(),
        source: { kind: 'terminal' },
        prompt: userText(first.content),
        attachments: [],
        // One that runs elsewhere is not ours to follow.
        status: turn.status === 'inProgress' ? 'interrupted' : turn.status,
        createdAt: startedAt,
        startedAt,
        endedAt,
        codexTurn: turn.id,
        items: turn.items.filter((item) => item !== first).map((item) => toItem(item, context)),
        plan: [],
        diff: '',
        usage: NO_USAGE,
        ...(turn.error === null ? {} : { error: turnError(turn.error) }),
        notices: [],
      },
    ];
  }
}

function notFound(thread: string): BridgeError {
  return new BridgeError(
    'SESSION_NOT_FOUND',
    `There is no session "${thread.slice(0, 100)}" in this folder, and Codex knows no such thread of it. Start a new one.`,
  );
}
