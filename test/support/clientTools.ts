import { ensureClientTools } from '../../scripts/lib/clientTools.mjs';

/** Vitest calls it once before the tests with real MCP clients: `npm test` has done it already. */
export async function setup(): Promise<void> {
  await ensureClientTools();
}
