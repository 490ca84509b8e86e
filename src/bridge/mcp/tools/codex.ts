import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import type { SessionSettings } from '../../../shared/session.ts';
import { approvalPolicySchema, sandboxSchema } from '../../../shared/settings.ts';
import type { FolderApi } from '../../api.ts';
import { isInside } from '../../folders/containment.ts';
import { foldersOf, resolveFolder } from '../access.ts';
import type { ToolCall } from '../call.ts';
import { compatResult, compatSchema, patient, withCompatErrors } from '../compat.ts';
import { promptAndFollow } from '../prompting.ts';
import { defineTool, type Tool } from '../tool.ts';

/** Arguments as `codex mcp-server` had them; `include-plan-tool` is of its first versions. */
const input = z.strictObject({
  prompt: z.string().describe('The initial user prompt to start the Codex conversation'),
  model: z.string().min(1).max(100).optional(),
  cwd: z.string().min(1).max(4096).optional().describe('Working directory, in a folder that is open'),
  sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']).optional(),
  'approval-policy': z.enum(['untrusted', 'on-failure', 'on-request', 'never']).optional(),
  'developer-instructions': z.string().max(100_000).optional(),
  'base-instructions': z.string().max(100_000).optional(),
  config: z.record(z.string(), z.unknown()).optional().describe('Model, effort, sandbox and approvals only'),
  profile: z.string().optional().describe('Not used'),
  'compact-prompt': z.string().optional().describe('Not used'),
  'include-plan-tool': z.boolean().optional().describe('Not used'),
});

type Arguments = z.output<typeof input>;

/** What is used of the arguments, and what has to be said about the rest. */
interface Understood {
  readonly settings: SessionSettings;
  readonly notices: string[];
}

export const codex: Tool = withCompatErrors(
  defineTool({
    name: 'codex',
    title: 'Codex',
    description:
      'Run a Codex session, with the arguments that codex mcp-server had. Returns threadId and content; go on with codex-reply.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    input,
    output: compatSchema,
    async run(args, call) {
      const { settings, notices } = understand(args);
      const { folder, inside } = await folderOf(call, args.cwd);
      const where =
        inside === ''
          ? ''
          : `Commands start in the directory "${inside}" of the folder: relative paths mean that.`;
      const instructions = [where, args['base-instructions'], settings.instructions]
        .filter((part) => part !== undefined && part !== '')
        .join('\n\n');
      const target = { folder, settings: { ...settings, ...(instructions === '' ? {} : { instructions }) } };
      const { session, turn } = await promptAndFollow(patient(call), target, { prompt: args.prompt });
      return compatResult(session, turn, notices);
    },
  }),
);

/** @throws BridgeError `INVALID_INPUT` for what would pass by the person's settings */
function understand(args: Arguments): Understood {
  const notices: string[] = [];
  const config = configOf(args.config ?? {});
  const policy = args['approval-policy'] ?? config.approvalPolicy;
  if (policy === 'on-failure') {
    notices.push('approval-policy "on-failure" is gone from Codex; "on-request" was used.');
  }
  if (args['base-instructions'] !== undefined) {
    notices.push("base-instructions were added to Codex's own, not put in their place.");
  }
  if (args.profile !== undefined) {
    notices.push(`profile "${args.profile}" was not used: Codex has no profiles for a single session.`);
  }
  if (args['compact-prompt'] !== undefined) notices.push('compact-prompt was not used: Codex has its own.');
  if (args['include-plan-tool'] === false) {
    notices.push('include-plan-tool was not used: Codex always has it.');
  }
  const model = args.model ?? config.model;
  const sandbox = args.sandbox ?? config.sandbox;
  const instructions = args['developer-instructions'] ?? config.instructions;
  return {
    notices,
    settings: {
      ...(model === undefined ? {} : { model }),
      ...(config.effort === undefined ? {} : { effort: config.effort }),
      ...(sandbox === undefined ? {} : { sandbox }),
      ...(policy === undefined ? {} : { approvalPolicy: policy === 'on-failure' ? 'on-request' : policy }),
      ...(instructions === undefined ? {} : { instructions }),
    },
  };
}

const text = z.string().min(1).max(100_000);

/** The keys of Codex's config.toml that say no more than an argument may. */
const configSchema = z.strictObject({
  model: text.optional(),
  model_reasoning_effort: text.optional(),
  sandbox_mode: z.enum(sandboxSchema.def.entries).optional(),
  approval_policy: z.union([z.enum(approvalPolicySchema.def.entries), z.literal('on-failure')]).optional(),
  developer_instructions: text.optional(),
});

function configOf(config: Readonly<Record<string, unknown>>) {
  const parsed = configSchema.safeParse(config);
  if (parsed.success) {
    const { data } = parsed;
    return {
      model: data.model,
      effort: data.model_reasoning_effort,
      sandbox: data.sandbox_mode,
      approvalPolicy: data.approval_policy,
      instructions: data.developer_instructions,
    };
  }
  const [issue] = parsed.error.issues;
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [String(issue?.path[0] ?? '')];
  throw new BridgeError(
    'INVALID_INPUT',
    `config ${keys.map((key) => `"${key.slice(0, 100)}"`).join(', ')} is not taken: a caller can't pass by what the person has set. Leave it out; what is wanted for every session belongs into Codex's config.toml.`,
  );
}

/**
 * The open folder that the working directory is in, the deepest first, and the way from there.
 *
 * @throws BridgeError `FOLDER_UNKNOWN`, `FOLDER_AMBIGUOUS`
 */
async function folderOf(
  call: ToolCall,
  cwd: string | undefined,
): Promise<{ folder: FolderApi; inside: string }> {
  if (cwd === undefined) return { folder: await resolveFolder(call, undefined), inside: '' };
  const folders = foldersOf(call);
  // A relative one starts at the only folder, or at that of the client's roots.
  const real = realPath(
    isAbsolute(cwd) ? cwd : resolve((await resolveFolder(call, undefined)).info.path, cwd),
  );
  const around = folders.filter(({ info }) => real !== undefined && isInside(info.path, real));
  const [folder] = around.toSorted((a, b) => b.info.path.length - a.info.path.length);
  if (folder !== undefined && real !== undefined) return { folder, inside: relative(folder.info.path, real) };
  throw new BridgeError(
    'FOLDER_UNKNOWN',
    `cwd "${cwd.slice(0, 200)}" is in no open folder. Open: ${folders.map(({ info }) => info.path).join(', ')}. Open it in VS Code, or start "codex-bridge serve --folder DIR".`,
  );
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined; // Nothing is there: then it is in no folder.
  }
}
