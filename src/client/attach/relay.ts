import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { McpMessage } from '../../shared/mcpChannel.ts';
import { Handshake } from './handshake.ts';
import { errorAnswer, field, idKey, isRecord, kindOf, type RequestId, RPC_ERROR } from './messages.ts';
import { isListening, type OpenRequest, OpenRequests } from './openRequests.ts';

/** So many bridges may end with a request; then it is not sent to the next. */
const MAX_SENDS = 5;

/** What a message is sent with: see `mcp.send`. */
export interface Mark {
  readonly key?: string;
  readonly again?: boolean;
}

export interface RelayEnds {
  toClient(message: McpMessage): void;
  toBridge(message: McpMessage, mark: Mark): void;
  /** The bridge is about to go, and somebody waits for the next one. */
  leaving(): void;
  /** For the log. */
  note(text: string): void;
}

/**
 * Passes the messages of one MCP client to the bridge and back, over any number of bridges: the next one hears
 * the handshake and what has no answer yet, and the client notices nothing. Knows no process and no socket.
 */
export class Relay {
  readonly #ends: RelayEnds;
  readonly #open = new OpenRequests();
  readonly #handshake = new Handshake();
  /** Requests of the bridge to the client, by the id that the client sees: each bridge counts from the start. */
  readonly #fromServer = new Map<RequestId, RequestId>();
  /** Requests of our own, whose answers are not the client's. */
  readonly #own = new Map<string, (answer: McpMessage) => void>();
  #state: 'away' | 'greeting' | 'ready' = 'away';
  /** This bridge has got a request. */
  #asked = false;
  #tools: string | undefined;
  #toolsChanged = false;
  #nextId = 1;

  constructor(ends: RelayEnds) {
    this.#ends = ends;
  }

  /** Whether the client waits for something that only a bridge can do. */
  get waiting(): boolean {
    return this.#open.waiting;
  }

