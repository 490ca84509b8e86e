import * as z from 'zod';
import type { SessionSettings } from '../../shared/session.ts';
import { attachmentSchema } from './attachments.ts';

/** The arguments that tools share, with one meaning each. */
export const sessionId = z.string().min(1).max(128);
export const turnId = z.string().min(1).max(128);
export const prompt = z.string().describe('What Codex is asked to do');
export const folder = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe('Folder by path, key or name; needed only where several are open');
export const cursor = z
  .string()
  .min(1)
  .max(512)
  .optional()
  .describe('From the answer before, for the next part');
export const waitSeconds = z
  .number()
  .min(0)
  .max(240)
  .optional()
  .describe('Wait at most so long for the answer, then get a handle for wait');

export const rights = {
  model: z.string().min(1).max(100).optional(),
  effort: z.string().min(1).max(50).optional().describe('Reasoning effort: minimal, low, medium, high, …'),
  sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']).optional(),
  approval_policy: z
    .enum(['untrusted', 'on-request', 'never'])
    .optional()
    .describe('When Codex asks a person before it acts'),
};

export const instructions = z
  .string()
  .max(100_000)
  .optional()
  .describe('Developer instructions for the whole session');

/** What every tool that sends a prompt takes beside it. */
export const prompting = {
  attachments: z.array(attachmentSchema).max(100).optional().describe('Files, line ranges, text, images'),
  wait_seconds: waitSeconds,
  background: z.boolean().optional().describe('Return at once with a handle for wait'),
  idempotency_key: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The same key again finds the same turn instead of starting another'),
};

interface SettingsArguments {
  readonly model?: string | undefined;
  readonly effort?: string | undefined;
  readonly sandbox?: SessionSettings['sandbox'] | undefined;
  readonly approval_policy?: SessionSettings['approvalPolicy'] | undefined;
  readonly instructions?: string | undefined;
}

/** Undefined where nothing was asked for. */
export function toSettings(args: SettingsArguments): SessionSettings | undefined {
  const settings: SessionSettings = {
    ...(args.model === undefined ? {} : { model: args.model }),
    ...(args.effort === undefined ? {} : { effort: args.effort }),
    ...(args.sandbox === undefined ? {} : { sandbox: args.sandbox }),
    ...(args.approval_policy === undefined ? {} : { approvalPolicy: args.approval_policy }),
    ...(args.instructions === undefined ? {} : { instructions: args.instructions }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}
