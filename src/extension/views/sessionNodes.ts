import type { FolderKey, SessionId, SessionSummary } from '../../shared/session.ts';

/** What the sessions tree consists of. Commands of its menus are given one of these. */
export type SessionsNode =
  | { readonly node: 'folder'; readonly key: FolderKey; readonly name: string }
  | { readonly node: 'session'; readonly id: SessionId; readonly folder: FolderKey };

/** How a session looks in a list: an icon of VS Code's and one of its theme colours. */
export interface SessionLook {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  readonly color?: string;
  /** `viewItem` in the `when` clauses of package.json. */
  readonly context: 'session.idle' | 'session.busy' | 'session.archived';
  /** The state in words, also for screen readers. */
  readonly state: string;
}

const STATES = {
  running: { icon: 'sync~spin', color: 'charts.blue', state: 'running' },
  waiting_for_approval: {
    icon: 'bell-dot',
    color: 'notificationsWarningIcon.foreground',
    state: 'waiting for you',
  },
  queued: { icon: 'clock', color: 'charts.blue', state: 'queued' },
  failed: { icon: 'error', color: 'notificationsErrorIcon.foreground', state: 'failed' },
  idle: { icon: 'comment', color: undefined, state: 'idle' },
} as const;

export function lookOf(session: SessionSummary, now: number): SessionLook {
  const { state, archived, title, updatedAt, turns } = session;
  const shown = STATES[state];
  const busy = state === 'running' || state === 'waiting_for_approval' || state === 'queued';
  const parts = [
    ...(busy || state === 'failed' ? [shown.state] : []),
    relativeTime(updatedAt, now),
    // The index of the last time does not know how many there were.
    ...(turns > 0 ? [turns === 1 ? '1 turn' : `${turns} turns`] : []),
    ...(archived ? ['archived'] : []),
  ];
  return {
    label: title.trim() === '' ? 'Untitled session' : title,
    description: parts.join(' · '),
    icon: archived ? 'archive' : shown.icon,
    ...(archived || shown.color === undefined ? {} : { color: shown.color }),
    context: archived ? 'session.archived' : busy ? 'session.busy' : 'session.idle',
    state: archived ? 'archived' : shown.state,
  };
}

const UNITS = [
  [60, 'min'],
  [60, 'h'],
  [24, 'd'],
  [7, 'wk'],
] as const;

/** `now`, `3 min`, `2 h`, `4 d`, `6 wk`: short enough for a narrow side bar. */
export function relativeTime(at: number, now: number): string {
  let amount = Math.max(0, now - at) / 1000;
  let shown = 'now';
  for (const [size, unit] of UNITS) {
    amount /= size;
    if (amount < 1) break;
    shown = `${Math.floor(amount)} ${unit}`;
  }
  return shown;
}

/** The session that a menu or a caller means, by its node or its id. */
export function sessionOf(argument: unknown): SessionId | undefined {
  if (typeof argument === 'string') return argument;
  return isNode(argument) && argument.node === 'session' ? argument.id : undefined;
}

/** True for what VS Code passes to a command from a menu of the tree. */
export function isNode(argument: unknown): argument is SessionsNode {
  if (typeof argument !== 'object' || argument === null || !('node' in argument)) return false;
  return argument.node === 'session'
    ? 'id' in argument && typeof argument.id === 'string'
    : argument.node === 'folder';
}
