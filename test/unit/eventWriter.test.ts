import { beforeEach, describe, expect, test } from 'vitest';
import type { Durability } from '../../src/bridge/ports.ts';
import { EventWriter } from '../../src/bridge/sessions/eventWriter.ts';
import { LiveSession, type SessionHost } from '../../src/bridge/sessions/liveSession.ts';
import type { SessionChange } from '../../src/bridge/sessions/session.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { NumberedEvent, SessionEvent } from '../../src/shared/events.ts';
import { reduce } from '../../src/shared/reducer.ts';
import type { Item, SessionSnapshot } from '../../src/shared/session.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { SkewClock } from '../support/skewClock.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

/** A disk that keeps what is committed, in order, and can refuse. */
class FakeHistory {
  readonly stored = new Map<string, NumberedEvent[]>();
  /** Sessions with the number of their events, one entry for each commit. */
  readonly commits: Record<string, number>[] = [];
  /** How durable each of them is. */
  readonly durability: Durability[] = [];
  /** How many commits there were whenever a sync was asked for. */
  readonly syncs: number[] = [];
  /** Refuses the next sync. */
  refuseSync = false;
  /** Refuses this many more writes. */
  refuse = 0;
  /** Each commit takes so long, in ms of the clock. */
  costs = 0;
  readonly #clock: SkewClock;
  #draft: [string, readonly NumberedEvent[]][] | undefined;

  constructor(clock: SkewClock) {
    this.#clock = clock;
  }

  append(session: SessionSnapshot, events: readonly NumberedEvent[]): void {
    if (this.#draft === undefined) {
      this.transaction(() => this.append(session, events));
      return;
    }
    this.#draft.push([session.id, events]);
    if (this.refuse > 0) {
      this.refuse -= 1;
      throw new BridgeError('HISTORY_UNAVAILABLE', 'The disk is full.');
    }
  }

