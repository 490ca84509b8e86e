import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { demoScript } from './demoScript.ts';
import { Answer } from './scriptedAnswer.ts';

/** A user text that Codex adds by itself; it is not a prompt. */
const CONTEXT =
  /^\s*(<(environment_context|user_instructions|turn_aborted|permissions|skill|user_shell_command|subagent_notification)\b|# AGENTS\.md instructions)/;

/** One item of the Responses API's `input`, as far as scripts read it. */
export interface InputItem {
  readonly type: string;
  readonly role?: string;
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly output?: unknown;
  readonly call_id?: string;
}

/** One request of Codex's to the model. */
export interface ModelRequest {
  /** The parsed body, whole. */
  readonly body: { readonly model?: string; readonly input: readonly InputItem[] } & Record<string, unknown>;
  readonly input: readonly InputItem[];
  /** The last user text: the prompt of the turn (or a steer that was added to it). */
  readonly prompt: string;
  /** Every user prompt in the input, oldest first. */
  readonly prompts: readonly string[];
  /** The outputs of the tools that were called since the last user text, oldest first. */
  readonly outputs: readonly string[];
  /** True for the first request of a turn: its input ends in a user message. */
  readonly startsTurn: boolean;
  /** How often exactly this input has come, from 1: more than 1 means that Codex tries again. */
  readonly attempt: number;
  /** Codex's thread, from the request's headers; '' where it did not say. */
  readonly thread: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Fires when Codex hangs up or the endpoint closes. */
  readonly signal: AbortSignal;
}

/** Token counts that `response.completed` reports. */
export interface TokenCounts {
  readonly input?: number;
  readonly cached?: number;
  readonly output?: number;
  readonly reasoning?: number;
}

/** One thing that the scripted model does in its answer. Builders below. */
export type Step =
  | { readonly do: 'message'; readonly chunks: readonly string[]; readonly gate?: Gate | undefined }
  | { readonly do: 'reasoning'; readonly summary: readonly string[] }
  | {
      readonly do: 'call';
      readonly name: string;
      readonly arguments: unknown;
      /** Of an MCP server's tool: `mcp__SERVER`. */
      readonly namespace?: string;
    }
  | { readonly do: 'usage'; readonly tokens: TokenCounts }
  | { readonly do: 'fail'; readonly status: number; readonly message: string }
  | { readonly do: 'stall' }
  | { readonly do: 'cut' };

/** Awaited before each chunk, so that a test decides when the next word leaves. */
export type Gate = (index: number) => Promise<void> | void;

export type Script = (
  request: ModelRequest,
) => Iterable<Step> | AsyncIterable<Step> | Promise<Iterable<Step>>;

/** A message in one piece. */
export function text(message: string): Step {
  return { do: 'message', chunks: [message] };
}

/** A message chunk by chunk; `gate` is awaited before each (a number: that many ms). A string is split into words. */
export function words(message: string | readonly string[], gate?: Gate | number): Step {
  const chunks = typeof message === 'string' ? (message.match(/\S+\s*/g) ?? []) : message;
  return {
    do: 'message',
    chunks,
    gate: typeof gate === 'number' ? async () => void (await delay(gate)) : gate,
  };
}

/** A reasoning item with its summary parts. */
export function reasoning(...summary: string[]): Step {
  return { do: 'reasoning', summary };
}

/** A shell command that Codex runs, by its rules, before it asks the model again. */
export function command(cmd: string, more: Readonly<Record<string, unknown>> = {}): Step {
  return { do: 'call', name: 'exec_command', arguments: { cmd, ...more } };
}

/** A call of any function tool. */
export function call(name: string, args: unknown, namespace?: string): Step {
  return { do: 'call', name, arguments: args, ...(namespace === undefined ? {} : { namespace }) };
}

/** A patch in Codex's own format, applied by `apply_patch`; without the Begin and End lines. */
export function patch(body: string): Step {
  return command(`apply_patch <<'PATCH'\n*** Begin Patch\n${body.trimEnd()}\n*** End Patch\nPATCH`);
}

/** The body of a patch that adds one file. */
export function addFile(path: string, content: string): string {
  const lines = content.replace(/\n$/, '').split('\n');
  return `*** Add File: ${path}\n${lines.map((line) => `+${line}`).join('\n')}\n`;
}

/** What `response.completed` says was used; the default is 100 in (20 cached), 10 out. */
export function usage(tokens: TokenCounts): Step {
  return { do: 'usage', tokens };
}

/** Answers with an HTTP status instead of a stream. Only as the first step. */
export function fail(status: number, message = `scripted failure ${status}`): Step {
  return { do: 'fail', status, message };
}

/** Never says another word until Codex hangs up or the endpoint closes. */
export function stall(): Step {
  return { do: 'stall' };
}

/** Breaks the connection here, in the middle of the stream. */
export function cut(): Step {
  return { do: 'cut' };
}

/** A door that a test opens once: `wait` resolves after `open`. */
export class Latch {
  readonly #promise: Promise<void>;
  #open: () => void = () => {};

  constructor() {
    this.#promise = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  readonly wait = (): Promise<void> => this.#promise;

  open(): void {
    this.#open();
  }
}

/**
 * A Responses-API endpoint on 127.0.0.1 for the real Codex, which answers by a script. Without one it
 * follows the little commands of `demoScript.ts`.
 */
export class ScriptedModel {
  readonly requests: ModelRequest[] = [];
  readonly #server: Server;
  readonly #open = new Set<AbortController>();
  readonly #seen = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #script: Script = demoScript;
  #nextId = 1;

  /** `port` 0 (the default) takes a free one. */
  static async start(port = 0): Promise<ScriptedModel> {
    const model = new ScriptedModel();
    model.#server.listen(port, '127.0.0.1');
    await once(model.#server, 'listening');
    return model;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        // A script that throws must be seen, not look like a slow model.
        response.destroy(error instanceof Error ? error : new Error(String(error)));
        if (!request.destroyed) console.error('scripted model:', error);
      });
    });
    this.#server.keepAliveTimeout = 0;
  }

  /** The base URL for `model_providers.<name>.base_url`. */
  get url(): string {
    // Listening on TCP, so the address is never a path or null.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Replaces what it does from the next request on. */
  script(script: Script): void {
    this.#script = script;
  }

  /** The prompt of each turn in the order they came, once for each time it was sent. */
  prompts(): string[] {
    return this.requests.filter((request) => request.startsTurn).map((request) => request.prompt);
  }

  /** Resolves as soon as a request that satisfies `test` is there (also one that came before). */
  async request(test: (request: ModelRequest) => boolean = () => true): Promise<ModelRequest> {
    for (;;) {
      const found = this.requests.find(test);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Ends every stream and stops listening. */
  async close(): Promise<void> {
    for (const controller of this.#open) controller.abort();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer); // no encoding is set, so they are buffers
    const url = incoming.url ?? '';
    if (incoming.method !== 'POST' || !url.endsWith('/responses')) {
      const models = url.split('?')[0]?.endsWith('/models') ?? false;
      response.writeHead(models ? 200 : 404, { 'content-type': 'application/json' });
      response.end(models ? '{"object":"list","data":[],"models":[]}' : '{"error":{"message":"not found"}}');
      return;
    }
    const controller = new AbortController();
    this.#open.add(controller);
    response.on('close', () => {
      this.#open.delete(controller);
      controller.abort();
    });
    // Codex sends the Responses API's body; a test would see at once if it did not.
    const body = JSON.parse(Buffer.concat(chunks).toString()) as ModelRequest['body'];
    const request = this.#read(body, incoming, controller.signal);
    this.requests.push(request);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    const answer = new Answer(response, controller.signal, `resp_${this.#nextId++}`);
    for await (const step of await this.#script(request)) {
      if (controller.signal.aborted || !(await answer.play(step))) return;
    }
    answer.complete();
  }

  #read(body: ModelRequest['body'], incoming: IncomingMessage, signal: AbortSignal): ModelRequest {
    const input = body.input;
    const key = createHash('sha256').update(JSON.stringify(input)).digest('base64');
    const attempt = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, attempt);
    const prompts: string[] = [];
    let outputs: string[] = [];
    for (const item of input) {
      const prompt = promptOf(item);
      if (prompt !== undefined) {
        prompts.push(prompt);
        outputs = [];
      } else if (item.type.endsWith('_output')) {
        outputs.push(typeof item.output === 'string' ? item.output : JSON.stringify(item.output));
      }
    }
    const last = input.findLast((item) => item.type !== 'message' || promptOf(item) !== undefined);
    const thread = incoming.headers['thread-id'];
    return {
      body,
      input,
      prompt: prompts.at(-1) ?? '',
      prompts,
      outputs,
      startsTurn: last !== undefined && promptOf(last) !== undefined,
      attempt,
      thread: typeof thread === 'string' ? thread : '',
      headers: incoming.headers,
      signal,
    };
  }
}

/** The text of a user message, unless Codex wrote it itself (environment, AGENTS.md). */
function promptOf(item: InputItem): string | undefined {
  if (item.type !== 'message' || item.role !== 'user') return undefined;
  const parts = (item.content ?? [])
    .filter((part) => part.type === 'input_text')
    .map((part) => part.text ?? '');
  const own = parts.filter((part) => !CONTEXT.test(part));
  return own.length === 0 ? undefined : own.join('\n');
}