  fromClient(message: McpMessage, bytes: number): void {
    const kind = kindOf(message);
    switch (kind.kind) {
      case 'request':
        this.#clientAsks(kind.id, kind.method, message, bytes);
        break;
      case 'notification':
        this.#clientTells(kind.method, message);
        break;
      case 'response':
        this.#clientAnswers(kind.id, message);
        break;
      case 'invalid':
        this.#ends.toClient(
          errorAnswer(kind.id, RPC_ERROR.invalidRequest, 'This is no JSON-RPC 2.0 message.'),
        );
    }
  }

  fromBridge(message: McpMessage): void {
    const kind = kindOf(message);
    switch (kind.kind) {
      case 'request':
        this.#serverAsks(kind.id, message);
        break;
      case 'notification':
        this.#serverTells(kind.method, message);
        break;
      case 'response':
        this.#serverAnswers(kind.id, message);
        break;
      case 'invalid':
        this.#ends.note('the bridge sent what is no JSON-RPC message');
    }
  }

  /** True where the client waits for that result, which is passed on as it is. */
  answered(id: RequestId): boolean {
    const request = this.#open.take(id);
    if (request === undefined) return false;
    this.#handshake.answered(request.method, request.message);
    return true;
  }

  /** A bridge is there. `tools` changes when its tools do. */
  connected(tools: string): void {
    this.#toolsChanged = this.#tools !== undefined && this.#tools !== tools;
    this.#tools = tools;
    const first = this.#handshake.first;
    if (first === undefined) {
      this.#greeted();
      return;
    }
    this.#state = 'greeting';
    this.#ask(first, (answer) => {
      if ('error' in answer) this.#ends.note('the bridge did not take the handshake again');
      for (const message of this.#handshake.rest()) {
        if ('id' in message) this.#ask(message, () => undefined);
        else this.#ends.toBridge(message, {});
      }
      if (this.#toolsChanged) {
        this.#ends.toClient({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      }
      this.#greeted();
    });
  }

  /** The bridge has gone. */
  lost(): void {
    if (this.#state === 'away') return;
    this.#state = 'away';
    this.#asked = false;
    this.#own.clear();
    for (const request of this.#open.all()) {
      request.progressFrom = request.progress;
      if (request.sent < MAX_SENDS) continue;
      // Perhaps it is what ends them.
      this.#fail(
        request,
        new BridgeError(
          'CONNECTION_CLOSED',
          `The bridge ended ${MAX_SENDS} times while this ran. Its log in the state directory says why.`,
        ),
      );
    }
    for (const requestId of this.#fromServer.keys()) {
      // Nobody waits for the answer any more.
      this.#ends.toClient({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId, reason: 'The bridge was replaced.' },
      });
    }
    this.#fromServer.clear();
  }

  /** No bridge can be had: whoever waits is told why, and the next request tries again. */
  failed(error: unknown): void {
    for (const request of this.#open.all()) if (!isListening(request.method)) this.#fail(request, error);
  }

  #fail({ id }: OpenRequest, error: unknown): void {
    const { code, message } = toErrorInfo(error);
    this.#open.take(id);
    this.#ends.toClient(errorAnswer(id, RPC_ERROR.internal, `${message} [${code}]`, { code }));
  }

  #greeted(): void {
    this.#state = 'ready';
    for (const request of this.#open.all()) this.#send(request);
  }

  #send(request: OpenRequest): void {
    const again = request.sent > 0;
    request.sent++;
    this.#asked = true;
    this.#ends.toBridge(request.message, { key: request.key, ...(again ? { again } : {}) });
  }

  /** A request of our own. */
  #ask(message: McpMessage, answered: (answer: McpMessage) => void): void {
    const id = `attach-${this.#nextId++}`;
    this.#own.set(idKey(id), answered);
    this.#asked = true;
    this.#ends.toBridge({ ...message, id }, {});
  }

  #clientAsks(id: RequestId, method: string, message: McpMessage, bytes: number): void {
    if (method === 'ping' && this.#state === 'away') {
      // It asks whether we are there: no reason to start a bridge.
      this.#ends.toClient({ jsonrpc: '2.0', id, result: {} });
      return;
    }
    try {
      const request = this.#open.add(id, method, message, bytes);
      if (this.#state === 'ready') this.#send(request);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      const { code, message: text } = error;
      this.#ends.toClient(errorAnswer(id, RPC_ERROR.invalidRequest, `${text} [${code}]`, { code }));
    }
  }

  #clientTells(method: string, message: McpMessage): void {
    this.#handshake.notified(method, message);
    if (method === 'notifications/cancelled') this.#open.take(field(message['params'], 'requestId'));
    // What comes in between is not for the next bridge: it begins with nothing that could have changed. And it
    // tells the protocol's era by the first message, which a notification may not say.
    if (this.#state === 'ready' && this.#asked) this.#ends.toBridge(message, {});
  }

  #clientAnswers(id: RequestId, message: McpMessage): void {
    const theirs = this.#fromServer.get(id);
    this.#fromServer.delete(id);
    if (theirs !== undefined) this.#ends.toBridge({ ...message, id: theirs }, {});
  }

  #serverAsks(id: RequestId, message: McpMessage): void {
    const ours = `bridge-${this.#nextId++}`;
    this.#fromServer.set(ours, id);
    this.#ends.toClient({ ...message, id: ours });
  }

  #serverAnswers(id: RequestId, message: McpMessage): void {
    const own = this.#own.get(idKey(id));
    if (own !== undefined) {
      this.#own.delete(idKey(id));
      own(message);
      return;
    }
    // It leaves at this moment: the next one answers.
    if (isStopping(message) && this.#open.get(id) !== undefined) {
      this.#ends.leaving();
      return;
    }
    const waited = 'error' in message ? this.#open.take(id) !== undefined : this.answered(id);
    if (waited) this.#ends.toClient(message);
  }

  #serverTells(method: string, message: McpMessage): void {
    const params = message['params'];
    switch (method) {
      case 'notifications/progress':
        this.#progress(message, params);
        break;
      case 'notifications/cancelled':
        this.#serverCancels(message, params);
        break;
      case 'notifications/subscriptions/acknowledged':
        this.#subscribed(message, params);
        break;
      default:
        this.#ends.toClient(message);
    }
  }

  /** Progress must never go back (MCP, "Progress"), and each bridge counts from the start. */
  #progress(message: McpMessage, params: unknown): void {
    const request = this.#open.byToken(field(params, 'progressToken'));
    const progress = field(params, 'progress');
    if (request === undefined || typeof progress !== 'number' || !isRecord(params)) return;
    request.progress = request.progressFrom + progress;
    this.#ends.toClient({ ...message, params: { ...params, progress: request.progress } });
  }

  #serverCancels(message: McpMessage, params: unknown): void {
    const id = field(params, 'requestId');
    for (const [requestId, theirs] of this.#fromServer) {
      if (theirs !== id || !isRecord(params)) continue;
      this.#fromServer.delete(requestId);
      this.#ends.toClient({ ...message, params: { ...params, requestId } });
    }
  }

  /** The client heard it from the first bridge. What has changed meanwhile is told under its subscription. */
  #subscribed(message: McpMessage, params: unknown): void {
    const meta = field(params, '_meta');
    const request = this.#open.get(field(meta, 'io.modelcontextprotocol/subscriptionId'));
    if (request === undefined || !request.acknowledged) {
      if (request !== undefined) request.acknowledged = true;
      this.#ends.toClient(message);
      return;
    }
    if (!this.#toolsChanged || field(field(params, 'notifications'), 'toolsListChanged') !== true) return;
    this.#ends.toClient({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: { _meta: meta },
    });
  }
}

/** A tool's answer that it can't be done because the bridge leaves: not the end of a turn, which is a result. */
function isStopping(message: McpMessage): boolean {
  const content = field(message['result'], 'structuredContent');
  return field(content, 'turn') === undefined && field(field(content, 'error'), 'code') === 'BRIDGE_STOPPING';
}
