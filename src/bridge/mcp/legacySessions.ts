import { randomUUID } from 'node:crypto';
import {
  isInitializeRequest,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { Disposable } from '../../shared/disposables.ts';
import type { Exchange } from '../http/httpDoor.ts';
import { sendError, sendResponse } from '../http/responses.ts';
import { type Scope, scopeKey } from '../http/tokens.ts';
import { named } from './clientIdentity.ts';
import { EventBuffer } from './eventBuffer.ts';
import { KEEP_ALIVE_MS, type McpErasOptions } from './mcpEras.ts';
import { createServer, type McpServerDeps } from './mcpServer.ts';
import { tellChanges } from './reading.ts';
import { headersAgree } from './routingHeaders.ts';

/** As the SDK answers in 2026-07-28 (MCP, "HeaderMismatch"). */
const HEADER_MISMATCH = -32_020;
/** Sessions of one token at once; a new one takes the place of that token's that was idle for longest. */
const MAX_SESSIONS = 100;
/** A session without a request or an open stream for so long is over. Some clients can't begin a new one. */
const IDLE_MS = 4 * 60 * 60_000;

interface LegacySession {
  readonly scope: Scope;
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly changes: Disposable;
  open: number;
  idleSince: number;
}

/**
 * The sessions of clients of 2025-11-25 and before: `initialize` begins one, the header `Mcp-Session-Id`
 * names it, DELETE or long idleness ends it. A cut stream is taken up again with `Last-Event-ID`.
 */
export class LegacySessions {
  readonly #options: McpErasOptions & { readonly deps: McpServerDeps };
  /** In the order of last use. */
  readonly #sessions = new Map<string, LegacySession>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: McpErasOptions & { readonly deps: McpServerDeps }) {
    this.#options = options;
  }

  async handle(exchange: Exchange, request: Request, body: unknown): Promise<void> {
    const { res, scope } = exchange;
    if (!headersAgree(request.headers, body)) {
      return sendError(res, 400, 'Mcp-Method or Mcp-Name is not what the body says.', {}, HEADER_MISMATCH);
    }
    const id = request.headers.get('mcp-session-id');
    if (id === null) {
      if (!isInitializeRequest(body)) {
        return sendError(res, 400, 'A session is needed: send "initialize" first, then its Mcp-Session-Id.');
      }
      const session = await this.#begin(scope);
      if (session === undefined) {
        return sendError(res, 503, 'Too many MCP sessions are in use. End one, or try again later.');
      }
      const response = await session.transport.handleRequest(request, { parsedBody: body });
      return sendResponse(res, response, this.#options);
    }
    const session = this.#sessions.get(id);
    // Another scope's session is as unknown as one that never was.
    if (session === undefined || scopeKey(session.scope) !== scopeKey(scope)) {
      return sendError(
        res,
        404,
        'This MCP session is over or unknown: send "initialize" again.',
        {},
        -32_001,
      );
    }
    await this.#serve(id, session, exchange, request, body);
  }

  async dispose(): Promise<void> {
    this.#cancelTimer?.();
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session.server.close()));
  }

  /** Ends the sessions of one scope, with their open streams. */
  async endAll(scope: Scope): Promise<void> {
    const ids = [...this.#sessions].flatMap(([id, session]) =>
      scopeKey(session.scope) === scopeKey(scope) ? [id] : [],
    );
    await Promise.all(ids.map((id) => this.#end(id)));
  }

  async #serve(
    id: string,
    session: LegacySession,
    { res, scope }: Exchange,
    request: Request,
    body: unknown,
  ): Promise<void> {
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    const info = session.server.getClientVersion();
    const done = this.#options.clients.begin(id, {
      ...named(info),
      era: '2025-11-25',
      scope,
    });
    session.open++;
    try {
      const options = body === undefined ? {} : { parsedBody: body };
      await sendResponse(res, await session.transport.handleRequest(request, options), this.#options);
    } finally {
      session.open--;
      session.idleSince = this.#options.clock.monotonic();
      done();
      this.#watch();
      // DELETE: the session ended while its own request was open.
      if (!this.#sessions.has(id)) this.#options.clients.remove(id);
    }
  }

  async #begin(scope: Scope): Promise<LegacySession | undefined> {
    const own = [...this.#sessions].filter(([, one]) => scopeKey(one.scope) === scopeKey(scope));
    if (own.length >= MAX_SESSIONS) {
      const idle = own.find(([, one]) => one.open === 0);
      if (idle === undefined) return undefined;
      await this.#end(idle[0]);
    }
    const server = createServer(this.#options.deps, scope, 'legacy');
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        this.#sessions.set(id, session);
        this.#watch();
      },
      eventStore: new EventBuffer(),
      keepAliveMs: KEEP_ALIVE_MS,
    });
    transport.onclose = () => {
      if (transport.sessionId !== undefined) this.#forget(transport.sessionId);
    };
    const { deps, logger } = this.#options;
    const session: LegacySession = {
      scope,
      server,
      transport,
      changes: tellChanges(server, scope, 'legacy', deps.changes, (error) =>
        logger.debug('a change could not be told', { error }),
      ),
      open: 0,
      idleSince: this.#options.clock.monotonic(),
    };
    await server.connect(transport);
    server.onerror = (error) => this.#options.logger.debug('an MCP session reports', { error });
    return session;
  }

  async #end(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    this.#forget(id);
    await session?.server.close();
  }

  #forget(id: string): void {
    this.#sessions.get(id)?.changes.dispose();
    this.#sessions.delete(id);
    this.#options.clients.remove(id);
  }

  #watch(): void {
    this.#cancelTimer ??= this.#options.clock.after(IDLE_MS / 4, () => {
      this.#cancelTimer = undefined;
      const oldest = this.#options.clock.monotonic() - IDLE_MS;
      for (const [id, session] of this.#sessions) {
        if (session.open > 0 || session.idleSince > oldest) continue;
        this.#end(id).catch((error: unknown) =>
          this.#options.logger.warn('an idle MCP session could not be closed', { error }),
        );
      }
      if (this.#sessions.size > 0) this.#watch();
    });
  }
}
