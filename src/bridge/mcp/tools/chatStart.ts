import * as z from 'zod';
import { resolveFolder } from '../access.ts';
import { folder, instructions, prompt, prompting, rights, toSettings } from '../arguments.ts';
import { promptAndWait } from '../prompting.ts';
import { turnResultSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const chatStart = defineTool({
  name: 'chat_start',
  title: 'Start a conversation with Codex',
  description:
    'Start a conversation with Codex: a session with a title, developer instructions, and a first prompt if there is one. Go on with chat_msg.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    prompt: prompt.optional(),
    title: z.string().min(1).max(500).optional(),
    instructions,
    folder,
    ...rights,
    ...prompting,
  }),
  output: turnResultSchema,
  async run({ prompt: first, ...args }, call) {
    const home = await resolveFolder(call, args.folder);
    const settings = toSettings(args);
    if (first !== undefined) {
      return promptAndWait(call, { folder: home, title: args.title, settings }, { ...args, prompt: first });
    }
    const session = home.createSession({
      ...(args.title === undefined ? {} : { title: args.title }),
      ...(settings === undefined ? {} : { settings }),
    });
    const next = `Call chat_msg with session "${session.id}".`;
    return { structured: { session: session.id, next }, text: `Session ${session.id} is ready. ${next}` };
  },
});
