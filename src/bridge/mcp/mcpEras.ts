import type { ServerResponse } from 'node:http';
import { createMcpHandler, isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server';
import type { Disposable } from '../../shared/disposables.ts';
import type { Exchange } from '../http/httpDoor.ts';
import { sendResponse } from '../http/responses.ts';
import { type Scope, scopeKey } from '../http/tokens.ts';
import type { AttachedChannel, AttachedLine, AttachRequest } from './attached.ts';
import { AttachedServer } from './attachedServer.ts';
import { ChangeFeed } from './changeFeed.ts';
import { identityOf } from './clientIdentity.ts';
import type { ClientList } from './clientList.ts';
import { LegacySessions } from './legacySessions.ts';
import type { McpDoorOptions } from './mcpDoor.ts';
import { createServer, type McpServerDeps } from './mcpServer.ts';
import { Once } from './once.ts';
import { AskedByResult } from './questions.ts';
import { TaskCalls } from './tasks.ts';
import { ToolSet } from './toolSet.ts';

/** How often an open stream says that it is alive, in milliseconds: a half-open one is noticed by that. */
export const KEEP_ALIVE_MS = 15_000;

export interface McpErasOptions extends McpDoorOptions {
  readonly clients: ClientList;
}

/**
 * Serves both eras of the protocol from one set of tools: 2026-07-28, where every request stands alone, and
 * 2025-11-25 and before, with sessions. Which one a request is of is the SDK's own decision.
 */
export class McpEras {
  readonly #options: McpErasOptions;
  readonly #deps: McpServerDeps;
  readonly #responses = new WeakMap<Request, ServerResponse>();
  readonly #modern = new Map<string, { readonly handler: McpHttpHandler; readonly changes: Disposable }>();
  readonly #removals: Disposable;
  readonly #legacy: LegacySessions;

  constructor(options: McpErasOptions) {
    this.#options = options;
    this.#deps = {
      bridge: options.bridge,
      logger: options.logger,
      clock: options.clock,
      tools: new ToolSet(),
      once: new Once(),
      asked: new AskedByResult(),
      tasks: new TaskCalls(),
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      changes: new ChangeFeed(options.bridge, options.clock),
      congested: (request) =>
        request !== undefined && this.#responses.get(request)?.writableNeedDrain === true,
    };
    this.#legacy = new LegacySessions({ ...options, deps: this.#deps });
    this.#removals = options.bridge.onFolderRemoved(({ info }) => {
      this.#close({ kind: 'folder', folder: info.key }).catch((error: unknown) =>
        options.logger.warn('the MCP clients of a folder that is gone could not be let go', { error }),
      );
    });
  }

  async handle(exchange: Exchange, body: unknown): Promise<void> {
    const { res, scope } = exchange;
    const gone = new AbortController();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    const request = toRequest(exchange, gone.signal);
    this.#responses.set(request, res);
    if (await isLegacyRequest(request, body)) return this.#legacy.handle(exchange, request, body);

    const client = identityOf(body) ?? { name: 'unknown', era: '2026-07-28' as const };
    const done = this.#options.clients.begin(`2026 ${scopeKey(scope)} ${client.name}`, { ...client, scope });
    try {
      // The body was read and bounded already: the handler takes it as it is.
      const response = await this.#modernHandler(scope).fetch(request, { parsedBody: body });
      await sendResponse(res, response, this.#options);
    } finally {
      done();
    }
  }

  /** @throws BridgeError `BRIDGE_STOPPING` */
  attach(request: AttachRequest, line: AttachedLine): Promise<AttachedChannel> {
    return AttachedServer.open(this.#deps, this.#options.clients, request, line);
  }

  async dispose(): Promise<void> {
    this.#removals.dispose();
    this.#deps.changes.dispose();
    await Promise.all([...this.#modern.values()].map(({ handler }) => handler.close()));
    await this.#legacy.dispose();
  }

  /** Ends every open stream of the scope. */
  async #close(scope: Scope): Promise<void> {
    const modern = this.#modern.get(scopeKey(scope));
    this.#modern.delete(scopeKey(scope));
    modern?.changes.dispose();
    await Promise.all([modern?.handler.close(), this.#legacy.endAll(scope)]);
  }

  /** One for each scope, so that nothing told to one folder's subscribers reaches another's. */
  #modernHandler(scope: Scope): McpHttpHandler {
    const key = scopeKey(scope);
    const known = this.#modern.get(key);
    if (known !== undefined) return known.handler;
    const handler = createMcpHandler(() => createServer(this.#deps, scope, 'modern'), {
      legacy: 'reject',
      keepAliveMs: KEEP_ALIVE_MS,
      onerror: (error) => this.#options.logger.debug('an MCP request was refused or failed', { error }),
    });
    this.#modern.set(key, { handler, changes: this.#deps.changes.subscribe(scope, handler.notify) });
    return handler;
  }
}

/** The web-standard request that the SDK wants; its body goes beside it, already parsed. */
function toRequest({ req }: Exchange, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    // The token has done its work: nothing behind this door gets to see it.
    if (typeof value === 'string' && name !== 'authorization') headers.set(name, value);
  }
  return new Request(`http://${req.headers.host}${req.url}`, {
    method: req.method ?? 'GET',
    headers,
    signal,
  });
}
