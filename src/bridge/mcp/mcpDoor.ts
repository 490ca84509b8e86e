import { BridgeError } from '../../shared/errors.ts';
import type { BridgeApi } from '../api.ts';
import type { Exchange } from '../http/httpDoor.ts';
import { sendError } from '../http/responses.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clock, Logger } from '../ports.ts';
import type { AttachDoor, AttachedChannel, AttachedLine, AttachRequest } from './attached.ts';
import { ClientList, type ConnectedClient } from './clientList.ts';
import { isParsable } from './jsonShape.ts';
import type { McpEras } from './mcpEras.ts';

export interface McpDoorOptions {
  readonly bridge: BridgeApi;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Clients may have come or gone. */
  readonly onClients: () => void;
  readonly metrics?: Metrics;
}

/** Messages of one batch; only versions of the protocol before 2025-06-18 have batches at all. */
const MAX_BATCH = 20;

/**
 * The MCP endpoint behind the HTTP door. The SDK and the tools are loaded at the first request: they would
 * double the start of a bridge that no MCP client may ever ask.
 */
export class McpDoor implements AttachDoor {
  readonly #options: McpDoorOptions;
  readonly #clients: ClientList;
  #eras: Promise<McpEras> | undefined;
  #disposed = false;

  constructor(options: McpDoorOptions) {
    this.#options = options;
    this.#clients = new ClientList(options.clock, options.onClients);
  }

  /** Serves one request that passed the guard; resolves when it is answered to its end. */
  async handle(exchange: Exchange): Promise<void> {
    const { res } = exchange;
    if (this.#disposed) return sendError(res, 503, 'The bridge is ending. Connect again in a moment.');
    const parsed = parse(exchange.body);
    if (parsed.kind === 'invalid') return sendError(res, 400, parsed.reason, {}, -32_700);
    const eras = await this.#load();
    await eras.handle(exchange, parsed.body);
  }

  async attach(request: AttachRequest, line: AttachedLine): Promise<AttachedChannel> {
    const eras = await this.#load();
    if (this.#disposed) {
      throw new BridgeError('BRIDGE_STOPPING', 'The bridge is about to end. Try again in a moment.');
    }
    return eras.attach(request, line);
  }

  /** Whoever is connected over MCP right now. */
  clients(): ConnectedClient[] {
    return this.#clients.list();
  }

  /** Loads the SDK ahead of the first request. */
  async warm(): Promise<void> {
    await this.#load();
  }

  /** Ends every session and stream. Turns go on. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await (await this.#eras)?.dispose();
    this.#clients.dispose();
  }

  #load(): Promise<McpEras> {
    this.#eras ??= import('./mcpEras.ts').then(
      ({ McpEras }) => new McpEras({ ...this.#options, clients: this.#clients }),
    );
    return this.#eras;
  }
}

type Parsed =
  | { readonly kind: 'body'; readonly body: unknown }
  | { readonly kind: 'invalid'; readonly reason: string };

function parse(bytes: Buffer | undefined): Parsed {
  if (bytes === undefined) return { kind: 'body', body: undefined };
  if (!isParsable(bytes)) {
    return { kind: 'invalid', reason: 'The body has too many values, or is nested too deep.' };
  }
  try {
    const body: unknown = JSON.parse(bytes.toString());
    if (Array.isArray(body) && body.length > MAX_BATCH) {
      return { kind: 'invalid', reason: `A batch may have at most ${MAX_BATCH} messages.` };
    }
    return { kind: 'body', body };
  } catch {
    // What is wrong with it matters to its sender only.
    return { kind: 'invalid', reason: 'The body is not valid JSON.' };
  }
}
