import * as z from 'zod/mini';
import { type ChangesEvents, type ChangesRequests, changesParams } from './changes.ts';
import { type CodexTrust, type CodexTrustRequests, codexTrustParams } from './codexTrust.ts';
import type { BridgeCounters } from './counters.ts';
import type { ErrorInfo } from './errors.ts';
import type { NumberedEvent } from './events.ts';
import { type AccountInfo, type LoginRequests, type LoginState, loginParams } from './login.ts';
import { type McpEvents, type McpRequests, mcpParams } from './mcpChannel.ts';
import { turnTaskSchema } from './review.ts';
import type { ParamSchemas } from './rpc.ts';
import type {
  Approval,
  FolderKey,
  SessionId,
  SessionSnapshot,
  SessionSummary,
  TokenUsage,
  TurnId,
  TurnStatus,
} from './session.ts';
import { MAX_ANSWER_LENGTH, MAX_PROMPT_LENGTH } from './session.ts';
import {
  approvalPolicySchema,
  type BridgeSettings,
  bridgeSettingsSchema,
  type LogLevel,
  sandboxSchema,
} from './settings.ts';
import { type TerminalEvents, type TerminalRequests, terminalParams } from './terminal.ts';

/**
 * The contract between the bridge and its faces, over the private socket: newline-delimited JSON
 * {@link "./rpc.ts".Message}s. A face asks, the bridge answers and tells events.
 *
 * Compatible additions leave {@link FACE_CONTRACT} as it is; a change that an older side would get wrong
 * raises it. A newer face speaks an older bridge's contract until that bridge has left.
 */
export const FACE_CONTRACT = 1;

/** How often a face says `ping`, in ms: with this each side notices within 45 s that the other is there no more. */
export const HEARTBEAT_MS = 15_000;

/** One line of the private socket, in bytes: the largest prompt with attachments, with room to spare. */
export const MAX_FACE_MESSAGE_BYTES = 64 * 1024 * 1024;

/** What a proof is made for, so that it is good for nothing else. */
export const PROOF_PURPOSE = 'codex-bridge private socket ';

const id = z.string().check(z.minLength(1), z.maxLength(128));
const path = z.string().check(z.minLength(1), z.maxLength(4096));

export const sessionSettingsSchema = z.object({
  model: z.exactOptional(z.string()),
  effort: z.exactOptional(z.string()),
  sandbox: z.exactOptional(sandboxSchema),
  approvalPolicy: z.exactOptional(approvalPolicySchema),
  instructions: z.exactOptional(z.string()),
});

/** Lines are 1-based and inclusive. */
export const attachmentSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    path,
    startLine: z.exactOptional(z.int().check(z.gte(1))),
    endLine: z.exactOptional(z.int().check(z.gte(1))),
  }),
  z.object({ kind: z.literal('text'), name: z.string(), text: z.string() }),
  /** `data` is base64. */
  z.object({ kind: z.literal('image'), mimeType: z.string(), data: z.string() }),
  z.object({ kind: z.literal('resource'), uri: z.string(), text: z.string() }),
]);

export type Attachment = z.infer<typeof attachmentSchema>;

export const sourceSchema = z.object({
  kind: z.enum(['window', 'mcp', 'cli', 'palette', 'terminal']),
  name: z.exactOptional(z.string()),
});

const prompt = z.string().check(z.maxLength(MAX_PROMPT_LENGTH * 2));

/** A person's answer to an approval; whether it fits to what was asked is checked with the approval. */
export const approvalAnswerSchema = z.object({
  session: id,
  approval: id,
  decision: z.enum(['accept', 'accept_for_session', 'decline', 'cancel']),
  reason: z.exactOptional(z.string().check(z.maxLength(MAX_ANSWER_LENGTH))),
  answers: z.exactOptional(
    z
      .array(
        z.object({
          id: z.string().check(z.maxLength(1000)),
          value: z.union([
            z.string().check(z.maxLength(MAX_ANSWER_LENGTH)),
            z.number(),
            z.boolean(),
            z.array(z.string()).check(z.maxLength(1000)),
          ]),
        }),
      )
      .check(z.maxLength(1000)),
  ),
});

