import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  createTaskSessionFromClient,
  type JsonRpcResponse,
  type RawClientDispatch,
  type TaskEnabledSession,
  type WithTasksOptions,
} from '@modelcontextprotocol/ext-tasks/client';
import type { JsonValue } from '@modelcontextprotocol/ext-tasks/core';

const VERSION = '2026-07-28';
const CLIENT_INFO = { name: 'task-client', version: '1.0.0' };

type Elicit = NonNullable<WithTasksOptions['onInputRequest']>;

/** The client of the tasks extension, over HTTP. */
export async function connectTaskClient(
  { url, token }: { readonly url: string; readonly token: string },
  onInputRequest?: Elicit,
): Promise<{ readonly session: TaskEnabledSession; close(): Promise<void> }> {
  const headers = { Authorization: `Bearer ${token}` };
  const client = new Client(CLIENT_INFO, { versionNegotiation: { mode: { pin: VERSION } } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  const session = createTaskSessionFromClient(client, {
    endpointId: url,
    rawDispatch: rawDispatch(url, headers),
    v2RequestFraming: {
      protocolVersion: VERSION,
      clientInfo: CLIENT_INFO,
      clientCapabilities: onInputRequest === undefined ? {} : { elicitation: { form: {} } },
    },
    ...(onInputRequest === undefined ? {} : { onInputRequest }),
  });
  return {
    session,
    async close() {
      await session.close();
      await client.close();
    },
  };
}

/** The SDK's client knows no results but its own: this one hands on whatever comes. */
function rawDispatch(url: string, headers: Readonly<Record<string, string>>): RawClientDispatch {
  let nextId = 1;
  return async (request, options) => {
    const { method, params } = request as { method: string; params?: Record<string, JsonValue> }; // The package's own request.
    const name = params?.['taskId'] ?? params?.['name'];
    const response = await fetch(url, {
      method: 'POST',
      ...(options?.signal === undefined ? {} : { signal: options.signal }),
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': VERSION,
        'Mcp-Method': method,
        ...(typeof name === 'string' ? { 'Mcp-Name': name } : {}),
        ...options?.context?.headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params }),
    });
    return answerIn(await response.text());
  };
}

/** The answer in a JSON body or in the last event of a stream. */
function answerIn(body: string): JsonRpcResponse {
  const data = body.startsWith('{') ? body : body.split('\n').findLast((line) => line.startsWith('data: '));
  // A JSON-RPC response, by the server that is tested.
  const message = JSON.parse((data ?? '').replace(/^data: /, '')) as {
    result?: JsonValue;
    error?: { code: number; message: string };
  };
  if (message.error !== undefined) return { kind: 'error', error: message.error };
  if (message.result === undefined) throw new Error(`no answer in ${body}`);
  return { kind: 'result', result: message.result };
}
