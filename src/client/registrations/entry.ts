import { isDeepStrictEqual } from 'node:util';
import { launcherFile } from '../launcher.ts';
import { type Place, SERVER_NAME, type Surroundings } from './registration.ts';

/** An MCP server on stdio, as every client writes it down. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * What is registered: the launcher, which outlives versions of the extension and knows its state directory.
 * Never a token.
 *
 * @param folder what `--folder` names; without it `attach` takes the folder that its working directory is in
 */
export function attachEntry({ home, platform }: Surroundings, folder?: string): ServerEntry {
  return {
    command: launcherFile(home, platform),
    args: folder === undefined ? ['attach'] : ['attach', '--folder', folder],
  };
}

/**
 * The same for a file that others may share: the launcher is named from the home directory, as the client
 * writes it.
 *
 * @param homeVariable like `${HOME}`
 */
export function portable(entry: ServerEntry, { userHome, platform }: Surroundings, homeVariable: string) {
  const separator = platform === 'win32' ? '\\' : '/';
  const prefix = userHome.endsWith(separator) ? userHome : `${userHome}${separator}`;
  if (!entry.command.startsWith(prefix)) return entry;
  return { ...entry, command: `${homeVariable}${separator}${entry.command.slice(prefix.length)}` };
}

/** Whether we made it, now or in an earlier version. What somebody else made is not touched. */
export function isOurs(entry: unknown): boolean {
  if (typeof entry !== 'object' || entry === null) return false;
  const { command, args, url } = entry as Partial<Record<string, unknown>>; // read and checked here
  if (typeof command === 'string') {
    const program = command.split(/[\\/]/).at(-1);
    const named = program === SERVER_NAME || program === `${SERVER_NAME}.cmd`;
    return named && Array.isArray(args) && args[0] === 'attach';
  }
  // Before there was a launcher: the bridge's own address on this machine.
  return typeof url === 'string' && /^http:\/\/(127\.0\.0\.1|localhost):\d+\/mcp(\/[\w-]+)?$/.test(url);
}

/** Whether a client's entry says what ours says; what the client or the person adds does not count. */
export function sameEntry(found: unknown, wanted: ServerEntry): boolean {
  if (typeof found !== 'object' || found === null) return false;
  const { command, args } = found as Partial<Record<string, unknown>>; // compared with ours
  return command === wanted.command && isDeepStrictEqual(args ?? [], wanted.args);
}

/** One line for messages: what somebody else registered under the name. */
export function describeEntry(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return JSON.stringify(entry) ?? 'nothing';
  const { command, args, url } = entry as Partial<Record<string, unknown>>; // shown only
  if (typeof url === 'string') return url;
  const rest = Array.isArray(args) ? args.map(String) : [];
  return [String(command), ...rest].join(' ');
}

/** The project in a sentence. */
export function whereText({ scope, folder }: Place): string {
  return scope === 'user' ? 'for all your projects' : `for ${folder}`;
}
