/**
 * An MCP server for Codex (stdio) whose one tool asks the person before it answers: the tool's argument is the
 * form's schema, or the address of a page. It gives back what it was answered.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const server = new Server({ name: 'asker', version: '1.0.0' }, { capabilities: { tools: {} } });

server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [
    {
      name: 'ask',
      description: 'Asks the person.',
      inputSchema: {
        type: 'object' as const,
        properties: { schema: { type: 'object' }, url: { type: 'string' } },
      },
      annotations: { readOnlyHint: true },
    },
  ],
}));

server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
  const message = 'What shall it be?';
  const url = params.arguments?.['url'];
  if (typeof url === 'string') {
    const answer = await server.elicitInput({ mode: 'url', message, url, elicitationId: 'page' });
    return { content: [{ type: 'text' as const, text: `answered ${JSON.stringify(answer)}` }] };
  }
  // The tests give a schema of the protocol's.
  const requestedSchema = params.arguments?.['schema'] as { type: 'object'; properties: object };
  const answer = await server.elicitInput({
    message,
    requestedSchema: { ...requestedSchema, properties: { ...requestedSchema.properties } },
  });
  return { content: [{ type: 'text' as const, text: `answered ${JSON.stringify(answer)}` }] };
});

await server.connect(new StdioServerTransport());
