import { join } from 'node:path';
import { type History, openHistory } from '../../src/bridge/history/history.ts';
import type { Logger } from '../../src/bridge/ports.ts';
import { type Item, NO_USAGE, type SessionSnapshot, type TurnSnapshot } from '../../src/shared/session.ts';
import type { Bench } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';

const FOLDER = '0123456789abcdef';
const SESSIONS = 10_000;
const TURNS = 10;
const ITEMS = 10;
const OPENINGS = 5;
const ROUNDS = 50;
/** Sessions in one commit while the history is made. */
const BATCH = 100;
const WORDS = [
  ...['parser', 'socket', 'retry', 'folder', 'token', 'queue', 'render', 'schema', 'commit', 'branch'],
  ...['timeout', 'worker', 'stream', 'buffer', 'cursor', 'search', 'restore', 'window', 'cache', 'signal'],
];

/** A folder that was used for years: 10,000 sessions with 1,000,000 items. */
export async function history(bench: Bench): Promise<Figure[]> {
  const file = join(bench.dir.path, 'history.db');
  make(file);
  const openings: number[] = [];
  for (let round = 0; round < OPENINGS; round++) {
    const { took, value } = timed(() => open(file));
    openings.push(took);
    value.close();
  }
  const store = open(file);
  const pages = rounds((round) => store.list({ limit: 50, ...cursorAt(store, round) }));
  const searches = rounds((round) => store.list({ limit: 50, query: queryAt(round) }));
  const reads = rounds((round) => store.read(`s_${(round * 193) % SESSIONS}`));
  const totals = timed(() => store.totals()).took;
  store.close();
  const group = 'history of 10,000 sessions and 1,000,000 items';
  const note = `99th percentile of ${ROUNDS}`;
  const p99 = (times: number[]) => quantile(times, 0.99);
  return [
    { group, name: 'open', value: median(openings), unit: 'ms', most: 100, note: `median of ${OPENINGS}` },
    { group, name: 'list a page of 50', value: p99(pages), unit: 'ms', most: 20, note },
    { group, name: 'search', value: p99(searches), unit: 'ms', most: 200, note },
    { group, name: 'read a session', value: p99(reads), unit: 'ms', note },
    { group, name: 'statistics, the first time', value: totals, unit: 'ms', note: 'once' },
  ];
}

/** One in five queries has a word that every session has, the others words that some have. */
function queryAt(round: number): string {
  if (round % 5 === 0) return 'codex';
  return round % 5 === 1
    ? `${wordAt(round)} unusual${(round * 331) % SESSIONS}`
    : `${wordAt(round)} ${wordAt(round * 7 + 3)}`;
}

/** Half of the pages are the first one, the others somewhere in the list. */
function cursorAt(store: History, round: number): { cursor?: string } {
  let cursor: string | undefined;
  for (let page = 0; page < round % 2; page++) ({ cursor } = store.list({ limit: 100 + round }));
  return cursor === undefined ? {} : { cursor };
}

function rounds(body: (round: number) => unknown): number[] {
  return Array.from({ length: ROUNDS }, (_, round) => timed(() => body(round)).took);
}

function timed<T>(body: () => T): { took: number; value: T } {
  const begin = performance.now();
  const value = body();
  return { took: performance.now() - begin, value };
}

function open(file: string): History {
  return openHistory(file, FOLDER, { logger: silent, clock: { now: () => Date.now() } });
}

function make(file: string): void {
  const store = open(file);
  for (let at = 0; at < SESSIONS; at += BATCH) {
    store.transaction(() => {
      for (let i = at; i < at + BATCH; i++) store.createSession(session(i));
    }, 'written');
  }
  store.close();
}

function session(i: number): SessionSnapshot {
  return {
    id: `s_${i}`,
    folder: FOLDER,
    title: `Session ${i} about ${wordAt(i)}`,
    archived: i % 20 === 0,
    createdAt: i * 1000,
    updatedAt: i * 1000 + 500,
    usage: NO_USAGE,
    settings: {},
    turns: Array.from({ length: TURNS }, (_, turn) => turnOf(i, turn)),
    approvals: [],
    seq: TURNS * ITEMS,
  };
}

function turnOf(i: number, turn: number): TurnSnapshot {
  const at = i * 1000 + turn;
  return {
    id: `t_${i}_${turn}`,
    source: { kind: 'window' },
    prompt: `Ask codex to look at the ${wordAt(i + turn)} and the ${wordAt(i * 3 + turn)} again`,
    attachments: [],
    status: turn === TURNS - 1 && i % 50 === 0 ? 'failed' : 'completed',
    createdAt: at,
    startedAt: at,
    endedAt: at + 40,
    model: 'gpt-5',
    items: Array.from({ length: ITEMS }, (_, item) => itemOf(i, turn, item)),
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
  };
}

function itemOf(i: number, turn: number, item: number): Item {
  const base = { id: `i_${item}`, status: 'completed' as const, startedAt: 1, endedAt: 2 };
  if (item < ITEMS - 1) {
    const command = `rg ${wordAt(item + turn)} src`;
    return {
      ...base,
      type: 'command',
      command,
      cwd: '/',
      output: 'src/a.ts\n'.repeat(8),
      omitted: 0,
      exitCode: 0,
    };
  }
  const rare = turn === 0 ? ` unusual${i}` : '';
  return { ...base, type: 'agent_message', text: `The ${wordAt(turn)} waits for the ${wordAt(i)}.${rare}` };
}

function wordAt(at: number): string {
  return WORDS[at % WORDS.length] ?? '';
}

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};
