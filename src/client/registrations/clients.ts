import { ClaudeCodeRegistrar } from './claudeCode.ts';
import { CodexRegistrar } from './codex.ts';
import { attachEntry } from './entry.ts';
import { CURSOR, FileRegistrar, GEMINI, VSCODE } from './fileClients.ts';
import { type ClientName, type Registrar, SERVER_NAME, type Surroundings } from './registration.ts';

/** Those that can be registered with; `json` only prints. */
export type RegisteredClient = Exclude<ClientName, 'json'>;

/** One registrar for each client, in the order in which they are offered. */
export function registrars(around: Surroundings): Record<RegisteredClient, Registrar> {
  return {
    'claude-code': new ClaudeCodeRegistrar(around),
    codex: new CodexRegistrar(around),
    vscode: new FileRegistrar(VSCODE, around),
    cursor: new FileRegistrar(CURSOR, around),
    gemini: new FileRegistrar(GEMINI, around),
  };
}

/** What other clients want to have in their configuration, as most of them write it. No token is in it. */
export function genericConfiguration(around: Surroundings, folder?: string): string {
  const entry = { type: 'stdio', ...attachEntry(around, folder) };
  return `${JSON.stringify({ mcpServers: { [SERVER_NAME]: entry } }, null, 2)}\n`;
}
