import { withoutCopies } from '../../shared/changes.ts';
import type { TurnTask } from '../../shared/review.ts';
import {
  type FolderKey,
  NO_USAGE,
  type SessionId,
  type SessionSettings,
  type SessionSnapshot,
  type TurnId,
  type TurnSnapshot,
} from '../../shared/session.ts';
import { visibleLine } from '../../shared/visible.ts';
import { newSessionId, newTurnId } from '../ids.ts';

/** A change is reverted once, where it was made. */
const OF_THE_SOURCE = 'It was made in the session that this one was forked from; revert it there.';

/** A session without a turn. `now` in ms since the epoch. */
export function newSnapshot(
  folder: FolderKey,
  options: { readonly title?: string; readonly settings?: SessionSettings },
  now: number,
): SessionSnapshot {
  return {
    id: newSessionId(),
    folder,
    title: visibleLine(options.title ?? ''),
    archived: false,
    createdAt: now,
    updatedAt: now,
    settings: options.settings ?? {},
    usage: NO_USAGE,
    turns: [],
    approvals: [],
    seq: 0,
  };
}

/** A turn that waits to be started. */
export function queuedTurn(
  asked: Pick<TurnSnapshot, 'source' | 'prompt' | 'attachments' | 'createdAt'> & {
    readonly id?: TurnId;
    readonly task: TurnTask | undefined;
  },
): TurnSnapshot {
  const { id = newTurnId(), task, ...rest } = asked;
  return {
    ...rest,
    ...(task === undefined ? {} : { task }),
    id,
    status: 'queued',
    items: [],
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
  };
}

/** A session with the same turns, each under an id of its own. `thread`: the fork's, where Codex has one. */
export function forkSnapshot(
  head: SessionSnapshot,
  id: SessionId,
  thread: string | undefined,
  now: number,
): SessionSnapshot {
  const { thread: _own, ...source } = head;
  return {
    ...source,
    id,
    title: `${source.title} (fork)`,
    forkedFrom: source.id,
    createdAt: now,
    updatedAt: now,
    // The tokens were used once, by the source.
    usage: NO_USAGE,
    turns: source.turns.map((turn) => ({
      ...turn,
      id: newTurnId(),
      usage: NO_USAGE,
      ...(turn.changes === undefined ? {} : { changes: withoutCopies(turn.changes, OF_THE_SOURCE) }),
    })),
    seq: 0,
    ...(thread === undefined ? {} : { thread }),
  };
}
