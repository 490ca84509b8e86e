import * as z from 'zod';
import { resolveTarget } from '../access.ts';
import { sessionId, turnId } from '../arguments.ts';
import { errorSchema, statusSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const cancel = defineTool({
  name: 'cancel',
  title: 'Stop Codex',
  description:
    'Interrupt a running turn or take a queued one out; with session, all of its turns. What was done so far stays.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    turn: turnId.optional(),
    session: sessionId.optional().describe('Instead of turn: every turn of this session that has not ended'),
  }),
  output: z.object({
    cancelled: z.array(z.string()).optional(),
    session: z.string().optional(),
    turns: z.array(z.object({ turn: z.string(), status: statusSchema })).optional(),
    error: errorSchema.optional(),
  }),
  async run(args, call) {
    const session = await resolveTarget(call, args);
    const cancelled = await session.cancel(args.turn);
    const asked = args.turn === undefined ? cancelled : [args.turn];
    const turns = asked.map((turn) => ({ turn, status: session.turn(turn).status }));
    const text =
      cancelled.length === 0
        ? `Nothing was running${turns.map(({ turn, status }) => `: turn ${turn} is ${status}`).join('')}.`
        : `Cancelled: ${cancelled.join(', ')} in session ${session.id}.`;
    return { structured: { cancelled, session: session.id, turns }, text };
  },
});
