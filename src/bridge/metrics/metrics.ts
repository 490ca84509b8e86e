import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { BridgeCounters, LatencyName } from '../../shared/counters.ts';
import type { Disposable } from '../../shared/disposables.ts';
import type { TurnEnd } from '../../shared/session.ts';
import { Latencies } from './latencies.ts';
import { TrafficCount } from './traffic.ts';

/** How often the event loop is looked at, in ms: seldom enough not to keep an idle machine awake. */
const LOOP_RESOLUTION_MS = 100;

/** What one bridge counts, from its start to its end. Everything is an increment; only {@link read} computes. */
export class Metrics implements Disposable {
  readonly http = new TrafficCount();
  readonly faces = new TrafficCount();
  readonly #turns: Record<TurnEnd, number> = { completed: 0, failed: 0, cancelled: 0, interrupted: 0 };
  readonly #requests = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  readonly #tools = new Map<string, number>();
  readonly #latencies: Record<LatencyName, Latencies> = {
    queueWait: new Latencies(),
    firstText: new Latencies(),
    turn: new Latencies(),
    toolCall: new Latencies(),
    httpRequest: new Latencies(),
  };
  readonly #loop: IntervalHistogram;
  #calls = 0;
  #progressDropped = 0;
  #facesDropped = 0;

  constructor() {
    this.#loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    this.#loop.enable();
  }

  /** `ms`: how long it took. */
  time(what: LatencyName, ms: number): void {
    this.#latencies[what].record(ms);
  }

  turnEnded(status: TurnEnd): void {
    this.#turns[status] += 1;
  }

  /** A name for a call that begins, new in this bridge: what lines of the log that belong together have in common. */
  nextCall(): string {
    this.#calls += 1;
    return `c${this.#calls}`;
  }

  /** `tool` is one of ours: names that do not exist are not counted, so the list is bounded. */
  toolCalled(tool: string, ms: number): void {
    this.#tools.set(tool, (this.#tools.get(tool) ?? 0) + 1);
    this.#latencies.toolCall.record(ms);
  }

  /** `ms` is absent where a request has no body: a stream is open as long as its reader wants. */
  requestServed(status: number, ms?: number): void {
    if (status < 300) this.#requests['2xx'] += 1;
    else if (status < 400) this.#requests['3xx'] += 1;
    else if (status < 500) this.#requests['4xx'] += 1;
    else this.#requests['5xx'] += 1;
    if (ms !== undefined) this.#latencies.httpRequest.record(ms);
  }

  readonly progressDropped = (): void => {
    this.#progressDropped += 1;
  };

  readonly faceDropped = (): void => {
    this.#facesDropped += 1;
  };

  read(): BridgeCounters {
    const { rss, heapUsed, external } = process.memoryUsage();
    const { queueWait, firstText, turn, toolCall, httpRequest } = this.#latencies;
    return {
      turns: { ...this.#turns },
      requests: { ...this.#requests },
      tools: Object.fromEntries(this.#tools),
      progressDropped: this.#progressDropped,
      facesDropped: this.#facesDropped,
      traffic: { http: this.http.read(), faces: this.faces.read() },
      latencies: {
        queueWait: queueWait.read(),
        firstText: firstText.read(),
        turn: turn.read(),
        toolCall: toolCall.read(),
        httpRequest: httpRequest.read(),
      },
      memory: { rss, heapUsed, external },
      eventLoop: {
        p50: late(this.#loop.percentile(50)),
        p99: late(this.#loop.percentile(99)),
        max: late(this.#loop.max),
      },
    };
  }

  dispose(): void {
    this.#loop.disable();
  }
}

/** Node's histogram has the whole interval, in ns. Before the first one it has a sentinel for its maximum. */
function late(ns: number): number {
  const ms = ns / 1e6 - LOOP_RESOLUTION_MS;
  return ms > 0 && ms < 24 * 3600 * 1000 ? Math.round(ms * 100) / 100 : 0;
}
