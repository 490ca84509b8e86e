import * as z from 'zod/mini';
import type { NumberedEvent } from './events.ts';
import { type Attachment, approvalAnswerSchema, attachmentSchema, sessionSettingsSchema } from './faces.ts';
import type { LoginState } from './login.ts';
import { turnTaskSchema } from './review.ts';
import type { ParamSchemas } from './rpc.ts';
import type { FolderKey, SandboxMode, SessionId, SessionSnapshot, SessionSummary } from './session.ts';
import { sandboxSchema } from './settings.ts';

/**
 * The contract between the extension host and the chat webview. The webview pulls {@link ChatState} once
 * (`ready`), then gets numbered events and applies the same reducer as everyone.
 */
const id = z.string().check(z.minLength(1), z.maxLength(128));

/**
 * Ways to sign in: `provider` opens Codex's configuration. Of a login that waits: `open` its page, `copy` its code,
 * `cancel` it. `check`: the person has signed in elsewhere.
 */
export const LOGIN_ACTIONS = [
  'chatgpt',
  'device_code',
  'api_key',
  'provider',
  'open',
  'copy',
  'cancel',
  'check',
] as const;

export type LoginAction = (typeof LOGIN_ACTIONS)[number];

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
    /** Of this turn only. */
    settings: z.optional(sessionSettingsSchema),
    /** What the person wrote, where the prompt was made of it: that is what the arrow keys bring back. */
    typed: z.optional(z.string()),
  }),
  /** A turn that is no prompt. Without a session a new one is made in the folder. */
  task: z.object({
    session: z.nullable(id),
    folder: z.optional(id),
    task: turnTaskSchema,
    /** What the person wrote: that is what the arrow keys bring back. */
    typed: z.string(),
  }),
  /** The person picks what Codex reviews. */
  'review.pick': z.object({ what: z.enum(['branch', 'commit']) }),
  steer: z.object({ session: id, turn: id, prompt: z.string() }),
  cancel: z.object({ session: id }),
  /** The session's held prompts are sent, or discarded. */
  held: z.object({ session: id, send: z.boolean() }),
  'session.delete': z.object({ session: id }),
  'approval.answer': approvalAnswerSchema,
  /** A link in an answer was clicked. */
  'link.open': z.object({ href: z.string().check(z.minLength(1), z.maxLength(8192)) }),
  /** The person wants to do what a welcome or error state offers. */
  action: z.object({
    name: z.enum([
      'open_folder',
      'manage_trust',
      'retry',
      'show_log',
      'open_settings',
      'install_codex',
      'restart_codex',
    ]),
  }),
  /** What the chat offers where Codex has no login. */
  login: z.object({ what: z.enum(LOGIN_ACTIONS) }),
  /** The unsent text of the composer, kept by the host over a reload. */
  draft: z.object({ text: z.string().check(z.maxLength(100_000)) }),
  /** What the pickers offer, and what is chosen where no session is open yet. */
  'composer.options': z.object({ folder: z.nullable(id) }),
  /** `null` takes the default again. Without a session: for the next new one. */
  'composer.choose': z.object({
    session: z.nullable(id),
    choice: z.object({
      model: z.optional(z.nullable(z.string())),
      effort: z.optional(z.nullable(z.string())),
      sandbox: z.optional(z.nullable(sandboxSchema)),
    }),
  }),
  /** The person's prompts in this folder, the latest last. */
  'composer.history': z.object({ folder: z.nullable(id) }),
  /** What can be attached and fits the query; an empty one lists what is at hand. */
  'composer.find': z.object({ folder: z.nullable(id), query: z.string().check(z.maxLength(1000)) }),
  'composer.attach': z.object({
    folder: z.nullable(id),
    what: z.discriminatedUnion('kind', [
      z.object({
        kind: z.enum(['file', 'folder']),
        path: z.string().check(z.minLength(1), z.maxLength(4096)),
      }),
      z.object({ kind: z.enum(['selection', 'problems']) }),
      /** Dropped from VS Code's own views. */
      z.object({
        kind: z.literal('uris'),
        uris: z.array(z.string().check(z.maxLength(8192))).check(z.maxLength(100)),
      }),
    ]),
  }),
  'session.command': z.object({
    session: id,
    command: z.discriminatedUnion('name', [
      z.object({ name: z.enum(['fork', 'archive', 'export', 'open_in_editor']) }),
      z.object({ name: z.literal('rename'), title: z.string().check(z.minLength(1), z.maxLength(500)) }),
    ]),
  }),
};

