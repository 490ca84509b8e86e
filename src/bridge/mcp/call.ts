import type { BridgeApi } from '../api.ts';
import type { Scope } from '../http/tokens.ts';
import type { Clock } from '../ports.ts';
import type { Once, TurnHandle } from './once.ts';
import type { ClientQuestions } from './questions.ts';

/** One tool call, as every tool sees it: what it may touch, who asks, and how it tells progress. */
export interface ToolCall {
  readonly bridge: BridgeApi;
  readonly scope: Scope;
  readonly clock: Clock;
  /** The client's own name, where it told one. */
  readonly client: string | undefined;
  /** Fires when the caller gave up or is gone. It ends the waiting, never the turn. */
  readonly signal: AbortSignal;
  /** Absent where the client asked for no progress. */
  readonly progress: ProgressSink | undefined;
  /** Asks the person at the client for approvals; absent where the settings do not allow it, or it can't. */
  readonly questions: ClientQuestions | undefined;
  /** The turn that this very call was waiting for when it asked the client: it must not send its prompt again. */
  readonly resumed: TurnHandle | undefined;
  /** The client takes a task for this call: it ends as soon as its prompt is taken. */
  readonly asTask: boolean;
  /** The client's root directories as paths; empty where it has none or can't be asked. */
  roots(): Promise<readonly string[]>;
  /** Names this very request, so that the same one sent again finds the same turn; absent: it can't be told. */
  readonly requestKey: string | undefined;
  /** Requests for a turn that are being taken right now, by idempotency key. */
  readonly once: Once<TurnHandle>;
}

export interface ProgressSink {
  send(message: string): void;
  /** True while the client reads slower than we write: progress can wait. */
  congested(): boolean;
  /** A message was replaced by a later one before it was sent. */
  dropped?(): void;
}

/** What a tool gives back, before it becomes MCP's words. */
export interface ToolResult {
  /** Stands by itself: some clients show only this to their model. */
  readonly structured: Readonly<Record<string, unknown>>;
  /** The same for clients that know text only. */
  readonly text: string;
  /** What else is to be said, in a block of its own. */
  readonly note?: string;
  readonly isError?: boolean;
  /** Resources that have more of it. */
  readonly links?: readonly ResourceLink[];
}

export interface ResourceLink {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType: string;
}
