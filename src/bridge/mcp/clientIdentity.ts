import { visibleLine } from '../../shared/visible.ts';

/** Who a client says it is. */
export interface ClientIdentity {
  readonly name: string;
  readonly version?: string;
  readonly era: '2025-11-25' | '2026-07-28';
}

/**
 * What a message tells of its client: every request of 2026-07-28 names it in `_meta`
 * (`io.modelcontextprotocol/clientInfo`), in 2025-11-25 and before only `initialize` does (`clientInfo`).
 * Undefined for other messages.
 */
export function identityOf(message: unknown): ClientIdentity | undefined {
  const params = field(message, 'params');
  const modern = field(field(params, '_meta'), 'io.modelcontextprotocol/clientInfo');
  if (modern !== undefined) return { ...named(modern), era: '2026-07-28' };
  return field(message, 'method') === 'initialize'
    ? { ...named(field(params, 'clientInfo')), era: '2025-11-25' }
    : undefined;
}

/** What a request of 2026-07-28 says that its client can (`io.modelcontextprotocol/clientCapabilities`). */
export function capabilitiesIn(message: unknown): unknown {
  return field(field(field(message, 'params'), '_meta'), 'io.modelcontextprotocol/clientCapabilities');
}

/** A client's own words, cut to what a list can show. */
export function named(info: unknown): { name: string; version?: string } {
  const name = field(info, 'name');
  const version = field(info, 'version');
  return {
    name: typeof name === 'string' ? visibleLine(name.slice(0, 200)) : 'unknown',
    ...(typeof version === 'string' ? { version: visibleLine(version.slice(0, 100)) } : {}),
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? // Any own property of an object may be read by its name.
      (value as Record<string, unknown>)[name]
    : undefined;
}
