// The real MCP clients of the `clients` suite, in a folder of the cache: too large for the repository's own
// node_modules.
import { join } from 'node:path';
import { cacheFolder, ensurePackages } from './cache.mjs';

/** The folder's name ends with a number that goes up when the list changes. */
const NAME = 'clients-1';

/** Exact versions. */
export const CLIENT_PACKAGES = [
  '@anthropic-ai/claude-code@2.1.329',
  '@modelcontextprotocol/inspector@2.12.0',
  '@modelcontextprotocol/conformance@0.2.0-alpha.12',
];

/**
 * Installs the clients, once.
 *
 * @returns {Promise<string>} the folder with `node_modules`
 */
export function ensureClientTools() {
  // Claude Code's install script puts its platform's binary in the place of `claude`.
  return ensurePackages(NAME, CLIENT_PACKAGES, ['@anthropic-ai/claude-code']);
}

/**
 * The command of an installed client: `claude`, `mcp-inspector`, `conformance`.
 *
 * @param {string} name
 */
export function clientCommand(name) {
  return join(cacheFolder(), NAME, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name);
}
