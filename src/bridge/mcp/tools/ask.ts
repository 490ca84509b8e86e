import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { resolveFolder, resolveSession } from '../access.ts';
import { folder, instructions, prompt, prompting, rights, sessionId, toSettings } from '../arguments.ts';
import { promptAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const ask = defineTool({
  name: 'ask',
  title: 'Ask Codex',
  description:
    'Send one prompt to Codex, which works in the folder: reads, runs commands, edits files. Starts a session, or goes on in a given one. Returns the final answer, files changed, commands and tokens; if it takes long, a handle for wait.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    prompt,
    session: sessionId.optional().describe('Go on in this session; left out, a new one is made'),
    folder,
    ...rights,
    instructions,
    ...prompting,
  }),
  output: turnResultSchema,
  async run(args, call) {
    const settings = toSettings(args);
    if (args.session === undefined) {
      return promptAndWait(call, { folder: await resolveFolder(call, args.folder), settings }, args);
    }
    if (args.instructions !== undefined) {
      throw new BridgeError(
        'INVALID_INPUT',
        'Instructions belong to a session from its start. Leave out "session", or say it in the prompt.',
      );
    }
    const found = await resolveSession(call, args.session, args.folder);
    return promptAndWait(call, { ...found, settings }, args);
  },
});
