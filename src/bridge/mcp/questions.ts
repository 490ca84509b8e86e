import { createHash, randomBytes } from 'node:crypto';
import {
  type CallToolResult,
  createRequestStateCodec,
  type ElicitRequestFormParams,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { BridgeError } from '../../shared/errors.ts';
import type { Approval, TurnSource } from '../../shared/session.ts';
import { makeVisible } from '../../shared/visible.ts';
import type { Scope } from '../http/tokens.ts';
import type { Session } from '../sessions/session.ts';
import type { TurnHandle } from './once.ts';

/** Characters of what is asked about. What is longer is answered where all of it can be seen: in VS Code. */
const MAX_SHOWN = 6_000;
const MAX_REASON = 2_000;
/** Seconds that an answer may take in 2026-07-28, where it comes with a new request. */
const ANSWER_SECONDS = 3_600;
/** The one question of a request. */
const KEY = 'approval';

/** Asks whoever sits at the MCP client, instead of only in VS Code. Opt-in: `mcp.approvals`. */
export interface ClientQuestions {
  /**
   * Resolves when this client has nothing more to say about the approval. Aborted when it was answered elsewhere.
   *
   * @throws AnswerNeeded where the client is asked by the result of its call (2026-07-28)
   */
  ask(session: Session, approval: Approval, signal: AbortSignal): Promise<void>;
}

/** Ends a call of 2026-07-28 with a question; the client calls again with the answer. */
export class AnswerNeeded extends Error {
  readonly session: Session;
  readonly approval: Approval;

  constructor(session: Session, approval: Approval) {
    super('a person must answer first');
    this.session = session;
    this.approval = approval;
  }
}

/** Answers that are remembered, so that one that comes again is told from another one. */
const MAX_TAKEN = 1_000;

/** What comes back with the answer: which turn was waited for, and exactly what was asked. */
interface AskedState {
  /** Names the call that asked, see {@link callMark}: no other one may bring the answer. */
  readonly call: string;
  readonly turn: string;
  readonly approval: string;
  /** Of what was shown: the answer is to that and nothing else. */
  readonly digest: string;
  /** Approvals that the client dismissed: it is not asked again about them. */
  readonly dismissed: readonly string[];
}

const contentSchema = z.object({
  decision: z.enum(['accept', 'decline']),
  reason: z.string().max(MAX_REASON).optional(),
});

const REQUESTED: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    decision: {
      type: 'string',
      title: 'Decision',
      description: 'Accept it this once, or decline it',
      enum: ['accept', 'decline'],
    },
    reason: {
      type: 'string',
      title: 'Why not',
      description: 'Told to Codex when you decline',
      maxLength: MAX_REASON,
    },
  },
  required: ['decision'],
};

/** What the client shows; undefined for what can't be shown whole or needs more than a yes or a no. */
export function questionOf({ request, reason }: Approval): string | undefined {
  const lines: string[] = [];
  switch (request.kind) {
    case 'command':
      lines.push(
        `Codex asks to run this command in ${makeVisible(request.cwd)}:`,
        '',
        makeVisible(request.command),
      );
      break;
    case 'file_change':
      lines.push('Codex asks to change files:');
      if (request.grantRoot !== undefined)
        lines.push(`It also asks to write below ${makeVisible(request.grantRoot)}.`);
      for (const { path, kind, diff } of request.changes)
        lines.push('', `${kind} ${makeVisible(path)}`, makeVisible(diff));
      break;
    case 'permissions':
      lines.push('Codex asks for more rights:', '', makeVisible(request.text));
      break;
    case 'question':
      if (request.fields !== undefined || request.url !== undefined) return undefined;
      lines.push('Codex asks:', '', makeVisible(request.text));
      break;
  }
  if (reason !== undefined) lines.push('', `Its reason: ${makeVisible(reason)}`);
  const text = lines.join('\n');
  return text.length > MAX_SHOWN ? undefined : text;
}

/** The form that goes to the client. */
export function formOf(question: string): ElicitRequestFormParams {
  return { mode: 'form', message: question, requestedSchema: REQUESTED };
}

/**
 * Gives an answer that came from a client to Codex. It counts only while the very same thing is still asked; a
 * dismissed form answers nothing, so that VS Code still can.
 *
 * @param client the client's own name
 */
export function giveAnswer(
  session: Session,
  asked: { readonly approval: string; readonly digest: string },
  answer: { readonly action: string; readonly content?: unknown },
  client: string | undefined,
): void {
  const approval = session.snapshot.approvals.find((one) => one.id === asked.approval);
  if (approval === undefined || digestOf(approval) !== asked.digest || answer.action === 'cancel') return;
  const content = contentSchema.safeParse(answer.content);
  const accepted = answer.action === 'accept' && content.success && content.data.decision === 'accept';
  const reason = content.success ? content.data.reason?.trim() : undefined;
  const who: TurnSource = { kind: 'mcp', ...(client === undefined ? {} : { name: client }) };
  try {
    if (accepted) session.answer(approval.id, 'accept', who);
    else session.answer(approval.id, 'decline', who, reason === undefined || reason === '' ? {} : { reason });
  } catch (error) {
    // Somebody was faster at this very moment.
    if (!(error instanceof BridgeError && error.code === 'APPROVAL_NOT_FOUND')) throw error;
  }
}

