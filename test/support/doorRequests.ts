import type { Doors } from './fakeDoors.ts';
import type { RawRequest } from './rawHttp.ts';

/** Begins a session of the older protocol. */
export const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';

/** What is not as it should be. */
export interface Parts {
  host?: string | readonly string[];
  authorization?: string | readonly string[];
  more?: readonly string[];
  method?: string;
  target?: string;
  body?: string;
  length?: number;
}

/** A good request, but for what is given. */
export function requestFor(doors: Doors, parts: Parts = {}): RawRequest {
  const lines = (name: string, values: string | readonly string[]) =>
    [values].flat().map((value) => `${name}: ${value}`);
  const body = parts.body ?? INITIALIZE;
  return {
    method: parts.method ?? 'POST',
    target: parts.target ?? '/mcp',
    headers: [
      ...lines('Host', parts.host ?? `127.0.0.1:${doors.http.port}`),
      ...lines('Authorization', parts.authorization ?? `Bearer ${doors.tokens.all}`),
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      `Content-Length: ${parts.length ?? Buffer.byteLength(body)}`,
      ...(parts.more ?? []),
    ],
    body,
  };
}
