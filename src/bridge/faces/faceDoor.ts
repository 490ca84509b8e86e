import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { MAX_FACE_MESSAGE_BYTES, PROOF_PURPOSE } from '../../shared/faces.ts';
import { linePort } from '../../shared/framing.ts';
import type { BridgeApi } from '../api.ts';
import type { ChangesDoor } from '../changes/changesDoor.ts';
import { systemClock } from '../clock.ts';
import type { AccountDoor } from '../folders/folderAccount.ts';
import type { TrustDoor } from '../folders/folderTrust.ts';
import type { AttachDoor } from '../mcp/attached.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clock, Logger } from '../ports.ts';
import type { TerminalApi } from '../terminal/terminalApi.ts';
import { Face } from './face.ts';

/** Connections at once: windows, CLI calls, and an `attach` for each client. */
const MAX_FACES = 1_000;
/** Bytes that may wait for a face that does not read, before it is dropped; it comes back and catches up. */
const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;

/** The private socket: a connection for each window, CLI call or shim. */
export class FaceDoor implements Disposable {
  readonly #bridge: BridgeApi;
  readonly #terminals: TerminalApi;
  readonly #changes: ChangesDoor;
  readonly #accounts: AccountDoor;
  readonly #trust: TrustDoor;
  readonly #mcp: AttachDoor;
  readonly #logger: Logger;
  readonly #instance: string;
  readonly #key: string;
  readonly #onCount: () => void;
  readonly #counts: Pick<Metrics, 'faces' | 'faceDropped'> | undefined;
  readonly #heartbeat: Pick<Clock, 'after'>;
  readonly #faces = new Set<Face>();
  #server: Server | undefined;

  constructor(deps: {
    bridge: BridgeApi;
    terminals: TerminalApi;
    changes: ChangesDoor;
    accounts: AccountDoor;
    trust: TrustDoor;
    mcp: AttachDoor;
    logger: Logger;
    instance: string;
    /** In the discovery file too. */
    key: string;
    onCount: () => void;
    counts?: Pick<Metrics, 'faces' | 'faceDropped'>;
    /** Default: the machine's own. */
    heartbeat: Pick<Clock, 'after'> | undefined;
  }) {
    this.#bridge = deps.bridge;
    this.#terminals = deps.terminals;
    this.#changes = deps.changes;
    this.#accounts = deps.accounts;
    this.#trust = deps.trust;
    this.#mcp = deps.mcp;
    this.#logger = deps.logger;
    this.#instance = deps.instance;
    this.#key = deps.key;
    this.#onCount = deps.onCount;
    this.#counts = deps.counts;
    this.#heartbeat = deps.heartbeat ?? systemClock;
  }

  /** Faces that have said hello. */
  get count(): number {
    return [...this.#faces].filter((face) => face.greeted).length;
  }

  /** True while somebody is connected who can answer approvals. */
  get canAnswer(): boolean {
    return [...this.#faces].some((face) => face.canAnswer);
  }

  /** Listens with mode 0600. The caller holds the lock, so a file that is there is a dead bridge's. */
  async listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.maxConnections = MAX_FACES;
    if (process.platform !== 'win32') rmSync(path, { force: true });
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      throw new BridgeError(
        'STATE_DIR_UNUSABLE',
        `The private socket ${path} can't be opened: ${messageOf(error)}.`,
        {
          cause: error,
        },
      );
    } finally {
      process.umask(mask);
    }
    server.on('error', (error) => this.#logger.error('private socket', { error }));
  }

  /** Tells every face that the bridge leaves. */
  announceLeaving(reason: string): void {
    for (const face of this.#faces) face.announceLeaving(reason);
  }

  dispose(): void {
    this.#server?.close();
    for (const face of [...this.#faces]) face.dispose();
  }

  #accept(socket: Socket): void {
    this.#counts?.faces.watch(socket);
    socket.on('error', (error) => this.#logger.debug('face connection', { error }));
    const port = linePort(
      {
        write: (text) => {
          // Dropped already: what else is on its way to it goes nowhere.
          if (socket.destroyed) return;
          if (socket.writableLength > MAX_BACKLOG_BYTES) {
            this.#counts?.faceDropped();
            this.#logger.warn('a face does not read; it is dropped', { waiting: socket.writableLength });
            socket.destroy();
            return;
          }
          holdForThisTurn(socket);
          socket.write(text);
        },
        destroy: () => void socket.destroy(),
        onData: (listener) => void socket.on('data', listener),
        onClose: (listener) => void socket.on('close', listener),
        decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
      },
      MAX_FACE_MESSAGE_BYTES,
    );
    const face = new Face({
      bridge: this.#bridge,
      terminals: this.#terminals,
      changes: this.#changes,
      accounts: this.#accounts,
      trust: this.#trust,
      mcp: this.#mcp,
      port,
      instance: this.#instance,
      prove: (nonce) =>
        createHmac('sha256', this.#key)
          .update(PROOF_PURPOSE + nonce)
          .digest('base64url'),
      onGreeted: this.#onCount,
      onHidden: (folder) => {
        if ([...this.#faces].some((other) => other.shows(folder))) return;
        void this.#bridge.removeFolder(folder);
      },
      congested: () => socket.writableNeedDrain,
      // What was written goes out first: a face hears why the bridge leaves.
      close: () => void socket.destroySoon(),
      drop: () => {
        this.#counts?.faceDropped();
        this.#logger.warn('a face is silent; it is dropped');
        socket.destroy();
      },
      heartbeat: this.#heartbeat,
    });
    this.#faces.add(face);
    socket.on('drain', () => face.drained());
    port.onClose(() => {
      face.dispose();
      this.#faces.delete(face);
      this.#onCount();
    });
  }
}

/**
 * What a turn of the event loop has for its faces leaves at its end. With the first of fifty answers a process
 * wakes that wants the processor, and the other forty-nine would wait for it.
 */
function holdForThisTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  setImmediate(() => socket.uncork());
}