  transaction<T>(run: () => T, durability: Durability = 'synced'): T {
    this.#draft = [];
    try {
      const result = run();
      for (const [id, events] of this.#draft) this.stored.set(id, [...this.of(id), ...events]);
      this.commits.push(Object.fromEntries(this.#draft.map(([id, events]) => [id, events.length])));
      this.durability.push(durability);
      this.#clock.advance(this.costs);
      return result;
    } finally {
      this.#draft = undefined;
    }
  }

  async sync(): Promise<void> {
    this.syncs.push(this.commits.length);
    if (this.refuseSync) throw new BridgeError('HISTORY_UNAVAILABLE', 'The disk failed.');
  }

  of(id: string): NumberedEvent[] {
    return this.stored.get(id) ?? [];
  }
}

let clock: SkewClock;
let history: FakeHistory;
let logger: MemoryLogger;
let writer: EventWriter;

beforeEach(() => {
  clock = new SkewClock();
  history = new FakeHistory(clock);
  logger = new MemoryLogger();
  writer = new EventWriter({ history, clock, logger });
});

const RUNNING: Item = { id: 'i', type: 'agent_message', status: 'running', startedAt: 1, text: '' };

/** A session with a running turn and an open message, all of it on disk. */
function live(id = 's_1') {
  const host: Pick<SessionHost, 'clock' | 'logger' | 'writer'> = { clock, logger, writer };
  const started = { ...sessionWith([queuedTurn('t', { status: 'running', items: [RUNNING] })]), id };
  const told: SessionChange[] = [];
  // What else a host does is not asked for here.
  const session = new LiveSession(host as SessionHost, started, (change) => told.push(change));
  const say = (text: string) =>
    session.emit({ type: 'item.delta', turn: 't', item: 'i', field: 'text', text });
  const text = () => {
    const item = session.snapshot.turns[0]?.items[0];
    return item?.type === 'agent_message' ? item.text : '';
  };
  const stored = () => history.of(id).reduce(reduce, started);
  const prompt = () =>
    session.emitDurably([{ type: 'turn.queued', turn: queuedTurn('t_2') }], (snapshot, events) =>
      history.append(snapshot, events),
    );
  return { session, told, say, text, stored, prompt };
}

const ENDED: SessionEvent = { type: 'turn.ended', turn: 't', at: 5, status: 'completed' };

describe('what happens', () => {
  test('is written first and told then, in order and without gaps', () => {
    const { session, told, say, stored } = live();
    const onDisk: boolean[] = [];
    session.onChange(({ seq }) => onDisk.push((history.of('s_1').at(-1)?.seq ?? 0) >= seq));
    say('a');
    say('b');
    session.emit({ type: 'session.archived', archived: true });
    say('c');
    session.emit(ENDED);
    expect(told.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(onDisk).toEqual(Array(5).fill(true));
    expect(history.of('s_1').map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(stored()).toEqual(session.snapshot);
    expect(session.snapshot).toEqual(told.at(-1)?.snapshot);
  });

  test('that nobody waits for goes along with the next, or follows after a few ms', () => {
    const { session, told, say } = live();
    const commits = () => history.commits.length;
    session.emit({ type: 'session.titled', title: 'New' });
    expect([commits(), told.length]).toEqual([0, 0]);
    say('a');
    expect([commits(), told.length]).toEqual([1, 2]);
    session.emit({ type: 'session.titled', title: 'Newer' });
    clock.advance(40);
    expect([commits(), told.length]).toEqual([2, 3]);
  });

  test('that nobody waits for does not hold up the text after it', () => {
    const { session, say, text } = live();
    say('a');
    clock.advance(5);
    session.emit({ type: 'session.titled', title: 'New' });
    say('b');
    clock.advance(10);
    expect(text()).toBe('ab');
    expect(history.commits).toHaveLength(2);
    clock.advance(40);
    expect(history.commits).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  test('that is the first text of an item does not wait for the end of a batch', () => {
    const { session, told, say } = live();
    session.emit({ type: 'session.archived', archived: false });
    say('a');
    expect(told).toHaveLength(2);
  });

  test('is shown only when it is on disk', () => {
    const { session, say, text } = live();
    say('a');
    say('b');
    expect(text()).toBe('a');
    expect(session.head.seq).toBe(2);
    expect(session.snapshot.seq).toBe(1);
  });

  test('in a listener comes after what it listens to', () => {
    const { session, told } = live();
    session.onChange(({ event }) => {
      if (event.type === 'turn.ended') session.emit({ type: 'session.archived', archived: true });
    });
    session.emit(ENDED);
    expect(told.map(({ event }) => event.type)).toEqual(['turn.ended', 'session.archived']);
  });

  test('after the session was deleted is neither kept nor told, and a prompt is refused', () => {
    const { session, told, say, prompt } = live();
    say('a');
    say('b');
    session.detach();
    say('c');
    session.emit(ENDED);
    clock.advance(1000);
    expect(told.map(({ seq }) => seq)).toEqual([1]);
    expect(history.of('s_1')).toHaveLength(1);
    expect(prompt).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }));
    expect(history.of('s_1')).toHaveLength(1);
  });
});

describe('streamed text', () => {
  test('is written at once after a pause, and in batches in a burst', () => {
    const { say, text } = live();
    say('a');
    expect(text()).toBe('a');
    for (const word of ['b', 'c', 'd']) say(word);
    expect(history.commits).toEqual([{ s_1: 1 }]);
    clock.advance(20);
    expect(text()).toBe('abcd');
    expect(history.commits).toEqual([{ s_1: 1 }, { s_1: 3 }]);
    clock.advance(100);
    say('e');
    expect(text()).toBe('abcde');
    expect(clock.pending).toBe(0);
  });

  test('survives the death of the bridge, what decides something a power cut too', () => {
    const { session, say } = live();
    say('a');
    session.emit({ type: 'session.titled', title: 'New' });
    clock.advance(40);
    session.emit({ type: 'session.archived', archived: true });
    expect(history.durability).toEqual(['written', 'written', 'synced']);
    expect(history.syncs).toEqual([]);
  });

  test('the end of a turn is told as soon as it is written, and synced a moment later', () => {
    const { session } = live();
    session.emit(ENDED);
    expect(session.snapshot.turns.at(-1)?.status).toBe('completed');
    expect(history.durability).toEqual(['written']);
    expect(history.syncs).toEqual([]);
    clock.advance(20);
    expect(history.syncs).toEqual([1]);
  });

  test('the sync of a prompt has the end before it, too', async () => {
    const { session } = live();
    session.emit(ENDED);
    await writer.sync();
    clock.advance(20);
    expect(history.syncs).toEqual([1]);
    expect(clock.pending).toBe(0);
  });

  test('a sync that fails is logged, and what was told stays told', async () => {
    const { session } = live();
    history.refuseSync = true;
    session.emit(ENDED);
    await writer.sync();
    expect(writer.failure).toBeUndefined();
    expect(logger.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  test('that a full disk refused is synced with what came meanwhile', () => {
    const { session, say } = live();
    history.refuse = 2;
    say('a');
    session.emit(ENDED);
    clock.advance(20);
    say('b');
    expect(history.durability).toEqual(['synced']);
  });

  test('of many sessions is one commit', () => {
    const sessions = ['s_1', 's_2', 's_3'].map(live);
    for (const { say } of sessions) say('a');
    clock.advance(20);
    expect(history.commits).toEqual([{ s_1: 1 }, { s_2: 1, s_3: 1 }]);
  });

  test('does not keep what must not wait, and goes with it', () => {
    const one = live('s_1');
    const two = live('s_2');
    one.say('a');
    one.say('b');
    two.session.emit(ENDED);
    expect(history.commits).toEqual([{ s_1: 1 }, { s_1: 1, s_2: 1 }]);
    expect(one.text()).toBe('ab');
    // The text has no timer any more: only the sync is to come.
    expect(clock.pending).toBe(1);
    clock.advance(20);
    expect(history.commits.length).toBe(2);
    expect(clock.pending).toBe(0);
  });

  test('leaves a slow disk nine tenths of its time', () => {
    const { say, text } = live();
    history.costs = 50;
    say('a');
    say('b');
    clock.advance(400);
    expect(text()).toBe('a');
    clock.advance(200);
    expect(text()).toBe('ab');
  });

  test('does not pile up without bound while it waits', () => {
    const { say } = live();
    history.costs = 5000;
    for (let i = 0; i < 5000; i++) say('x');
    expect(history.commits).toEqual([{ s_1: 1 }, { s_1: 2000 }, { s_1: 2000 }]);
  });
});

describe('a disk that refuses', () => {
  test('loses nothing and repeats nothing once it takes again', () => {
    const one = live('s_1');
    const two = live('s_2');
    history.refuse = 3;
    one.say('a');
    two.session.emit({ type: 'session.archived', archived: true });
    clock.advance(20);
    one.say('b');
    expect(writer.failure).toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
    expect(history.commits).toEqual([]);
    // What is live goes on, and is said once.
    expect(one.text()).toBe('ab');
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    two.session.emit(ENDED);
    expect(writer.failure).toBeUndefined();
    for (const { session, told, stored } of [one, two]) {
      expect(told.map(({ seq }) => seq)).toEqual([1, 2]);
      expect(history.of(session.id).map(({ seq }) => seq)).toEqual([1, 2]);
      expect(stored()).toEqual(session.snapshot);
    }
  });

  test('takes no prompt, and then does', () => {
    const { session, told, prompt, stored } = live();
    history.refuse = 2;
    session.emit(ENDED);
    expect(prompt).toThrow(expect.objectContaining({ code: 'HISTORY_UNAVAILABLE' }));
    expect(session.snapshot.turns).toHaveLength(1);
    prompt();
    expect(session.snapshot.turns).toHaveLength(2);
    expect(told.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(stored()).toEqual(session.snapshot);
  });

  test('for the prompt itself, leaves the session as it was', () => {
    const { session, told, prompt } = live();
    history.refuse = 1;
    expect(prompt).toThrow('The disk is full');
    expect([session.head.seq, session.snapshot.seq, told.length]).toEqual([0, 0, 0]);
    prompt();
    expect(history.of('s_1').map(({ seq }) => seq)).toEqual([1]);
  });

  test('is tried again when nothing more happens', () => {
    const { session, stored } = live();
    history.refuse = 3;
    session.emit(ENDED);
    clock.advance(1000);
    clock.advance(1000);
    expect(history.of('s_1')).toEqual([]);
    clock.advance(1000);
    expect(stored()).toEqual(session.snapshot);
    expect(clock.pending).toBe(0);
  });

  test('is left alone when the writer has ended', () => {
    const { session } = live();
    history.refuse = 10;
    session.emit(ENDED);
    writer.dispose();
    session.emit({ type: 'session.archived', archived: true });
    expect(clock.pending).toBe(0);
  });
});
