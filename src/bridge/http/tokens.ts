import { createHash, timingSafeEqual } from 'node:crypto';
import type { FolderKey } from '../../shared/session.ts';
import { newToken } from '../ids.ts';

/** What a caller may see: every folder, or one. */
export type Scope = { readonly kind: 'all' } | { readonly kind: 'folder'; readonly folder: FolderKey };

export const ALL_FOLDERS: Scope = { kind: 'all' };

/** One and the same for one and the same scope. */
export function scopeKey(scope: Scope): string {
  return scope.kind === 'all' ? 'all' : scope.folder;
}

/**
 * The bearer tokens of one life of the bridge: one for all folders, and one for each. They are made anew at
 * each start and live in memory only; what persists names the launcher, never a token.
 */
export class Tokens {
  readonly all = newToken();
  /** Opens nothing: with it the bridge proves itself to faces. */
  readonly faceKey = newToken();
  readonly #allDigest = digest(this.all);
  readonly #folders = new Map<FolderKey, { readonly token: string; readonly digest: Buffer }>();

  /** The token of a folder, made on first use. */
  folder(key: FolderKey): string {
    const known = this.#folders.get(key);
    if (known !== undefined) return known.token;
    const token = newToken();
    this.#folders.set(key, { token, digest: digest(token) });
    return token;
  }

  /** How many open something. */
  get count(): number {
    return this.#folders.size + 1;
  }

  /** From now on the folder's token opens nothing. */
  revoke(key: FolderKey): void {
    this.#folders.delete(key);
  }

  /**
   * What a token opens; undefined for one that is not ours. Digests are compared, in constant time and all
   * of them, so that neither time nor length tells anything about a token.
   */
  authorize(token: string): Scope | undefined {
    const given = digest(token);
    let scope: Scope | undefined;
    if (timingSafeEqual(given, this.#allDigest)) scope = ALL_FOLDERS;
    for (const [folder, entry] of this.#folders) {
      if (timingSafeEqual(given, entry.digest)) scope = { kind: 'folder', folder };
    }
    return scope;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
