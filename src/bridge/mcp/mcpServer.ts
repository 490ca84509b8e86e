import { createHash } from 'node:crypto';
import {
  type CallToolResult,
  type InputRequiredResult,
  type RequestId,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { BridgeError } from '../../shared/errors.ts';
import type { BridgeApi } from '../api.ts';
import type { Scope } from '../http/tokens.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clock, Logger } from '../ports.ts';
import { resolveTurn, rootPaths } from './access.ts';
import type { ProgressSink, ToolCall, ToolResult } from './call.ts';
import type { ChangeFeed } from './changeFeed.ts';
import { named } from './clientIdentity.ts';
import type { Once, TurnHandle } from './once.ts';
import {
  AnswerNeeded,
  type AskedByResult,
  askedInBetween,
  type ClientQuestions,
  callMark,
} from './questions.ts';
import { serveReading } from './reading.ts';
import { errorResult, handleResult } from './result.ts';
import { BecomesTask, becomesTask, TASKS_EXTENSION, type TaskCalls } from './tasks.ts';
import type { Tool } from './tool.ts';
import type { ToolSet } from './toolSet.ts';
import { WatchedCall } from './watchedCall.ts';

/** A client that does not answer for its roots within this many milliseconds has none. */
const ROOTS_TIMEOUT_MS = 3_000;

const INSTRUCTIONS =
  'Codex works in the folder that is open: it reads and edits files and runs commands. ask sends one prompt, or goes on in a session. When a call returns status "running", "queued" or "waiting_for_approval", the work goes on: call wait with its turn. The developer sees everything in VS Code and answers approvals there.';

const COMPAT_INSTRUCTIONS =
  'Codex works in the folder that is open: it reads and edits files and runs commands. codex begins a session, codex-reply goes on in it by its threadId. A call that takes longer than four minutes returns the text so far; codex-reply with an empty prompt waits for the rest. The developer sees everything in VS Code and answers approvals there.';

const CAPABILITIES = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  completions: {},
};
const MODERN_CAPABILITIES = { ...CAPABILITIES, extensions: { [TASKS_EXTENSION]: {} } };

export interface McpServerDeps {
  readonly bridge: BridgeApi;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly tools: ToolSet;
  readonly once: Once<TurnHandle>;
  readonly changes: ChangeFeed;
  readonly asked: AskedByResult;
  readonly tasks: TaskCalls;
  readonly metrics?: Metrics;
  /** Whether the reader of a request's answer is slower than we write. */
  congested(request: Request | undefined): boolean;
}

/** What is known of the calls of a client that is connected through `codex-bridge attach`. */
export interface AttachedCalls {
  /** @throws BridgeError when the call can't be served: it has no folder, or must not be done twice */
  check(tool: Tool, args: unknown, id: RequestId): Promise<void>;
  /** Names the request; the same when it is sent again, also to the next bridge. */
  requestKey(id: RequestId): string | undefined;
  congested(): boolean;
  /** The client's own name, where it told one. */
  readonly client: string | undefined;
}

/**
 * An MCP server for what `scope` may see: one for each session of the 2025-11-25 protocol, one for each
 * request of 2026-07-28. It is the SDK's low-level server, because the high-level one converts every tool's
 * schemas anew for each request and answers wrong arguments without our error codes.
 */
export function createServer(
  deps: McpServerDeps,
  scope: Scope,
  era: 'legacy' | 'modern',
  attached?: AttachedCalls,
): Server {
  const server = new Server(
    { name: 'codex-bridge', title: 'Codex Bridge', version: deps.bridge.version },
    {
      capabilities: era === 'legacy' ? CAPABILITIES : MODERN_CAPABILITIES,
      instructions: deps.bridge.settings.mcp.toolProfile === 'compat' ? COMPAT_INSTRUCTIONS : INSTRUCTIONS,
      requestState: { verify: deps.asked.verify },
    },
  );
  serveReading(server, { bridge: deps.bridge, scope });
  const roots = new RootsOf(server, deps.logger);
  server.setRequestHandler('tools/list', () => ({
    tools: deps.tools.listed(deps.bridge.settings.mcp.toolProfile),
  }));
  server.setRequestHandler(
    'tools/call',
    async (request, ctx): Promise<CallToolResult | InputRequiredResult> => {
      const { name, arguments: args } = request.params;
      const tool = deps.tools.get(name);
      if (tool === undefined) {
        const message = `There is no tool "${name}". List the tools again.`;
        return toMcp(errorResult(new BridgeError('INVALID_INPUT', message)));
      }
      const client = attached === undefined ? server.getClientVersion()?.name : attached.client;
      const watched = new WatchedCall(deps, name, client);
      try {
        if (attached !== undefined) await attached.check(tool, args, ctx.mcpReq.id);
        const call = toCall(deps, scope, era, server, roots, ctx, name, args, attached);
        const asTask = era === 'modern' && becomesTask(name, server.getClientCapabilities());
        const result = await tool.call(args, { ...call, asTask });
        watched.ended(result);
        return toMcp(result);
      } catch (error) {
        if (error instanceof AnswerNeeded || error instanceof BecomesTask) watched.ended();
        else watched.failed(error);
        if (error instanceof AnswerNeeded) return deps.asked.result(error, callMark(scope, name, args), ctx);
        if (error instanceof BecomesTask) return deps.tasks.created(error.handle, { tool: name, args });
        return toMcp(errorResult(error));
      }
    },
  );
  if (era === 'modern') {
    deps.tasks.serve(server, {
      find: (turn) => resolveTurn({ bridge: deps.bridge, scope }, turn),
      mayAsk: () => mayAsk(deps, server),
      client: () => clientOf(server, attached),
      async result(asked, handle, ctx) {
        const tool = asked === undefined ? undefined : deps.tools.get(asked.tool);
        if (asked === undefined || tool === undefined)
          return toMcp(handleResult(handle, deps.bridge.settings));
        const call = toCall(deps, scope, era, server, roots, ctx, asked.tool, asked.args, attached);
        return toMcp(await tool.call(asked.args, { ...call, resumed: handle }));
      },
    });
  }
  if (era === 'legacy')
    server.setNotificationHandler('notifications/roots/list_changed', () => roots.forget());
  return server;
}

