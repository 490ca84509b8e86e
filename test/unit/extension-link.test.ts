import { describe, expect, test } from 'vitest';
import type { BridgeConnection } from '../../src/client/connect.ts';
import { BridgeLink, type LinkState } from '../../src/extension/bridgeLink.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import { type FaceContract, faceSchemas } from '../../src/shared/faces.ts';
import { type Handlers, type Message, type MessagePort, RpcClient, RpcServer } from '../../src/shared/rpc.ts';
import { NO_USAGE, type SessionSnapshot } from '../../src/shared/session.ts';

const A = { path: '/a', name: 'a' };
const B = { path: '/b', name: 'b' };

describe('the line to the bridge', () => {
  test('connects at first use, once for all who ask at the same time, and adds the folders', async () => {
    const { link, bridges } = makeLink();
    await link.setFolders([A, B]);
    expect(bridges).toHaveLength(0);
    await Promise.all([link.ensure(), link.ensure(), link.request('ping', {})]);
    expect(bridges).toHaveLength(1);
    expect(bridges[0]?.folders).toEqual(['/a', '/b']);
    expect(link.folderAt('/b')).toEqual({ key: 'key-/b', path: '/b', name: 'b' });
    await link.setFolders([B]);
    expect(bridges[0]?.folders).toEqual(['/b']);
    expect(link.folders.map(({ name }) => name)).toEqual(['b']);
  });

  test('gives the open session with its events, also those that overtake its snapshot', async () => {
    const { link, bridges } = makeLink();
    await link.ensure();
    const titles: string[] = [];
    link.onSession((session) => titles.push(`= ${session?.title}`));
    link.onEvent(() => titles.push(link.session?.title ?? ''));
    const opened = link.select('s1');
    // The bridge answers in a later tick, and says this one before it.
    while (bridges[0]?.opened.length === 0) await Promise.resolve();
    bridges[0]?.title('s1', 'early', 1);
    await opened;
    bridges[0]?.title('s1', 'next', 2);
    bridges[0]?.title('s1', 'twice', 2);
    bridges[0]?.title('other', 'not ours', 3);
    await tick();
    expect(titles).toEqual(['= s1 0', 'early', 'next']);
  });

  test('opens the session again when an event is missing', async () => {
    const { link, bridges } = makeLink();
    await link.select('s1');
    const replaced = new Promise((resolve) => link.onSession(resolve));
    bridges[0]?.title('s1', 'after a gap', 7);
    await replaced;
    expect(bridges[0]?.opened).toEqual(['s1', 's1']);
  });

  test('comes back after a lost connection with its folders and its session', async () => {
    const { link, bridges } = makeLink();
    await link.setFolders([A]);
    await link.select('s1');
    const back = state(link, 'connected');
    bridges[0]?.close();
    await back;
    await new Promise((resolve) => link.onSession(resolve));
    expect(bridges[1]?.folders).toEqual(['/a']);
    expect(bridges[1]?.opened).toEqual(['s1']);
  });

  test('asks the person when the bridge stays away', async () => {
    const { link, bridges, refuse } = makeLink();
    await link.ensure();
    const states: LinkState[] = [];
    link.onState((now) => states.push(now));
    refuse(new BridgeError('BRIDGE_START_FAILED', 'no'));
    const gaveUp = new Promise<void>((resolve) => {
      link.onState((now) => {
        if (now.kind === 'failed' && !now.retrying && now === link.state && attempts(states) >= 6) resolve();
      });
    });
    bridges[0]?.close();
    await gaveUp;
    await tick();
    expect(link.state).toMatchObject({ kind: 'failed', error: { code: 'BRIDGE_START_FAILED' } });
    expect(attempts(states)).toBe(6);
  });

  test('does not start a bridge again that has said goodbye', async () => {
    const { link, bridges } = makeLink();
    await link.ensure();
    const idle = state(link, 'idle');
    bridges[0]?.leave();
    await idle;
    expect(bridges).toHaveLength(1);
    await link.request('ping', {});
    expect(bridges).toHaveLength(2);
  });

  test('starts its own after an older bridge that made room for it', async () => {
    const { link, bridges } = makeLink({ replacing: true });
    await link.ensure();
    const back = state(link, 'connected');
    bridges[0]?.leave();
    await back;
    expect(bridges).toHaveLength(2);
  });

  test('keeps the open session when another one can not be opened', async () => {
    const { link, bridges, forget } = makeLink();
    await link.select('s1');
    forget('s2');
    const refused = link.select('s2');
    while (bridges[0]?.opened.length === 1) await Promise.resolve();
    bridges[0]?.title('s1', 'said meanwhile', 1);
    await expect(refused).rejects.toThrow('gone');
    expect(link.session?.title).toBe('said meanwhile');
    bridges[0]?.title('s1', 'and later', 2);
    await tick();
    expect(link.session?.title).toBe('and later');
  });

  test('to look for a bridge and find none is no failure, and hinders nobody who needs one', async () => {
    const { link, bridges } = makeLink();
    const looked = link.ensure({ start: false });
    const needed = link.ensure();
    await expect(looked).rejects.toThrow('none');
    await needed;
    expect(bridges).toHaveLength(1);
    expect(link.state.kind).toBe('connected');
  });

  test('a session that is gone after a reconnect is closed', async () => {
    const { link, bridges, forget } = makeLink();
    await link.select('s1');
    forget('s1');
    const closed = new Promise((resolve) => link.onSession(resolve));
    bridges[0]?.close();
    expect(await closed).toBeNull();
  });
});

