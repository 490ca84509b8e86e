import type { DeltaField, NumberedEvent, SessionEvent } from './events.ts';
import {
  hasEnded,
  type Item,
  NO_USAGE,
  type SessionSnapshot,
  type TokenUsage,
  type TurnSnapshot,
} from './session.ts';

/**
 * A command's output kept in a snapshot: the first and the last part (UTF-16 units). What lies between is
 * counted in `omitted`, so that a flood never grows memory without bound and the cut is always said.
 */
export const OUTPUT_HEAD = 64 * 1024;
export const OUTPUT_TAIL = 192 * 1024;

/**
 * The one pure reducer: the same on the bridge, in a window, in the webview and when history is read back.
 * Events about turns or items that are not there, or that have ended, change nothing.
 */
export function reduce(session: SessionSnapshot, { seq, event }: NumberedEvent): SessionSnapshot {
  const next = apply(session, event);
  return { ...next, seq };
}

function apply(session: SessionSnapshot, event: SessionEvent): SessionSnapshot {
  switch (event.type) {
    case 'session.titled':
      return { ...session, title: event.title };
    case 'session.archived':
      return { ...session, archived: event.archived };
    case 'session.settings':
      return { ...session, settings: event.settings };
    case 'session.thread': {
      const { thread: _old, ...rest } = session;
      return event.thread === null ? rest : { ...rest, thread: event.thread };
    }
    case 'turn.queued':
      return { ...session, turns: [...session.turns, event.turn], updatedAt: event.turn.createdAt };
    case 'turn.held':
      return mapLive(session, event.turn, (turn) =>
        turn.status === 'queued' ? { ...turn, held: true } : turn,
      );
    case 'turn.released':
      return mapLive(session, event.turn, released);
    case 'turn.started':
      return markWaiting(
        mapLive(session, event.turn, (turn) => ({
          ...released(turn),
          status: 'running',
          startedAt: event.at,
          ...(event.model === undefined ? {} : { model: event.model }),
        })),
      );
    case 'turn.accepted':
      return mapLive(session, event.turn, (turn) => ({
        ...turn,
        codexTurn: event.codexTurn,
        ...(event.model === undefined ? {} : { model: event.model }),
      }));
    case 'turn.ended':
      return endTurn(session, event);
    case 'turn.plan':
      return mapLive(session, event.turn, (turn) => ({ ...turn, plan: event.plan }));
    case 'turn.diff':
      return mapLive(session, event.turn, (turn) => ({ ...turn, diff: event.diff }));
    case 'turn.changes':
      return mapLive(session, event.turn, (turn) => ({ ...turn, changes: event.changes }));
    case 'turn.usage':
      return applyUsage(session, event);
    case 'turn.notice':
      return mapLive(session, event.turn, (turn) => ({ ...turn, notices: [...turn.notices, event.notice] }));
    case 'item.started':
      return mapLive(session, event.turn, (turn) => putItem(turn, event.item));
    case 'item.delta':
      return mapLive(session, event.turn, (turn) => extendItem(turn, event.item, event.field, event.text));
    case 'item.completed':
      return mapLive(session, event.turn, (turn) => putItem(turn, event.item));
    case 'approval.requested':
      if (!isLive(session, event.approval.turn)) return session;
      return markWaiting({ ...session, approvals: [...session.approvals, event.approval] });
    case 'approval.resolved':
      return markWaiting({
        ...session,
        approvals: session.approvals.filter((approval) => approval.id !== event.approval),
      });
    default:
      // What a newer bridge adds changes nothing here; the compiler still asks for each that is known.
      event satisfies never;
      return session;
  }
}

function released({ held: _held, ...turn }: TurnSnapshot): TurnSnapshot {
  return turn;
}

/** Changes one turn that has not ended. Running turns are at the end, so the search starts there. */
function mapLive(
  session: SessionSnapshot,
  id: string,
  change: (turn: TurnSnapshot) => TurnSnapshot,
): SessionSnapshot {
  for (let i = session.turns.length - 1; i >= 0; i--) {
    const turn = session.turns[i];
    if (turn?.id !== id) continue;
    if (hasEnded(turn.status)) return session;
    return { ...session, turns: session.turns.with(i, change(turn)) };
  }
  return session;
}

function isLive(session: SessionSnapshot, id: string): boolean {
  return session.turns.some((turn) => turn.id === id && !hasEnded(turn.status));
}

