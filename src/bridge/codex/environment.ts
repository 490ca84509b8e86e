/** The variable that every process of one app-server carries, so that they can be found and ended. */
export const MARK_VARIABLE = 'CODEX_BRIDGE_MARK';

/** What must not reach Codex or its commands: VS Code's and Electron's own, Node's options, our settings. */
const STRIPPED = /^(VSCODE_|ELECTRON_|CODEX_BRIDGE_|NODE_OPTIONS$)/i;

/**
 * The environment for Codex: the given one without VS Code's, Electron's and the bridge's own variables, and
 * with the mark where one is given. Codex hands all of it on to the commands that it runs.
 */
export function codexEnvironment(env: NodeJS.ProcessEnv, mark?: string): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !STRIPPED.test(name)) clean[name] = value;
  }
  if (mark !== undefined) clean[MARK_VARIABLE] = mark;
  return clean;
}
