import type { DeltaField, SessionEvent } from '../../../shared/events.ts';
import { rebaseDiff } from '../../../shared/gitDiff.ts';
import {
  type FileChange,
  NO_USAGE,
  type TokenUsage,
  type TurnError,
  type TurnId,
  type TurnNotice,
} from '../../../shared/session.ts';
import type { ServerNotification } from '../generated/ServerNotification.ts';
import type { FileUpdateChange } from '../generated/v2/FileUpdateChange.ts';
import type { ThreadItem } from '../generated/v2/ThreadItem.ts';
import type { ThreadTokenUsage } from '../generated/v2/ThreadTokenUsage.ts';
import type { TokenUsageBreakdown } from '../generated/v2/TokenUsageBreakdown.ts';
import type { Turn } from '../generated/v2/Turn.ts';
import type { TurnError as CodexTurnError } from '../generated/v2/TurnError.ts';
import { fileChange } from './changes.ts';
import { plainMessage, turnError } from './errors.ts';
import { PART_SEPARATOR, toItem } from './items.ts';
import type { PassedOver } from './passedOver.ts';
import { isReason } from './reasons.ts';
import { ReviewMode } from './reviewMode.ts';
import { OUTPUT_LONG, Streamed, TEXT_CUT } from './streamed.ts';

/** A turn's diff longer than this (UTF-16 units) is cut at a line, with a notice. */
export const MAX_TURN_DIFF = 2 * 1024 * 1024;
/** Repeated warnings are told once, different ones up to this number. */
const MAX_NOTICES = 50;

export interface TurnEventMapperOptions {
  readonly turn: TurnId;
  /** Real path. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The thread's totals before this turn; absent: derived from the turn's first update. */
  readonly usageBefore?: TokenUsage;
  /**
   * The turn does nothing but compact the context: its first count of tokens is then the one from before
   * (seen with Codex 0.169).
   */
  readonly compacts?: boolean;
  /** See `diffPrefix`; absent: the folder is the root of Codex's diffs. */
  readonly diffPrefix?: string;
  /**
   * How the turn ends when Codex says `interrupted`: it does so whenever somebody asked, also in a terminal, so
   * the default is `cancelled`. A session that interrupts at a deadline answers `interrupted` with the error.
   */
  readonly interruptedAs?: () => { status: 'cancelled' | 'interrupted'; error?: TurnError };
}

/**
 * Maps the notifications of one running turn (app-server v2) to session events. It keeps only what later
 * notifications need. Notifications of other turns of the thread, and unknown ones, give nothing.
 */
export class TurnEventMapper {
  readonly #options: TurnEventMapperOptions;
  readonly #startedAt = new Map<string, number>();
  readonly #streamed = new Streamed();
  readonly #changes = new Map<string, readonly FileUpdateChange[]>();
  /** Last part of each reasoning text that was extended, by item and field. */
  readonly #parts = new Map<string, number>();
  readonly #notices = new Set<string>();
  readonly #review = new ReviewMode();
  #codexTurn: string | undefined;
  #prompt: string | undefined;
  #sawItem = false;
  #usageBefore: TokenUsage | undefined;
  #threadUsage: TokenUsage | undefined;
  #lastError: CodexTurnError | null = null;
  #diff = '';
  #ended = false;

  constructor(options: TurnEventMapperOptions) {
    this.#options = options;
    this.#usageBefore = options.usageBefore;
  }

  /** Codex's id of the turn, once it is known. */
  get codexTurn(): string | undefined {
    return this.#codexTurn;
  }

  /** True after `turn.ended`: nothing more comes out. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The thread's totals as last told, for the mapper of the next turn. */
  get threadUsage(): TokenUsage | undefined {
    return this.#threadUsage;
  }

