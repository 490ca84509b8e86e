import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from '../support/fakeDoors.ts';

// Whoever stands between client and bridge may look at the headers only: they must say what the body says.

let doors: Doors;

beforeEach(async () => {
  doors = await openDoors();
});
afterEach(() => doors.close());

type Headers = Readonly<Record<string, string | undefined>>;

async function post(headers: Headers, body: unknown): Promise<{ status: number; id: string; text: string }> {
  const all = {
    Authorization: `Bearer ${doors.tokens.all}`,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(doors.http.url, {
    method: 'POST',
    headers: Object.fromEntries(given),
    body: JSON.stringify(body),
  });
  const id = response.headers.get('mcp-session-id') ?? '';
  return { status: response.status, id, text: await response.text() };
}

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'ask', arguments: { prompt: 'p' } },
};
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};
const modern = (method: string, params: object) => ({ ...CALL, method, params: { ...params, _meta: META } });
const right = (method: string, name: string) => ({
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': method,
  'Mcp-Name': name,
});

describe('A25: 2026-07-28', () => {
  it.each<[string, Headers]>([
    ['another method', { 'Mcp-Method': 'tools/list' }],
    ['another method’s case', { 'Mcp-Method': 'Tools/Call' }],
    ['no method', { 'Mcp-Method': undefined }],
    ['another tool', { 'Mcp-Name': 'status' }],
    ['another tool in disguise', { 'Mcp-Name': '=?base64?c3RhdHVz?=' }],
    ['no tool', { 'Mcp-Name': undefined }],
    ['another version', { 'MCP-Protocol-Version': '2025-11-25' }],
    ['a version that there is not', { 'MCP-Protocol-Version': '2099-01-01' }],
    ['no version', { 'MCP-Protocol-Version': undefined }],
    ['another type', { 'Content-Type': 'text/plain' }],
  ])('A25: %s in the headers is refused before anything runs', async (_what, wrong) => {
    const body = modern('tools/call', { name: 'ask', arguments: { prompt: 'p' } });
    const { status } = await post({ ...right('tools/call', 'ask'), ...wrong }, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(doors.home.sessions.size).toBe(0);
    expect((await post(right('tools/call', 'ask'), body)).status).toBe(200);
    expect(doors.home.sessions.size).toBe(1);
  });

  it.each<[string, object, string]>([
    ['resources/read', { uri: 'codex://sessions' }, 'codex://sessions'],
    ['prompts/get', { name: 'delegate', arguments: { task: 'x' } }, 'delegate'],
    ['tasks/get', { taskId: 't_1' }, 't_1'],
    ['tasks/cancel', { taskId: 't_1' }, 't_1'],
  ])('A25: %s of another name than the header’s is refused', async (method, params, name) => {
    const refused = await post(right(method, 'another'), modern(method, params));
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('-32020')]);
    expect((await post(right(method, name), modern(method, params))).text).not.toContain('-32020');
  });

  it('A25: headers of it around a body of the older protocol are refused', async () => {
    expect((await post(right('tools/call', 'ask'), CALL)).status).toBe(400);
    expect(doors.home.sessions.size).toBe(0);
  });
});

describe('A25: 2025-11-25, where nobody has to send these headers', () => {
  const INITIALIZE = {
    ...CALL,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  };

  it.each<[string, Headers, unknown]>([
    ['another method', { 'Mcp-Method': 'tools/list' }, CALL],
    ['another tool', { 'Mcp-Method': 'tools/call', 'Mcp-Name': 'status' }, CALL],
    ['one method for a batch', { 'Mcp-Method': 'tools/call' }, [CALL]],
    ['a name for what has none', { 'Mcp-Name': 'ask' }, { ...CALL, method: 'ping', params: {} }],
    ['a method for an answer', { 'Mcp-Method': 'tools/call' }, { jsonrpc: '2.0', id: 1, result: {} }],
    ['a version that there is not', { 'MCP-Protocol-Version': '2099-01-01' }, CALL],
  ])('A25: %s is refused before anything runs', async (_what, wrong, body) => {
    const session = { 'Mcp-Session-Id': (await post({}, INITIALIZE)).id };
    const { status } = await post({ ...session, ...wrong }, body);
    expect(status).toBe(400);
    expect(doors.home.sessions.size).toBe(0);
    expect((await post({ ...session, 'Mcp-Method': 'tools/call', 'Mcp-Name': 'ask' }, CALL)).status).toBe(
      200,
    );
    expect(doors.home.sessions.size).toBe(1);
  });
});
