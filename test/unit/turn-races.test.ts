import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../src/shared/errors.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import { answerOf, hasEnded, type TurnId } from '../../src/shared/session.ts';
import { SkewClock } from '../support/skewClock.ts';
import { type Call, WorkBench } from './support/workBench.ts';

const GONE = new BridgeError('CODEX_EXITED', 'Codex is gone.');
const source = { kind: 'cli' } as const;

/** Of one race, in ms; what it waits for is a few looks at the disk. */
const DRAIN_MS = 5_000;

async function allThatFollows(): Promise<void> {
  for (let round = 0; round < 5; round++) await setImmediate();
}

/** A turn as Codex knows it. */
interface CodexTurn {
  readonly turn: TurnId;
  readonly codexTurn: string;
  readonly start: Call;
  answered: boolean;
  begun: boolean;
  over: boolean;
  said: string;
}

const ACTIONS = [
  'prompt',
  'cancel the first',
  'cancel the last',
  'cancel all',
  'steer',
  'interrupt all',
  'accept',
  'refuse',
  'begin',
  'say',
  'complete',
  'fail',
  'end as interrupted',
  'tell the end again',
  'take the interrupt',
  'refuse the interrupt',
  'lose Codex',
  'wait for the grace',
] as const;
type Action = (typeof ACTIONS)[number];

/** What may happen to the turns of one session, in any order that Codex could tell it in. */
class Race {
  readonly clock = new SkewClock();
  readonly bench = new WorkBench({ clock: this.clock, holdsInterrupts: true });
  readonly turns: TurnId[] = [];
  readonly events: SessionEvent[] = [];
  readonly cancelled = new Set<TurnId>();
  /** Taken back while they waited. */
  readonly neverSent = new Set<TurnId>();
  /** Completed at Codex, known to be accepted, and nobody had wanted it stopped. */
  readonly surelyCompleted = new Map<TurnId, string>();
  readonly #completed = new Set<TurnId>();
  readonly #stopped = new Set<TurnId>();
  readonly #asked: Promise<unknown>[] = [];
  readonly #open = new Set<Call>();
  #seen = 0;
  #current: CodexTurn | undefined;
  #count = 0;

  constructor() {
    this.bench.session.onChange(({ event }) => this.events.push(event));
  }

