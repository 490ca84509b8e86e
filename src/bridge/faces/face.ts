import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import { FACE_CONTRACT, type FaceContract, faceSchemas } from '../../shared/faces.ts';
import { taskText } from '../../shared/review.ts';
import { type Handlers, type MessagePort, type Params, RpcServer } from '../../shared/rpc.ts';
import type { FolderKey, SessionId, TurnSource } from '../../shared/session.ts';
import type { BridgeApi, FolderApi } from '../api.ts';
import type { ChangesDoor } from '../changes/changesDoor.ts';
import type { AccountDoor } from '../folders/folderAccount.ts';
import type { TrustDoor } from '../folders/folderTrust.ts';
import type { AttachDoor } from '../mcp/attached.ts';
import type { Clock } from '../ports.ts';
import type { Session } from '../sessions/session.ts';
import type { TerminalApi } from '../terminal/terminalApi.ts';
import { accountHandlers } from './faceAccount.ts';
import { changesHandlers } from './faceChanges.ts';
import { FaceMcp } from './faceMcp.ts';
import { FaceTerminals } from './faceTerminals.ts';
import { trustHandlers } from './faceTrust.ts';
import { Silence } from './silence.ts';

/** How long a connection may stay without saying hello, in ms. */
const HELLO_DEADLINE_MS = 5_000;

interface FaceDeps {
  readonly bridge: BridgeApi;
  readonly terminals: TerminalApi;
  readonly changes: ChangesDoor;
  readonly accounts: AccountDoor;
  readonly trust: TrustDoor;
  readonly mcp: AttachDoor;
  readonly port: MessagePort;
  readonly instance: string;
  /** Answers the nonce of a face that wants to know whom it speaks with. */
  prove(nonce: string): string;
  onGreeted(): void;
  /** It does not show this folder any more. A face that goes away says nothing: it may come back. */
  onHidden(folder: FolderKey): void;
  /** True while it reads slower than we write. */
  congested(): boolean;
  close(): void;
  /** It has gone silent: nothing that is still on its way will be read. */
  drop(): void;
  readonly heartbeat: Pick<Clock, 'after'>;
}

/** One connected face: answers its requests and tells it what happens in the sessions it has opened. */
export class Face implements Disposable {
  readonly #deps: FaceDeps;
  readonly #server: RpcServer<FaceContract>;
  readonly #store = new DisposableStore();
  readonly #open = new Map<SessionId, Disposable>();
  readonly #shown = new Set<FolderKey>();
  readonly #watched = new Map<FolderKey, Disposable>();
  readonly #terminals: FaceTerminals;
  readonly #mcp: FaceMcp;
  #hello: Params<FaceContract, 'hello'> | undefined;

