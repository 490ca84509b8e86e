import type { TurnChanges } from './changes.ts';
import type {
  Approval,
  ApprovalDecision,
  ApprovalResolver,
  Item,
  PlanStep,
  SessionSettings,
  TokenUsage,
  TurnEnd,
  TurnError,
  TurnId,
  TurnNotice,
  TurnSnapshot,
} from './session.ts';

/** Which text of an item a delta extends. */
export type DeltaField = 'text' | 'summary' | 'output';

/** Everything that can happen to a session. Applied in order of `seq` by the reducer, on every side. */
export type SessionEvent =
  | { readonly type: 'session.titled'; readonly title: string }
  | { readonly type: 'session.archived'; readonly archived: boolean }
  | { readonly type: 'session.settings'; readonly settings: SessionSettings }
  | { readonly type: 'session.thread'; readonly thread: string | null }
  | { readonly type: 'turn.queued'; readonly turn: TurnSnapshot }
  /** The bridge ended while the prompt was queued: it waits until it is released, or cancelled. */
  | { readonly type: 'turn.held'; readonly turn: TurnId }
  /** Somebody has it sent: it is queued again. */
  | { readonly type: 'turn.released'; readonly turn: TurnId }
  | { readonly type: 'turn.started'; readonly turn: TurnId; readonly at: number; readonly model?: string }
  | {
      readonly type: 'turn.accepted';
      readonly turn: TurnId;
      readonly codexTurn: string;
      /** The model that Codex takes, also where nobody asked for one. */
      readonly model?: string;
    }
  | {
      readonly type: 'turn.ended';
      readonly turn: TurnId;
      readonly at: number;
      readonly status: TurnEnd;
      readonly error?: TurnError;
    }
  | { readonly type: 'turn.plan'; readonly turn: TurnId; readonly plan: readonly PlanStep[] }
  | { readonly type: 'turn.diff'; readonly turn: TurnId; readonly diff: string }
  /** What the turn changed on the disk: once, just before its end. */
  | { readonly type: 'turn.changes'; readonly turn: TurnId; readonly changes: TurnChanges }
  | {
      readonly type: 'turn.usage';
      readonly turn: TurnId;
      /** The whole turn's tokens so far. */
      readonly usage: TokenUsage;
      readonly context?: { readonly used: number; readonly window: number };
    }
  | { readonly type: 'turn.notice'; readonly turn: TurnId; readonly notice: TurnNotice }
  | { readonly type: 'item.started'; readonly turn: TurnId; readonly item: Item }
  | {
      readonly type: 'item.delta';
      readonly turn: TurnId;
      readonly item: string;
      readonly field: DeltaField;
      readonly text: string;
    }
  | { readonly type: 'item.completed'; readonly turn: TurnId; readonly item: Item }
  | { readonly type: 'approval.requested'; readonly approval: Approval }
  | {
      readonly type: 'approval.resolved';
      readonly approval: string;
      readonly decision: ApprovalDecision;
      readonly by: ApprovalResolver;
      readonly at: number;
    };

export type SessionEventType = SessionEvent['type'];

/** An event with its place in the session's order; `seq` counts up by one without gaps. */
export interface NumberedEvent {
  readonly seq: number;
  readonly event: SessionEvent;
}
