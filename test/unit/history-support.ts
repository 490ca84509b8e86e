import { join } from 'node:path';
import type { Database } from '../../src/bridge/history/database.ts';
import {
  type History,
  type HistoryDeps,
  openHistory,
  SqliteHistory,
} from '../../src/bridge/history/history.ts';
import type { Logger } from '../../src/bridge/ports.ts';
import type { NumberedEvent, SessionEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import {
  type Item,
  NO_USAGE,
  type SessionSnapshot,
  type TokenUsage,
  type TurnSnapshot,
} from '../../src/shared/session.ts';
import { tempDir } from '../support/codexHome.ts';

export const FOLDER = '0123456789abcdef';

/** A log that keeps what it was told. */
export function recordingLogger(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const logger = {
    warnings,
    debug: () => {},
    info: () => {},
    warn: (message: string) => void warnings.push(message),
    error: (message: string) => void warnings.push(message),
    child: () => logger,
  };
  return logger;
}

/** A folder of its own with histories in it; all are closed and removed at the end. */
export async function historyDir(): Promise<{
  readonly path: string;
  readonly file: string;
  open(deps?: Partial<HistoryDeps> & { file?: string }): History;
  /** A history on a connection that the test has opened. */
  openOn(db: Database): History;
  dispose(): Promise<void>;
}> {
  const dir = await tempDir('history');
  const opened: History[] = [];
  const file = join(dir.path, 'state', 'history.db');
  return {
    path: dir.path,
    file,
    open(deps = {}) {
      const { file: other, ...rest } = deps;
      const store = openHistory(other ?? file, FOLDER, { ...defaults(), ...rest });
      opened.push(store);
      return store;
    },
    openOn(db) {
      const store = new SqliteHistory(db, FOLDER, defaults(), undefined);
      opened.push(store);
      return store;
    },
    async dispose() {
      for (const store of opened) store.close();
      await dir.dispose();
    },
  };
}

function defaults(): HistoryDeps {
  return { logger: recordingLogger(), clock: { now: () => 1_000_000 } };
}

export function newSession(id: string, changes: Partial<SessionSnapshot> = {}): SessionSnapshot {
  return {
    id,
    folder: FOLDER,
    title: `Session ${id}`,
    archived: false,
    createdAt: 1000,
    updatedAt: 1000,
    usage: NO_USAGE,
    settings: {},
    turns: [],
    approvals: [],
    seq: 0,
    ...changes,
  };
}

export function queuedTurn(id: string, prompt: string, createdAt = 2000): TurnSnapshot {
  return {
    id,
    source: { kind: 'mcp', name: 'claude-code' },
    prompt,
    attachments: [],
    status: 'queued',
    createdAt,
    items: [],
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
  };
}

export function message(id: string, text: string, status: Item['status'] = 'running'): Item {
  return { id, type: 'agent_message', status, startedAt: 1, text };
}

export function tokens(input: number, cachedInput: number, output: number): TokenUsage {
  return { input, cachedInput, output, reasoningOutput: 0, total: input + output };
}

/** A session as the bridge has it: events are numbered and reduced, then given to the store. */
export class Live {
  snapshot: SessionSnapshot;

  constructor(snapshot: SessionSnapshot) {
    this.snapshot = snapshot;
  }

  /** Numbers and reduces the events, and gives them back for the store. */
  apply(...events: SessionEvent[]): NumberedEvent[] {
    return events.map((event) => {
      const numbered = { seq: this.snapshot.seq + 1, event };
      this.snapshot = reduce(this.snapshot, numbered);
      return numbered;
    });
  }

  append(store: History, ...events: SessionEvent[]): void {
    const numbered = this.apply(...events);
    store.append(this.snapshot, numbered);
  }
}

/** A session with one completed turn. */
export function addSession(
  store: History,
  id: string,
  turn: { prompt: string; answer: string; at?: number },
  changes: Partial<SessionSnapshot> = {},
): Live {
  const live = new Live(newSession(id, changes));
  store.createSession(live.snapshot);
  const at = turn.at ?? 2000;
  live.append(store, { type: 'turn.queued', turn: queuedTurn(`t_${id}`, turn.prompt, at) });
  live.append(
    store,
    { type: 'turn.started', turn: `t_${id}`, at, model: 'm' },
    { type: 'item.completed', turn: `t_${id}`, item: message('i', turn.answer, 'completed') },
    { type: 'turn.ended', turn: `t_${id}`, at, status: 'completed' },
  );
  return live;
}
