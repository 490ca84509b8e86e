import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * An MCP client on stdio that does next to nothing by itself: fifty of them in one process must not measure
 * what a client costs, which in life is a process of its own.
 */
export class LineClient {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #parts: Buffer[] = [];
  #nextId = 1;

  static async start(
    command: string,
    args: string[],
    cwd: string,
    env: NodeJS.ProcessEnv,
    stderr: 'inherit' | 'ignore' = 'inherit',
  ) {
    const client = new LineClient(spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', stderr] }));
    const clientInfo = { name: 'bench', version: '0' };
    await client.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    client.#write({ method: 'notifications/initialized' });
    return client;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** @throws when the tool's result is an error */
  async call(name: string, args: object): Promise<unknown> {
    const { result } = await this.request('tools/call', { name, arguments: args });
    if (result === undefined || result.isError === true) throw new Error(JSON.stringify(result));
    return result.structuredContent;
  }

  request(method: string, params: object): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#write({ id, method, params });
    });
  }

  async close(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }

  #write(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #read(chunk: Buffer): void {
    this.#parts.push(chunk);
    if (chunk.at(-1) !== 10) return;
    const lines = Buffer.concat(this.#parts).toString('utf8').split('\n');
    this.#parts = [];
    for (const line of lines) {
      if (line === '') continue;
      // What attach writes.
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    }
  }
}

export interface Answer {
  readonly id: number;
  readonly result?: {
    readonly isError?: boolean;
    readonly structuredContent?: unknown;
    readonly content?: unknown;
  };
}
