import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { hasEnded } from '../../../shared/session.ts';
import type { Session } from '../../sessions/session.ts';
import type { ToolCall, ToolResult } from '../call.ts';
import { compatResult, compatSchema, patient, resolveThread, withCompatErrors } from '../compat.ts';
import { promptAndFollow } from '../prompting.ts';
import { defineTool, type Tool } from '../tool.ts';
import { waitForTurn } from '../waiting.ts';

const threadId = z.string().min(1).max(128).optional();

export const codexReply: Tool = withCompatErrors(
  defineTool({
    name: 'codex-reply',
    title: 'Codex Reply',
    description:
      'Continue a Codex session by its threadId and the next prompt. An empty prompt waits for what is still running and returns it.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    input: z.strictObject({
      prompt: z.string().describe('The next user prompt to continue the Codex conversation'),
      threadId: threadId.describe('Thread id of this Codex session'),
      conversationId: threadId.describe('Deprecated: use threadId'),
    }),
    output: compatSchema,
    async run(args, call) {
      const id = args.threadId ?? args.conversationId;
      if (id === undefined) {
        throw new BridgeError('INVALID_INPUT', 'Pass "threadId": the one that codex gave back.');
      }
      const { folder, session } = await resolveThread(call, id);
      if (args.prompt.trim() === '') return rest(session, patient(call));
      const request = { prompt: args.prompt };
      const { turn } = await promptAndFollow(patient(call), { folder, session }, request);
      return compatResult(session, turn, []);
    },
  }),
);

/** What runs or waits, the earliest first; where nothing does, what was last. */
async function rest(session: Session, call: ToolCall): Promise<ToolResult> {
  const { turns } = session.snapshot;
  const turn = turns.find(({ status, held }) => !hasEnded(status) && held !== true) ?? turns.at(-1);
  if (turn === undefined) {
    throw new BridgeError(
      'PROMPT_EMPTY',
      'Nothing runs in this session, and nothing was asked. Give a prompt.',
    );
  }
  return compatResult(session, await waitForTurn(call, session, turn.id, undefined), []);
}
