import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { WebSocket } from 'ws';

/** What is read of the messages of `codex app-server`. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly threadId?: string;
    readonly turn?: { readonly id: string };
    readonly delta?: string;
  };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** The least client that `codex app-server` can have: what a turn costs without us. */
export class RawCodex {
  readonly #socket: WebSocket;
  readonly #child: ChildProcess | undefined;
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #listeners = new Set<(message: Message) => void>();
  #nextId = 1;

  /** An app-server of its own. */
  static async start(
    codex: string,
    env: NodeJS.ProcessEnv,
    folder: string,
    runDir: string,
  ): Promise<RawCodex> {
    const path = join(runDir, 'raw.sock');
    const child = spawn(codex, ['app-server', '--listen', `unix://${path}`], {
      cwd: folder,
      env,
      stdio: 'ignore',
    });
    return RawCodex.#connect(await openSoon(path), child);
  }

  /** One more client of an app-server that runs. */
  static async join(socketPath: string): Promise<RawCodex> {
    return RawCodex.#connect(await openSoon(socketPath), undefined);
  }

  static async #connect(socket: WebSocket, child: ChildProcess | undefined): Promise<RawCodex> {
    const raw = new RawCodex(socket, child);
    await raw.call('initialize', {
      clientInfo: { name: 'bench', title: null, version: '0' },
      capabilities: { experimentalApi: true, requestAttestation: false },
    });
    socket.send(JSON.stringify({ method: 'initialized' }));
    return raw;
  }

  private constructor(socket: WebSocket, child: ChildProcess | undefined) {
    this.#socket = socket;
    this.#child = child;
    socket.on('message', (data) => this.#receive(JSON.parse(data.toString()) as Message)); // Codex's own JSON
  }

  call(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  on(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async startThread(folder: string): Promise<string> {
    const result = await this.call('thread/start', { cwd: folder, sandbox: 'workspace-write' });
    return (result as { thread: { id: string } }).thread.id; // ThreadStartResponse
  }

  /** One whole turn, with `overrides` of the thread's settings. */
  async turn(thread: string, prompt: string, overrides: object = {}): Promise<void> {
    const done = Promise.withResolvers<void>();
    const off = this.on((message) => {
      if (message.method === 'turn/completed' && message.params?.threadId === thread) done.resolve();
    });
    await this.call('turn/start', {
      threadId: thread,
      input: [{ type: 'text', text: prompt, text_elements: [] }],
      ...overrides,
    });
    await done.promise;
    off();
  }

  async close(): Promise<void> {
    this.#socket.close();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  #receive(message: Message): void {
    if (message.id !== undefined && message.method === undefined) {
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error === undefined) call?.resolve(message.result);
      else call?.reject(new Error(message.error.message));
      return;
    }
    for (const listener of [...this.#listeners]) listener(message);
  }
}

/** Codex needs a moment until it listens. */
async function openSoon(path: string): Promise<WebSocket> {
  for (let attempt = 0; ; attempt++) {
    const socket = new WebSocket('ws://localhost/', {
      createConnection: () => createConnection(path),
      perMessageDeflate: false,
    });
    try {
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (attempt === 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
