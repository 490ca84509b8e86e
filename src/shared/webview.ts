import * as z from 'zod/mini';
import type { NumberedEvent } from './events.ts';
import { attachmentSchema } from './faces.ts';
import type { ParamSchemas } from './rpc.ts';
import type { FolderKey, SessionId, SessionSnapshot, SessionSummary } from './session.ts';

/**
 * The contract between the extension host and the chat webview. The webview pulls {@link ChatState} once
 * (`ready`), then gets numbered events and applies the same reducer as everyone.
 */
const id = z.string().check(z.minLength(1), z.maxLength(128));

export const chatParams = {
  /** The webview is there and wants everything. */
  ready: z.object({}),
  'session.select': z.object({ session: z.nullable(id) }),
  'session.new': z.object({ folder: z.optional(id) }),
  /** Without a session a new one is made in the folder. */
  prompt: z.object({
    session: z.nullable(id),
    folder: z.optional(id),
    prompt: z.string(),
    attachments: z.optional(z.array(attachmentSchema)),
  }),
  steer: z.object({ session: id, turn: id, prompt: z.string() }),
  cancel: z.object({ session: id }),
  'session.delete': z.object({ session: id }),
  'approval.answer': z.object({
    session: id,
    approval: id,
    decision: z.enum(['accept', 'accept_for_session', 'decline', 'cancel']),
  }),
  /** A link in an answer was clicked. */
  'link.open': z.object({ href: z.string() }),
  /** The person wants to do what a welcome or error state offers. */
  action: z.object({ name: z.enum(['open_folder', 'manage_trust', 'retry', 'show_log', 'open_settings']) }),
  /** The unsent text of the composer, kept by the host over a reload. */
  draft: z.object({ text: z.string().check(z.maxLength(100_000)) }),
};

/** Why there is no chat yet, and what can be done about it. */
export type ChatProblem =
  | { readonly kind: 'no_folder' }
  | { readonly kind: 'untrusted' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

export interface ChatState {
  readonly problem: ChatProblem | null;
  readonly folders: readonly { readonly key: FolderKey; readonly name: string }[];
  readonly folder: FolderKey | null;
  readonly sessions: readonly SessionSummary[];
  readonly session: SessionSnapshot | null;
  readonly draft: string;
}

export interface ChatContract {
  requests: {
    ready: { params: z.infer<typeof chatParams.ready>; result: ChatState };
    'session.select': { params: z.infer<(typeof chatParams)['session.select']>; result: null };
    'session.new': { params: z.infer<(typeof chatParams)['session.new']>; result: null };
    prompt: { params: z.infer<typeof chatParams.prompt>; result: { session: SessionId } };
    steer: { params: z.infer<typeof chatParams.steer>; result: null };
    cancel: { params: z.infer<typeof chatParams.cancel>; result: null };
    'session.delete': { params: z.infer<(typeof chatParams)['session.delete']>; result: null };
    'approval.answer': { params: z.infer<(typeof chatParams)['approval.answer']>; result: null };
    'link.open': { params: z.infer<(typeof chatParams)['link.open']>; result: null };
    action: { params: z.infer<typeof chatParams.action>; result: null };
    draft: { params: z.infer<typeof chatParams.draft>; result: null };
  };
  events: {
    /** Everything but the open session's transcript has changed. */
    state: Omit<ChatState, 'session' | 'draft'>;
    /** Another session is open now, or the events had a gap: replaces what is shown. */
    session: { session: SessionSnapshot | null };
    /** Belongs to the open session only. */
    event: { session: SessionId } & NumberedEvent;
  };
}

export const chatSchemas: ParamSchemas<ChatContract> = chatParams;
