import type { McpMessage } from '../../shared/mcpChannel.ts';

/** Codes of JSON-RPC 2.0, "Error object". */
export const RPC_ERROR = { parse: -32_700, invalidRequest: -32_600, internal: -32_603 } as const;

export type RequestId = string | number;

/** A message, told apart by what JSON-RPC 2.0 says that each kind has. */
export type Kind =
  | { readonly kind: 'request'; readonly id: RequestId; readonly method: string }
  | { readonly kind: 'notification'; readonly method: string }
  | { readonly kind: 'response'; readonly id: RequestId }
  | { readonly kind: 'invalid'; readonly id: RequestId | null };

export function kindOf(message: McpMessage): Kind {
  const { id, method } = message;
  const valid = typeof id === 'string' || typeof id === 'number';
  if (message['jsonrpc'] === '2.0') {
    if (typeof method === 'string') {
      if (valid) return { kind: 'request', id, method };
      if (id === undefined) return { kind: 'notification', method };
    } else if (valid && ('result' in message || 'error' in message)) {
      return { kind: 'response', id };
    }
  }
  return { kind: 'invalid', id: valid ? id : null };
}

/** `1` and `"1"` are two ids; what can be no id at all is none that is known. */
export function idKey(id: unknown): string {
  return typeof id === 'string' || typeof id === 'number' ? `${typeof id} ${id}` : '';
}

export function errorAnswer(
  id: RequestId | null,
  code: number,
  message: string,
  data?: Readonly<Record<string, unknown>>,
): McpMessage {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

/** Any own property of an object; undefined for everything else. */
export function field(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