/** Parameters of every request, parsed by the bridge at the border. */
export const faceParams = {
  /**
   * Before hello: HMAC-SHA256 with the discovery file's `key`, over {@link PROOF_PURPOSE} and the nonce, in
   * base64url. A face that hears anything else says no more.
   */
  prove: z.object({ nonce: z.string().check(z.minLength(16), z.maxLength(128)) }),
  /** First request of every connection but `prove`. */
  hello: z.object({
    contract: z.int(),
    version: z.string(),
    kind: z.enum(['window', 'cli', 'shim']),
    /** True where a human sits who can answer approvals. */
    canAnswer: z.boolean(),
    settings: z.exactOptional(bridgeSettingsSchema),
    /** It says `ping` every {@link HEARTBEAT_MS}, and is let go when it does not. Older faces do not promise it. */
    heartbeat: z.exactOptional(z.boolean()),
  }),
  ping: z.object({}),
  /** This face shows the folder: the bridge knows it from now on, also when the face has gone. */
  'folder.add': z.object({ path, name: z.exactOptional(z.string()) }),
  /**
   * This face no longer shows the folder. When no other does, its turns are interrupted, and MCP clients do not
   * reach it any more. Its history stays. A face that only goes away removes nothing: it may come back.
   */
  'folder.remove': z.object({ folder: id }),
  'settings.set': z.object({ settings: bridgeSettingsSchema }),
  /** `folder`: of this one only. */
  status: z.object({ folder: z.exactOptional(id) }),
  restart: z.object({ folder: id }),
  endpoints: z.object({}),
  /** Who is connected over MCP. */
  clients: z.object({}),
  'session.list': z.object({
    folder: id,
    query: z.exactOptional(z.string()),
    archived: z.exactOptional(z.boolean()),
    cursor: z.exactOptional(z.string()),
    limit: z.exactOptional(z.int().check(z.gte(1), z.lte(500))),
  }),
  'session.create': z.object({
    folder: id,
    title: z.exactOptional(z.string()),
    settings: z.exactOptional(sessionSettingsSchema),
  }),
  /** Answers with the snapshot; from then on `session.event` follows with `seq` + 1, … */
  'session.open': z.object({ session: id }),
  'session.close': z.object({ session: id }),
  /** What a session asks, for a face that shows it without opening the session. */
  'session.approvals': z.object({ session: id }),
  'session.prompt': z.object({
    session: id,
    /** Its length is checked with the session, where too much has a code and an advice of its own. */
    prompt: z.string(),
    attachments: z.exactOptional(z.array(attachmentSchema)),
    settings: z.exactOptional(sessionSettingsSchema),
    source: sourceSchema,
    idempotencyKey: z.exactOptional(z.string().check(z.maxLength(200))),
  }),
  /** A turn that is no prompt: a review, or a compaction of the context. An older bridge refuses it as unknown. */
  'session.task': z.object({
    session: id,
    task: turnTaskSchema,
    settings: z.exactOptional(sessionSettingsSchema),
    source: sourceSchema,
    idempotencyKey: z.exactOptional(z.string().check(z.maxLength(200))),
  }),
  'session.steer': z.object({ session: id, turn: id, prompt }),
  'session.cancel': z.object({ session: id, turn: z.exactOptional(id) }),
  /** Has held prompts sent: one, or all of the session. They are discarded by `session.cancel`. */
  'session.release': z.object({ session: id, turn: z.exactOptional(id) }),
  'session.rename': z.object({ session: id, title: z.string().check(z.minLength(1), z.maxLength(500)) }),
  'session.settings': z.object({ session: id, settings: sessionSettingsSchema }),
  'session.fork': z.object({ session: id }),
  'session.archive': z.object({ session: id, archived: z.boolean() }),
  'session.delete': z.object({ session: id }),
  'session.export': z.object({ session: id, format: z.enum(['json', 'markdown']) }),
  'session.import': z.object({ folder: id, data: z.string() }),
  'approval.answer': approvalAnswerSchema,
  statistics: z.object({ folder: z.exactOptional(id) }),
  /** `now`: interrupts running turns; else the bridge leaves as soon as they are done. */
  stop: z.object({ now: z.boolean() }),
  ...loginParams,
  ...terminalParams,
  ...changesParams,
  ...mcpParams,
  ...codexTrustParams,
};