export function digestOf(approval: Approval): string {
  return createHash('sha256').update(JSON.stringify(approval)).digest('base64url');
}

/** 2025-11-25: the client is asked while its call waits. */
export function askedInBetween(ctx: ServerContext, client: string | undefined): ClientQuestions {
  return {
    async ask(session, approval, signal) {
      const question = questionOf(approval);
      if (question === undefined) return;
      const asked = { approval: approval.id, digest: digestOf(approval) };
      // A client on the SDK's v1 can't take back a request whose id is 0 (seen with 1.32): this one has it.
      ctx.mcpReq.send({ method: 'ping' }).catch(() => undefined); // A client that is gone is seen below.
      // Goes where the call's progress goes, and its withdrawal too.
      const answer = await ctx.mcpReq.send(
        { method: 'elicitation/create', params: { ...formOf(question) } },
        { signal, timeout: ANSWER_SECONDS * 1000 },
      );
      giveAnswer(session, asked, answer, client);
    },
  };
}

/** One call: who may make it, and what it asks for. */
export function callMark(scope: Scope, tool: string, args: unknown): string {
  const about = JSON.stringify([scope.kind === 'all' ? '' : scope.folder, tool, args ?? {}]);
  return createHash('sha256').update(about).digest('base64url');
}

/** 2026-07-28: the call ends with the question and is made again with the answer. */
export class AskedByResult {
  /** By the approval: the answer that was taken. */
  readonly #taken = new Map<string, string>();
  readonly #codec: RequestStateCodec<AskedState> = createRequestStateCodec<AskedState>({
    key: randomBytes(32),
    ttlSeconds: ANSWER_SECONDS,
  });

  /** For the SDK: refuses a state that is not ours, or too old. */
  readonly verify = (state: string, ctx: ServerContext): Promise<AskedState> =>
    this.#codec.verify(state, ctx);

  /** The call's questions: none about what the client has dismissed. */
  questions(ctx: ServerContext): ClientQuestions {
    const dismissed = this.#state(ctx)?.dismissed ?? [];
    return {
      async ask(session, approval) {
        if (questionOf(approval) === undefined || dismissed.includes(approval.id)) return;
        throw new AnswerNeeded(session, approval);
      },
    };
  }

  /** The result that asks. `call` is the {@link callMark}. */
  async result(
    needed: AnswerNeeded,
    call: string,
    ctx: ServerContext,
  ): Promise<InputRequiredResult | CallToolResult> {
    const { approval } = needed;
    const before = this.#state(ctx)?.dismissed ?? [];
    return inputRequired({
      inputRequests: { [KEY]: inputRequired.elicit(formOf(questionOf(approval) ?? '')) },
      requestState: await this.#codec.mint({
        call,
        turn: approval.turn,
        approval: approval.id,
        digest: digestOf(approval),
        // Should it be dismissed, it is not asked again.
        dismissed: [...before, approval.id],
      }),
    });
  }

  /**
   * Takes the answer that comes with a call that is made again, and gives the turn that it waits for; undefined for
   * a call that is made for the first time. `find` throws for a turn that the caller may not see.
   *
   * @throws BridgeError `INVALID_INPUT` for the state of another call, `APPROVAL_NOT_FOUND` for a second answer
   */
  resume(
    ctx: ServerContext,
    call: string,
    client: string | undefined,
    find: (turn: string) => Omit<TurnHandle, 'turn'>,
  ): TurnHandle | undefined {
    const state = this.#state(ctx);
    if (state === undefined) return undefined;
    if (state.call !== call) {
      throw new BridgeError(
        'INVALID_INPUT',
        'This answer belongs to another call. Make the call that asked again, with the same arguments.',
      );
    }
    const found = find(state.turn);
    const answer = inputResponse(ctx.mcpReq.inputResponses, KEY);
    if (answer.kind === 'elicit' && this.#isFirst(state.approval, answer)) {
      giveAnswer(found.session, state, answer, client);
    }
    return { ...found, turn: state.turn };
  }

  /** False for the same answer sent again, because the client did not hear that it was taken. */
  #isFirst(approval: string, answer: { readonly action: string; readonly content?: unknown }): boolean {
    const said = JSON.stringify([answer.action, answer.content ?? {}]);
    const before = this.#taken.get(approval);
    if (before !== undefined && before !== said) {
      throw new BridgeError(
        'APPROVAL_NOT_FOUND',
        'This question was answered before, and an answer counts once. Call wait with the turn to go on.',
      );
    }
    this.#taken.set(approval, said);
    const [oldest] = this.#taken.keys();
    if (this.#taken.size > MAX_TAKEN && oldest !== undefined) this.#taken.delete(oldest);
    return before === undefined;
  }

  #state(ctx: ServerContext): AskedState | undefined {
    return ctx.mcpReq.requestState<AskedState>();
  }
}
