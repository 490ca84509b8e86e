import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, relative, sep } from 'node:path';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { Surroundings } from './registration.ts';

/** How long a client's own command may take, in ms: Claude Code starts the server to see whether it answers. */
const DEADLINE_MS = 60_000;
/** Of each output, in bytes. */
const MAX_OUTPUT = 1024 * 1024;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The first program of that name on the PATH. What is not absolute, or inside the project, is passed over: a
 * repository must not bring the program that is run on it.
 *
 * @param more directories where its installer puts it, after those of the PATH
 * @throws BridgeError `CLIENT_NOT_FOUND` with `help`
 */
export async function findProgram(
  name: string,
  { env, platform, folders = [] }: Surroundings,
  { folder, more = [], help }: { folder: string; more?: readonly string[]; help: string },
): Promise<string> {
  const path = (platform === 'win32' ? (env['Path'] ?? env['PATH']) : env['PATH']) ?? '';
  const names = platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const directory of [...path.split(delimiter), ...more]) {
    if (!isAbsolute(directory)) continue;
    for (const file of names.map((each) => join(directory, each))) {
      if (await isProgram(file, [folder, ...folders])) return file;
    }
  }
  throw new BridgeError('CLIENT_NOT_FOUND', help);
}

async function isProgram(file: string, folders: readonly string[]): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await access(file, constants.X_OK);
    // Neither what is named nor what it leads to is inside the project.
    const real = await realpath(file);
    return !folders.some((folder) => isInside(folder, file) || isInside(folder, real));
  } catch {
    // Not there, or not for us to run: the next one.
    return false;
  }
}

function isInside(folder: string, file: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * Runs a client's own command to its end.
 *
 * @throws BridgeError `REGISTRATION_FAILED` when it can't be started or takes more than a minute
 */
export function runProgram(
  argv: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly input?: string },
): Promise<Ran> {
  const [program, ...args] = argv;
  const viaShell = process.platform === 'win32' && program.endsWith('.cmd');
  return new Promise((resolve, reject) => {
    const failed = (why: string) =>
      reject(new BridgeError('REGISTRATION_FAILED', `"${commandLine(argv)}" ${why}.`));
    const child = spawn(viaShell ? forCmd(program) : program, viaShell ? args.map(forCmd) : args, {
      cwd: options.cwd,
      env: clientEnvironment(options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      shell: viaShell,
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed(`did not end within ${DEADLINE_MS / 1000} s. Try it by hand`);
    }, DEADLINE_MS);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < MAX_OUTPUT) output[name] += text;
      });
    }
    // It may end before it has read everything: its exit tells.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => {
      clearTimeout(timer);
      failed(`could not be started: ${messageOf(error)}`);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
  });
}

/** What made this process run on VS Code's binary must not reach programs that are Node or Electron, too. */
function clientEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(ELECTRON_RUN_AS_NODE|NODE_OPTIONS|VSCODE_.*|CODEX_BRIDGE_MARK)$/.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1' };
}

/** cmd.exe has no way to quote these: they are refused rather than run differently. */
function forCmd(text: string): string {
  if (/["%\r\n]/.test(text)) {
    throw new BridgeError('REGISTRATION_FAILED', `${text} can't be passed to a command on Windows.`);
  }
  return `"${text}"`;
}

/** As a person would type it into a shell. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

/** The last words of a command that failed, for a message. */
export function saidBy({ code, stdout, stderr }: Ran): string {
  const said = (stderr.trim() || stdout.trim()).slice(0, 600);
  return said === '' ? `it ended with exit status ${code}` : said;
}
