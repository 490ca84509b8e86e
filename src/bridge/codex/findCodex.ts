import { execFile } from 'node:child_process';
import { constants, statSync } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, posix, win32 } from 'node:path';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { isInside } from '../folders/containment.ts';
import { codexEnvironment } from './environment.ts';
import { nativeBinary } from './npmLayout.ts';

/**
 * The oldest Codex that the bridge works with: the first without `codex mcp-server`, and the oldest on which
 * the contract suite of the transports was run (`TEST_CODEX`, see test/support/codexHome.ts).
 */
export const MINIMUM_CODEX_VERSION = '0.154.0';

/** Names a program, where no setting does. */
const VARIABLE = 'CODEX_BRIDGE_CODEX';

const VERSION_TIMEOUT_MS = 1800;

/**
 * So long nobody looks for another Codex, before it on the PATH say, in ms. A file that was replaced is seen at
 * once.
 */
const FRESH_MS = 10_000;

export interface CodexBinary {
  /** The program to run, absolute and real: the native binary where it can be found. */
  readonly path: string;
  /** As `codex --version` tells it. */
  readonly version: string;
  /** Another one when the file at the path was replaced. */
  readonly stamp: string;
}

export interface CodexQuery {
  /** The person's setting, '' or absent where there is none. */
  readonly setting?: string | undefined;
  /** `CODEX_BRIDGE_CODEX` and `PATH` are read from it. */
  readonly env: NodeJS.ProcessEnv;
  /** Folders of the workspace: a program inside one of them is never run. */
  readonly folders: readonly string[];
  readonly platform?: NodeJS.Platform;
}

const INSTALL =
  'Install it with "npm install -g @openai/codex", or name its path in the setting "codexBridge.codexPath" or in CODEX_BRIDGE_CODEX.';

/** An answer, and what it was made of. */
interface Answer {
  readonly question: string;
  readonly binary: CodexBinary;
  /** The name under which it was found. */
  readonly found: string;
  readonly foundStamp: string;
  /** When somebody looked last, in ms. */
  readonly at: number;
}

/** Finds Codex. It is asked before every turn, so it remembers what has not changed. */
export class CodexFinder {
  readonly #versions = new Map<string, string>();
  readonly #now: () => number;
  #last: Answer | undefined;

  /** `now`: monotonic, in ms. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /**
   * The setting, else `CODEX_BRIDGE_CODEX`, else the first `codex` on the PATH that is outside every folder.
   *
   * @throws BridgeError `CODEX_NOT_FOUND`, `CODEX_TOO_OLD`, `CODEX_START_FAILED` (it does not tell its version),
   * each within 2 s
   */
  async find(query: CodexQuery): Promise<CodexBinary> {
    const platform = query.platform ?? process.platform;
    const { setting, env } = query;
    const question = JSON.stringify([setting, env[VARIABLE], pathOf(env, platform), query.folders]);
    const last = this.#last;
    if (last?.question === question && this.#now() - last.at < FRESH_MS && isUnchanged(last)) {
      return last.binary;
    }
    const at = this.#now();
    const folders = await Promise.all(query.folders.map(realOrSame));
    const { found, path } = await locate(query, folders, platform);
    const [foundStamp, stamp] = [stampOf(found), stampOf(path)];
    const version = await this.#version(path, stamp, query.env);
    if (isOlder(version, MINIMUM_CODEX_VERSION)) {
      throw new BridgeError(
        'CODEX_TOO_OLD',
        `Codex ${version} (${path}) is too old: ${MINIMUM_CODEX_VERSION} or newer is needed. Update it with "npm install -g @openai/codex@latest".`,
      );
    }
    const binary = { path, version, stamp };
    this.#last = { question, binary, found, foundStamp, at };
    return binary;
  }

  async #version(path: string, stamp: string, env: NodeJS.ProcessEnv): Promise<string> {
    const key = `${path}\0${stamp}`;
    const known = this.#versions.get(key);
    if (known !== undefined) return known;
    const version = await askVersion(path, env);
    this.#versions.set(key, version);
    return version;
  }
}

/** At once: a look at one file is shorter than the way to another thread and back. */
function stampOf(path: string): string {
  const { ino, mtimeMs, size } = statSync(path);
  return `${ino} ${mtimeMs} ${size}`;
}

function isUnchanged({ binary, found, foundStamp }: Answer): boolean {
  try {
    return stampOf(found) === foundStamp && stampOf(binary.path) === binary.stamp;
  } catch {
    // Gone: whoever looks again says so.
    return false;
  }
}

/** {@link CodexFinder.find} without memory. */
export function findCodex(query: CodexQuery): Promise<CodexBinary> {
  return new CodexFinder().find(query);
}

