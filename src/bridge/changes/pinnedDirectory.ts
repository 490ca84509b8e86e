import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  rmdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import { isInside } from '../folders/containment.ts';

/** Linux reaches what is in an open directory through proc(5), whatever happens to the path meanwhile. */
const PROC_FD = '/proc/self/fd';
const pins = process.platform === 'linux' && existsSync(PROC_FD);

/**
 * A directory of the folder, reached without following any link, and held open: where the system allows it, a
 * directory swapped for a link afterwards leads nowhere. Elsewhere the real path is compared once more, so that
 * only a swap at exactly the wrong moment could get by.
 */
export class PinnedDirectory {
  /** Absolute path to reach its children by. */
  readonly #path: string;
  readonly #fd: number | undefined;

  private constructor(path: string, fd: number | undefined) {
    this.#path = path;
    this.#fd = fd;
  }

  /**
   * `path`: relative to the folder's real path, '' for the folder. Missing directories are made, with the
   * permissions that `modes` has for them.
   *
   * @throws BridgeError `CHANGE_EDITED_SINCE` when something else is in the way
   */
  static open(folder: string, path: string, modes: ReadonlyMap<string, number>): PinnedDirectory {
    const parts = path === '' ? [] : path.split('/');
    let directory = pins ? PinnedDirectory.#pin(folder) : new PinnedDirectory(folder, undefined);
    try {
      for (const [depth, name] of parts.entries()) {
        const sofar = parts.slice(0, depth + 1).join('/');
        const child = directory.#enter(name, sofar, modes.get(sofar));
        directory.close();
        directory = child;
      }
      directory.#check(folder, path);
      return directory;
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  /** Whether there is a real directory at the path. */
  static exists(folder: string, path: string): boolean {
    const parts = path === '' ? [] : path.split('/');
    return parts.every((_, depth) => {
      const at = join(folder, ...parts.slice(0, depth + 1));
      return lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
    });
  }

  /** The path of a child, good until {@link PinnedDirectory.close}. */
  child(name: string): string {
    return join(this.#path, name);
  }

  /** Removes a directory in it, if it is empty. */
  removeEmpty(name: string): boolean {
    try {
      rmdirSync(this.child(name));
      return true;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT' || code === 'ENOTDIR') return false;
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  static #pin(path: string): PinnedDirectory {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return new PinnedDirectory(join(PROC_FD, String(fd)), fd);
  }

  #enter(name: string, sofar: string, mode: number | undefined): PinnedDirectory {
    const at = this.child(name);
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) {
      mkdirSync(at);
      // Whatever the umask is.
      if (mode !== undefined) chmodSync(at, mode);
    } else if (!stats.isDirectory()) {
      throw inTheWay(sofar);
    }
    if (!pins) return new PinnedDirectory(at, undefined);
    try {
      return PinnedDirectory.#pin(at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ELOOP' || code === 'ENOTDIR') throw inTheWay(sofar);
      throw error;
    }
  }

  #check(folder: string, path: string): void {
    if (this.#fd !== undefined) return;
    const real = realpathSync(this.#path);
    if (!isInside(folder, real)) throw inTheWay(path);
  }
}

function inTheWay(path: string): BridgeError {
  return new BridgeError(
    'CHANGE_EDITED_SINCE',
    `"${path}" is no directory any more: something else stands in the way. Move it away, then try again.`,
  );
}
