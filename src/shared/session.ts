import type { TurnChanges } from './changes.ts';
import type { AnswerRecord, FieldAnswer, QuestionField } from './questions.ts';
import type { ReviewFinding, TurnTask } from './review.ts';

/**
 * The one truth about a session. MCP tools, chat, history and progress all read a {@link SessionSnapshot};
 * it changes only by {@link "./events.ts".SessionEvent}s through the reducer in `reducer.ts`.
 *
 * All times are milliseconds since the epoch; they are for people. Order is by `seq` and array position.
 */

/** Hash of a folder's real path: 16 hex digits. */
export type FolderKey = string;
/** `s_…`, ours and stable, also when Codex loses the thread. */
export type SessionId = string;
/** `t_…` */
export type TurnId = string;

export type SandboxMode = 'read-only' | 'workspace-write' | 'danger-full-access';
export type ApprovalPolicy = 'untrusted' | 'on-request' | 'never';

/** What a person or caller chose for a session. Absent means: the default of the settings. */
export interface SessionSettings {
  readonly model?: string;
  /** Reasoning effort as Codex names it: minimal, low, medium, high, … */
  readonly effort?: string;
  readonly sandbox?: SandboxMode;
  readonly approvalPolicy?: ApprovalPolicy;
  /** Developer instructions, given to Codex when the thread starts or is resumed. */
  readonly instructions?: string;
}

/** Where a prompt came from, so that every face can say who asked. */
export interface TurnSource {
  readonly kind: 'window' | 'mcp' | 'cli' | 'palette' | 'terminal';
  /** The MCP client's own name ("claude-code"), where it told one. */
  readonly name?: string;
}

/** Running states, then the four ends. A turn has exactly one end. */
export type TurnStatus =
  | 'queued'
  | 'running'
  | 'waiting_for_approval'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

export type TurnEnd = Extract<TurnStatus, 'completed' | 'failed' | 'cancelled' | 'interrupted'>;

/** Tokens, as Codex counts them (`thread/tokenUsage/updated`). */
export interface TokenUsage {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoningOutput: number;
  readonly total: number;
}

export const NO_USAGE: TokenUsage = { input: 0, cachedInput: 0, output: 0, reasoningOutput: 0, total: 0 };

export type ItemStatus = 'running' | 'completed' | 'failed' | 'declined';

export interface FileChange {
  /** Relative to the folder with `/`, or absolute where it lies outside. */
  readonly path: string;
  readonly kind: 'add' | 'delete' | 'update';
  /** Set when the file was renamed by the change. */
  readonly movedTo?: string;
  /** Lines added and removed. */
  readonly added: number;
  readonly removed: number;
  /** Unified diff of this file; empty where Codex gave none. */
  readonly diff: string;
}

interface ItemBase {
  readonly id: string;
  readonly status: ItemStatus;
  readonly startedAt: number;
  readonly endedAt?: number;
}

