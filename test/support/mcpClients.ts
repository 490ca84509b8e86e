import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** What a test sees of a tool's answer. */
export interface Answer {
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly isError: boolean;
  /** URIs of the resources that it points to. */
  readonly links: readonly string[];
}

export interface CallOptions {
  readonly onProgress?: (progress: { progress: number; message: string }) => void;
  readonly signal?: AbortSignal;
}

/** A connected MCP client of either era, with the same few methods. */
export interface TestClient {
  readonly era: Era;
  readonly version: string | undefined;
  tools(): Promise<
    { name: string; inputSchema: unknown; outputSchema?: unknown; description?: string | undefined }[]
  >;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  /** All pages. */
  resources(): Promise<{ uri: string; title?: string | undefined }[]>;
  templates(): Promise<string[]>;
  /** The text of a resource. */
  read(uri: string): Promise<string>;
  prompts(): Promise<{ name: string; arguments?: { name: string }[] | undefined }[]>;
  /** The text of a prompt. */
  prompt(name: string, args?: Record<string, string>): Promise<string>;
  complete(prompt: string, argument: string, typed: string): Promise<string[]>;
  /** Hears of changes in the lists of tools (`tools`) and resources (`list`), and in the given ones (their URI). */
  listen(uris: readonly string[], changed: (what: string) => void): Promise<void>;
  close(): Promise<void>;
  /** Closes without a word to a server that is no longer there. */
  abandon(): Promise<void>;
}

export const ERAS = ['2025-11-25', '2026-07-28'] as const;
export type Era = (typeof ERAS)[number];

/** A server on stdio: a process that the client starts. */
export interface StdioServer {
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly stderr: 'pipe' | 'inherit' | 'ignore';
}

interface HttpServer {
  readonly url: string;
  readonly token: string;
}

interface ClientOptions {
  /** Root directories as `file:` URIs; the older era only. */
  readonly roots?: readonly string[];
  /** Answers the server's forms; `signal` fires when the answer is not wanted any more (the older era). */
  readonly elicit?: (message: string, signal: AbortSignal) => Promise<FormAnswer>;
}

export interface FormAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Record<string, string>;
}

type ConnectOptions = ClientOptions & (HttpServer | StdioServer);

/** Connects a real client: the SDK's v1 for 2025-11-25, its v2 for 2026-07-28. */
export function connectClient(era: Era, options: ConnectOptions): Promise<TestClient> {
  return era === '2025-11-25' ? connectLegacy(options) : connectModern(options);
}

async function connectLegacy({ roots, elicit, ...server }: ConnectOptions): Promise<TestClient> {
  const capabilities = {
    ...(roots === undefined ? {} : { roots: {} }),
    ...(elicit === undefined ? {} : { elicitation: {} }),
  };
  const client = new LegacyClient({ name: 'test-client', version: '1.0.0' }, { capabilities });
  if (roots !== undefined) {
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots.map((uri) => ({ uri })) }));
  }
  if (elicit !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => ({
      ...(await elicit(params.message, signal)),
    }));
  }
  const transport =
    'url' in server
      ? new LegacyTransport(new URL(server.url), { requestInit: headers(server.token) })
      : new LegacyStdio(server);
  const http = transport instanceof LegacyTransport ? transport : undefined;
  // The SDK's own types disagree about exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    era: '2025-11-25',
    version: http?.protocolVersion,
    tools: async () => (await client.listTools()).tools,
    async call(name, args, options = {}) {
      return toAnswer(
        await client.callTool({ name, arguments: args }, CallToolResultSchema, requestOptions(options)),
      );
    },
    resources: () => allPages((cursor) => client.listResources(cursor)),
    templates: async () => (await client.listResourceTemplates()).resourceTemplates.map(uriOf),
    read: async (uri) => textIn((await client.readResource({ uri })).contents[0]),
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args = {}) =>
      textIn((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    async complete(name, argument, value) {
      const ref = { type: 'ref/prompt', name } as const;
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values;
    },
    async listen(uris, changed) {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => changed('tools'));
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () => changed('list'));
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => changed(params.uri));
      for (const uri of uris) await client.subscribeResource({ uri });
    },
    async close() {
      await http?.terminateSession();
      await client.close();
    },
    abandon: () => client.close(),
  };
}

async function connectModern({ elicit, ...server }: ConnectOptions): Promise<TestClient> {
  const client = new ModernClient(
    { name: 'test-client', version: '2.0.0' },
    {
      versionNegotiation: { mode: { pin: '2026-07-28' } },
      ...(elicit === undefined ? {} : { capabilities: { elicitation: { form: {} } } }),
    },
  );
  if (elicit !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }, ctx) => ({
      ...(await elicit(params.message, ctx.mcpReq.signal)),
    }));
  }
  await client.connect(
    'url' in server
      ? new ModernTransport(new URL(server.url), { requestInit: headers(server.token) })
      : new ModernStdio(server),
  );
  return {
    era: '2026-07-28',
    version: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args, options = {}) =>
      toAnswer(await client.callTool({ name, arguments: args }, requestOptions(options))),
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates.map(uriOf),
    read: async (uri) => textIn((await client.readResource({ uri })).contents[0]),
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args = {}) =>
      textIn((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    async complete(name, argument, value) {
      const ref = { type: 'ref/prompt', name } as const;
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values;
    },
    async listen(uris, changed) {
      client.setNotificationHandler('notifications/tools/list_changed', () => changed('tools'));
      client.setNotificationHandler('notifications/resources/list_changed', () => changed('list'));
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => changed(params.uri));
      await client.listen({
        toolsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: [...uris],
      });
    },
    close: () => client.close(),
    abandon: () => client.close(),
  };
}

async function allPages<R>(
  list: (params: { cursor?: string }) => Promise<{ resources: R[]; nextCursor?: string | undefined }>,
): Promise<R[]> {
  const all: R[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor === undefined ? {} : { cursor });
    all.push(...page.resources);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

const uriOf = ({ uriTemplate }: { uriTemplate: string }) => uriTemplate;

function textIn(block: unknown): string {
  if (typeof block === 'object' && block !== null && 'text' in block && typeof block.text === 'string') {
    return block.text;
  }
  throw new Error(`there is no text in ${JSON.stringify(block)}`);
}

function headers(token: string) {
  return { headers: { Authorization: `Bearer ${token}` } };
}

function requestOptions({ onProgress, signal }: CallOptions) {
  return {
    timeout: 60_000,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined
      ? {}
      : {
          resetTimeoutOnProgress: true,
          onprogress: (update: { progress: number; message?: string | undefined }) =>
            onProgress({ progress: update.progress, message: update.message ?? '' }),
        }),
  };
}

function toAnswer(result: unknown): Answer {
  // Checked by the SDK's client against the protocol and the tool's output schema.
  const { content, structuredContent, isError } = result as {
    content: { type: string; text?: string; uri?: string }[];
    structuredContent?: Record<string, unknown>;
    isError?: boolean;
  };
  return {
    text: content.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : [])).join('\n'),
    data: structuredContent ?? {},
    isError: isError === true,
    links: content.flatMap(({ type, uri }) => (type === 'resource_link' && uri !== undefined ? [uri] : [])),
  };
}