/** A name, and the program behind it. */
interface Located {
  readonly found: string;
  readonly path: string;
}

async function locate(
  query: CodexQuery,
  folders: readonly string[],
  platform: NodeJS.Platform,
): Promise<Located> {
  const named = [
    { value: query.setting, where: 'The setting "codexBridge.codexPath"' },
    { value: query.env[VARIABLE], where: VARIABLE },
  ].find(({ value }) => value !== undefined && value !== '');
  if (named?.value !== undefined) return locateNamed(named.value, named.where, folders, platform);
  let passedOver: string | undefined;
  for (const candidate of onPath(query.env, platform)) {
    if (!(await isExecutable(candidate, platform))) continue;
    const real = await resolveProgram(candidate, folders, platform);
    if (real !== undefined) return { found: candidate, path: real };
    passedOver ??= candidate;
  }
  const planted =
    passedOver === undefined
      ? ''
      : ` ${passedOver} was passed over, because it is inside a workspace folder.`;
  throw new BridgeError('CODEX_NOT_FOUND', `Codex is not on the PATH.${planted} ${INSTALL}`);
}

async function locateNamed(
  value: string,
  where: string,
  folders: readonly string[],
  platform: NodeJS.Platform,
): Promise<Located> {
  const refuse = (why: string) =>
    new BridgeError('CODEX_NOT_FOUND', `${where} names "${value}", ${why} ${INSTALL}`);
  if (!isAbsolute(value)) throw refuse('which is no absolute path.');
  if (!(await isExecutable(value, platform))) throw refuse('which is not there or can not be run.');
  const real = await resolveProgram(value, folders, platform);
  if (real === undefined) throw refuse('which is inside a workspace folder, so it is not run.');
  return { found: value, path: real };
}

function pathOf(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const isPath = (name: string) => (platform === 'win32' ? name.toUpperCase() : name) === 'PATH';
  return Object.entries(env).find(([name]) => isPath(name))?.[1] ?? '';
}

/** Entries that are not absolute are passed over: they would mean the folder that is open. */
function onPath(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  const windows = platform === 'win32';
  const names = windows ? ['codex.exe', 'codex.cmd'] : ['codex'];
  const { delimiter, isAbsolute: absolute } = windows ? win32 : posix;
  return pathOf(env, platform)
    .split(delimiter)
    .map((dir) => dir.replace(/^"(.*)"$/, '$1'))
    .filter((dir) => absolute(dir))
    .flatMap((dir) => names.map((name) => join(dir, name)));
}

/** The native binary behind what was found, or undefined when any of the two is inside a folder. */
async function resolveProgram(
  found: string,
  folders: readonly string[],
  platform: NodeJS.Platform,
): Promise<string | undefined> {
  const real = await realpath(found);
  // Three places to look at: where the name lies, what it links to, and what an npm shim would start.
  const lies = join(await realpath(dirname(found)), basename(found));
  const native = await nativeBinary(real, platform, process.arch);
  const program = native === undefined ? real : await realpath(native);
  const planted = [lies, real, program].some((path) => folders.some((folder) => isInside(folder, path)));
  return planted ? undefined : program;
}

async function isExecutable(path: string, platform: NodeJS.Platform): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, platform === 'win32' ? constants.F_OK : constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: either way it is not the one.
    return false;
  }
}

async function realOrSame(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    // A folder that is gone holds no program.
    return folder;
  }
}

function askVersion(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) =>
      reject(
        new BridgeError(
          'CODEX_START_FAILED',
          `"${path} --version" ${why}. Check that this is Codex. ${INSTALL}`,
          {
            cause,
          },
        ),
      );
    const options = {
      timeout: VERSION_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      windowsHide: true,
      maxBuffer: 64 * 1024,
      env: codexEnvironment(env),
    } as const;
    execFile(path, ['--version'], options, (error, stdout) => {
      const version = /\b(\d+\.\d+\.\d+[^\s]*)/.exec(stdout)?.[1];
      if (error?.killed === true) failed(`did not answer within ${VERSION_TIMEOUT_MS / 1000} s`, error);
      else if (error !== null) failed(`failed (${messageOf(error).split('\n')[0]})`, error);
      else if (version === undefined) failed('does not tell a version');
      else resolve(version);
    });
  });
}

/** By major, minor and patch. 0.0.0 is a build from source, which is taken as new. */
export function isOlder(version: string, minimum: string): boolean {
  const [a, b] = [version, minimum].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  if (a === undefined || b === undefined || a.every((part) => part === 0)) return false;
  for (const [index, least] of b.entries()) {
    const part = a[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
