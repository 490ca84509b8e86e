import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What is read of a request to the Messages API. */
interface MessagesRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly ContentBlock[] }[];
}

interface ContentBlock {
  readonly type: string;
  readonly text?: string;
  readonly tool_use_id?: string;
  readonly content?: unknown;
}

type Answer =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

/**
 * A Messages endpoint for the real Claude Code. A prompt `call <tool> <JSON arguments>` makes it call that tool, by
 * way of its tool search where it has not loaded it yet; the tool's result is its answer, word for word.
 */
export class ScriptedMessages {
  /** What tools gave back, as Claude Code hands it to its model. */
  readonly results: string[] = [];
  /** Names of the tools of the last request. */
  tools: readonly string[] = [];
  readonly #server: Server;
  #calls = 0;

  static async start(): Promise<ScriptedMessages> {
    const endpoint = new ScriptedMessages();
    await once(endpoint.#server.listen(0, '127.0.0.1'), 'listening');
    return endpoint;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        console.error('scripted messages:', error);
        response.destroy();
      });
    });
  }

  /** For `ANTHROPIC_BASE_URL`. */
  get url(): string {
    // Listening on TCP, so the address is never a path or null.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' || !/^\/v1\/messages(\?|$)/.test(request.url ?? '')) {
      response.writeHead(404, { 'Content-Type': 'application/json' }).end('{}');
      return;
    }
    // Claude Code's own request.
    const body = (await json(request)) as MessagesRequest;
    const answer = this.#next(body);
    const block = answer.type === 'text' ? answer : { ...answer, id: `toolu_${++this.#calls}` };
    const message = {
      id: `msg_${++this.#calls}`,
      type: 'message',
      role: 'assistant',
      model: body.model,
      stop_reason: answer.type === 'text' ? 'end_turn' : 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 1 },
    };
    if (body.stream !== true) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ ...message, content: [block] }));
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const send = (type: string, data: object) =>
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    send('message_start', { message: { ...message, stop_reason: null, content: [] } });
    const empty = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
    send('content_block_start', { index: 0, content_block: empty });
    const delta =
      answer.type === 'text'
        ? { type: 'text_delta', text: answer.text }
        : { type: 'input_json_delta', partial_json: JSON.stringify(answer.input) };
    send('content_block_delta', { index: 0, delta });
    send('content_block_stop', { index: 0 });
    send('message_delta', {
      delta: { stop_reason: message.stop_reason, stop_sequence: null },
      usage: message.usage,
    });
    send('message_stop', {});
    response.end();
  }

  #next({ messages, tools = [] }: MessagesRequest): Answer {
    this.tools = tools.map(({ name }) => name);
    const blocks = messages.flatMap(({ content }): readonly ContentBlock[] =>
      typeof content === 'string' ? [{ type: 'text', text: content }] : content,
    );
    const asked = blocks
      .map(({ text }) => /^call (\S+) (\{.*\})$/s.exec(text?.trim() ?? ''))
      .findLast(Boolean);
    if (asked === undefined || asked === null) return { type: 'text', text: 'ok' };
    const [, name = '', args = '{}'] = asked;
    const result = blocks.findLast(({ type }) => type === 'tool_result');
    const loaded = this.tools.includes(name);
    if (result !== undefined && (loaded || !this.tools.includes('ToolSearch')) && !isSearch(result)) {
      const text = textOf(result.content);
      this.results.push(text);
      return { type: 'text', text };
    }
    if (!loaded && result === undefined) {
      return { type: 'tool_use', name: 'ToolSearch', input: { query: `select:${name}`, max_results: 5 } };
    }
    return { type: 'tool_use', name, input: JSON.parse(args) };
  }
}

/** The tool search gives back references, not text. */
function isSearch({ content }: ContentBlock): boolean {
  return JSON.stringify(content).includes('tool_reference') || textOf(content).includes('No matching');
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((block: ContentBlock) => block.text ?? '').join('');
}
