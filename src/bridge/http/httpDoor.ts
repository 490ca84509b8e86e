import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { PROMETHEUS_TYPE } from '../metrics/prometheus.ts';
import type { Logger } from '../ports.ts';
import { BodyBudget, readBody } from './body.ts';
import { FailedTokens } from './failedTokens.ts';
import { OpenRequests } from './openRequests.ts';
import { guardRequest } from './requestGuard.ts';
import { sendError } from './responses.ts';
import type { Scope, Tokens } from './tokens.ts';
import { UnprovenConnections } from './unprovenConnections.ts';

/** One request that passed the guard, with its body. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly scope: Scope;
  /** Absent for methods without a body. */
  readonly body?: Buffer;
}

export interface HttpDoorOptions {
  readonly tokens: Tokens;
  readonly logger: Logger;
  hasFolder(key: string): boolean;
  handle(exchange: Exchange): Promise<void>;
  /** What `GET /metrics` answers, as Prometheus' text. */
  metrics?(): string;
  readonly counts?: Pick<Metrics, 'http' | 'requestServed'>;
  /** Bytes of one body: the largest prompt with attachments, with room to spare. Default 32 MiB. */
  readonly maxBodyBytes?: number;
  /** Requests served at once, open streams included: in all, and of one token. Default 1,000 and 500. */
  readonly maxRequests?: number;
  readonly maxRequestsOfOne?: number;
  /** Connections that have not shown a good token yet. Default 1,000. */
  readonly maxUnproven?: number;
  /** Milliseconds until a request's head, and all of it, must have arrived. Default 10,000 and 60,000. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/** Which port: one that was demanded, or else one that is tried first. */
export interface WantedPort {
  readonly demanded?: number;
  readonly remembered?: number;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** A flood of wrong tokens is worth a line in the log at most so often, in ms. */
const FLOOD_LOG_MS = 60_000;
/** Milliseconds that open requests have to end by themselves when the door closes. */
const CLOSE_GRACE_MS = 500;
/** Of a connection that says nothing; then a probe each second, and after ten without an answer it is closed. */
const KEEP_ALIVE_DELAY_MS = 15_000;
/** All bodies being read at once, as a multiple of one. */
const BODIES_AT_ONCE = 4;

/** The HTTP listener for MCP clients, on the loopback address only. */
export class HttpDoor {
  readonly #options: HttpDoorOptions;
  readonly #server: Server;
  readonly #maxBodyBytes: number;
  readonly #budget: BodyBudget;
  readonly #open: OpenRequests;
  readonly #unproven: UnprovenConnections;
  readonly #failedTokens = new FailedTokens();
  #port = 0;
  #floodLogged = Number.NEGATIVE_INFINITY;
  #onIdle: (() => void) | undefined;

