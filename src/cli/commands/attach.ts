import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { Attach } from '../../client/attach/attach.ts';
import type { BridgeLauncher } from '../../client/launch.ts';
import { launcherFile } from '../../client/launcher.ts';
import { stateDir } from '../../client/stateDir.ts';
import { redact } from '../../shared/redact.ts';
import { EXIT } from '../exit.ts';
import { oneOf } from '../options.ts';
import { RUNTIME, VERSION } from '../version.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** How long the last answers may take to leave when the client has closed its end, in ms. */
const FLUSH_MS = 1_000;

/**
 * MCP on stdio, relayed to the bridge. Everything that it needs later is loaded here: the folder that it runs
 * from may be removed by an update while it runs.
 */
export async function attach(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { folder: { type: 'string' }, 'log-level': { type: 'string', default: 'warn' } },
  });
  const lowest = LEVELS.indexOf(oneOf('--log-level', values['log-level'], LEVELS));
  const home = stateDir();
  const cwd = workingDirectory();
  const { folder } = values;
  const attached = new Attach({
    home,
    version: VERSION,
    ...(cwd === undefined ? {} : { cwd }),
    ...(folder === undefined ? {} : { folder: resolve(cwd ?? sep, folder) }),
    input: process.stdin,
    output: process.stdout,
    launcher: () => launcherFor(home),
    log(level, text) {
      if (LEVELS.indexOf(level) >= lowest) process.stderr.write(`codex-bridge: ${redact(text)}\n`);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => attached.dispose());
  await attached.ended;
  // A client that closed its end may not read the other one either.
  setTimeout(() => process.exit(EXIT.done), FLUSH_MS).unref();
  return EXIT.done;
}

/** Undefined where it was removed under us. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * The installed launcher names the newest version, and our own runtime may be gone. Another build than the
 * installed one, as in development, starts its like.
 */
function launcherFor(home: string): BridgeLauncher {
  const launcher = launcherFile(home);
  const installed = RUNTIME.startsWith(join(home, 'runtime') + sep);
  const own = existsSync(join(RUNTIME, 'cli.mjs'));
  return existsSync(launcher) && (installed || !own) ? { launcher } : { runtime: RUNTIME };
}
