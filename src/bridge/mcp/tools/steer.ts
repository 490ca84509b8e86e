import * as z from 'zod';
import { resolveTurn } from '../access.ts';
import { turnId } from '../arguments.ts';
import { turnResult, turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const steer = defineTool({
  name: 'steer',
  title: 'Steer Codex',
  description:
    'Add to a running turn, without stopping it: a correction, a hint, more to do. Returns at once; wait gives the answer.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({ turn: turnId, prompt: z.string().describe('What to add') }),
  output: turnResultSchema,
  onlyOnce: () => true,
  async run(args, call) {
    const { session } = resolveTurn(call, args.turn);
    await session.steer(args.turn, args.prompt);
    return turnResult({
      session: session.id,
      turn: session.turn(args.turn),
      approvals: session.snapshot.approvals,
      settings: call.bridge.settings,
    });
  },
});
