import { setTimeout as delay } from 'node:timers/promises';
import { type BridgeConnection, connectBridge } from '../../src/client/connect.ts';
import type { FaceContract } from '../../src/shared/faces.ts';
import type { Params, RequestName, Result } from '../../src/shared/rpc.ts';
import {
  hasEnded,
  heldTurns,
  type SessionId,
  type SessionSummary,
  type TurnId,
} from '../../src/shared/session.ts';
import { Follower } from '../support/faces.ts';
import { watchFace } from '../support/oracleWatch.ts';
import { Prompts, type SoakPrompt } from './prompts.ts';
import { Random } from './random.ts';
import { type SoakSession, VERSION, type World } from './world.ts';

/** How long a turn is waited for before the window turns to something else, in ms. */
const WAIT_MS = 20_000;
/** Sessions that one window shows. */
const SHOWN = 6;

const ACTIONS = {
  prompt: 60,
  steer: 6,
  cancel: 6,
  close: 4,
  rename: 3,
  look: 10,
  settings: 2,
  reload: 3,
} as const;

interface Joined {
  readonly connection: BridgeConnection;
  readonly shown: Map<SessionId, Follower>;
  readonly closed: Promise<void>;
}

/** A window that works, reloads, and comes back when it was cut off; it starts the bridge where none runs. */
export class SoakWindow {
  readonly name: string;
  readonly #world: World;
  readonly #random: Random;
  readonly #prompts: Prompts;
  #times = 0;
  #joined: Joined | undefined;
  #joining: Promise<Joined> | undefined;

  constructor(world: World, name: string, seed: string) {
    this.name = name;
    this.#world = world;
    this.#random = new Random(`${seed} ${name}`);
    this.#prompts = new Prompts(name, this.#random);
  }

  /** Works until the soak stops. */
  async run(): Promise<void> {
    while (!this.#world.stopping) {
      const action = this.#random.weighted(ACTIONS);
      try {
        const joined = await this.join();
        await this.#do(action, joined);
      } catch (error) {
        this.#world.refused(this.name, action, error);
      }
      await delay(this.#random.int(50, 700));
    }
  }

  /** The connection; where there is none any more, a new one. */
  join(): Promise<Joined> {
    if (this.#joined !== undefined) return Promise.resolve(this.#joined);
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  /** Asks through the connection that is there, or the next one. */
  async request<M extends RequestName<FaceContract>>(
    method: M,
    params: Params<FaceContract, M>,
  ): Promise<Result<FaceContract, M>> {
    return (await this.join()).connection.rpc.request(method, params);
  }

  /** Goes away without a word. */
  drop(): void {
    const joined = this.#joined;
    this.#joined = undefined;
    joined?.connection.dispose();
  }

  /** Sends a prompt to a session that it shows. */
  async prompt(session: SoakSession, prompt: SoakPrompt): Promise<TurnId> {
    const { connection } = await this.join();
    await this.#show(session.id);
    this.#world.prompted(session);
    const { turn } = await connection.rpc.request('session.prompt', {
      session: session.id,
      prompt: prompt.text,
      source: { kind: 'window' },
      ...(prompt.approvalPolicy === undefined ? {} : { settings: { approvalPolicy: prompt.approvalPolicy } }),
    });
    return turn;
  }

  async #join(): Promise<Joined> {
    const world = this.#world;
    const begin = performance.now();
    const connection = await connectBridge({
      home: world.stateDir,
      kind: 'window',
      canAnswer: true,
      version: VERSION,
      settings: world.settings,
      start: { runtime: world.runtime, node: process.execPath },
    });
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const joined = { connection, shown: new Map<SessionId, Follower>(), closed };
    this.#times += 1;
    watchFace(world.oracle, `${this.name} (${this.#times})`, connection);
    connection.onClose(() => {
      if (this.#joined === joined) this.#joined = undefined;
      resolve();
    });
    const { rpc } = connection;
    rpc.on('session.changed', ({ summary }) => {
      void this.#answer(joined, summary);
      void this.#settleHeld(joined, summary);
    });
    rpc.on('folder.status', ({ key, codex }) => {
      // Crashed too often: a person presses Restart.
      if (codex.state === 'failed') void this.#tell(joined, 'restart', { folder: key });
    });
    world.found(connection.hello.pid);
    this.#joined = joined;
    for (const path of world.openFolders) await rpc.request('folder.add', { path });
    world.endpoints = await rpc.request('endpoints', {});
    const first = world.sessions[0];
    if (first !== undefined)
      await this.#show(first.id).catch((error) => world.refused(this.name, 'open', error));
    world.joins.push(performance.now() - begin);
    world.count('windows that joined');
    return joined;
  }

  async #do(action: keyof typeof ACTIONS, { connection, shown, closed }: Joined): Promise<void> {
    const world = this.#world;
    const random = this.#random;
    const { rpc } = connection;
    const follower = random.pick([...shown.values()]);
    const running = follower?.state.turns.findLast((turn) => !hasEnded(turn.status));
    switch (action) {
      case 'prompt': {
        const session = await this.#session();
        const prompt = this.#prompts.next();
        const turn = await this.prompt(session, prompt);
        if (prompt.stalls) {
          await delay(random.int(100, 1500));
          await rpc.request('session.cancel', { session: session.id, turn });
        } else if (random.chance(0.7)) await this.#ended(session.id, turn, closed);
        return;
      }
      case 'steer':
        if (follower === undefined || running === undefined) return;
        await rpc.request('session.steer', {
          session: follower.state.id,
          turn: running.id,
          prompt: `and also w${random.int(0, 999)}`,
        });
        return;
      case 'cancel':
        if (follower === undefined || running === undefined) return;
        await rpc.request('session.cancel', { session: follower.state.id, turn: running.id });
        return;
      case 'close': {
        if (follower === undefined) return;
        shown.delete(follower.state.id);
        await rpc.request('session.close', { session: follower.state.id });
        return;
      }
      case 'rename':
        if (follower === undefined) return;
        await rpc.request('session.rename', { session: follower.state.id, title: `T${random.int(0, 99)}` });
        return;
      case 'look': {
        const status = await rpc.request('status', {});
        for (const { key } of status.folders) {
          await rpc.request('session.list', { folder: key, limit: 50 });
          await rpc.request('statistics', { folder: key });
        }
        await rpc.request('clients', {});
        return;
      }
      case 'settings':
        await rpc.request('settings.set', { settings: world.settings });
        return;
      case 'reload':
        this.drop();
        return;
    }
  }

  /** One of the sessions, a new one where there are too few. */
  async #session(): Promise<SoakSession> {
    const world = this.#world;
    const found = world.wantsSession ? undefined : this.#random.pick(world.sessions);
    if (found !== undefined) return found;
    const { connection } = await this.join();
    const { folders } = await connection.rpc.request('status', {});
    const folder = this.#random.pick(folders);
    if (folder === undefined) throw new Error('the bridge knows no folder');
    const { id } = await connection.rpc.request('session.create', { folder: folder.key });
    const session = { id, folder: folder.key, prompts: 0 };
    world.sessions.push(session);
    world.count('sessions');
    return session;
  }

  async #show(session: SessionId): Promise<Follower> {
    const { connection, shown } = await this.join();
    const known = shown.get(session);
    if (known !== undefined) return known;
    if (shown.size >= SHOWN) {
      const [oldest = session] = shown.keys();
      shown.delete(oldest);
      await connection.rpc.request('session.close', { session: oldest });
    }
    const follower = await Follower.open(connection, session);
    shown.set(session, follower);
    return follower;
  }

