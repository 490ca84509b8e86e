import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Keeps a copy and answers with its hash. A copy that is there already is not written again. */
  put(bytes: Uint8Array): string {
    const hash = hashOf(bytes);
    if (this.#sizeOf(hash) === bytes.length) return hash;
    const file = this.#file(hash);
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    try {
      writeFileSync(draft, bytes, { mode: 0o600, flag: 'wx' });
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
    return hash;
  }

  /** Whether there is a copy, as far as its size tells. */
  has(hash: string, size: number): boolean {
    return this.#sizeOf(hash) === size;
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

  /** Every copy with its size in bytes. Left-over drafts of a bridge that died are removed on the way. */
  async *list(slices: Slices): AsyncGenerator<{ hash: string; size: number }> {
    for (const prefix of entriesOf(this.#directory)) {
      for (const name of entriesOf(join(this.#directory, prefix))) {
        await slices.pause();
        const hash = prefix + name;
        if (/^[0-9a-f]{64}$/.test(hash)) yield { hash, size: this.#sizeOf(hash) ?? 0 };
        else rmSync(join(this.#directory, prefix, name), { force: true });
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
