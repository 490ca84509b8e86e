/** Which parameter `Mcp-Name` repeats, by method (MCP 2026-07-28, SEP-2243). */
const NAMED: ReadonlyMap<unknown, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

/**
 * Whether `Mcp-Method` and `Mcp-Name`, where they are given, say what the body says. Whoever stands between
 * client and bridge may decide by them. For requests of 2026-07-28 the SDK looks; those of the older protocol
 * need not have them, and it does not look there.
 */
export function headersAgree(headers: Headers, body: unknown): boolean {
  const method = headers.get('mcp-method');
  const name = headers.get('mcp-name');
  const message = record(body);
  if (method !== null && method !== message['method']) return false;
  if (name === null) return true;
  const source = NAMED.get(message['method']);
  return source !== undefined && record(message['params'])[source] === name;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  // An object has string keys, and what is not there is undefined.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
