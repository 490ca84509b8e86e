import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/shared/errors.ts';
import { type Answer, connectClient, ERAS, type Era, type TestClient } from '../support/mcpClients.ts';
import { watchClient } from '../support/oracleWatch.ts';
import { Prompts } from './prompts.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

/** How long one call waits for its answer at most, in seconds. */
const WAIT_SECONDS = 15;
/**
 * How long a client may take to connect, in ms: longer than the SDK's own time-out of a request. It waits without
 * end where its server is killed before it has read the last word of the handshake.
 */
const CONNECT_MS = 90_000;
/** How long after a lost connection another is tried, in ms. */
const AGAIN_MS = 300;
/** How long after its end an answer of a bridge may still be on its way, in ms. */
const GONE_MS = 2_000;

const ACTIONS = { ask: 20, chat: 45, background: 10, steer: 5, cancel: 5, look: 10, leave: 5 } as const;

/** A request that carries a prompt, to be sent again when nobody knows whether it came. */
interface Request {
  readonly tool: 'ask' | 'chat_msg';
  readonly args: Record<string, unknown>;
  readonly stalls: boolean;
}

/** An MCP client of either era, over HTTP or through `attach`, that works and comes back. */
export class SoakClient {
  readonly name: string;
  readonly #world: World;
  readonly #random: Random;
  readonly #prompts: Prompts;
  readonly #era: Era;
  readonly #attached: boolean;
  #client: TestClient | undefined;
  #turn: string | undefined;
  #calling = '';

  constructor(world: World, index: number, seed: string) {
    this.#era = ERAS[index % 2] ?? ERAS[0];
    this.#attached = index % 3 === 2;
    this.name = `client${index}-${this.#attached ? 'attach' : 'http'}`;
    this.#world = world;
    this.#random = new Random(`${seed} ${this.name}`);
    this.#prompts = new Prompts(this.name, this.#random);
  }

  /** Works until the soak stops. */
  async run(): Promise<void> {
    let lost: Request | undefined;
    while (!this.#world.stopping) {
      const action = this.#random.weighted(ACTIONS);
      let request: Request | undefined;
      try {
        const client = await this.#connected();
        request = lost ?? this.#request(action);
        lost = undefined;
        if (request !== undefined) await this.#send(client, request);
        else await this.#do(client, action);
      } catch (error) {
        await this.#lost(error);
        // The same key finds the same turn, or makes the one that never came to be.
        if (this.#random.chance(0.8)) lost = request;
        await delay(AGAIN_MS);
      }
      await delay(this.#random.int(50, 900));
    }
    await this.#client?.close().catch((error: unknown) => this.#gone(error));
  }

  async #connected(): Promise<TestClient> {
    if (this.#client !== undefined) return this.#client;
    const { endpoints, folders, env, runtime } = this.#world;
    if (endpoints === undefined) throw new Error('no bridge yet');
    const connecting = this.#attached
      ? connectClient(this.#era, {
          command: process.execPath,
          args: [join(runtime, 'cli.mjs'), 'attach', '--folder', folders[0] ?? ''],
          cwd: folders[0] ?? '',
          env,
          stderr: 'ignore',
        })
      : connectClient(this.#era, { url: endpoints.url, token: endpoints.token });
    const timer = new AbortController();
    const never = delay(CONNECT_MS, undefined, { signal: timer.signal }).then(() => {
      throw new Error('its server was killed in the handshake');
    });
    const client = await Promise.race([connecting, never]).finally(() => timer.abort());
    this.#world.count(`clients connected (${this.#attached ? 'attach' : 'http'}, ${this.#era})`);
    const watched = watchClient(this.#world.oracle, this.name, client);
    this.#client = { ...watched, call: (...call) => this.#call(watched, ...call) };
    return this.#client;
  }

  /** An answer that the bridge took with it when it was killed no client can have: the SDKs wait on for it. */
  async #call(client: TestClient, ...[tool, args, options]: Parameters<TestClient['call']>): Promise<Answer> {
    this.#calling = `${tool} ${JSON.stringify(args)}, called at ${this.#world.seconds} s`;
    const answer = client.call(tool, args, options);
    if (this.#attached) return answer;
    const gone = this.#world.bridgeGone.then(async () => {
      await delay(GONE_MS);
      throw new Error('the bridge is gone');
    });
    return Promise.race([answer, gone]);
  }

  #request(action: keyof typeof ACTIONS): Request | undefined {
    if (action !== 'ask' && action !== 'chat' && action !== 'background') return undefined;
    const world = this.#world;
    const { text: prompt, mark, stalls, approvalPolicy } = this.#prompts.next();
    const key = { idempotency_key: mark };
    const policy = approvalPolicy === undefined ? {} : { approval_policy: approvalPolicy };
    const wait = stalls || action === 'background' ? { background: true } : { wait_seconds: WAIT_SECONDS };
    // An attached client sees its own folder only.
    const [folder = ''] = world.folders;
    const open = world.endpoints?.folders.find(({ path }) => path === folder)?.key;
    const sessions = this.#attached ? world.sessions.filter((one) => one.folder === open) : world.sessions;
    const session = action === 'ask' ? undefined : this.#random.pick(sessions);
    if (session === undefined)
      return { tool: 'ask', args: { prompt, folder, ...key, ...policy, ...wait }, stalls };
    world.prompted(session);
    return { tool: 'chat_msg', args: { prompt, session: session.id, ...key, ...policy, ...wait }, stalls };
  }

