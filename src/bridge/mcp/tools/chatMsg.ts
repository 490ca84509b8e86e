import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { resolveSession } from '../access.ts';
import { folder, prompt, prompting, rights, sessionId, toSettings, turnId } from '../arguments.ts';
import { promptAndWait, releaseAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

/** They were said with the prompt, when it was sent. */
const OF_A_PROMPT = [...Object.keys(rights), 'attachments', 'idempotency_key'];

export const chatMsg = defineTool({
  name: 'chat_msg',
  title: 'Go on in a conversation with Codex',
  description:
    'Send the next prompt in a session; Codex knows what came before. While a turn runs the prompt is queued (use steer to add to the running one). Model and rights given here are for this turn only. With turn instead of prompt: send a prompt that is held.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    session: sessionId,
    prompt: prompt.optional(),
    turn: turnId.optional().describe('Instead of prompt: a held one, which is sent as it is'),
    folder,
    ...rights,
    ...prompting,
  }),
  output: turnResultSchema,
  async run(args, call) {
    const { prompt: text, turn } = args;
    const found = await resolveSession(call, args.session, args.folder);
    if (text !== undefined && turn === undefined) {
      return promptAndWait(call, { ...found, settings: toSettings(args) }, { ...args, prompt: text });
    }
    if (text !== undefined || turn === undefined) {
      throw new BridgeError('INVALID_INPUT', 'Pass "prompt", or the "turn" of a held one: one of them.');
    }
    const wrong = Object.entries(args).find(
      ([name, value]) => value !== undefined && OF_A_PROMPT.includes(name),
    );
    if (wrong !== undefined) {
      throw new BridgeError('INVALID_INPUT', `"${wrong[0]}" does not go with "turn": it is sent as it is.`);
    }
    return releaseAndWait(call, found, turn, args);
  },
});
