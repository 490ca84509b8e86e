import { isPassedOn } from './environmentNames.ts';

/** The variable that every process of one app-server carries, so that they can be found and ended. */
export const MARK_VARIABLE = 'CODEX_BRIDGE_MARK';

export interface EnvironmentOptions {
  /** More variables to pass on, by name or `PREFIX_*`: what the person named in the settings. */
  readonly named?: readonly string[];
  readonly mark?: string;
  readonly platform?: NodeJS.Platform;
}

/**
 * The environment for Codex, its terminal and git: of the given one only what shells, toolchains and Codex itself
 * commonly need (`environmentNames.ts`) and what the person named; and the mark where one is given. Codex hands
 * all of it on to the commands that it runs, so a secret of the shell that VS Code was started from stays out.
 */
export function codexEnvironment(
  env: NodeJS.ProcessEnv,
  { named = [], mark, platform = process.platform }: EnvironmentOptions = {},
): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isPassedOn(name, named, platform)) clean[name] = value;
  }
  if (mark !== undefined) clean[MARK_VARIABLE] = mark;
  return clean;
}
