import * as z from 'zod';
import { BridgeError, type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import { answerOf, hasEnded, type TurnSnapshot } from '../../shared/session.ts';
import type { FolderApi } from '../api.ts';
import type { Session } from '../sessions/session.ts';
import { foldersOf, resolveSession, sessionNotFound } from './access.ts';
import type { ProgressSink, ToolCall, ToolResult } from './call.ts';
import { ABOUT } from './marked.ts';
import { approvalSubject } from './progress.ts';
import { errorSchema, heldNext } from './result.ts';
import type { Tool } from './tool.ts';

/** What `codex` and `codex-reply` of Codex's own `mcp-server` (until 0.153) gave back, and what we add to it. */
export const compatSchema = z.object({
  threadId: z.string().describe('Give it to codex-reply to go on'),
  content: z.string(),
  notices: z.array(z.string()).optional(),
  error: errorSchema.optional(),
  about: z.string().optional(),
});

const SILENT: ProgressSink = { send: () => undefined, congested: () => false };

/**
 * Who configured these tools has given them the time that they take: they wait their four minutes also where no
 * progress is asked for.
 */
export function patient(call: ToolCall): ToolCall {
  return { ...call, progress: call.progress ?? SILENT };
}

/** A turn as these tools tell it. The thread is told as our session: it stays, also when Codex loses the thread. */
export function compatResult(session: Session, turn: TurnSnapshot, notices: readonly string[]): ToolResult {
  const error = errorOf(turn);
  const parts = [answerOf(turn), ...endOf(session, turn), ...(error === undefined ? [] : [error.message])];
  const content = parts.filter((part) => part !== '').join('\n\n');
  const all = [...notices, ...turn.notices.map(({ text }) => text)];
  return {
    structured: {
      threadId: session.id,
      content,
      ...(all.length === 0 ? {} : { notices: all }),
      ...(error === undefined ? {} : { error }),
      about: ABOUT,
    },
    // Programs take the first block for the answer, as they did.
    note: ABOUT,
    text: [content, ...all.map((notice) => `[${notice}]`)].join('\n\n'),
    isError: error !== undefined,
  };
}

/** How to go on with a turn that is not done. */
function endOf(session: Session, turn: TurnSnapshot): string[] {
  if (hasEnded(turn.status)) return [];
  if (turn.held === true) return [`[${heldNext(turn, session.id)}]`];
  const asked = session.snapshot.approvals.filter((one) => one.turn === turn.id).map(approvalSubject);
  const why =
    turn.status === 'queued'
      ? 'This waits for an earlier prompt of the same thread.'
      : asked.length > 0
        ? `Codex waits for a person's approval in VS Code: ${asked.join('; ')}.`
        : 'Codex is still working; this is the text so far.';
  return [
    `[${why} Call codex-reply with threadId "${session.id}" and an empty prompt to wait for the rest. Nothing has to be sent again.]`,
  ];
}

function errorOf(turn: TurnSnapshot): { code: string; message: string } | undefined {
  if (!hasEnded(turn.status) || turn.status === 'completed') return undefined;
  if (turn.error !== undefined) return { code: turn.error.code, message: turn.error.message };
  const code = turn.status === 'cancelled' ? 'CANCELLED' : 'CODEX_EXITED';
  return { code, message: `The turn was ${turn.status} before it was done.` };
}

/**
 * The session that a thread id means: our session's, or Codex's own, also of a thread that was begun elsewhere in
 * a folder that the caller may see.
 *
 * @throws BridgeError `SESSION_NOT_FOUND`, `CODEX_*`
 */
export async function resolveThread(
  call: ToolCall,
  id: string,
): Promise<{ folder: FolderApi; session: Session }> {
  if (id.startsWith('s_')) return await resolveSession(call, id);
  for (const folder of foldersOf(call)) {
    try {
      return { folder, session: await folder.sessionOfThread(id) };
    } catch (error) {
      if (!(error instanceof BridgeError && error.code === 'SESSION_NOT_FOUND')) throw error;
    }
  }
  throw sessionNotFound(id);
}

/** These tools answer in their own shape always, because clients check errors against it too. */
export function withCompatErrors(tool: Tool): Tool {
  return {
    ...tool,
    async call(args, call) {
      try {
        return await tool.call(args, call);
      } catch (error) {
        if (error instanceof BridgeError) return compatError(toErrorInfo(error), threadOf(args));
        throw error;
      }
    },
  };
}

function compatError({ code, message }: ErrorInfo, threadId: string): ToolResult {
  const structured = { threadId, content: message, error: { code, message } };
  return { structured, text: `Error ${code}: ${message}`, isError: true };
}

function threadOf(args: unknown): string {
  const parsed = z.object({ threadId: z.string() }).safeParse(args);
  return parsed.success ? parsed.data.threadId : '';
}
