import * as z from 'zod';
import { resolveFolder } from '../access.ts';
import { folder } from '../arguments.ts';
import { errorSchema } from '../result.ts';
import { defineTool } from '../tool.ts';

export const restart = defineTool({
  name: 'restart',
  title: 'Restart Codex',
  description:
    "Restart a folder's Codex when it hangs or misbehaves. Running turns are interrupted; sessions are kept and go on with the next prompt.",
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({ folder }),
  output: z.object({
    restarted: z.boolean().optional(),
    folder: z.string().optional(),
    codex: z.string().optional().describe('State of Codex afterwards'),
    error: errorSchema.optional(),
  }),
  async run(args, call) {
    const home = await resolveFolder(call, args.folder);
    await home.restart();
    const { state } = home.status().codex;
    return {
      structured: { restarted: true, folder: home.info.path, codex: state },
      text: `Codex of ${home.info.path} was restarted (${state}). Sessions go on with their next prompt.`,
    };
  },
});