  async do(action: Action): Promise<void> {
    this.#look();
    const { session, work } = this.bench;
    const current = this.#current;
    const running = current !== undefined && !current.over;
    const interrupts = () => [...this.#open].find((call) => call.method === 'turn/interrupt');
    switch (action) {
      case 'prompt':
        if (this.turns.length < 4) this.turns.push((await session.prompt({ prompt: 'p', source })).turn);
        return;
      case 'cancel the first':
        return this.#cancel(this.turns[0]);
      case 'cancel the last':
        return this.#cancel(this.turns.at(-1));
      case 'cancel all':
        for (const { id, status } of session.head.turns) if (!hasEnded(status)) this.#wantStopped(id);
        this.#ask(session.cancel());
        return;
      case 'steer':
        for (const turn of this.turns.slice(-1)) this.#ask(session.steer(turn, 'more'));
        return;
      case 'interrupt all':
        for (const turn of this.turns) this.#stopped.add(turn);
        this.#ask(work.interruptAll({ code: 'RESTARTED', message: 'Codex is restarted.' }));
        return;
      case 'accept':
        // Its answer may come after its end.
        if (current?.answered === false) this.#answer(current);
        return;
      case 'refuse':
        if (!running || current.answered || current.begun) return;
        current.over = true;
        current.answered = true;
        this.#settle(current.start, (call) => call.refuse(new BridgeError('CODEX_REFUSED', 'No.')));
        return;
      case 'begin':
        if (running && !current.begun) this.#begin(current);
        return;
      case 'say':
        if (!running || !current.begun) return;
        this.bench.tell('item/agentMessage/delta', {
          turnId: current.codexTurn,
          itemId: `${current.codexTurn}-m`,
          delta: 'word ',
        });
        current.said += 'word ';
        return;
      case 'complete':
        if (!running || !current.begun) return;
        this.#completed.add(current.turn);
        if (this.#isAccepted(current) && !this.#stopped.has(current.turn))
          this.surelyCompleted.set(current.turn, current.said);
        return this.#end(current, 'completed');
      case 'fail':
        if (running && current.begun) this.#end(current, 'failed');
        return;
      case 'end as interrupted':
        if (running && current.begun && this.#interrupted(current)) this.#end(current, 'interrupted');
        return;
      case 'tell the end again':
        if (current?.over === true && current.begun) this.#tellEnd(current, 'completed');
        return;
      case 'take the interrupt':
        return this.#settle(interrupts(), (call) => call.answer({}));
      case 'refuse the interrupt':
        return this.#settle(interrupts(), (call) => call.refuse(new BridgeError('CODEX_REFUSED', 'Over.')));
      case 'lose Codex':
        for (const turn of this.turns) this.#stopped.add(turn);
        if (current !== undefined) Object.assign(current, { over: true, answered: true });
        this.#open.clear();
        this.bench.lose(GONE);
        return;
      case 'wait for the grace':
        // A Codex that was told to end it and did not is not waited for any longer.
        if (current !== undefined && this.#interrupted(current)) current.over = true;
        this.clock.advance(10_000);
        return;
    }
  }

  /** Lets everything come to its end, as Codex would. */
  async drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    await allThatFollows();
    while (performance.now() < deadline && this.bench.session.busy) {
      for (const action of ['accept', 'begin', 'take the interrupt', 'complete'] as const) {
        await this.do(action);
        await setImmediate();
      }
    }
    this.#look();
    for (const call of this.#open) call.answer({});
    const { turns } = this.bench.session.head;
    expect(turns.filter(({ status }) => !hasEnded(status))).toEqual([]);
    // Whoever has asked for something hears of it now.
    const late = allThatFollows().then(() => 'late');
    expect(await Promise.race([Promise.all(this.#asked), late])).not.toBe('late');
  }

  mayBe(turn: TurnId): string[] {
    return [
      'failed',
      ...(this.#completed.has(turn) ? ['completed'] : []),
      ...(this.#stopped.has(turn) ? ['interrupted'] : []),
      ...(this.cancelled.has(turn) ? ['cancelled'] : []),
    ];
  }

  /** The bridge has taken up Codex's answer. */
  #isAccepted({ turn, codexTurn }: CodexTurn): boolean {
    return this.bench.session.head.turns.some((one) => one.id === turn && one.codexTurn === codexTurn);
  }

  #interrupted({ codexTurn }: CodexTurn): boolean {
    return this.bench.calls.some(
      ({ method, params }) => method === 'turn/interrupt' && params['turnId'] === codexTurn,
    );
  }

  #look(): void {
    for (const call of this.bench.calls.slice(this.#seen)) {
      if (call.method === 'turn/steer') call.answer({});
      if (call.method !== 'turn/start' && call.method !== 'turn/interrupt') continue;
      this.#open.add(call);
      if (call.method !== 'turn/start') continue;
      expect(this.#current?.over ?? true, 'Codex has one turn of a session at a time').toBe(true);
      const turn = String(call.params['clientUserMessageId']);
      const codexTurn = `c${++this.#count}`;
      this.#current = { turn, codexTurn, start: call, answered: false, begun: false, over: false, said: '' };
    }
    this.#seen = this.bench.calls.length;
  }

  #ask(asked: Promise<unknown>): void {
    // Too late, or too early, is a fair answer.
    this.#asked.push(asked.catch((error: unknown) => expect(error).toBeInstanceOf(BridgeError)));
  }

  #cancel(turn: TurnId | undefined): void {
    if (turn === undefined) return;
    this.#wantStopped(turn);
    this.#ask(this.bench.session.cancel(turn));
  }

  #wantStopped(turn: TurnId): void {
    const { turns } = this.bench.session.head;
    if (turns.some(({ id, status }) => id === turn && status === 'queued')) this.neverSent.add(turn);
    this.cancelled.add(turn);
    this.#stopped.add(turn);
  }

  #settle(call: Call | undefined, how: (call: Call) => void): void {
    if (call === undefined) return;
    this.#open.delete(call);
    how(call);
  }

  #answer(current: CodexTurn): void {
    current.answered = true;
    this.#settle(current.start, (call) => call.answer({ turn: { id: current.codexTurn } }));
  }

  #begin(current: CodexTurn): void {
    current.begun = true;
    const turnId = current.codexTurn;
    this.bench.tell('turn/started', { turn: { id: turnId } });
    const message = { type: 'userMessage', id: `${turnId}-u`, clientId: current.turn, content: [] };
    this.bench.tell('item/started', { turnId, item: message, startedAtMs: 1 });
    const answer = { type: 'agentMessage', id: `${turnId}-m`, text: '', phase: null };
    this.bench.tell('item/started', { turnId, item: answer, startedAtMs: 1 });
  }

  #end(current: CodexTurn, status: string): void {
    current.over = true;
    this.#tellEnd(current, status);
  }

  #tellEnd(current: CodexTurn, status: string): void {
    const error = status === 'failed' ? { message: 'It failed.', codexErrorInfo: null } : null;
    this.bench.tell('turn/completed', { turn: { id: current.codexTurn, status, error } });
  }
}

/** How a turn goes by itself, twice, and what comes in between. */
const COURSE = ['accept', 'begin', 'say', 'complete', 'prompt', 'begin', 'accept', 'complete'] as const;
const timed = (action: fc.Arbitrary<Action>) => fc.tuple(action, fc.integer({ min: 0, max: 2 }));
const disturbances = fc.array(timed(fc.constantFrom(...ACTIONS)), { maxLength: 2 });
const course = fc
  .tuple(...COURSE.map((action) => fc.tuple(disturbances, timed(fc.constant<Action>(action)))))
  .map((steps) => steps.flatMap(([before, step]) => [...before, step]));

describe('B16: a cancel races the completion', () => {
  it('B16: whatever comes in whatever order, each turn has exactly one end, the right one, and the session goes on', async () => {
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const race = new Race();
        await race.do('prompt');
        for (const [action, pause] of steps) {
          await race.do(action);
          // The same moment, the next microtask, or when all that follows has happened.
          if (pause === 1) await Promise.resolve();
          if (pause === 2) await allThatFollows();
        }
        await race.drain();
        const { session, work } = race.bench;
        for (const turn of race.turns) {
          const about = race.events.filter((event) => 'turn' in event && event.turn === turn);
          const ends = about.filter(({ type }) => type === 'turn.ended');
          expect(ends).toHaveLength(1);
          expect(about.at(-1)?.type).toBe('turn.ended');
          expect(race.mayBe(turn)).toContain(session.turn(turn).status);
          expect(about.filter(({ type }) => type === 'turn.started').length).toBeLessThanOrEqual(1);
          const said = race.surelyCompleted.get(turn);
          if (said !== undefined) {
            expect(session.turn(turn).status).toBe('completed');
            expect(answerOf(session.turn(turn))).toBe(said);
          }
        }
        expect([work.running, work.queued]).toEqual([0, 0]);
        const starts = race.bench.calls.filter(({ method }) => method === 'turn/start');
        const sent = new Set(starts.map(({ params }) => String(params['clientUserMessageId'])));
        expect(sent.size).toBe(starts.length);
        expect([...race.neverSent].filter((turn) => sent.has(turn))).toEqual([]);
        expect(session.snapshot.turns).toHaveLength(race.turns.length);
      }),
      { numRuns: 300 },
    );
  });

  it('B16: a turn that has ended while it waited for the next Codex is not sent to it', async () => {
    const bench = new WorkBench();
    const started = Promise.withResolvers<void>();
    bench.starting = started.promise;
    const { turn } = await bench.session.prompt({ prompt: 'p', source });
    await allThatFollows();
    bench.work.codexLost(GONE);
    expect((await bench.session.ended(turn)).status).toBe('interrupted');
    started.resolve();
    await allThatFollows();
    const { turn: next } = await bench.session.prompt({ prompt: 'next', source });
    const call = await bench.called('turn/start');
    expect(call.params['clientUserMessageId']).toBe(next);
  });
});
