import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openHistory } from '../../src/bridge/history/history.ts';
import { folderKey } from '../../src/bridge/ids.ts';
import type { SessionSnapshot } from '../../src/shared/session.ts';
import { MemoryLogger } from './appServers.ts';
import { commandLine, processesOf } from './processFamily.ts';

/** Every session of every folder, as it is on disk. Only while no bridge runs for the state directory. */
export function storedSessions(stateDir: string): SessionSnapshot[] {
  const folders = join(stateDir, 'folders');
  if (!existsSync(folders)) return [];
  return readdirSync(folders).flatMap((key) => sessionsOf(join(folders, key, 'history.db'), key));
}

function sessionsOf(file: string, key: string): SessionSnapshot[] {
  if (!existsSync(file)) return [];
  const history = openHistory(file, key, { logger: new MemoryLogger(), clock: { now: () => Date.now() } });
  try {
    const found: SessionSnapshot[] = [];
    for (const archived of [false, true]) {
      let cursor: string | undefined;
      do {
        const page = history.list({ archived, limit: 500, ...(cursor === undefined ? {} : { cursor }) });
        for (const { id } of page.sessions) {
          const session = history.read(id);
          if (session !== undefined) found.push(session);
        }
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
    return found;
  } finally {
    history.close();
  }
}

/** What stays in a state directory when its bridge has ended; all else was forgotten. */
const STAYS = [
  /^bin(\/|$)/,
  /^runtimes?(\/|$)/,
  /^bridge\.lock$/,
  /^port$/,
  /^settings\.json$/,
  /^logs(\/bridge\.log(\.1)?)?$/,
  /^run$/,
  /^folders(\/[0-9a-f]{16})?$/,
  /^folders\/[0-9a-f]{16}\/history\.db(-wal|-shm)?$/,
  /^folders\/[0-9a-f]{16}\/copies(\/|$)/,
  /^folders\/[0-9a-f]{16}\/previews$/,
];

export interface WhereToLook {
  readonly stateDir: string;
  readonly codexHome: string;
  /** Whose git repositories must have no worktree of ours. */
  readonly folders?: readonly string[];
  /** Files of the state directory that this test leaves on purpose. */
  readonly mayStay?: readonly RegExp[];
}

/**
 * What a bridge that has ended left behind: processes, sockets, worktrees, previews, drafts and other files.
 * Empty: nothing.
 */
export function leftOvers(options: WhereToLook): string[] {
  const { stateDir, folders = [], mayStay = [] } = options;
  const stays = [...STAYS, ...mayStay];
  const processes = processesOf(options).map((pid) => `process ${pid} lives on: ${commandLine(pid)}`);
  const files = filesIn(stateDir)
    .filter((path) => !stays.some((pattern) => pattern.test(path)))
    .map((path) => `${path} was left in the state directory`);
  const short = join(tmpdir(), `codex-bridge-${process.getuid?.() ?? 0}-${folderKey(stateDir)}`);
  const temporary = filesIn(short).map((path) => `${path} was left in ${short}`);
  const worktrees = folders.flatMap((folder) =>
    filesIn(join(folder, '.git', 'worktrees')).map((path) => `the worktree ${path} was left in ${folder}`),
  );
  return [...processes, ...files, ...temporary, ...worktrees];
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    relative(folder, join(entry.parentPath, entry.name)),
  );
}
