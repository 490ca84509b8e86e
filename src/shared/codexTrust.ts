import * as z from 'zod/mini';
import type { FolderKey } from './session.ts';

const folder = z.string().check(z.minLength(1), z.maxLength(128));

export const codexTrustParams = {
  /** What Codex thinks of the folder, and what of the repository's would run if it were trusted. */
  'trust.read': z.object({ folder }),
  /** The person's own choice. Holds from the next start of Codex, which comes as soon as nothing runs in it. */
  'trust.set': z.object({ folder, trusted: z.boolean() }),
};

/** Codex's own trust in a folder (`[projects."<path>"] trust_level` of its config.toml); not VS Code's. */
export interface CodexTrust {
  /** What config.toml says of exactly this folder. */
  readonly level: 'trusted' | 'untrusted' | 'undecided';
  /** `.codex` directories from this folder up to its repository's root that run: MCP servers, hooks, rules. */
  readonly inEffect: readonly string[];
  /** Those that are held back. */
  readonly held: readonly string[];
}

interface FolderOnly {
  readonly folder: FolderKey;
}

export type CodexTrustRequests = {
  'trust.read': {
    params: FolderOnly;
    /** `files`: in the folder's own `.codex`, relative to the folder, at most {@link MAX_TRUST_FILES}. */
    result: { trust: CodexTrust; files: readonly string[] };
  };
  'trust.set': { params: FolderOnly & { trusted: boolean }; result: { trust: CodexTrust } };
};

export const MAX_TRUST_FILES = 200;