/** One thing inside a turn: Codex's own word. */
export type Item =
  | (ItemBase & { readonly type: 'user_message'; readonly text: string })
  | (ItemBase & { readonly type: 'agent_message'; readonly text: string; readonly phase?: string })
  | (ItemBase & { readonly type: 'reasoning'; readonly summary: string; readonly text: string })
  | (ItemBase & {
      readonly type: 'command';
      readonly command: string;
      readonly cwd: string;
      readonly output: string;
      /** Bytes of output left out in the middle, 0 if whole. */
      readonly omitted: number;
      readonly exitCode?: number;
      readonly durationMs?: number;
    })
  | (ItemBase & { readonly type: 'file_change'; readonly changes: readonly FileChange[] })
  | (ItemBase & {
      readonly type: 'tool_call';
      readonly server: string;
      readonly tool: string;
      /** JSON text of the arguments and of the result, bounded. */
      readonly args: string;
      readonly result?: string;
      readonly error?: string;
    })
  | (ItemBase & { readonly type: 'web_search'; readonly query: string })
  | (ItemBase & { readonly type: 'plan'; readonly text: string })
  | (ItemBase & { readonly type: 'image'; readonly path: string })
  | (ItemBase & {
      readonly type: 'review';
      /** All of it, findings included. */
      readonly text: string;
      /** What it says beside its findings; absent where these could not be told apart. */
      readonly summary?: string;
      readonly findings?: readonly ReviewFinding[];
    })
  | (ItemBase & { readonly type: 'compaction' })
  /** What became of a question of Codex's: what was asked, how it was decided, and by whom. */
  | (ItemBase & {
      readonly type: 'decision';
      readonly about: Approval['request']['kind'];
      /** What Codex asked for, in words: the command, the files, the rights, the question. */
      readonly subject: string;
      /** Where the command was to run. */
      readonly cwd?: string;
      /** The changes that were asked for, as they were shown. */
      readonly diff?: string;
      /** Absent where it is not known: Codex was answered elsewhere, as in its own terminal. */
      readonly decision?: ApprovalDecision;
      readonly by: ApprovalResolver;
      /** Who answered, where that was a face or an MCP client; absent in what earlier versions wrote. */
      readonly who?: TurnSource;
      readonly reason?: string;
      readonly answers?: readonly AnswerRecord[];
    })
  /** An item type that this version does not know: shown by its name only. */
  | (ItemBase & { readonly type: 'other'; readonly name: string });

export type ItemType = Item['type'];

export interface PlanStep {
  readonly step: string;
  readonly status: 'pending' | 'in_progress' | 'completed';
  /** How, in a turn that makes a plan. */
  readonly details?: string;
  /** Files to change or add, in a turn that makes a plan. */
  readonly files?: readonly string[];
}

/** What was attached to a prompt: enough to show it, never the content itself. */
export interface AttachmentInfo {
  readonly kind: 'file' | 'text' | 'image' | 'resource';
  readonly label: string;
}

export interface TurnError {
  readonly code: string;
  readonly message: string;
}

/** Something about the turn that the reader of its answer must know. */
export interface TurnNotice {
  /**
   * `thread_restored`: Codex had lost the thread, a new one was given the earlier conversation.
   * `warning`: Codex or the bridge warns, the turn goes on.
   */
  readonly kind: 'thread_restored' | 'warning' | 'model_rerouted' | 'truncated';
  readonly text: string;
}

export interface TurnSnapshot {
  readonly id: TurnId;
  readonly source: TurnSource;
  /** Absent: the turn is a prompt. */
  readonly task?: TurnTask;
  /** What was asked; of a task what it does, in words. */
  readonly prompt: string;
  readonly attachments: readonly AttachmentInfo[];
  readonly status: TurnStatus;
  /**
   * Queued when the bridge ended: it was never sent to Codex, and waits until somebody has it sent (or cancels
   * it). Only while `status` is `queued`.
   */
  readonly held?: true;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Codex's own id of the turn, once it runs. */
  readonly codexTurn?: string;
  readonly model?: string;
  readonly items: readonly Item[];
  readonly plan: readonly PlanStep[];
  /** Codex's unified diff of the whole turn, as far as it knows (`turn/diff/updated`). */
  readonly diff: string;
  /** What the turn changed on the disk; absent while it runs, and where nobody looked. */
  readonly changes?: TurnChanges;
  readonly usage: TokenUsage;
  readonly error?: TurnError;
  readonly notices: readonly TurnNotice[];
}

/**
 * What decided an approval: a face (also an MCP client's person), the deadline, another client of Codex's, or
 * the end of its turn.
 */
export type ApprovalResolver = 'face' | 'timeout' | 'codex' | 'turn_ended';

export type ApprovalDecision = 'accept' | 'accept_for_session' | 'decline' | 'cancel';

/** What may come along with a decision. */
export interface AnswerDetails {
  /** Why not, in the person's words, with `decline` or `cancel`: Codex is told, too. */
  readonly reason?: string;
  /** To the fields of a question, with `accept`. */
  readonly answers?: readonly FieldAnswer[];
}

