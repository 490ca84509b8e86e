import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientCommand } from '../../scripts/lib/clientTools.mjs';
import type { CliBench, CliProcess } from './cli.ts';
import type { StdioServer } from './mcpClients.ts';
import type { ScriptedMessages } from './scriptedMessages.ts';

/** Looked up before a test changes where home is. */
const CLAUDE = clientCommand('claude');

export interface ClaudeOptions {
  readonly bench: CliBench;
  readonly messages: ScriptedMessages;
  /** The one MCP server, registered as `codex`. */
  readonly server: StdioServer;
  readonly prompt: string;
  /** Names of tools that it may call without asking. */
  readonly allowed: readonly string[];
  readonly cwd: string;
  readonly name: string;
}

/** The real Claude Code, once: `claude -p`, with a home of its own and no Node on its PATH. */
export function runClaude({
  bench,
  messages,
  server,
  prompt,
  allowed,
  cwd,
  name,
}: ClaudeOptions): CliProcess {
  const home = join(bench.dir.path, name);
  mkdirSync(home);
  const config = join(home, 'mcp.json');
  const { command, args = [], env } = server;
  writeFileSync(config, JSON.stringify({ mcpServers: { codex: { command, args, env } } }));
  const options = [
    '--mcp-config',
    config,
    '--strict-mcp-config',
    ...(allowed.length === 0 ? [] : ['--allowedTools', ...allowed.map((tool) => `mcp__codex__${tool}`)]),
    '--output-format',
    'stream-json',
    '--verbose',
  ];
  return bench.start(['-p', prompt, ...options], {
    program: [CLAUDE],
    cwd,
    env: {
      HOME: home,
      PATH: '/usr/bin:/bin',
      ANTHROPIC_BASE_URL: messages.url,
      ANTHROPIC_API_KEY: 'none',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
  });
}
