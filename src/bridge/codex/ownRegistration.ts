import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Arguments by which the bridge's Codex passes over the registration of the bridge with Codex ("codex-bridge
 * connect codex"): each of its threads would start an `attach` of its own, and could ask itself.
 *
 * The whole entry is given, because the other one comes and goes while this Codex runs, and half an entry is
 * an error to Codex. Only beside an address it would be one, and then its switch alone is enough.
 */
export async function withoutOurselves(env: NodeJS.ProcessEnv): Promise<string[]> {
  const file = join(env['CODEX_HOME'] || join(env['HOME'] ?? homedir(), '.codex'), 'config.toml');
  // Unreadable or not there: Codex itself says what is wrong with it.
  const text = await readFile(file, 'utf8').catch(() => '');
  const table = /^[ \t]*\[mcp_servers\.("?)codex-bridge\1\][^\n]*\n((?![ \t]*\[)[^\n]*\n?)*/m.exec(text)?.[0];
  const byAddress = table !== undefined && /^[ \t]*url[ \t]*=/m.test(table);
  return [
    '-c',
    byAddress
      ? 'mcp_servers.codex-bridge.enabled=false'
      : 'mcp_servers.codex-bridge={command="codex-bridge",enabled=false}',
  ];
}