  constructor(options: HttpDoorOptions) {
    this.#options = options;
    this.#maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
    const maxRequests = options.maxRequests ?? 1_000;
    const maxUnproven = options.maxUnproven ?? 1_000;
    this.#open = new OpenRequests(maxRequests, options.maxRequestsOfOne ?? 500);
    this.#unproven = new UnprovenConnections(maxUnproven);
    this.#budget = new BodyBudget(this.#maxBodyBytes * BODIES_AT_ONCE);
    const headersTimeout = options.headersTimeoutMs ?? 10_000;
    this.#server = createServer(
      {
        headersTimeout,
        requestTimeout: options.requestTimeoutMs ?? 60_000,
        // How often the two limits above are looked at.
        connectionsCheckingInterval: Math.min(5_000, headersTimeout),
        // Longer than clients keep an idle connection, so that they never write into one just closed.
        keepAliveTimeout: 75_000,
        maxHeaderSize: 16 * 1024,
        // A peer that vanished without a word (a container, a virtual machine, a tunnel) is noticed by the system.
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      },
      (req, res) => void this.#serve(req, res),
    );
    // Without this, Node asks for the body of a request that the guard has not seen.
    this.#server.on('checkContinue', (req, res) => void this.#serve(req, res, () => res.writeContinue()));
    this.#server.on('connection', (socket) => {
      this.#unproven.add(socket);
      options.counts?.http.watch(socket);
    });
    // The head is bounded in bytes; with a bound on their number, Node would pass over the headers beyond it.
    this.#server.maxHeadersCount = 0;
    // Open streams and connections kept alive by as many clients as may ask at once, beside those to be proven.
    this.#server.maxConnections = maxRequests * 2 + maxUnproven;
    this.#server.on('error', (error) => options.logger.error('the HTTP listener failed', { error }));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  folderUrl(key: string): string {
    return `${this.url}/${key}`;
  }

  /**
   * Listens, and answers with the port.
   *
   * @throws BridgeError `PORT_TAKEN` when a demanded port can't be had.
   */
  async listen(wanted: WantedPort = {}): Promise<number> {
    if (wanted.demanded !== undefined && wanted.demanded !== 0) {
      try {
        this.#port = await listen(this.#server, wanted.demanded);
      } catch (error) {
        throw new BridgeError(
          'PORT_TAKEN',
          `Port ${wanted.demanded} can't be used (${messageOf(error)}). Choose another with --port, or leave it out for a free one.`,
          { cause: error },
        );
      }
      return this.#port;
    }
    if (wanted.demanded === undefined && wanted.remembered !== undefined && wanted.remembered !== 0) {
      try {
        this.#port = await listen(this.#server, wanted.remembered);
        return this.#port;
      } catch (error) {
        this.#options.logger.info('the last port is taken, another one is used', {
          port: wanted.remembered,
          error,
        });
      }
    }
    this.#port = await listen(this.#server, 0);
    return this.#port;
  }

  /**
   * Stops listening; answers that are on their way get a moment to arrive, then every connection is ended.
   * Resolves when the port is free.
   */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    if (this.#open.count > 0) await this.#idle(CLOSE_GRACE_MS);
    this.#server.closeAllConnections();
    await closed;
  }

  #idle(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #serve(req: IncomingMessage, res: ServerResponse, goOn?: () => void): Promise<void> {
    this.#count(req, res);
    const verdict = guardRequest(
      {
        method: req.method ?? '',
        target: req.url ?? '',
        rawHeaders: req.rawHeaders,
        remoteAddress: req.socket.remoteAddress,
      },
      {
        port: this.#port,
        maxBodyBytes: this.#maxBodyBytes,
        authorize: (token) => this.#options.tokens.authorize(token),
        hasFolder: (key) => this.#options.hasFolder(key),
      },
    );
    if (!verdict.ok) {
      if (verdict.status === 401 && !this.#failedTokens.take(performance.now())) {
        return this.#refuseFlood(req, res);
      }
      return this.#refuse(req, res, verdict.status, verdict.reason, verdict.headers);
    }
    this.#unproven.prove(req.socket);
    const end = this.#open.begin(verdict.scope);
    if (end === undefined) {
      return this.#refuse(req, res, 503, 'Too many requests at once. Try again.', { 'Retry-After': '1' });
    }
    res.once('close', () => {
      end();
      if (this.#open.count === 0) this.#onIdle?.();
    });
    try {
      goOn?.();
      if (verdict.metrics === true) this.#sendMetrics(req, res);
      else await this.#handle(req, res, verdict.scope);
    } catch (error) {
      this.#options.logger.error('a request failed', { error });
      sendError(res, 500, 'The bridge failed at this request. Its log says more.');
    }
  }

  #count({ method }: IncomingMessage, res: ServerResponse): void {
    const { counts } = this.#options;
    if (counts === undefined) return;
    const begun = performance.now();
    res.once('close', () =>
      counts.requestServed(res.statusCode, method === 'POST' ? performance.now() - begun : undefined),
    );
  }

  #sendMetrics(req: IncomingMessage, res: ServerResponse): void {
    const text = this.#options.metrics?.();
    if (text === undefined) {
      this.#refuse(req, res, 404, 'There are no metrics here.');
      return;
    }
    if (req.method !== 'GET') {
      this.#refuse(req, res, 405, 'Metrics are read with GET.', { Allow: 'GET' });
      return;
    }
    req.resume();
    const headers = { 'Content-Type': PROMETHEUS_TYPE, 'Cache-Control': 'no-store' };
    res.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(text) }).end(text);
  }

  async #handle(req: IncomingMessage, res: ServerResponse, scope: Scope): Promise<void> {
    if (req.method !== 'POST') {
      req.resume();
      return this.#options.handle({ req, res, scope });
    }
    const outcome = await readBody(req, this.#maxBodyBytes, this.#budget);
    switch (outcome.kind) {
      case 'body':
        return this.#options.handle({ req, res, scope, body: outcome.bytes });
      case 'too_large':
        return this.#refuse(req, res, 413, `The body may have at most ${this.#maxBodyBytes} bytes.`);
      case 'busy':
        return this.#refuse(req, res, 503, 'Too much is being sent at once. Try again.', {
          'Retry-After': '1',
        });
      case 'gone':
        res.destroy();
    }
  }

  #refuseFlood(req: IncomingMessage, res: ServerResponse): void {
    const now = performance.now();
    if (now - this.#floodLogged > FLOOD_LOG_MS) {
      this.#floodLogged = now;
      this.#options.logger.warn('somebody on this machine sends many requests without a valid token');
    }
    this.#refuse(req, res, 429, 'Too many requests without a valid token.', { 'Retry-After': '1' });
  }

  /**
   * Refuses without reading what the caller still sends: the connection is not used again then, and neither is
   * one that has not shown a good token.
   */
  #refuse(
    req: IncomingMessage,
    res: ServerResponse,
    status: number,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const unread = !req.complete && req.method === 'POST';
    const last = unread || this.#unproven.has(req.socket);
    sendError(res, status, reason, last ? { ...headers, Connection: 'close' } : headers);
    if (unread) req.resume();
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(error);
    server.once('error', onError);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
