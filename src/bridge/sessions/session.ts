import type { Disposable } from '../../shared/disposables.ts';
import type { NumberedEvent, SessionEventType } from '../../shared/events.ts';
import type { Attachment } from '../../shared/faces.ts';
import type { TurnTask } from '../../shared/review.ts';
import type {
  AnswerDetails,
  ApprovalDecision,
  SessionId,
  SessionSettings,
  SessionSnapshot,
  TurnId,
  TurnSnapshot,
  TurnSource,
} from '../../shared/session.ts';
import type { TurnMode } from './turnModes.ts';

/** One prompt for a session, or one task. */
export interface PromptRequest {
  readonly prompt: string;
  /** What is done instead of asking Codex the prompt, which then only says it in words (`taskText`). */
  readonly task?: TurnTask;
  readonly attachments?: readonly Attachment[];
  /** Rights and model for this turn only; the session's own where absent. */
  readonly settings?: SessionSettings;
  readonly source: TurnSource;
  /** What the turn is, where it is more than its prompt. Its rights are then its own, below the ceiling. */
  readonly mode?: TurnMode;
  /** The same key again finds the same turn instead of starting another. */
  readonly idempotencyKey?: string;
}

const STREAMED: ReadonlySet<string> = new Set(['turn.plan', 'turn.diff', 'turn.notice', 'turn.changes']);

/** Whether an event is content of a turn, which no list shows. */
export function isStreamed(type: SessionEventType): boolean {
  return type.startsWith('item.') || STREAMED.has(type);
}

export interface SessionChange extends NumberedEvent {
  /** The snapshot with this event in it. */
  readonly snapshot: SessionSnapshot;
}

/** One Codex thread with its queue and transcript. Everything that happens to it goes through its events. */
export interface Session {
  readonly id: SessionId;
  readonly snapshot: SessionSnapshot;
  /** The turn as it is now. @throws BridgeError `TURN_NOT_FOUND` */
  turn(id: TurnId): TurnSnapshot;
  onChange(listener: (change: SessionChange) => void): Disposable;
  /**
   * Writes the prompt to the history and queues it. It is on disk when this returns.
   *
   * @throws BridgeError `PROMPT_EMPTY`, `PROMPT_TOO_LARGE`, `ATTACHMENT_*`, `RIGHTS_EXCEED_CEILING`,
   * `SESSION_ARCHIVED`, `QUEUE_FULL`, `CODEX_NOT_FOUND`, `CODEX_TOO_OLD`, `CODEX_LOGGED_OUT`,
   * `HISTORY_UNAVAILABLE`, `BRIDGE_STOPPING`; for a task `GIT_UNAVAILABLE`, `REVISION_NOT_FOUND`, `NOTHING_TO_DO`
   */
  prompt(request: PromptRequest): Promise<{ turn: TurnId }>;
  /**
   * Has held prompts sent: one, or all of the session. Answers which; a turn that is not held is left as it is.
   *
   * @throws BridgeError `TURN_NOT_FOUND`, `SESSION_ARCHIVED`, `CODEX_*`, `HISTORY_UNAVAILABLE`, `BRIDGE_STOPPING`
   */
  release(turn?: TurnId): Promise<TurnId[]>;
  /** Adds to the running turn. @throws BridgeError `TURN_NOT_RUNNING` */
  steer(turn: TurnId, text: string): Promise<void>;
  /** Interrupts or unqueues one turn, or all that run or wait, not the held ones; resolves when they have ended. */
  cancel(turn?: TurnId): Promise<TurnId[]>;
  /** Resolves as soon as the turn has ended. Rejects with `CANCELLED` when the signal fires. */
  ended(turn: TurnId, signal?: AbortSignal): Promise<TurnSnapshot>;
  rename(title: string): Promise<void>;
  configure(settings: SessionSettings): void;
  archive(archived: boolean): Promise<void>;
  /**
   * A person's answer, from where they gave it: it counts once.
   *
   * @throws BridgeError `APPROVAL_NOT_FOUND`, `INVALID_INPUT` for what does not fit to the question
   */
  answer(approval: string, decision: ApprovalDecision, who: TurnSource, details?: AnswerDetails): void;
}