/** What a face knows of a folder. */
export interface FolderInfo {
  readonly key: FolderKey;
  /** Real path. */
  readonly path: string;
  readonly name: string;
}

/** Where MCP clients connect. Carries tokens: never logged, never persisted by a face. */
export interface Endpoints {
  readonly url: string;
  readonly token: string;
  readonly folders: readonly (FolderInfo & { readonly url: string; readonly token: string })[];
}

/** Whoever is connected over MCP. Times in ms since the epoch. */
export interface ClientInfo {
  /** As it calls itself. */
  readonly name: string;
  readonly version?: string;
  /** Of the protocol. */
  readonly era: '2025-11-25' | '2026-07-28';
  /** Connected through `codex-bridge attach`; absent: over HTTP. */
  readonly transport?: 'stdio';
  /** The folder that its token opens; null: all of them. */
  readonly folder: FolderKey | null;
  readonly since: number;
  readonly lastSeen: number;
  /** Its turns that have not ended: those whose prompts came under its name. */
  readonly turns: readonly ClientTurn[];
}

export interface ClientTurn {
  readonly session: SessionId;
  readonly folder: FolderKey;
  /** The session's. */
  readonly title: string;
  readonly turn: TurnId;
  readonly status: TurnStatus;
}

export interface CodexStatus {
  readonly state: 'not_started' | 'starting' | 'ready' | 'failed';
  readonly path?: string;
  readonly version?: string;
  /** Its `CODEX_HOME`, with its configuration and its login. */
  readonly home?: string;
  /** Absent until Codex was asked, and where it can not tell. True also where the model provider wants no login. */
  readonly loggedIn?: boolean;
  readonly account?: AccountInfo;
  readonly login?: LoginState;
  readonly models?: readonly {
    readonly id: string;
    readonly name: string;
    readonly efforts: readonly string[];
  }[];
  /** How often it has ended by itself. */
  readonly restarts: number;
  /** It ended by itself so often that only `restart` starts it again. Older bridges do not tell. */
  readonly stopped?: boolean;
  readonly error?: ErrorInfo;
}

export interface FolderStatus extends FolderInfo {
  readonly codex: CodexStatus;
  readonly running: number;
  readonly queued: number;
  readonly waitingForApproval: number;
  readonly loaded: number;
  /** What is wrong with its history: the disk refuses, or it is or was damaged. */
  readonly history?: ErrorInfo;
  /** Absent until Codex was asked, and from an older bridge. */
  readonly codexTrust?: CodexTrust;
}

export interface BridgeStatus {
  readonly version: string;
  readonly contract: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly stateDir: string;
  readonly url: string;
  readonly faces: number;
  readonly clients: number;
  readonly folders: readonly FolderStatus[];
  readonly limits: BridgeSettings['limits'];
  readonly ceiling: BridgeSettings['ceiling'];
  /** Bearer tokens that open something: one for each folder, and the one for all. Absent with older bridges. */
  readonly tokens?: number;
  /** Where it writes its log, and how much. No file: on its stderr. */
  readonly log?: { readonly level: LogLevel; readonly file?: string };
  readonly counters?: BridgeCounters;
}

/** Counts, tokens and times of one folder, or of all. Times in ms. */
export interface Statistics {
  readonly sessions: { readonly total: number; readonly active: number; readonly archived: number };
  readonly turns: {
    readonly total: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly durationMs: {
      readonly total: number;
      readonly mean: number;
      readonly p50: number;
      readonly p95: number;
    };
  };
  readonly usage: TokenUsage;
  readonly byModel: Readonly<
    Record<string, { readonly turns: number; readonly usage: TokenUsage; readonly cost?: number }>
  >;
  /** Only where the person has set a price for every model that was used. */
  readonly cost?: { readonly amount: number; readonly currency: string };
}