/** What a person can choose for a session in the composer. */
export interface ComposerChoice {
  readonly model?: string;
  readonly effort?: string;
  readonly sandbox?: SandboxMode;
}

export interface ComposerOptions {
  /** Empty until Codex has told them. */
  readonly models: readonly {
    readonly id: string;
    readonly name: string;
    readonly efforts: readonly string[];
  }[];
  /** The most that the person's settings allow. */
  readonly ceiling: SandboxMode;
  readonly defaults: ComposerChoice;
  /** For the next new session. */
  readonly chosen: ComposerChoice;
}

/** One thing that `@` offers. */
export interface ContextEntry {
  readonly kind: 'file' | 'folder' | 'selection' | 'problems';
  /** What it is called; of a file or folder its path, relative to the folder. */
  readonly label: string;
}

/** An attachment with what its chip says. */
export interface ChosenAttachment {
  readonly attachment: Attachment;
  readonly label: string;
  readonly icon: 'file' | 'folder' | 'selection' | 'problems' | 'image' | 'text';
}

/** Why there is no chat yet, and what can be done about it. */
export type ChatProblem =
  | { readonly kind: 'no_folder' }
  | { readonly kind: 'untrusted' }
  | { readonly kind: 'connecting' }
  /** There is no Codex, or one that is too old. */
  | { readonly kind: 'no_codex'; readonly tooOld: boolean; readonly message: string }
  /** Codex crashed so often that it is not started again by itself. */
  | { readonly kind: 'codex_stopped'; readonly code: string; readonly message: string }
  /** `remote`: Codex runs on another machine than the person's browser. */
  | { readonly kind: 'logged_out'; readonly login: LoginState | null; readonly remote: boolean }
  /** Its history can't be written, or it is or was damaged; the chat works. */
  | { readonly kind: 'history'; readonly code: string; readonly message: string }
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
    task: { params: z.infer<typeof chatParams.task>; result: { session: SessionId } };
    'review.pick': { params: z.infer<(typeof chatParams)['review.pick']>; result: null };
    steer: { params: z.infer<typeof chatParams.steer>; result: null };
    cancel: { params: z.infer<typeof chatParams.cancel>; result: null };
    held: { params: z.infer<typeof chatParams.held>; result: null };
    'session.delete': { params: z.infer<(typeof chatParams)['session.delete']>; result: null };
    'approval.answer': { params: z.infer<(typeof chatParams)['approval.answer']>; result: null };
    'link.open': { params: z.infer<(typeof chatParams)['link.open']>; result: null };
    action: { params: z.infer<typeof chatParams.action>; result: null };
    login: { params: z.infer<typeof chatParams.login>; result: null };
    draft: { params: z.infer<typeof chatParams.draft>; result: null };
    'composer.options': {
      params: z.infer<(typeof chatParams)['composer.options']>;
      result: ComposerOptions;
    };
    'composer.choose': { params: z.infer<(typeof chatParams)['composer.choose']>; result: null };
    'composer.history': {
      params: z.infer<(typeof chatParams)['composer.history']>;
      result: { prompts: readonly string[] };
    };
    'composer.find': {
      params: z.infer<(typeof chatParams)['composer.find']>;
      result: { entries: readonly ContextEntry[] };
    };
    'composer.attach': {
      params: z.infer<(typeof chatParams)['composer.attach']>;
      result: { attachments: readonly ChosenAttachment[] };
    };
    'session.command': { params: z.infer<(typeof chatParams)['session.command']>; result: null };
  };
  events: {
    /** Everything but the open session's transcript has changed. */
    state: Omit<ChatState, 'session' | 'draft'>;
    /** Another session is open now, or the events had a gap: replaces what is shown. */
    session: { session: SessionSnapshot | null };
    /** The person wants to answer what Codex asks: the keyboard goes to the card. */
    'approval.focus': Record<string, never>;
    /** Belongs to the open session only. */
    event: { session: SessionId } & NumberedEvent;
  };
}

export const chatSchemas: ParamSchemas<ChatContract> = chatParams;
