import type { TurnEnd } from './session.ts';

/** Times in ms: how many were measured, and how long half, 95 % and 99 % of them took at the most. */
export interface Latency {
  readonly count: number;
  readonly sum: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export const LATENCIES = ['queueWait', 'firstText', 'turn', 'toolCall', 'httpRequest'] as const;
/**
 * From the prompt to its start; from the start to the first text of the answer; from the start to the end; a
 * call of an MCP tool, with all its waiting; a request with a body on the HTTP door, with all its waiting.
 */
export type LatencyName = (typeof LATENCIES)[number];

/** In bytes. */
export interface Traffic {
  readonly in: number;
  readonly out: number;
}

/** What one bridge has counted since it started. None of it says what was asked or answered. */
export interface BridgeCounters {
  readonly turns: Readonly<Record<TurnEnd, number>>;
  /** Answers of the HTTP door, by their first digit. */
  readonly requests: Readonly<Record<'2xx' | '3xx' | '4xx' | '5xx', number>>;
  /** Calls by the tool's name. */
  readonly tools: Readonly<Record<string, number>>;
  /** Progress messages that a later one replaced before they were sent. */
  readonly progressDropped: number;
  /** Faces that did not read and were dropped. */
  readonly facesDropped: number;
  readonly traffic: Readonly<Record<'http' | 'faces', Traffic>>;
  readonly latencies: Readonly<Record<LatencyName, Latency>>;
  /** In bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  /** How late the event loop was, in ms. */
  readonly eventLoop: { readonly p50: number; readonly p99: number; readonly max: number };
}