function attempts(states: readonly LinkState[]): number {
  return states.filter(({ kind }) => kind === 'connecting').length;
}

function state(link: BridgeLink, kind: LinkState['kind']): Promise<void> {
  return new Promise((resolve) => {
    const subscription = link.onState((now) => {
      if (now.kind !== kind) return;
      subscription.dispose();
      resolve();
    });
  });
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

function makeLink({ replacing = false } = {}) {
  const bridges: StandIn[] = [];
  const gone = new Set<string>();
  let refusal: BridgeError | undefined;
  const link = new BridgeLink({
    connect: async ({ start }) => {
      await tick();
      if (refusal !== undefined) throw refusal;
      if (!start) throw new BridgeError('BRIDGE_NOT_RUNNING', 'none');
      const bridge = new StandIn(gone);
      bridges.push(bridge);
      return { ...bridge.connection, replacing };
    },
    // A failed attempt is what several of these tests are about.
    onError: () => {},
    backOffMs: () => 0,
  });
  return {
    link,
    bridges,
    refuse: (error: BridgeError) => {
      refusal = error;
    },
    forget: (session: string) => void gone.add(session),
  };
}

/** The bridge's side of the contract, as far as a line needs it. */
class StandIn {
  readonly folders: string[] = [];
  readonly opened: string[] = [];
  readonly connection: BridgeConnection;
  readonly #server: RpcServer<FaceContract>;
  readonly #closed = new Set<() => void>();

  constructor(gone: ReadonlySet<string>) {
    const toServer = new Set<(message: unknown) => void>();
    const toClient = new Set<(message: unknown) => void>();
    const port = (
      out: Set<(message: unknown) => void>,
      into: Set<(message: unknown) => void>,
    ): MessagePort => ({
      send: (message: Message) => {
        for (const listener of out) listener(structuredClone(message));
      },
      onMessage: (listener) => {
        into.add(listener);
        return { dispose: () => into.delete(listener) };
      },
      onClose: (listener) => {
        this.#closed.add(listener);
        return { dispose: () => this.#closed.delete(listener) };
      },
    });
    const client = port(toServer, toClient);
    this.#server = new RpcServer<FaceContract>(port(toClient, toServer), faceSchemas, this.#handlers(gone));
    const rpc = new RpcClient<FaceContract>(client);
    this.connection = {
      rpc,
      hello: { contract: 1, version: '0.0.0', pid: 1, instance: 'i' },
      onClose: (listener) => client.onClose(listener),
      dispose: () => rpc.dispose(),
    };
  }

  title(session: string, title: string, seq: number): void {
    this.#server.emit('session.event', { session, seq, event: { type: 'session.titled', title } });
  }

  leave(): void {
    this.#server.emit('leaving', { reason: 'test' });
    this.close();
  }

  close(): void {
    for (const listener of [...this.#closed]) listener();
  }

  #handlers(gone: ReadonlySet<string>): Handlers<FaceContract> {
    const known: Partial<Handlers<FaceContract>> = {
      ping: () => null,
      'folder.add': ({ path, name }) => {
        this.folders.push(path);
        return { key: `key-${path}`, path, name: name ?? '' };
      },
      'folder.remove': ({ folder }) => {
        this.folders.splice(this.folders.indexOf(folder.slice('key-'.length)), 1);
        return null;
      },
      'session.open': async ({ session }) => {
        this.opened.push(session);
        await tick();
        if (gone.has(session)) throw new BridgeError('SESSION_NOT_FOUND', 'gone');
        return snapshot(session);
      },
      'session.close': () => null,
    };
    return known as Handlers<FaceContract>; // the others are not asked for; the server refuses them
  }
}

function snapshot(id: string): SessionSnapshot {
  return {
    id,
    folder: 'f',
    title: `${id} 0`,
    archived: false,
    createdAt: 0,
    updatedAt: 0,
    usage: NO_USAGE,
    settings: {},
    turns: [],
    approvals: [],
    seq: 0,
  };
}
