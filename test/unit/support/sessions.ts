import { NO_USAGE, type SessionSnapshot, type TurnSnapshot } from '../../../src/shared/session.ts';

export function queuedTurn(id: string, more: Partial<TurnSnapshot> = {}): TurnSnapshot {
  return {
    id,
    source: { kind: 'cli' },
    prompt: 'Do it',
    attachments: [],
    status: 'queued',
    createdAt: 1,
    items: [],
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
    ...more,
  };
}

export function sessionWith(turns: readonly TurnSnapshot[] = []): SessionSnapshot {
  return {
    id: 's_test',
    folder: '0123456789abcdef',
    title: 'Test',
    archived: false,
    createdAt: 1,
    updatedAt: 1,
    usage: NO_USAGE,
    settings: {},
    turns,
    approvals: [],
    seq: 0,
  };
}
