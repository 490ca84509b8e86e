import * as z from 'zod';
import type { Statistics } from '../../../shared/faces.ts';
import type { TurnSnapshot, TurnStatus } from '../../../shared/session.ts';
import type { FolderApi } from '../../api.ts';
import { foldersOf, resolveFolder, resolveSession, resolveTurn } from '../access.ts';
import { folder, sessionId, turnId } from '../arguments.ts';
import type { ToolCall, ToolResult } from '../call.ts';
import { approvalSubject, standOf } from '../progress.ts';
import {
  describeTurn,
  errorSchema,
  optional,
  textOf,
  turnResultSchema,
  usageOf,
  usageSchema,
} from '../result.ts';
import { sessionSummarySchema, summarize } from '../summaries.ts';
import { defineTool } from '../tool.ts';
import { countersFor, countersSchema } from './statusCounters.ts';

/** Sessions of a folder that are shown, most recently used first. */
const SESSIONS = 10;
/** Turns of a folder that are shown, whichever sessions they are in: those that wait for a person first. */
const TURNS = 50;
/** The order in which they are shown; within each the oldest first. */
const PLACES: readonly TurnStatus[] = ['waiting_for_approval', 'running', 'queued'];
/** Characters that tell what one of several turns does. */
const LINE = 120;

const liveTurnSchema = z.object({
  turn: z.string(),
  session: z.string(),
  status: z.string(),
  doing: z.string(),
  asked_by: z.string(),
  seconds: z.number(),
});

const folderSchema = z.object({
  key: z.string(),
  path: z.string(),
  name: z.string(),
  codex: z.object({
    state: z.string(),
    version: z.string().optional(),
    logged_in: z.boolean().optional(),
    restarts: z.number(),
    models: z.array(z.object({ id: z.string(), efforts: z.array(z.string()) })).optional(),
    error: errorSchema.optional(),
  }),
  history: errorSchema.optional(),
  running: z.number(),
  queued: z.number(),
  waiting_for_approval: z.number(),
  turns: z.array(liveTurnSchema),
  approvals: z.array(z.object({ turn: z.string(), session: z.string(), question: z.string() })),
  sessions: z.array(sessionSummarySchema),
  statistics: z.object({
    sessions: z.object({ total: z.number(), active: z.number(), archived: z.number() }),
    turns: z.object({
      total: z.number(),
      by_status: z.record(z.string(), z.number()),
      mean_seconds: z.number(),
      p95_seconds: z.number(),
    }),
    usage: usageSchema,
  }),
});

export const status = defineTool({
  name: 'status',
  title: 'Status of Codex',
  description:
    'What is going on: running turns, pending approvals, recent sessions, Codex version, login, models, limits, statistics. With turn or session: that one, without waiting.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    folder,
    session: sessionId.optional(),
    turn: turnId.optional(),
    counters: z
      .boolean()
      .optional()
      .describe('Also what the bridge has counted. Only for clients with the token for all folders.'),
  }),
  output: z.object({
    bridge: z.object({ version: z.string(), pid: z.number(), running_since: z.string() }).optional(),
    folders: z.array(folderSchema).optional(),
    limits: z.record(z.string(), z.number()).optional(),
    ceiling: z.object({ sandbox: z.string(), approval_policy: z.string(), network: z.boolean() }).optional(),
    counters: countersSchema.optional(),
    session: sessionSummarySchema.optional(),
    turns: z
      .array(
        z.object({
          turn: z.string(),
          status: z.string(),
          held: z.boolean().optional(),
          prompt: z.string(),
        }),
      )
      .optional(),
    turn: turnResultSchema.optional(),
    error: errorSchema.optional(),
  }),
  async run(args, call) {
    if (args.turn !== undefined) return turnStatus(call, args.turn);
    if (args.session !== undefined) return sessionStatus(call, args.session);
    const folders = args.folder === undefined ? foldersOf(call) : [await resolveFolder(call, args.folder)];
    const counters = args.counters === true ? countersFor(call) : undefined;
    const { structured, text } = bridgeStatus(call, folders);
    return { structured: { ...structured, ...optional('counters', counters) }, text };
  },
});

function turnStatus(call: ToolCall, turn: string): ToolResult {
  const { session } = resolveTurn(call, turn);
  const described = describeTurn({
    session: session.id,
    turn: session.turn(turn),
    approvals: session.snapshot.approvals,
    settings: call.bridge.settings,
  });
  // How the turn ended is what was asked for: no error of this call.
  return { structured: { turn: described }, text: textOf(described) };
}

