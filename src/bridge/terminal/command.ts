import { readFile } from 'node:fs/promises';
import { BridgeError } from '../../shared/errors.ts';
import type { TerminalCommand } from '../../shared/terminal.ts';
import { codexEnvironment } from '../codex/environment.ts';

/** Where a TUI attaches to: a running app-server, and what its processes are marked with. */
export interface Attachment {
  /** The Codex binary, absolute. */
  readonly codex: string;
  readonly remote: { readonly url: string; readonly tokenFile?: string } | undefined;
  readonly mark: string;
}

/** The variable in which the TUI finds the token of a server on a loopback WebSocket. */
const TOKEN_VARIABLE = 'CODEX_REMOTE_TOKEN';

/** Says what kind of terminal the bridge itself was started from, which is not where the TUI draws. */
const OF_ANOTHER_TERMINAL =
  /^(TERM_PROGRAM(_VERSION)?|TERMINFO|TERM_SESSION_ID|LC_TERMINAL(_VERSION)?|ITERM_.*|KITTY_.*|WEZTERM_.*|ALACRITTY_.*|GHOSTTY_.*|KONSOLE_.*|VTE_VERSION|WT_SESSION|WT_PROFILE_ID|TMUX(_PANE)?|STY|WINDOW(ID)?|TERMCAP|COLUMNS|LINES|NO_COLOR|FORCE_COLOR)$/;

/**
 * Codex's TUI on a thread of a running app-server: `codex --remote … resume THREAD`.
 *
 * @throws BridgeError `TERMINAL_UNAVAILABLE` when that app-server is on stdio, which has room for us only
 */
export async function terminalCommand(
  { codex, remote }: Attachment,
  thread: string,
  cwd: string,
): Promise<TerminalCommand> {
  if (remote === undefined) {
    throw new BridgeError(
      'TERMINAL_UNAVAILABLE',
      'Codex runs on stdio here, where no terminal can join it. Use the chat.',
    );
  }
  const { url, tokenFile } = remote;
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  return {
    file: codex,
    args: [
      '--remote',
      url,
      ...(token === undefined ? [] : ['--remote-auth-token-env', TOKEN_VARIABLE]),
      'resume',
      thread,
    ],
    cwd,
    env: token === undefined ? {} : { [TOKEN_VARIABLE]: token },
  };
}

/** The whole environment of a TUI in the bridge's PTY; the mark lets guard and sweep find it. */
export function terminalEnvironment(
  env: NodeJS.ProcessEnv,
  options: { readonly named: readonly string[]; readonly mark: string },
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(codexEnvironment(env, options))) {
    if (value !== undefined && !OF_ANOTHER_TERMINAL.test(name)) clean[name] = value;
  }
  return { ...clean, ...more, TERM: 'xterm-256color', COLORTERM: 'truecolor' };
}

/** A command as a person types it, without secrets. */
export function commandLine({ file, args }: TerminalCommand): string {
  return [file, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(' ');
}