function endTurn(
  session: SessionSnapshot,
  event: Extract<SessionEvent, { type: 'turn.ended' }>,
): SessionSnapshot {
  const ended = mapLive(session, event.turn, (turn) => ({
    ...released(turn),
    status: event.status,
    endedAt: event.at,
    items: turn.items.map((item) => settle(item, event.at)),
    ...(event.error === undefined ? {} : { error: event.error }),
  }));
  if (ended === session) return session;
  return {
    ...ended,
    updatedAt: event.at,
    approvals: ended.approvals.filter((approval) => approval.turn !== event.turn),
  };
}

/** An item still running when its turn ends did not finish. */
function settle(item: Item, at: number): Item {
  return item.status === 'running' ? { ...item, status: 'failed', endedAt: at } : item;
}

function applyUsage(
  session: SessionSnapshot,
  event: Extract<SessionEvent, { type: 'turn.usage' }>,
): SessionSnapshot {
  const before = session.turns.find((turn) => turn.id === event.turn)?.usage ?? NO_USAGE;
  const changed = mapLive(session, event.turn, (turn) => ({ ...turn, usage: event.usage }));
  if (changed === session) return session;
  return {
    ...changed,
    usage: addUsage(session.usage, event.usage, before),
    ...(event.context === undefined ? {} : { context: event.context }),
  };
}

/** `a + b - c`, field by field. */
function addUsage(a: TokenUsage, b: TokenUsage, c: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input - c.input,
    cachedInput: a.cachedInput + b.cachedInput - c.cachedInput,
    output: a.output + b.output - c.output,
    reasoningOutput: a.reasoningOutput + b.reasoningOutput - c.reasoningOutput,
    total: a.total + b.total - c.total,
  };
}

/** Adds an item, or replaces it where its id is known. */
function putItem(turn: TurnSnapshot, item: Item): TurnSnapshot {
  const at = turn.items.findLastIndex((old) => old.id === item.id);
  return { ...turn, items: at < 0 ? [...turn.items, item] : turn.items.with(at, item) };
}

function extendItem(turn: TurnSnapshot, id: string, field: DeltaField, text: string): TurnSnapshot {
  const at = turn.items.findLastIndex((item) => item.id === id);
  const item = turn.items[at];
  if (item === undefined || item.status !== 'running') return turn;
  const next = extend(item, field, text);
  return next === item ? turn : { ...turn, items: turn.items.with(at, next) };
}

function extend(item: Item, field: DeltaField, text: string): Item {
  switch (item.type) {
    case 'agent_message':
    case 'plan':
      return field === 'text' ? { ...item, text: item.text + text } : item;
    case 'reasoning':
      if (field === 'summary') return { ...item, summary: item.summary + text };
      return field === 'text' ? { ...item, text: item.text + text } : item;
    case 'command':
      return field === 'output' ? { ...item, ...boundOutput(item.output + text, item.omitted) } : item;
    default:
      return item;
  }
}

/** Keeps head and tail of a command's output; `omitted` grows by what is left out between them. */
export function boundOutput(output: string, omitted: number): { output: string; omitted: number } {
  // Twice the tail before cutting: one copy per TAIL units of output instead of one per delta.
  if (output.length <= OUTPUT_HEAD + 2 * OUTPUT_TAIL) return { output, omitted };
  const cut = output.length - OUTPUT_HEAD - OUTPUT_TAIL;
  return { output: output.slice(0, OUTPUT_HEAD) + output.slice(-OUTPUT_TAIL), omitted: omitted + cut };
}

/** A turn waits for approval exactly while one of its approvals is pending. */
function markWaiting(session: SessionSnapshot): SessionSnapshot {
  const waiting = new Set(session.approvals.map((approval) => approval.turn));
  let changed = false;
  const turns = session.turns.map((turn) => {
    const status = statusWith(turn, waiting.has(turn.id));
    if (status === turn.status) return turn;
    changed = true;
    return { ...turn, status };
  });
  return changed ? { ...session, turns } : session;
}

function statusWith(turn: TurnSnapshot, waits: boolean): TurnSnapshot['status'] {
  if (turn.status === 'running' && waits) return 'waiting_for_approval';
  if (turn.status === 'waiting_for_approval' && !waits) return 'running';
  return turn.status;
}