  /** The turn's end, as far as this window is told of it. */
  async #ended(session: SessionId, turn: TurnId, closed: Promise<void>): Promise<void> {
    const follower = await this.#show(session);
    const end = follower.until(({ turns }) =>
      hasEnded(turns.find(({ id }) => id === turn)?.status ?? 'queued'),
    );
    const timer = new AbortController();
    await Promise.race([end, closed, delay(WAIT_MS, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }

  /** Whoever comes first answers: sometimes with a no. */
  async #answer(joined: Joined, { id: session, state }: SessionSummary): Promise<void> {
    if (state !== 'waiting_for_approval') return;
    try {
      const { approvals } = await joined.connection.rpc.request('session.approvals', { session });
      for (const { id: approval } of approvals) {
        const decision = this.#random.chance(0.7) ? 'accept' : 'decline';
        await joined.connection.rpc.request('approval.answer', { session, approval, decision });
        this.#world.count('approvals answered');
      }
    } catch (error) {
      this.#world.refused(this.name, 'an approval', error);
    }
  }

  /** Prompts that a dead bridge had queued: sent, discarded, or left to another window. */
  async #settleHeld(joined: Joined, { id: session, held = 0 }: SessionSummary): Promise<void> {
    if (held === 0) return;
    const choice = this.#random.weighted({ release: 5, discard: 2, leave: 3 });
    if (choice === 'leave') return;
    this.#world.count(`prompts that were held, and a window's choice: ${choice}`, held);
    if (choice === 'release') await this.#tell(joined, 'session.release', { session });
    const known = joined.shown.get(session)?.state;
    if (choice === 'discard' && known !== undefined) {
      for (const { id: turn } of heldTurns(known))
        await this.#tell(joined, 'session.cancel', { session, turn });
    }
  }

  async #tell<M extends RequestName<FaceContract>>(
    { connection }: Joined,
    method: M,
    params: Params<FaceContract, M>,
  ): Promise<void> {
    try {
      await connection.rpc.request(method, params);
    } catch (error) {
      this.#world.refused(this.name, method, error);
    }
  }
}
