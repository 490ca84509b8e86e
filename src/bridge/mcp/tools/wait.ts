import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { resolveTarget } from '../access.ts';
import { cursor, sessionId, turnId, waitSeconds } from '../arguments.ts';
import { turnResult, turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';
import { waitForTurn } from '../waiting.ts';

export const wait = defineTool({
  name: 'wait',
  title: 'Wait for Codex',
  description:
    'Wait for a running turn and return its answer, or a handle again if it is still not done. With a cursor: the next part of a long answer.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    turn: turnId.optional(),
    session: sessionId.optional().describe('Instead of turn: the last turn of this session'),
    wait_seconds: waitSeconds,
    cursor,
  }),
  output: turnResultSchema,
  async run(args, call) {
    const session = await resolveTarget(call, args);
    const turn = args.turn ?? session.snapshot.turns.at(-1)?.id;
    if (turn === undefined) {
      throw new BridgeError('TURN_NOT_FOUND', 'The session has no turn yet. Send a prompt with chat_msg.');
    }
    const snapshot = await waitForTurn(call, session, turn, args.wait_seconds);
    return turnResult({
      session: session.id,
      turn: snapshot,
      approvals: session.snapshot.approvals,
      settings: call.bridge.settings,
      cursor: args.cursor,
    });
  },
});
