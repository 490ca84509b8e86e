import { BridgeError } from '../../shared/errors.ts';
import type { TurnTask } from '../../shared/review.ts';
import type { SessionSettings, TurnId, TurnSnapshot } from '../../shared/session.ts';
import { MAX_PROMPT_LENGTH } from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import { checkReviewTarget } from '../git/reviewTarget.ts';
import type { PromptRequest, Session } from '../sessions/session.ts';
import type { TurnMode } from '../sessions/turnModes.ts';
import { type AttachmentArgument, toAttachment } from './attachments.ts';
import type { ToolCall, ToolResult } from './call.ts';
import type { TurnHandle } from './once.ts';
import { handleResult, turnResult } from './result.ts';
import { BecomesTask } from './tasks.ts';
import { waitForTurn } from './waiting.ts';

export interface PromptArguments {
  readonly prompt: string;
  readonly attachments?: readonly AttachmentArgument[] | undefined;
  readonly wait_seconds?: number | undefined;
  readonly background?: boolean | undefined;
  readonly idempotency_key?: string | undefined;
  readonly mode?: TurnMode | undefined;
  readonly task?: TurnTask | undefined;
}

/** Where a prompt goes: a session that is there, or one that is made for it. */
export type PromptTarget =
  | { readonly folder: FolderApi; readonly session: Session; readonly settings?: SessionSettings | undefined }
  | {
      readonly folder: FolderApi;
      readonly session?: undefined;
      readonly title?: string | undefined;
      readonly settings?: SessionSettings | undefined;
    };

/**
 * Sends a prompt once, however often the same request comes, and waits for its turn within the call's
 * bounds.
 */
export async function promptAndWait(
  call: ToolCall,
  target: PromptTarget,
  args: PromptArguments,
): Promise<ToolResult> {
  const { session, turn } = await promptAndFollow(call, target, args);
  return turnResult({
    session: session.id,
    turn,
    approvals: session.snapshot.approvals,
    settings: call.bridge.settings,
  });
}

/** {@link promptAndWait} for those who make their own answer of the turn. */
export async function promptAndFollow(
  call: ToolCall,
  target: PromptTarget,
  args: PromptArguments,
): Promise<{ readonly folder: FolderApi; readonly session: Session; readonly turn: TurnSnapshot }> {
  return follow(call, await sendOnce(call, target, args), args);
}

/**
 * Has a held prompt sent, if it is still held, and waits for its turn. Only what came over MCP: a person's prompts
 * are the person's to send.
 *
 * @throws BridgeError `INVALID_INPUT`, `TURN_NOT_FOUND`
 */
export async function releaseAndWait(
  call: ToolCall,
  { folder, session }: { readonly folder: FolderApi; readonly session: Session },
  turn: TurnId,
  args: Pick<PromptArguments, 'wait_seconds' | 'background'>,
): Promise<ToolResult> {
  const { held, source } = session.turn(turn);
  if (held === true && source.kind !== 'mcp') {
    throw new BridgeError(
      'INVALID_INPUT',
      'This prompt came from a person, who sends or discards it in VS Code. Wait for that, or send a prompt of your own.',
    );
  }
  await session.release(turn);
  await follow(call, call.resumed ?? { folder, session, turn }, args);
  return handleResult({ folder, session, turn }, call.bridge.settings);
}

async function follow(
  call: ToolCall,
  handle: TurnHandle,
  args: Pick<PromptArguments, 'wait_seconds' | 'background'>,
): Promise<{ readonly folder: FolderApi; readonly session: Session; readonly turn: TurnSnapshot }> {
  if (call.asTask && args.background !== true) throw new BecomesTask(handle);
  const { folder, session } = handle;
  const seconds = args.background === true ? 0 : args.wait_seconds;
  return { folder, session, turn: await waitForTurn(call, session, handle.turn, seconds) };
}

async function sendOnce(call: ToolCall, target: PromptTarget, args: PromptArguments): Promise<TurnHandle> {
  if (call.resumed !== undefined) return call.resumed;
  const key = args.idempotency_key ?? call.requestKey;
  if (key === undefined) return send(call, target, args, undefined);
  const handle = await call.once.run(`${target.folder.info.key} ${key}`, async () => {
    const known = target.folder.turnByKey(key);
    if (known === undefined) return send(call, target, args, key);
    return { folder: target.folder, session: target.folder.session(known.session), turn: known.turn };
  });
  // A task's prompt is made of what it finds, and is not asked of the caller.
  if (args.task === undefined && handle.session.turn(handle.turn).prompt !== args.prompt) {
    throw new BridgeError(
      'INVALID_INPUT',
      'This "idempotency_key" was used for another prompt. Take a new key for a new prompt.',
    );
  }
  return handle;
}

async function send(
  call: ToolCall,
  target: PromptTarget,
  args: PromptArguments,
  idempotencyKey: string | undefined,
): Promise<TurnHandle> {
  checkPrompt(args.prompt);
  const { folder } = target;
  if (args.task?.kind === 'review') await checkReviewTarget(folder.info.path, args.task.target);
  const request: PromptRequest = {
    prompt: args.prompt,
    ...(args.task === undefined ? {} : { task: args.task }),
    source: { kind: 'mcp', ...(call.client === undefined ? {} : { name: call.client }) },
    ...(args.attachments === undefined ? {} : { attachments: args.attachments.map(toAttachment) }),
    ...(args.mode === undefined ? {} : { mode: args.mode }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  if (target.session !== undefined) {
    const settings = target.settings === undefined ? {} : { settings: target.settings };
    const { turn } = await target.session.prompt({ ...request, ...settings });
    return { folder, session: target.session, turn };
  }
  const session = folder.createSession({
    ...(target.title === undefined ? {} : { title: target.title }),
    ...(target.settings === undefined ? {} : { settings: target.settings }),
  });
  try {
    const { turn } = await session.prompt(request);
    return { folder, session, turn };
  } catch (error) {
    // A session that was made for a prompt which could not be taken is of no use to anyone.
    await folder.deleteSession(session.id);
    throw error;
  }
}

/** The session checks it too; here it is checked before a session is made for it. */
function checkPrompt(prompt: string): void {
  if (prompt.trim() === '') {
    throw new BridgeError('PROMPT_EMPTY', 'The prompt is empty. Say what Codex should do.');
  }
  if (prompt.length > MAX_PROMPT_LENGTH) {
    throw new BridgeError(
      'PROMPT_TOO_LARGE',
      `The prompt has ${prompt.length} characters, at most ${MAX_PROMPT_LENGTH} are taken. Attach files by path instead of pasting them.`,
    );
  }
}
