import { createHash } from 'node:crypto';
import type { ClientCapabilities, RequestId, Server } from '@modelcontextprotocol/server';
import { type StdioServerHandle, serveStdio } from '@modelcontextprotocol/server/stdio';
import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { McpMessage } from '../../shared/mcpChannel.ts';
import type { AttachedChannel, AttachedLine, AttachRequest, RequestMark } from './attached.ts';
import { AttachedFolder } from './attachedFolder.ts';
import { AttachedTransport } from './attachedTransport.ts';
import { capabilitiesIn, identityOf } from './clientIdentity.ts';
import type { ClientList } from './clientList.ts';
import { type AttachedCalls, createServer, type McpServerDeps } from './mcpServer.ts';
import { tellChanges } from './reading.ts';
import type { Tool } from './tool.ts';

/** Messages that are served before it is looked whether the client still reads. */
const AT_ONCE = 16;
/** Messages that wait; `attach` itself sends no more requests than fit. */
const MAX_RECEIVED = 10_000;

/**
 * The MCP server of one attached client, for both eras of the protocol: which one it is, the SDK decides by
 * the first message, exactly as for a server on stdio.
 */
export class AttachedServer implements AttachedChannel, AttachedCalls {
  readonly tools: string;
  readonly #deps: McpServerDeps;
  readonly #clients: ClientList;
  readonly #request: AttachRequest;
  readonly #line: AttachedLine;
  readonly #folder: AttachedFolder;
  readonly #transport: AttachedTransport;
  readonly #handle: StdioServerHandle;
  readonly #store = new DisposableStore();
  readonly #received: { readonly message: McpMessage; readonly mark: RequestMark }[] = [];
  /** In this turn of the event loop. */
  #served = 0;
  #changes: Disposable | undefined;
  #identified: ReturnType<typeof identityOf>;
  #capabilities: ClientCapabilities | undefined;

  /** @throws BridgeError `BRIDGE_STOPPING` */
  static async open(
    deps: McpServerDeps,
    clients: ClientList,
    request: AttachRequest,
    line: AttachedLine,
  ): Promise<AttachedServer> {
    const folder = await AttachedFolder.of(deps.bridge, request);
    return new AttachedServer(deps, clients, request, line, folder);
  }

  private constructor(
    deps: McpServerDeps,
    clients: ClientList,
    request: AttachRequest,
    line: AttachedLine,
    folder: AttachedFolder,
  ) {
    this.#deps = deps;
    this.#clients = clients;
    this.#request = request;
    this.#line = line;
    this.#folder = folder;
    this.tools = createHash('sha256')
      .update(JSON.stringify(deps.tools.listed(deps.bridge.settings.mcp.toolProfile)))
      .digest('base64url')
      .slice(0, 16);
    this.#transport = new AttachedTransport((message) => line.send(message));
    this.#handle = serveStdio(({ era }) => this.#serve(era), {
      transport: this.#transport,
      onerror: (error) => deps.logger.debug('an attached client reports', { error }),
    });
  }

  get folder(): string | undefined {
    return this.#folder.path;
  }

  get client(): string | undefined {
    return this.#identified?.name;
  }

  receive(message: McpMessage, mark: RequestMark): void {
    if (this.#received.length >= MAX_RECEIVED) {
      throw new BridgeError('QUEUE_FULL', 'Too many messages wait for a client that does not read.');
    }
    this.#received.push({ message, mark });
    this.#serveReceived();
  }

  drained(): void {
    this.#serveReceived();
  }

  dispose(): void {
    this.#received.length = 0;
    this.#transport.mute();
    this.#clients.remove(this.#request.instance);
    this.#store.dispose();
    this.#changes?.dispose();
    this.#handle.close().catch((error: unknown) => {
      this.#deps.logger.warn('an attached client could not be let go', { error });
    });
  }

  /** @throws BridgeError `FOLDER_UNKNOWN`, `FOLDER_NOT_FOUND`, `BRIDGE_STOPPING`, `CONNECTION_CLOSED` */
  async check(tool: Tool, args: unknown, id: RequestId): Promise<void> {
    if (this.#transport.markOf(id).again === true && tool.onlyOnce?.(args) === true) {
      throw new BridgeError(
        'CONNECTION_CLOSED',
        `The bridge ended or the connection was lost while ${tool.name} ran, so it may be done or not. Look with status or history, and call it again where it is not.`,
      );
    }
    if (this.#folder.path !== undefined) return;
    const { info } = await this.#folder.find();
    this.#line.folderFound(info.path);
    this.#present();
  }

  requestKey(id: RequestId): string | undefined {
    const { key } = this.#transport.markOf(id);
    return key === undefined ? undefined : `attach ${this.#request.instance} ${key}`;
  }

  congested(): boolean {
    return this.#line.congested();
  }

  /**
   * A client that asks faster than it reads is served as fast as it reads: its answers would be held here, its
   * requests are held there.
   */
  #serveReceived(): void {
    while (this.#served < AT_ONCE && !this.#line.congested()) {
      const next = this.#received.shift();
      if (next === undefined) return;
      if (this.#served === 0) {
        setImmediate(() => {
          this.#served = 0;
          this.#serveReceived();
        });
      }
      this.#served++;
      this.#identify(next.message);
      this.#transport.receive(next.message, next.mark);
    }
  }

  #serve(era: 'legacy' | 'modern'): Server {
    const { logger, changes } = this.#deps;
    const server = createServer(this.#deps, this.#folder, era, this);
    // Every request says what its client can: where it serves HTTP, the SDK does the same.
    if (era === 'modern') server.getClientCapabilities = () => this.#capabilities;
    // Another one may have been made for a client that first tried the newer protocol.
    this.#changes?.dispose();
    this.#changes = tellChanges(server, this.#folder, era, changes, (error) =>
      logger.debug('a change could not be told', { error }),
    );
    return server;
  }

  #identify(message: McpMessage): void {
    // The SDK refuses a request in which they have another form, before anybody reads them.
    const capabilities = capabilitiesIn(message) as ClientCapabilities | undefined;
    if (capabilities !== undefined) this.#capabilities = capabilities;
    if (this.#identified !== undefined && message['method'] !== 'initialize') return;
    const identity = identityOf(message);
    if (identity === undefined) return;
    this.#identified = identity;
    this.#present();
  }

  /** It is there as long as its channel is: begun once, and removed at the end. */
  #present(): void {
    if (this.#identified === undefined) return;
    const { instance } = this.#request;
    this.#clients.remove(instance);
    this.#clients.begin(instance, { ...this.#identified, scope: this.#scope(), transport: 'stdio' });
  }

  #scope() {
    return { kind: 'folder', folder: this.#folder.folder } as const;
  }
}
