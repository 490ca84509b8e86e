import type { ServerEntry } from './entry.ts';
import { SERVER_NAME } from './registration.ts';

// `codex mcp add` and `remove` write all of [mcp_servers] anew, without the comments in it. Our tables are text
// of our own at the end of the file, and nothing else is touched.

/** Headers of the server's tables; the name may be quoted. */
const header = (below: string) =>
  new RegExp(`^[ \\t]*\\[mcp_servers\\.("?)${SERVER_NAME}\\1${below}\\][ \\t]*(#.*)?\\r?$`);
/** The one that we write. Below it are what a person adds and what Codex notes about single tools. */
const WRITTEN = header('');
const ALL = header('(\\..+)?');
const HEADER = /^[ \t]*\[/;

/** `config.toml` with our table at its end, in place of the one that it has. */
export function withTables(text: string, entry: ServerEntry, toolTimeout: number): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const rest = without(text, WRITTEN) ?? text;
  const lines = [
    `[mcp_servers.${SERVER_NAME}]`,
    `command = ${JSON.stringify(entry.command)}`,
    `args = [${entry.args.map((arg) => JSON.stringify(arg)).join(', ')}]`,
    `tool_timeout_sec = ${toolTimeout}`,
  ];
  const gap = rest === '' ? '' : rest.endsWith('\n') ? eol : `${eol}${eol}`;
  return `${rest}${gap}${lines.join(eol)}${eol}`;
}

/** `config.toml` without our tables; undefined where it has none. What follows keeps its comments. */
export function withoutTables(text: string): string | undefined {
  return without(text, ALL);
}

function without(text: string, ours: RegExp): string | undefined {
  const lines = text.split(/(?<=\n)/);
  const kept: string[] = [];
  let found = false;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (!ours.test(line.trimEnd())) {
      kept.push(line);
      at++;
      continue;
    }
    found = true;
    let end = at + 1;
    while (end < lines.length && !HEADER.test(lines[end] ?? '')) end++;
    // Blank lines and comments above the next header are its own.
    let own = end;
    if (end < lines.length) while (own > at + 1 && /^\s*(#|$)/.test(lines[own - 1] ?? '')) own--;
    // The blank line that was put before ours goes with it.
    if (kept.at(-1)?.trim() === '') kept.pop();
    at = own;
  }
  return found ? kept.join('') : undefined;
}