  async #send(client: TestClient, { tool, args, stalls }: Request): Promise<void> {
    const { data } = this.#heard(tool, await client.call(tool, args, { onProgress: () => {} }));
    const turn = data['turn'];
    if (typeof turn !== 'string') return;
    this.#turn = turn;
    if (stalls) {
      await delay(this.#random.int(100, 1500));
      this.#heard('cancel', await client.call('cancel', { turn }));
    } else if (data['status'] === 'running' || data['status'] === 'queued') {
      this.#heard('wait', await client.call('wait', { turn, wait_seconds: WAIT_SECONDS }));
    }
  }

  async #do(client: TestClient, action: keyof typeof ACTIONS): Promise<void> {
    if (action === 'look') {
      this.#heard('status', await client.call('status', {}));
      const folder = this.#world.folders[0] ?? '';
      this.#heard('history', await client.call('history', { action: 'list', folder }));
    } else if (action === 'leave') {
      this.#client = undefined;
      await client.close();
    } else if (this.#turn !== undefined && action === 'steer') {
      this.#heard('steer', await client.call('steer', { turn: this.#turn, prompt: 'and more' }));
    } else if (this.#turn !== undefined && action === 'cancel') {
      this.#heard('cancel', await client.call('cancel', { turn: this.#turn }));
    }
  }

  /** What a tool answers is tallied; an error that may not be is a problem. */
  #heard(tool: string, answer: Answer): Answer {
    this.#world.count('answers of tools');
    const error = answer.data['error'];
    // An ended turn has an error of its own, which is no refusal.
    if (!answer.isError || answer.data['turn'] !== undefined) return answer;
    const { code, message } = error as { code?: string; message?: string };
    this.#world.refusedWith(this.name, tool, code, message ?? answer.text);
    return answer;
  }

  /** The connection is of no use any more. */
  async #lost(error: unknown): Promise<void> {
    const message = messageOf(error);
    this.#world.count(`clients cut off: ${message.split('\n', 1)[0]?.slice(0, 60)}`);
    if (/timed out|timeout/i.test(message))
      this.#world.problem(`${this.name}: no answer in time to ${this.#calling}`);
    const client = this.#client;
    this.#client = undefined;
    await client?.abandon().catch((again: unknown) => this.#gone(again));
  }

  /** Closing to a server that is not there any more. */
  #gone(error: unknown): void {
    this.#world.count(`clients that could not say goodbye: ${messageOf(error).slice(0, 40)}`);
  }
}
