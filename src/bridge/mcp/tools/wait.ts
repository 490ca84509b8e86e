import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { hasEnded } from '../../../shared/session.ts';
import { resolveTarget, resolveTurn } from '../access.ts';
import { cursor, sessionId, turnId, waitSeconds } from '../arguments.ts';
import type { ToolCall, ToolResult } from '../call.ts';
import { PAGE_BYTES } from '../paging.ts';
import { describeTurn, textOf, turnResult, turnResultSchema, turnResultShape } from '../result.ts';
import { defineTool } from '../tool.ts';
import { waitForTurn } from '../waiting.ts';
import { type AwaitedTurn, waitForTurns } from '../waitingMany.ts';

const MAX_TURNS = 20;

const input = z.strictObject({
  turn: turnId.optional(),
  turns: z.array(turnId).min(1).max(MAX_TURNS).optional().describe('Instead of turn: several'),
  until: z.enum(['all', 'any']).optional().describe('With turns: wait for all of them (default), or for one'),
  session: sessionId.optional().describe('Instead of turn: the last turn of this session'),
  wait_seconds: waitSeconds,
  cursor,
});

type Arguments = z.output<typeof input>;

export const wait = defineTool({
  name: 'wait',
  title: 'Wait for Codex',
  description:
    'Wait for one running turn or several, and return the answers; what is still not done then has a status and can be waited for again. With a cursor: the next part of a long answer.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input,
  output: z.object({
    ...turnResultShape,
    turns: z.array(turnResultSchema).optional().describe('With turns: each in the order that was asked for'),
    ended: z.array(z.string()).optional(),
    running: z.array(z.string()).optional(),
  }),
  async run(args, call) {
    if (args.turns !== undefined) return waitForSeveral(args, args.turns, call);
    if (args.until !== undefined) throw new BridgeError('INVALID_INPUT', '"until" goes with "turns" only.');
    const session = await resolveTarget(call, args);
    const turn = args.turn ?? session.snapshot.turns.at(-1)?.id;
    if (turn === undefined) {
      throw new BridgeError('TURN_NOT_FOUND', 'The session has no turn yet. Send a prompt with ask.');
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

async function waitForSeveral(
  { until = 'all', wait_seconds, ...others }: Arguments,
  wanted: readonly string[],
  call: ToolCall,
): Promise<ToolResult> {
  const wrong = (['turn', 'session', 'cursor'] as const).find((name) => others[name] !== undefined);
  if (wrong !== undefined) {
    throw new BridgeError('INVALID_INPUT', `"${wrong}" does not go with "turns": pass one or the other.`);
  }
  // All are found before any is waited for: a wrong one must not cost minutes.
  const turns = [...new Set(wanted)].map(
    (turn): AwaitedTurn => ({ session: resolveTurn(call, turn).session, turn }),
  );
  await waitForTurns(call, turns, until, wait_seconds);
  const described = turns.map(({ session, turn }) =>
    describeTurn({
      session: session.id,
      turn: session.turn(turn),
      approvals: session.snapshot.approvals,
      settings: call.bridge.settings,
      pageBytes: Math.floor(PAGE_BYTES / turns.length),
    }),
  );
  const isOver = ({ session, turn }: AwaitedTurn) => hasEnded(session.turn(turn).status);
  const idsOf = (list: readonly AwaitedTurn[]) => list.map(({ turn }) => turn);
  const running = idsOf(turns.filter((one) => !isOver(one)));
  const next =
    running.length === 0
      ? {}
      : { next: `Call wait with turns ${JSON.stringify(running)} for those that are not done yet.` };
  return {
    structured: { turns: described, ended: idsOf(turns.filter(isOver)), running, ...next },
    // How each of them ended is what was asked for: no error of this call.
    text: [...described.map(textOf), ...Object.values(next)].join('\n\n---\n\n'),
  };
}