  constructor(deps: FaceDeps) {
    this.#deps = deps;
    this.#terminals = this.#store.add(
      new FaceTerminals(deps.terminals, {
        data: (event) => this.#server.emit('terminal.data', event),
        resized: (event) => this.#server.emit('terminal.resized', event),
        titled: (event) => this.#server.emit('terminal.titled', event),
        exited: (event) => this.#server.emit('terminal.exited', event),
      }),
    );
    this.#mcp = this.#store.add(
      new FaceMcp(deps.mcp, {
        message: (event) => this.#server.emit('mcp.message', event),
        folder: (event) => this.#server.emit('mcp.folder', event),
        congested: () => deps.congested(),
      }),
    );
    this.#server = this.#store.add(new RpcServer<FaceContract>(deps.port, faceSchemas, this.#handlers()));
    const timer = setTimeout(() => this.#hello ?? deps.close(), HELLO_DEADLINE_MS);
    this.#store.add({ dispose: () => clearTimeout(timer) });
  }

  get greeted(): boolean {
    return this.#hello !== undefined;
  }

  get canAnswer(): boolean {
    return this.#hello?.canAnswer === true && this.#hello.kind !== 'shim';
  }

  /** Whether it has added the folder, and not removed it. */
  shows(folder: FolderKey): boolean {
    return this.#shown.has(folder);
  }

  /** It reads again. */
  drained(): void {
    this.#mcp.drained();
  }

  announceLeaving(reason: string): void {
    this.#server.emit('leaving', { reason });
  }

  dispose(): void {
    this.#store.dispose();
    for (const subscription of this.#open.values()) subscription.dispose();
    this.#open.clear();
    this.#deps.close();
  }

  #handlers(): Handlers<FaceContract> {
    const folder = (key: string) => this.#bridge().folder(key);
    const session = (id: string) => this.#bridge().folderOfSession(id).session(id);
    return {
      prove: ({ nonce }) => ({ proof: this.#deps.prove(nonce) }),
      hello: (params) => this.#greet(params),
      ping: () => {
        this.#bridge();
        return null;
      },
      'folder.add': async ({ path, name }) => {
        const { info } = await this.#bridge().addFolder(path, name);
        this.#shown.add(info.key);
        return info;
      },
      'folder.remove': ({ folder: key }) => {
        folder(key);
        this.#shown.delete(key);
        this.#deps.onHidden(key);
        return null;
      },
      'settings.set': ({ settings }) => {
        this.#bridge().setSettings(settings);
        return null;
      },
      status: ({ folder: key }) => {
        const status = this.#bridge().status();
        return key === undefined ? status : { ...status, folders: [folder(key).status()] };
      },
      restart: async ({ folder: key }) => {
        await folder(key).restart();
        return null;
      },
      endpoints: () => this.#bridge().endpoints(),
      clients: () => ({ clients: this.#bridge().clients() }),
      'session.list': ({ folder: key, ...query }) => folder(key).list(query),
      'session.create': ({ folder: key, ...options }) => folder(key).createSession(options).snapshot,
      'session.open': ({ session: id }) => this.#openSession(session(id)),
      'session.close': ({ session: id }) => {
        this.#bridge();
        this.#open.get(id)?.dispose();
        this.#open.delete(id);
        return null;
      },
      'session.approvals': ({ session: id }) => ({ approvals: session(id).snapshot.approvals }),
      'session.prompt': ({ session: id, ...request }) => session(id).prompt(request),
      'session.task': ({ session: id, ...request }) =>
        session(id).prompt({ ...request, prompt: taskText(request.task) }),
      'session.steer': async ({ session: id, turn, prompt }) => {
        await session(id).steer(turn, prompt);
        return null;
      },
      'session.cancel': async ({ session: id, turn }) => ({ cancelled: await session(id).cancel(turn) }),
      'session.release': async ({ session: id, turn }) => ({ released: await session(id).release(turn) }),
      'session.rename': async ({ session: id, title }) => {
        await session(id).rename(title);
        return null;
      },
      'session.settings': ({ session: id, settings }) => {
        session(id).configure(settings);
        return null;
      },
      'session.fork': async ({ session: id }) => (await this.#bridge().folderOfSession(id).fork(id)).snapshot,
      'session.archive': async ({ session: id, archived }) => {
        await session(id).archive(archived);
        return null;
      },
      'session.delete': async ({ session: id }) => {
        await this.#bridge().folderOfSession(id).deleteSession(id);
        return null;
      },
      'session.export': ({ session: id, format }) => ({
        data: this.#bridge().folderOfSession(id).exportSession(id, format),
      }),
      'session.import': ({ folder: key, data }) => ({ sessions: folder(key).importSessions(data) }),
      'approval.answer': ({ session: id, approval, decision, ...details }) => {
        session(id).answer(approval, decision, this.#person(), details);
        return null;
      },
      statistics: ({ folder: key }) => (key === undefined ? this.#bridge() : folder(key)).statistics(),
      ...this.#terminals.handlers(
        () => this.#bridge(),
        () => this.#person(),
      ),
      ...changesHandlers(this.#deps.changes, () => this.#bridge()),
      ...accountHandlers(this.#deps.accounts, () => this.#bridge()),
      ...trustHandlers(this.#deps.trust, () => this.#bridge()),
      ...this.#mcp.handlers(() => this.#bridge()),
      stop: ({ now }) => {
        this.#bridge().stop(now);
        return { leaving: now ? 'now' : 'after_turns' };
      },
    };
  }

  /** Nothing but hello, and the proof before it, is answered before hello. */
  #bridge(): BridgeApi {
    if (this.#hello !== undefined) return this.#deps.bridge;
    throw new BridgeError('BRIDGE_CONTRACT', 'The first request of a face is "hello".');
  }

  /** Where the person sits. What no person sits at answers nothing, and types nothing. */
  #person(): TurnSource {
    this.#bridge();
    if (this.canAnswer) return { kind: this.#hello?.kind === 'cli' ? 'cli' : 'window' };
    throw new BridgeError(
      'INVALID_INPUT',
      'Nobody sits at this connection who could decide. Answer in VS Code, or in "codex-bridge ask" at a terminal.',
    );
  }

  #greet(hello: Params<FaceContract, 'hello'>) {
    const { bridge, instance } = this.#deps;
    if (hello.contract > FACE_CONTRACT) {
      throw new BridgeError(
        'BRIDGE_CONTRACT',
        `This bridge (${bridge.version}) is older than the face (${hello.version}) and can't speak with it. End it with "codex-bridge stop".`,
      );
    }
    const first = this.#hello === undefined;
    this.#hello = hello;
    if (first && hello.heartbeat === true) this.#listen();
    if (hello.settings !== undefined) bridge.setSettings(hello.settings);
    if (first) {
      // A shim shows nothing: its client hears what it asked for through its own channel.
      if (hello.kind !== 'shim') this.#watchAll();
      this.#deps.onGreeted();
    }
    return { contract: FACE_CONTRACT, version: bridge.version, pid: process.pid, instance };
  }

  #listen(): void {
    const { port, heartbeat, drop } = this.#deps;
    const silence = this.#store.add(new Silence(heartbeat, drop));
    this.#store.add(port.onMessage(() => silence.heard()));
  }

  #watchAll(): void {
    const { bridge, changes } = this.#deps;
    for (const folder of bridge.folders()) this.#watch(folder);
    this.#store.add(bridge.onFolders((folder) => this.#watch(folder)));
    this.#store.add(bridge.onFolderRemoved(({ info }) => this.#unwatch(info.key)));
    this.#store.add(bridge.onClients(() => this.#server.emit('clients.changed', {})));
    this.#store.add(
      changes.onChanges((event) => {
        if (this.#open.has(event.session)) this.#server.emit('changes.changed', event);
      }),
    );
  }

  #watch(folder: FolderApi): void {
    const { key } = folder.info;
    const store = this.#store.add(new DisposableStore());
    store.add(folder.onSession((summary) => this.#server.emit('session.changed', { summary })));
    store.add(folder.onRemoved((session) => this.#server.emit('session.removed', { session, folder: key })));
    store.add(folder.onStatus((status) => this.#server.emit('folder.status', status)));
    this.#watched.set(key, store);
  }

  #unwatch(key: FolderKey): void {
    const store = this.#watched.get(key);
    this.#watched.delete(key);
    if (store !== undefined) this.#store.delete(store);
  }

  #openSession(session: Session) {
    this.#open.get(session.id)?.dispose();
    // Subscribed in the same tick in which the snapshot is read: no event falls between them.
    const subscription = session.onChange(({ seq, event }) =>
      this.#server.emit('session.event', { session: session.id, seq, event }),
    );
    this.#open.set(session.id, subscription);
    return session.snapshot;
  }
}