function toCall(
  deps: McpServerDeps,
  scope: Scope,
  era: 'legacy' | 'modern',
  server: Server,
  roots: RootsOf,
  ctx: ServerContext,
  tool: string,
  args: unknown,
  attached: AttachedCalls | undefined,
): ToolCall {
  const client = clientOf(server, attached);
  return {
    bridge: deps.bridge,
    scope,
    clock: deps.clock,
    client,
    signal: ctx.mcpReq.signal,
    progress: progressSink(deps, ctx, attached),
    roots: () => (era === 'legacy' ? roots.get(ctx) : Promise.resolve([])),
    requestKey: attached?.requestKey(ctx.mcpReq.id) ?? (era === 'legacy' ? requestKey(ctx, args) : undefined),
    once: deps.once,
    asTask: false,
    questions: questionsOf(deps, era, server, ctx, client),
    resumed: deps.asked.resume(ctx, callMark(scope, tool, args), client, (turn) =>
      resolveTurn({ bridge: deps.bridge, scope }, turn),
    ),
  };
}

/**
 * Request ids of a 2025-11-25 session are never used twice, so the same id with the same arguments is the
 * same request, sent again because its answer was lost.
 */
function requestKey(ctx: ServerContext, args: unknown): string | undefined {
  if (ctx.sessionId === undefined) return undefined;
  const content = createHash('sha256').update(JSON.stringify(args ?? {}));
  return `mcp ${ctx.sessionId} ${typeof ctx.mcpReq.id} ${ctx.mcpReq.id} ${content.digest('base64url')}`;
}

function questionsOf(
  deps: McpServerDeps,
  era: 'legacy' | 'modern',
  server: Server,
  ctx: ServerContext,
  client: string | undefined,
): ClientQuestions | undefined {
  if (!mayAsk(deps, server)) return undefined;
  return era === 'legacy' ? askedInBetween(ctx, client) : deps.asked.questions(ctx);
}

/** The client's own name, where it told one. */
function clientOf(server: Server, attached: AttachedCalls | undefined): string | undefined {
  if (attached !== undefined) return attached.client;
  const info = server.getClientVersion();
  return info === undefined ? undefined : named(info).name;
}

/** The person wants to be asked at clients, and this one can show a form. */
function mayAsk({ bridge }: McpServerDeps, server: Server): boolean {
  const elicitation = server.getClientCapabilities()?.elicitation;
  // Clients from before there were modes name none.
  const canForm =
    elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  return bridge.settings.mcp.elicitApprovals && canForm;
}

function progressSink(
  deps: McpServerDeps,
  ctx: ServerContext,
  attached: AttachedCalls | undefined,
): ProgressSink | undefined {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let progress = 0;
  return {
    congested: () => attached?.congested() ?? deps.congested(ctx.http?.req),
    ...(deps.metrics === undefined ? {} : { dropped: deps.metrics.progressDropped }),
    send(message) {
      progress++;
      ctx.mcpReq
        .notify({ method: 'notifications/progress', params: { progressToken, progress, message } })
        // The client has hung up; the turn goes on and the next call finds it.
        .catch((error: unknown) => deps.logger.debug('progress could not be sent', { error }));
    },
  };
}

/** The roots of one client, asked for when first needed. */
class RootsOf {
  readonly #server: Server;
  readonly #logger: Logger;
  #roots: Promise<readonly string[]> | undefined;

  constructor(server: Server, logger: Logger) {
    this.#server = server;
    this.#logger = logger;
  }

  get(ctx: ServerContext): Promise<readonly string[]> {
    if (this.#server.getClientCapabilities()?.roots === undefined) return Promise.resolve([]);
    this.#roots ??= this.#ask(ctx);
    return this.#roots;
  }

  forget(): void {
    this.#roots = undefined;
  }

  async #ask(ctx: ServerContext): Promise<readonly string[]> {
    try {
      const { roots } = await ctx.mcpReq.send({ method: 'roots/list' }, { timeout: ROOTS_TIMEOUT_MS });
      return rootPaths(roots.map((root) => root.uri));
    } catch (error) {
      this.#logger.debug('the client did not tell its roots', { error });
      this.#roots = undefined;
      return [];
    }
  }
}

function toMcp(result: ToolResult): CallToolResult {
  return {
    content: [
      { type: 'text', text: result.text },
      ...(result.note === undefined ? [] : [{ type: 'text' as const, text: result.note }]),
      ...(result.links ?? []).map((link) => ({ type: 'resource_link' as const, ...link })),
    ],
    structuredContent: { ...result.structured },
    ...(result.isError === true ? { isError: true } : {}),
  };
}
