import * as z from 'zod';
import { resolveSession } from '../access.ts';
import { folder, prompt, prompting, rights, sessionId, toSettings } from '../arguments.ts';
import { promptAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const chatMsg = defineTool({
  name: 'chat_msg',
  title: 'Go on in a conversation with Codex',
  description:
    'Send the next prompt in a session; Codex knows what came before. While a turn runs the prompt is queued (use steer to add to the running one). Model and rights given here are for this turn only.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({ session: sessionId, prompt, folder, ...rights, ...prompting }),
  output: turnResultSchema,
  async run(args, call) {
    const found = await resolveSession(call, args.session, args.folder);
    return promptAndWait(call, { ...found, settings: toSettings(args) }, args);
  },
});