  /** Codex's id of the turn, from the answer of `turn/start`. `turn/started` says the same; the first counts. */
  accepted(codexTurn: string): SessionEvent[] {
    if (this.#codexTurn !== undefined) return [];
    this.#codexTurn = codexTurn;
    return [{ type: 'turn.accepted', turn: this.#options.turn, codexTurn }];
  }

  /** The whole changes of a running `fileChange` item: what its approval asks about. */
  changesOf(item: string): FileChange[] | undefined {
    return this.#changes.get(item)?.map((change) => fileChange(this.#options.folder, change));
  }

  /**
   * What a notification means for the session; may be empty.
   *
   * @throws TypeError when the notification lacks what its type promises; nothing has changed then, and the
   * caller logs it and passes it over
   */
  map(notification: ServerNotification): SessionEvent[] {
    if (this.#ended || this.#isOfAnotherTurn(notification)) return [];
    switch (notification.method) {
      case 'turn/started':
        return this.accepted(notification.params.turn.id);
      case 'turn/completed':
        return this.#end(notification.params.turn);
      case 'item/started':
        return this.#started(notification.params.item, notification.params.startedAtMs);
      case 'item/completed':
        return this.#completed(notification.params.item, notification.params.completedAtMs);
      case 'item/agentMessage/delta':
      case 'item/plan/delta':
        return this.#delta(notification.params.itemId, 'text', notification.params.delta);
      case 'item/reasoning/summaryTextDelta': {
        const { itemId, summaryIndex, delta } = notification.params;
        return this.#partDelta(itemId, 'summary', summaryIndex, delta);
      }
      case 'item/reasoning/textDelta': {
        const { itemId, contentIndex, delta } = notification.params;
        return this.#partDelta(itemId, 'text', contentIndex, delta);
      }
      case 'item/reasoning/summaryPartAdded':
        // The separator is written with the part's first text, so that an empty part leaves none.
        return [];
      case 'item/commandExecution/outputDelta':
        return this.#output(notification.params.itemId, notification.params.delta);
      case 'item/fileChange/patchUpdated':
        return this.#patchUpdated(notification.params.itemId, notification.params.changes);
      case 'turn/diff/updated':
        return this.#turnDiff(notification.params.diff);
      case 'turn/plan/updated':
        return [
          {
            type: 'turn.plan',
            turn: this.#options.turn,
            plan: notification.params.plan.map(({ step, status }) => ({
              step,
              status: status === 'inProgress' ? 'in_progress' : status,
            })),
          },
        ];
      case 'thread/tokenUsage/updated':
        return this.#usage(notification.params.tokenUsage);
      case 'error':
        return this.#error(notification.params.error, notification.params.willRetry);
      case 'warning':
      case 'guardianWarning':
        return this.#notice('warning', notification.params.message);
      case 'configWarning': {
        const { summary, details } = notification.params;
        return this.#notice('warning', details === null ? summary : `${summary} ${details}`);
      }
      case 'modelProvider/authRecoveryStarted':
        return this.#notice('warning', notification.params.message);
      case 'model/rerouted': {
        const { fromModel, toModel } = notification.params;
        return this.#notice(
          'model_rerouted',
          `The provider answered with ${toModel} instead of ${fromModel}.`,
        );
      }
      default:
        return passOver(notification.method);
    }
  }

  #isOfAnotherTurn(notification: ServerNotification): boolean {
    if (this.#codexTurn === undefined) return false;
    // Read without a type: most notifications have one of the two, some have none.
    const params = notification.params as { turnId?: unknown; turn?: { id?: unknown } } | undefined;
    const id = params?.turnId ?? params?.turn?.id;
    return typeof id === 'string' && id !== this.#codexTurn;
  }

  #started(item: ThreadItem, startedAtMs: number): SessionEvent[] {
    if (this.#isPrompt(item) || isReason(item) || this.#review.hides(item, false)) return [];
    const startedAt = startedAtMs ?? this.#options.now();
    const started = toItem(item, { folder: this.#options.folder, done: false, startedAt });
    this.#startedAt.set(item.id, startedAt);
    if (item.type === 'fileChange') this.#changes.set(item.id, item.changes);
    return [{ type: 'item.started', turn: this.#options.turn, item: started }];
  }

  #completed(item: ThreadItem, completedAtMs: number): SessionEvent[] {
    if (this.#isPrompt(item) || isReason(item) || this.#review.hides(item, true)) return [];
    return this.#whole(item, completedAtMs);
  }

  #whole(item: ThreadItem, completedAtMs: number | undefined): SessionEvent[] {
    const endedAt = completedAtMs ?? this.#options.now();
    const startedAt = this.#startedAt.get(item.id) ?? item.startedAtMs ?? endedAt;
    const completed = toItem(item, { folder: this.#options.folder, done: true, startedAt, endedAt });
    const { item: whole, notice } = this.#streamed.whole(completed);
    this.#startedAt.delete(item.id);
    this.#changes.delete(item.id);
    this.#parts.delete(`summary ${item.id}`);
    this.#parts.delete(`text ${item.id}`);
    return [
      { type: 'item.completed', turn: this.#options.turn, item: whole },
      ...(notice === undefined ? [] : this.#notice('truncated', notice)),
    ];
  }

  /**
   * The turn has its prompt already: the user message that carries the turn's id (`clientUserMessageId` of
   * `turn/start`), or, where another client began the turn, the one that comes before all else. Later ones are
   * steers.
   */
  #isPrompt(item: ThreadItem): boolean {
    if (item.type === 'userMessage' && (item.clientId === this.#options.turn || !this.#sawItem)) {
      this.#prompt ??= item.id;
    }
    this.#sawItem = true;
    return item.id === this.#prompt;
  }

  #delta(item: string, field: 'text' | 'summary', text: string): SessionEvent[] {
    const kept = this.#streamed.text(item, field, text);
    return [
      ...this.#told(item, field, kept),
      ...(kept.length < text.length ? this.#notice('truncated', TEXT_CUT) : []),
    ];
  }

  #told(item: string, field: DeltaField, text: string): SessionEvent[] {
    return text === '' ? [] : [{ type: 'item.delta', turn: this.#options.turn, item, field, text }];
  }

  #partDelta(item: string, field: 'summary' | 'text', index: number, text: string): SessionEvent[] {
    if (text === '') return [];
    const key = `${field} ${item}`;
    const last = this.#parts.get(key) ?? index;
    this.#parts.set(key, index);
    return this.#delta(item, field, index > last ? PART_SEPARATOR + text : text);
  }

  #output(item: string, text: string): SessionEvent[] {
    const told = this.#streamed.output(item, text);
    return [
      ...this.#told(item, 'output', told),
      ...(told.length < text.length ? this.#notice('truncated', OUTPUT_LONG) : []),
    ];
  }

  #patchUpdated(id: string, changes: readonly FileUpdateChange[]): SessionEvent[] {
    const startedAt = this.#startedAt.get(id);
    if (startedAt === undefined) return [];
    this.#changes.set(id, changes);
    const item: ThreadItem = { type: 'fileChange', id, changes: [...changes], status: 'inProgress' };
    return [
      {
        type: 'item.started',
        turn: this.#options.turn,
        item: toItem(item, { folder: this.#options.folder, done: false, startedAt }),
      },
    ];
  }

  /** Codex sends the whole diff again and again; only a new one is told. */
  #turnDiff(whole: string): SessionEvent[] {
    let diff = rebaseDiff(whole, this.#options.diffPrefix ?? '');
    const events: SessionEvent[] = [];
    if (diff.length > MAX_TURN_DIFF) {
      diff = diff.slice(0, diff.lastIndexOf('\n', MAX_TURN_DIFF) + 1);
      events.push(
        ...this.#notice(
          'truncated',
          'The diff of this turn is too long to be shown whole. Look at the files.',
        ),
      );
    }
    if (diff === this.#diff) return events;
    this.#diff = diff;
    return [...events, { type: 'turn.diff', turn: this.#options.turn, diff }];
  }

  /**
   * Codex counts the thread's tokens since its beginning (`total`) and those of the last model call (`last`);
   * what that call took in and gave out is what the context holds now.
   */
  #usage({ total, last, modelContextWindow }: ThreadTokenUsage): SessionEvent[] {
    this.#threadUsage = tokens(total);
    this.#usageBefore ??=
      this.#options.compacts === true ? this.#threadUsage : difference(this.#threadUsage, tokens(last));
    return [
      {
        type: 'turn.usage',
        turn: this.#options.turn,
        usage: difference(this.#threadUsage, this.#usageBefore),
        ...(modelContextWindow === null
          ? {}
          : { context: { used: last.totalTokens, window: modelContextWindow } }),
      },
    ];
  }

  #error(error: CodexTurnError, willRetry: boolean): SessionEvent[] {
    if (willRetry) return this.#notice('warning', `Codex tries again: ${plainMessage(error.message)}`);
    this.#lastError = error;
    return [];
  }

  #notice(kind: TurnNotice['kind'], text: string): SessionEvent[] {
    const key = `${kind} ${text}`;
    if (this.#notices.has(key) || this.#notices.size >= MAX_NOTICES) return [];
    this.#notices.add(key);
    return [{ type: 'turn.notice', turn: this.#options.turn, notice: { kind, text } }];
  }

  #end(turn: Turn): SessionEvent[] {
    const end = this.#endOf(turn);
    const review = end.status === 'completed' ? this.#review.take() : undefined;
    const last = review === undefined ? [] : this.#whole(review, undefined);
    this.#ended = true;
    return [...last, { type: 'turn.ended', turn: this.#options.turn, at: this.#options.now(), ...end }];
  }

  #endOf(turn: Turn): Pick<Extract<SessionEvent, { type: 'turn.ended' }>, 'status' | 'error'> {
    switch (turn.status) {
      case 'completed':
        return { status: 'completed' };
      case 'interrupted':
        return this.#options.interruptedAs?.() ?? { status: 'cancelled' };
      case 'failed':
        return { status: 'failed', error: turnError(turn.error ?? this.#lastError) };
      default:
        return {
          status: 'failed',
          error: {
            code: 'CODEX_PROTOCOL',
            message: `Codex ended the turn as "${turn.status}", which is not known here. Update Codex Bridge.`,
          },
        };
    }
  }
}

/** Takes nothing but what is listed: a new notification of Codex's must be handled or listed to compile. */
function passOver(_method: PassedOver): SessionEvent[] {
  return [];
}

function tokens(usage: TokenUsageBreakdown): TokenUsage {
  return {
    input: usage.inputTokens,
    cachedInput: usage.cachedInputTokens,
    output: usage.outputTokens,
    reasoningOutput: usage.reasoningOutputTokens,
    total: usage.totalTokens,
  };
}

/** `a - b`, never below 0: after a compaction or a rollback Codex may count anew. */
function difference(a: TokenUsage, b: TokenUsage): TokenUsage {
  const minus = (field: keyof TokenUsage) => Math.max(0, a[field] - b[field]);
  return {
    ...NO_USAGE,
    input: minus('input'),
    cachedInput: minus('cachedInput'),
    output: minus('output'),
    reasoningOutput: minus('reasoningOutput'),
    total: minus('total'),
  };
}