export interface FaceContract {
  requests: {
    prove: { params: z.infer<typeof faceParams.prove>; result: { proof: string } };
    hello: {
      params: z.infer<typeof faceParams.hello>;
      result: { contract: number; version: string; pid: number; instance: string };
    };
    ping: { params: z.infer<typeof faceParams.ping>; result: null };
    'folder.add': { params: z.infer<(typeof faceParams)['folder.add']>; result: FolderInfo };
    'folder.remove': { params: z.infer<(typeof faceParams)['folder.remove']>; result: null };
    'settings.set': { params: z.infer<(typeof faceParams)['settings.set']>; result: null };
    status: { params: z.infer<typeof faceParams.status>; result: BridgeStatus };
    restart: { params: z.infer<typeof faceParams.restart>; result: null };
    endpoints: { params: z.infer<typeof faceParams.endpoints>; result: Endpoints };
    clients: { params: z.infer<typeof faceParams.clients>; result: { clients: readonly ClientInfo[] } };
    'session.list': {
      params: z.infer<(typeof faceParams)['session.list']>;
      result: { sessions: readonly SessionSummary[]; cursor?: string };
    };
    'session.create': { params: z.infer<(typeof faceParams)['session.create']>; result: SessionSnapshot };
    'session.open': { params: z.infer<(typeof faceParams)['session.open']>; result: SessionSnapshot };
    'session.close': { params: z.infer<(typeof faceParams)['session.close']>; result: null };
    'session.approvals': {
      params: z.infer<(typeof faceParams)['session.approvals']>;
      result: { approvals: readonly Approval[] };
    };
    'session.prompt': { params: z.infer<(typeof faceParams)['session.prompt']>; result: { turn: TurnId } };
    'session.task': { params: z.infer<(typeof faceParams)['session.task']>; result: { turn: TurnId } };
    'session.steer': { params: z.infer<(typeof faceParams)['session.steer']>; result: null };
    'session.cancel': {
      params: z.infer<(typeof faceParams)['session.cancel']>;
      result: { cancelled: readonly TurnId[] };
    };
    'session.release': {
      params: z.infer<(typeof faceParams)['session.release']>;
      result: { released: readonly TurnId[] };
    };
    'session.rename': { params: z.infer<(typeof faceParams)['session.rename']>; result: null };
    'session.settings': { params: z.infer<(typeof faceParams)['session.settings']>; result: null };
    'session.fork': { params: z.infer<(typeof faceParams)['session.fork']>; result: SessionSnapshot };
    'session.archive': { params: z.infer<(typeof faceParams)['session.archive']>; result: null };
    'session.delete': { params: z.infer<(typeof faceParams)['session.delete']>; result: null };
    'session.export': { params: z.infer<(typeof faceParams)['session.export']>; result: { data: string } };
    'session.import': {
      params: z.infer<(typeof faceParams)['session.import']>;
      result: { sessions: readonly SessionId[] };
    };
    'approval.answer': { params: z.infer<(typeof faceParams)['approval.answer']>; result: null };
    statistics: { params: z.infer<typeof faceParams.statistics>; result: Statistics };
    stop: { params: z.infer<typeof faceParams.stop>; result: { leaving: 'now' | 'after_turns' } };
  } & LoginRequests &
    TerminalRequests &
    ChangesRequests &
    McpRequests &
    CodexTrustRequests;
  events: {
    /** Only for sessions that this face has opened. */
    'session.event': { session: SessionId } & NumberedEvent;
    /** Something that a list shows has changed. */
    'session.changed': { summary: SessionSummary };
    'session.removed': { session: SessionId; folder: FolderKey };
    'folder.status': FolderStatus;
    /** Clients have come, gone or asked something: `clients` tells who is there. */
    'clients.changed': Record<string, never>;
    /** The bridge leaves; reconnect, and start a new one where needed. */
    leaving: { reason: string };
  } & TerminalEvents &
    ChangesEvents &
    McpEvents;
}

// Proves that every request has a schema and that its shape is the contract's.
export const faceSchemas: ParamSchemas<FaceContract> = faceParams;
