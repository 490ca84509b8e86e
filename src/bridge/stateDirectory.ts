import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Disposable } from '../shared/disposables.ts';
import { toDisposable } from '../shared/disposables.ts';
import { BridgeError, messageOf } from '../shared/errors.ts';
import type { FolderKey } from '../shared/session.ts';
import { type BridgeSettings, bridgeSettingsSchema, DEFAULT_SETTINGS } from '../shared/settings.ts';
import { folderKey } from './ids.ts';
import type { Logger } from './ports.ts';
import { loadSqlite } from './sqlite.ts';

/** `sun_path` holds 108 bytes on Linux, 104 on macOS, with the closing NUL. */
const MAX_SOCKET_PATH = 103;

/** See {@link writePrivate}. */
const DRAFT = /\.[0-9a-f]{12}$/;
const LIVES_WITH_THE_BRIDGE = /\.(sock|token)$/;

/** The directory of one bridge: its files, its lock, and nothing that another user can read. */
export class StateDirectory {
  readonly path: string;
  /** Short hash of the path, for names that must be unique per state directory. */
  readonly hash: string;

  private constructor(path: string) {
    this.path = path;
    this.hash = folderKey(path);
  }

  /** @throws BridgeError `STATE_DIR_UNUSABLE`, `SOCKET_PATH_TOO_LONG` */
  static open(path: string): StateDirectory {
    const directory = new StateDirectory(path);
    const { runDir } = directory;
    try {
      makeDirectory(path);
      claim(path, statSync(path));
      makeDirectory(runDir);
      // It may be in a folder where everybody writes: a planted link is not followed.
      claim(runDir, lstatSync(runDir));
      return directory;
    } catch (error) {
      throw new BridgeError(
        'STATE_DIR_UNUSABLE',
        `The state directory ${path} can't be used: ${messageOf(error)}. Make it writable, or point CODEX_BRIDGE_HOME elsewhere.`,
        { cause: error },
      );
    }
  }

  /** Sockets and other things that live as long as the bridge. Short, because socket paths must be. */
  get runDir(): string {
    if (process.platform === 'win32') return join(this.path, 'run');
    const own = join(this.path, 'run');
    // A folder's app-server socket is the longest name in it: 16 digits of key and ".sock".
    if (Buffer.byteLength(join(own, `${'0'.repeat(16)}.sock`)) <= MAX_SOCKET_PATH) return own;
    const short = join(tmpdir(), `codex-bridge-${process.getuid?.() ?? 0}-${this.hash}`);
    if (Buffer.byteLength(join(short, `${'0'.repeat(16)}.sock`)) <= MAX_SOCKET_PATH) return short;
    throw new BridgeError(
      'SOCKET_PATH_TOO_LONG',
      `Neither ${own} nor ${short} is short enough for a socket (${MAX_SOCKET_PATH} bytes). Point CODEX_BRIDGE_HOME or TMPDIR to a shorter path.`,
    );
  }

  /** The private socket for faces: a path, on Windows a named pipe. */
  socketPath(instance: string): string {
    if (process.platform === 'win32') return `\\\\.\\pipe\\codex-bridge-${this.hash}-${instance}`;
    return join(this.runDir, 'bridge.sock');
  }

  historyFile(folder: FolderKey): string {
    return join(this.path, 'folders', folder, 'history.db');
  }

  /** Copies of a folder's files from before each turn. */
  copiesDir(folder: FolderKey): string {
    return join(this.path, 'folders', folder, 'copies');
  }

  /** Throw-away copies of a folder, while a preview runs. */
  previewsDir(folder: FolderKey): string {
    return join(this.path, 'folders', folder, 'previews');
  }

  /**
   * Makes this process the one bridge of the directory, until it ends however: SQLite's exclusive lock is the
   * kernel's and dies with the process.
   *
   * @throws BridgeError `BRIDGE_RUNNING`
   */
  lock(): Disposable {
    const db = new (loadSqlite().DatabaseSync)(join(this.path, 'bridge.lock'), { timeout: 0 });
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return toDisposable(() => db.close());
    } catch (error) {
      db.close();
      throw new BridgeError(
        'BRIDGE_RUNNING',
        `A bridge already runs for ${this.path}. Join it, or end it with "codex-bridge stop".`,
        {
          cause: error,
        },
      );
    }
  }

  /**
   * Removes what a bridge that was killed has left: sockets and tokens of its app-servers, files that it was about
   * to rename. Only for who has the {@link lock}.
   *
   * @returns how many files there were
   */
  sweep(): number {
    const drafts = readdirSync(this.path).filter((name) => DRAFT.test(name));
    const left = readdirSync(this.runDir).filter((name) => LIVES_WITH_THE_BRIDGE.test(name));
    const files = [
      ...drafts.map((name) => join(this.path, name)),
      ...left.map((name) => join(this.runDir, name)),
    ];
    for (const file of files) rmSync(file, { force: true });
    return files.length;
  }

  /** The person's settings as a window last sent them; the defaults where there are none. */
  readSettings(logger: Logger): BridgeSettings {
    try {
      const parsed = bridgeSettingsSchema.safeParse(JSON.parse(readFileSync(this.#settingsFile, 'utf8')));
      if (parsed.success) return parsed.data;
      logger.warn('settings.json is not what this version writes; the defaults apply', {
        error: parsed.error,
      });
    } catch (error) {
      if (!isMissing(error)) logger.warn('settings.json can not be read; the defaults apply', { error });
    }
    return DEFAULT_SETTINGS;
  }

  writeSettings(settings: BridgeSettings): void {
    writePrivate(this.#settingsFile, JSON.stringify(settings, undefined, 2));
  }

  /** The port of the last bridge, tried first so that clients with an address find the next one. */
  readPort(): number | undefined {
    try {
      const port = Number(readFileSync(join(this.path, 'port'), 'utf8'));
      return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  writePort(port: number): void {
    writePrivate(join(this.path, 'port'), String(port));
  }

  get #settingsFile(): string {
    return join(this.path, 'settings.json');
  }
}

/**
 * Makes a private directory and those above it. Not with `recursive`: below /proc, where nothing can be made
 * and nothing says so, Node would try for ever.
 */
function makeDirectory(path: string): void {
  const exists = (error: unknown) => hasErrno(error, 'EEXIST') && statSync(path).isDirectory();
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (exists(error)) return;
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (again) {
      if (!exists(again)) throw again;
    }
  }
}

/** Makes a directory this user's alone. @throws Error when it can't be. */
function claim(dir: string, stat: Stats): void {
  if (!stat.isDirectory()) throw new Error(`${dir} is no directory`);
  if (process.getuid !== undefined && stat.uid !== process.getuid()) {
    throw new Error(`${dir} belongs to another user`);
  }
  chmodSync(dir, 0o700);
  if (process.platform !== 'win32' && (statSync(dir).mode & 0o077) !== 0) {
    throw new Error(`${dir} is on a file system that can't keep others out`);
  }
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** Writes a file that only its owner can read, whole or not at all. */
export function writePrivate(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

function isMissing(error: unknown): boolean {
  return hasErrno(error, 'ENOENT');
}

function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
