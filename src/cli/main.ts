import { isOlder } from '../client/version.ts';
import { BridgeError, messageOf } from '../shared/errors.ts';
import { redact } from '../shared/redact.ts';
import { EXIT, UsageError } from './exit.ts';
import { VERSION } from './version.ts';

const USAGE = `Usage: codex-bridge COMMAND [OPTIONS]

  serve   Run the bridge in the foreground, or join the one that runs
            --folder DIR            a folder to serve; may be repeated (default: the current one)
            --port N                port on 127.0.0.1 (default: the last one, else a free one)
            --json                  print one line of JSON on stdout when ready
            --sandbox MODE          most that callers may have: read-only, workspace-write, danger-full-access
            --approval-policy P     untrusted, on-request, never
            --network               let sandboxed commands use the network
            --writable-root DIR     sandboxed commands may also write there; may be repeated
            --codex-env NAME        a variable that Codex inherits beside the usual; may be repeated
            --tool-profile P        which tools MCP clients see: all, core, compat
            --log-level LEVEL       debug, info, warn, error (default: as in the settings)
  ask     Ask Codex and stream the answer: codex-bridge ask [OPTIONS] PROMPT   ("-": read it from stdin)
            --folder DIR            default: the current one
            --session ID            go on with this session
            --model M, --effort E, --sandbox MODE, --approval-policy P
            --json                  JSON lines instead of text
  attach  MCP on stdio, for registrations of MCP clients: joins the bridge, or starts it
            --folder DIR            the folder to serve (default: the open one around the current one)
            --log-level LEVEL       debug, info, warn, error; on stderr
  connect Register with a client: claude-code, codex, vscode, cursor, gemini; "json" prints the entry
            --scope S               project, user; claude-code also local: the project, for you alone
            --folder DIR            the project (default: the current folder)
            --yes                   do not ask; --dry-run only shows what would be done
            --replace               also where another server has the name
            --remove                undo it; without a client: all registrations
            --json                  one line of JSON
  doctor  Check Codex, node-pty, sandbox, git, port and discovery file, and say what a running bridge exposes
            --json                  with what it has counted
            --diagnostics           a report to pass on: no secrets, no prompts, no names or paths of yours
  stop    End the bridge after its turns
            --now                   at once: running turns are interrupted

  --help, --version

The state directory is CODEX_BRIDGE_HOME, else the platform's own place for a user's state.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;

/** Each command loads only what it needs: `ask` and `stop` never load the bridge. */
const COMMANDS: Record<string, (args: string[]) => Promise<number>> = {
  bridge: async () => (await import('./commands/bridge.ts')).bridge(),
  serve: async (args) => (await import('./commands/serve.ts')).serve(args),
  ask: async (args) => (await import('./commands/ask.ts')).ask(args),
  attach: async (args) => (await import('./commands/attach.ts')).attach(args),
  connect: async (args) => (await import('./commands/connect.ts')).connect(args),
  doctor: async (args) => (await import('./commands/doctor.ts')).doctor(args),
  stop: async (args) => (await import('./commands/stop.ts')).stop(args),
};

/** The oldest Node that has all that is used; package.json's `engines` says the same. */
const OLDEST_NODE = '22.13.0';

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${VERSION}\n`);
    return EXIT.done;
  }
  if (name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    process.stdout.write(USAGE);
    return EXIT.done;
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (isOlder(process.versions.node, OLDEST_NODE)) {
      throw new Error(
        `Node ${process.versions.node} is too old; Codex Bridge needs ${OLDEST_NODE} or newer.`,
      );
    }
    if (command === undefined)
      throw new UsageError(name === undefined ? 'A command is missing.' : `There is no command "${name}".`);
    return await command(rest);
  } catch (error) {
    if (error instanceof UsageError || isParseError(error)) {
      process.stderr.write(`codex-bridge: ${messageOf(error)}\n\n${USAGE}`);
      return EXIT.usage;
    }
    process.stderr.write(
      `codex-bridge: ${redact(messageOf(error))}${error instanceof BridgeError ? ` [${error.code}]` : ''}\n`,
    );
    return EXIT.failed;
  }
}

/** `node:util`'s parseArgs reports wrong options by these codes. */
function isParseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

// Who read our output has gone ("| head"): that ends us as it ends other programs.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.failed);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
