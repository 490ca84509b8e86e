import type { Translate } from '../../shared/l10n.ts';
import type { FolderKey, SessionId, SessionSummary } from '../../shared/session.ts';
import { visibleLine } from '../../shared/visible.ts';

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
  running: { icon: 'sync~spin', color: 'charts.blue' },
  waiting_for_approval: {
    icon: 'bell-dot',
    color: 'notificationsWarningIcon.foreground',
  },
  queued: { icon: 'clock', color: 'charts.blue' },
  failed: { icon: 'error', color: 'notificationsErrorIcon.foreground' },
  idle: { icon: 'comment', color: undefined },
} as const;

export function lookOf(session: SessionSummary, now: number, t: Translate): SessionLook {
  const { state, archived, title, updatedAt, turns, held } = session;
  const shown = STATES[state];
  const words = stateWords(state, t);
  const busy = state === 'running' || state === 'waiting_for_approval' || state === 'queued';
  const parts = [
    // Held prompts make it "queued": that they are held says more.
    ...((busy && !(state === 'queued' && held !== undefined)) || state === 'failed' ? [words] : []),
    ...(held === undefined ? [] : [t('{0} held', held)]),
    relativeTime(updatedAt, now, t),
    // The index of the last time does not know how many there were.
    ...(turns > 0 ? [turns === 1 ? t('1 turn') : t('{0} turns', turns)] : []),
    ...(archived ? [t('archived')] : []),
  ];
  return {
    label: title.trim() === '' ? t('Untitled session') : visibleLine(title),
    description: parts.join(' · '),
    icon: archived ? 'archive' : shown.icon,
    ...(archived || shown.color === undefined ? {} : { color: shown.color }),
    context: archived ? 'session.archived' : busy ? 'session.busy' : 'session.idle',
    state: archived ? t('archived') : words,
  };
}

/** What a session does, in a word or two. */
export function stateWords(state: SessionSummary['state'], t: Translate): string {
  switch (state) {
    case 'running':
      return t('running');
    case 'waiting_for_approval':
      return t('waiting for you');
    case 'queued':
      return t('queued');
    case 'failed':
      return t('failed');
    case 'idle':
      return t('idle');
  }
}

/** How many of the unit before make one of this. */
const UNITS = [60, 60, 24, 7] as const;

/** `now`, `3 min`, `2 h`, `4 d`, `6 wk`: short enough for a narrow side bar. */
export function relativeTime(at: number, now: number, t: Translate): string {
  const units = [
    (n: number) => t('{0} min', n),
    (n: number) => t('{0} h', n),
    (n: number) => t('{0} d', n),
    (n: number) => t('{0} wk', n),
  ];
  let amount = Math.max(0, now - at) / 1000;
  let shown = t('now');
  for (const [index, size] of UNITS.entries()) {
    amount /= size;
    if (amount < 1) break;
    shown = units[index]?.(Math.floor(amount)) ?? shown;
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