/** A question of Codex's that a human must answer before it goes on. Bound to thread, turn and item. */
export interface Approval {
  readonly id: string;
  readonly turn: TurnId;
  readonly item: string;
  readonly createdAt: number;
  readonly reason?: string;
  readonly decisions: readonly ApprovalDecision[];
  readonly request:
    | { readonly kind: 'command'; readonly command: string; readonly cwd: string }
    | { readonly kind: 'file_change'; readonly changes: readonly FileChange[]; readonly grantRoot?: string }
    | { readonly kind: 'permissions'; readonly text: string }
    | {
        readonly kind: 'question';
        /** All of it as text, for whoever shows no form. */
        readonly text: string;
        /** What stands above the fields. */
        readonly intro?: string;
        /** What has to be filled in; absent: a yes or a no is all. */
        readonly fields?: readonly QuestionField[];
        /** A page that the asker wants opened; a yes says that the person goes there. */
        readonly url?: string;
      };
}

/** What a session is doing, for lists and icons. */
export type SessionState = 'idle' | 'queued' | 'running' | 'waiting_for_approval' | 'failed';

/** A session without its transcript: what lists, trees and indexes show. */
export interface SessionSummary {
  readonly id: SessionId;
  readonly folder: FolderKey;
  readonly title: string;
  readonly state: SessionState;
  readonly archived: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly turns: number;
  /** Prompts that are held; absent where there is none. */
  readonly held?: number;
  readonly usage: TokenUsage;
  readonly settings: SessionSettings;
  readonly forkedFrom?: SessionId;
  /** Tokens in the model's context after the last turn, and the window's size, where Codex told. */
  readonly context?: { readonly used: number; readonly window: number };
}

export interface SessionSnapshot extends Omit<SessionSummary, 'turns' | 'held' | 'state'> {
  /** Codex's thread; absent before the first turn and after Codex lost it. */
  readonly thread?: string;
  readonly turns: readonly TurnSnapshot[];
  readonly approvals: readonly Approval[];
  /** Number of the last event that is in this snapshot. */
  readonly seq: number;
}

/** The reason of a no, and one answer, are no longer than this (UTF-16 units). */
export const MAX_ANSWER_LENGTH = 20_000;

/** Prompts longer than this (UTF-16 units) are refused: Codex's own limit is below 10 MB. */
export const MAX_PROMPT_LENGTH = 1_000_000;

export function hasEnded(status: TurnStatus): status is TurnEnd {
  return status === 'completed' || status === 'failed' || status === 'cancelled' || status === 'interrupted';
}

/** The turn's final answer: its last agent message; while it runs, the text so far. */
export function answerOf(turn: TurnSnapshot): string {
  for (let i = turn.items.length - 1; i >= 0; i--) {
    const item = turn.items[i];
    if (item?.type === 'agent_message' && item.text !== '') return item.text;
    if (item?.type === 'review' && item.text !== '') return item.text;
  }
  return '';
}

export function stateOf(turns: readonly TurnSnapshot[]): SessionState {
  let queued = false;
  for (const turn of turns) {
    if (turn.status === 'running' || turn.status === 'waiting_for_approval') return turn.status;
    if (turn.status === 'queued') queued = true;
  }
  if (queued) return 'queued';
  return turns.at(-1)?.status === 'failed' ? 'failed' : 'idle';
}

export function summaryOf(session: SessionSnapshot): SessionSummary {
  const { thread: _thread, turns, approvals: _approvals, seq: _seq, ...rest } = session;
  const held = heldTurns(session).length;
  return { ...rest, state: stateOf(turns), turns: turns.length, ...(held === 0 ? {} : { held }) };
}

/** Prompts that wait until somebody has them sent, in their order. */
export function heldTurns(session: Pick<SessionSnapshot, 'turns'>): TurnSnapshot[] {
  return session.turns.filter((turn) => turn.held === true);
}
