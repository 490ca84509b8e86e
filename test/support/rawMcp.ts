const VERSION = '2026-07-28';

/** What a server answers to one request: a JSON-RPC result or an error. */
export interface RawAnswer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Without a client: whatever method and parameters, in the newest protocol. */
export async function rawRequest(
  { url, token }: { readonly url: string; readonly token: string },
  method: string,
  name: string,
  params: object,
  extensions: object = { 'io.modelcontextprotocol/tasks': {} },
): Promise<RawAnswer> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} }, extensions },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': VERSION,
      'MCP-Method': method,
      'MCP-Name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  });
  const body = await response.text();
  const event = body.split('\n').findLast((line) => line.startsWith('data: '));
  const answer: unknown = JSON.parse(body.startsWith('{') ? body : (event ?? 'data: {}').slice(6));
  return answer as RawAnswer; // JSON-RPC, by the server that is tested
}
