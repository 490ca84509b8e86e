import { createHash } from 'node:crypto';
import { constants, copyFileSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import type { Slices } from './slices.ts';

/** SHA-256 of some bytes, in hex: the name of their copy. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Copies of contents by their hash: `ab/cdef…` in one directory, readable by the owner only. */
export class BlobStore {
  readonly #directory: string;
  /** Directories that are there. */
  readonly #made = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Keeps a copy and answers with its hash. A copy that is there already is not written again. */
  put(bytes: Uint8Array): string {
    const hash = hashOf(bytes);
    if (this.#sizeOf(hash) === bytes.length) return hash;
    const prefix = hash.slice(0, 2);
    if (!this.#made.has(prefix)) {
      mkdirSync(join(this.#directory, prefix), { recursive: true, mode: 0o700 });
      this.#made.add(prefix);
    }
    this.#write(this.#file(hash), bytes);
    return hash;
  }

  /** Without a draft first: what a bridge that dies leaves here has the wrong size, and is then written over. */
  #write(file: string, bytes: Uint8Array): void {
    try {
      writeFileSync(file, bytes, { mode: 0o600 });
    } catch (error) {
      rmSync(file, { force: true });
      // Someone may have removed the directories meanwhile: the next try makes them again.
      this.#made.clear();
      throw error;
    }
  }

  /**
   * The bytes, checked against their name.
   *
   * @throws BridgeError `CHANGE_NOT_REVERTIBLE` when the copy is gone or damaged
   */
  async read(hash: string): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.#file(hash));
    } catch (error) {
      throw lost(error);
    }
    if (hashOf(bytes) !== hash) throw lost();
    return bytes;
  }

  /** Makes a file of a copy, which must not be there yet; shares its blocks where the file system can. */
  copyTo(hash: string, path: string): void {
    copyFileSync(this.#file(hash), path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }

  /** Every copy with its size in bytes. */
  async *list(slices: Slices): AsyncGenerator<{ hash: string; size: number }> {
    for (const prefix of entriesOf(this.#directory)) {
      for (const name of entriesOf(join(this.#directory, prefix))) {
        await slices.pause();
        const hash = prefix + name;
        if (/^[0-9a-f]{64}$/.test(hash)) yield { hash, size: this.#sizeOf(hash) ?? 0 };
      }
    }
  }

  remove(hash: string): void {
    rmSync(this.#file(hash), { force: true });
  }

  #file(hash: string): string {
    return join(this.#directory, hash.slice(0, 2), hash.slice(2));
  }

  #sizeOf(hash: string): number | undefined {
    return lstatSync(this.#file(hash), { throwIfNoEntry: false })?.size;
  }
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function lost(cause?: unknown): BridgeError {
  return new BridgeError(
    'CHANGE_NOT_REVERTIBLE',
    'The copy of this file is gone or damaged. Take the file from your version control or backup instead.',
    { cause },
  );
}
