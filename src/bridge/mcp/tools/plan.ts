import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { resolveFolder, resolveSession } from '../access.ts';
import { folder, instructions, prompting, rights, sessionId, toSettings } from '../arguments.ts';
import { promptAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const plan = defineTool({
  name: 'plan',
  title: 'Plan with Codex',
  description:
    'Ask Codex how it would do something, without changing anything: it reads the folder and returns steps with details and files. Its session can then do it (ask).',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    prompt: z.string().describe('What is to be planned'),
    session: sessionId.optional().describe('Plan in this session; left out, a new one is made'),
    folder,
    model: rights.model,
    effort: rights.effort,
    instructions,
    ...prompting,
  }),
  output: turnResultSchema,
  async run(args, call) {
    const settings = toSettings(args);
    const request = { ...args, mode: 'plan' as const };
    if (args.session === undefined) {
      return promptAndWait(call, { folder: await resolveFolder(call, args.folder), settings }, request);
    }
    if (args.instructions !== undefined) {
      throw new BridgeError(
        'INVALID_INPUT',
        'Instructions belong to a session from its start. Leave out "session", or say it in the prompt.',
      );
    }
    const found = await resolveSession(call, args.session, args.folder);
    return promptAndWait(call, { ...found, settings }, request);
  },
});
