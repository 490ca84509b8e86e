import { Agent, request } from 'node:http';

const VERSION = '2026-07-28';

/**
 * The least MCP client over HTTP that there can be: one POST for each call, on one connection. Raw Codex is
 * measured with the least client too, so that the difference is what the bridge costs.
 */
export class PostClient {
  readonly #url: URL;
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #nextId = 1;

  constructor(url: string, token: string) {
    this.#url = new URL(url);
    this.#token = token;
  }

  /** @throws when it is refused, or the tool's result is an error */
  async call(name: string, args: object): Promise<unknown> {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: this.#nextId++,
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': VERSION,
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    const text = await this.#post(body, name);
    const { result } = JSON.parse(text) as Answer;
    if (result === undefined || result.isError === true) throw new Error(text.slice(0, 500));
    return result.structuredContent;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(body: string, tool: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
            Accept: 'application/json, text/event-stream',
            Authorization: `Bearer ${this.#token}`,
            'MCP-Protocol-Version': VERSION,
            'Mcp-Method': 'tools/call',
            'Mcp-Name': tool,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => (text += part));
          response.on('end', () => {
            // Without a progress token the answer comes whole, as JSON.
            if (response.statusCode === 200) resolve(text);
            else reject(new Error(`${response.statusCode}: ${text.slice(0, 500)}`));
          });
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

interface Answer {
  readonly result?: { readonly isError?: boolean; readonly structuredContent?: unknown };
}