async function sessionStatus(call: ToolCall, id: string): Promise<ToolResult> {
  const { session } = await resolveSession(call, id);
  const { snapshot } = session;
  const turns = snapshot.turns.slice(-SESSIONS).map((turn) => ({
    turn: turn.id,
    status: turn.status,
    ...(turn.held === true ? { held: true } : {}),
    prompt: clip(turn.prompt),
  }));
  const summary = summarize(snapshot, call.bridge.settings);
  const lines = [
    `Session ${summary.session} "${summary.title}": ${summary.state}, ${summary.turns} turns`,
    ...turns.map((turn) => `- ${turn.turn} ${turn.held === true ? 'held' : turn.status}: ${turn.prompt}`),
  ];
  return { structured: { session: summary, turns }, text: lines.join('\n') };
}

function bridgeStatus(call: ToolCall, folders: readonly FolderApi[]): ToolResult {
  const { settings, version, startedAt } = call.bridge;
  const described = folders.map((one) => describeFolder(call, one));
  const structured = {
    bridge: {
      version,
      pid: process.pid,
      running_since: new Date(startedAt).toISOString(),
    },
    folders: described,
    limits: {
      running_turns: settings.limits.runningTurns,
      queued_turns: settings.limits.queuedTurns,
      turn_timeout_minutes: settings.limits.turnTimeoutMinutes,
    },
    ceiling: {
      sandbox: settings.ceiling.sandbox,
      approval_policy: settings.ceiling.approvalPolicy,
      network: settings.ceiling.network,
    },
  };
  const lines = [`Codex Bridge ${version}, up since ${structured.bridge.running_since}`];
  for (const one of described) {
    const { codex } = one;
    const login = codex.logged_in === undefined ? '' : codex.logged_in ? ', logged in' : ', logged out';
    lines.push(
      `${one.path} (key ${one.key}): Codex ${codex.version ?? '(version not known yet)'} ${codex.state}${login}; ${one.running} running, ${one.queued} queued, ${one.waiting_for_approval} waiting for approval`,
      ...one.turns.map((turn) => `- turn ${turn.turn} (${turn.asked_by}): ${turn.doing}`),
    );
    for (const error of [codex.error, one.history])
      if (error !== undefined) lines.push(`- ${error.code}: ${error.message}`);
  }
  return { structured, text: lines.join('\n') };
}

function describeFolder(call: ToolCall, one: FolderApi): z.infer<typeof folderSchema> {
  const now = call.clock.now();
  const { codex, running, queued, waitingForApproval, key, path, name, history } = one.status();
  const { sessions } = one.list({ limit: SESSIONS });
  const pending = one
    .pendingTurns()
    .map(({ session, turn }) => ({ session: session.snapshot, turn }))
    .toSorted((a, b) => place(a.turn) - place(b.turn) || a.turn.createdAt - b.turn.createdAt);
  return {
    key,
    path,
    name,
    codex: {
      state: codex.state,
      ...optional('version', codex.version),
      ...optional('logged_in', codex.loggedIn),
      restarts: codex.restarts,
      ...optional(
        'models',
        codex.models?.map((model) => ({ id: model.id, efforts: [...model.efforts] })),
      ),
      ...optional('error', codex.error),
    },
    ...optional('history', history),
    running,
    queued,
    waiting_for_approval: waitingForApproval,
    turns: pending.slice(0, TURNS).map(({ session, turn }) => ({
      turn: turn.id,
      session: session.id,
      status: turn.status,
      doing: lastLine(standOf(turn, session.approvals, 0)),
      asked_by: turn.source.name ?? turn.source.kind,
      seconds: seconds(now - (turn.startedAt ?? turn.createdAt)),
    })),
    approvals: pending.flatMap(({ session, turn }) =>
      session.approvals
        .filter((approval) => approval.turn === turn.id)
        .map((approval) => ({
          turn: turn.id,
          session: session.id,
          question: approvalSubject(approval),
        })),
    ),
    sessions: sessions.map((session) => summarize(session, call.bridge.settings)),
    statistics: describeStatistics(one.statistics(), call),
  };
}

function describeStatistics(
  statistics: Statistics,
  call: ToolCall,
): z.infer<typeof folderSchema>['statistics'] {
  const { durationMs } = statistics.turns;
  return {
    sessions: { ...statistics.sessions },
    turns: {
      total: statistics.turns.total,
      by_status: { ...statistics.turns.byStatus },
      mean_seconds: seconds(durationMs.mean),
      p95_seconds: seconds(durationMs.p95),
    },
    usage: {
      ...usageOf(statistics.usage, undefined, call.bridge.settings),
      ...(statistics.cost === undefined
        ? {}
        : { cost: statistics.cost.amount, currency: statistics.cost.currency }),
    },
  };
}

function place(turn: TurnSnapshot): number {
  return PLACES.indexOf(turn.status);
}

/** One of many turns: the end of what it says is enough here, "turn" tells more. */
function lastLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= LINE ? flat : `…${flat.slice(1 - LINE).toWellFormed()}`;
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

function clip(text: TurnSnapshot['prompt']): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
