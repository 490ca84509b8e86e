import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { NODE_FLAGS } from '../../src/client/launch.ts';
import { type CodexHome, codexBinary, makeCodexHome, type TempDir, tempDir } from '../support/codexHome.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';

const cli = fileURLToPath(new URL('../../dist/runtime/cli.mjs', import.meta.url));

/** What every measurement needs: a model, a Codex home, a folder, and an end for all of it. */
export class Bench {
  readonly model: ScriptedModel;
  readonly home: CodexHome;
  readonly dir: TempDir;
  readonly folder: string;
  readonly codex = codexBinary();
  readonly #ends: (() => Promise<void>)[] = [];

  static async open(): Promise<Bench> {
    const model = await ScriptedModel.start();
    return new Bench(model, await makeCodexHome({ modelUrl: model.url }), await tempDir('bench'));
  }

  private constructor(model: ScriptedModel, home: CodexHome, dir: TempDir) {
    this.model = model;
    this.home = home;
    this.dir = dir;
    this.folder = join(dir.path, 'folder');
    mkdirSync(this.folder);
  }

  /** Called at the end, the last one first. */
  atEnd(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** A bridge with a state directory of its own, started as a person would start it. */
  async serve(settings?: unknown): Promise<Serving> {
    const state = join(this.dir.path, `s${this.#ends.length}`);
    mkdirSync(state, { mode: 0o700 });
    if (settings !== undefined) writeFileSync(join(state, 'settings.json'), JSON.stringify(settings));
    const serving = await Serving.start(this, state);
    this.atEnd(() => serving.stop());
    return serving;
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    await this.model.close();
    await this.home.dispose();
    await this.dir.dispose();
  }
}

/** `codex-bridge serve --json`, running. */
export class Serving {
  readonly state: string;
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  /** From the start of the process to its ready line, ms. */
  readonly startedIn: number;
  readonly #child: ChildProcess;
  readonly #clients: Client[] = [];

  static async start(bench: Bench, state: string): Promise<Serving> {
    const begin = performance.now();
    const child = spawn(
      process.execPath,
      [
        ...NODE_FLAGS,
        cli,
        'serve',
        '--folder',
        bench.folder,
        '--port',
        '0',
        '--json',
        '--log-level',
        'error',
      ],
      {
        env: { ...bench.home.env, CODEX_BRIDGE_HOME: state, CODEX_BRIDGE_CODEX: bench.codex },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    if (child.stdout === null || child.pid === undefined) throw new Error('serve could not be started');
    const exited = once(child, 'exit').then(() => {
      throw new Error('serve ended before it was ready');
    });
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), exited]);
    const startedIn = performance.now() - begin;
    // What `serve --json` prints: see its contract.
    const ready = JSON.parse(String(line)) as { url: string; token: string };
    return new Serving(state, child, child.pid, ready, startedIn);
  }

  private constructor(
    state: string,
    child: ChildProcess,
    pid: number,
    ready: { url: string; token: string },
    startedIn: number,
  ) {
    this.state = state;
    this.#child = child;
    this.pid = pid;
    this.url = ready.url;
    this.token = ready.token;
    this.startedIn = startedIn;
  }

  /** A client of the newest protocol, as an MCP client's author would write it. */
  async client(): Promise<Client> {
    const client = new Client({ name: 'bench', version: '0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(this.url), {
        requestInit: { headers: { Authorization: `Bearer ${this.token}` } },
      }),
    );
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.close();
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }
}

/** What a tool of ours gave back. @throws when it is an error */
export function structured(result: { isError?: boolean | undefined; structuredContent?: unknown }): {
  session: string;
  turn: string;
  status: string;
  answer?: string;
} {
  if (result.isError) throw new Error(`the tool failed: ${JSON.stringify(result.structuredContent)}`);
  // The output schema of every tool that runs a turn.
  return result.structuredContent as ReturnType<typeof structured>;
}
