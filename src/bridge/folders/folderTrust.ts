import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type CodexTrust, MAX_TRUST_FILES } from '../../shared/codexTrust.ts';
import { messageOf } from '../../shared/errors.ts';
import type { FolderKey } from '../../shared/session.ts';
import { readTrust, writeTrust } from '../codex/projectTrust.ts';
import type { Logger } from '../ports.ts';
import type { CodexHost } from './codexHost.ts';

/**
 * What the private socket can do with Codex's trust in a folder. Apart from `BridgeApi`, which MCP has too: only
 * the person says what of a repository may run.
 */
export interface TrustDoor {
  /** @throws BridgeError `FOLDER_UNKNOWN` */
  trustOf(folder: FolderKey): TrustApi;
}

/** Errors: those of a start of Codex, and `CODEX_REFUSED`, `CODEX_EXITED`, `CODEX_TIMEOUT` of its answers. */
export interface TrustApi {
  read(): Promise<{ trust: CodexTrust; files: string[] }>;
  set(trusted: boolean): Promise<CodexTrust>;
}

interface FolderTrustDeps {
  /** Real path. */
  readonly folder: string;
  readonly codex: Pick<CodexHost, 'link' | 'connected'>;
  readonly logger: Logger;
  /** {@link FolderTrust.known} is another. */
  onChange(): void;
  /** The Codex that runs has read another configuration than the file's: a new one must come. */
  onStale(): void;
}

/** Codex's own trust in one folder, which only this writes, and only when the person says so. */
export class FolderTrust implements TrustApi {
  readonly #deps: FolderTrustDeps;
  #known: CodexTrust | undefined;

  constructor(deps: FolderTrustDeps) {
    this.#deps = deps;
  }

  /** As Codex said last; undefined until it was asked. */
  get known(): CodexTrust | undefined {
    return this.#known;
  }

  async read(): Promise<{ trust: CodexTrust; files: string[] }> {
    const { codex, folder } = this.#deps;
    const { client } = await codex.link();
    return { trust: this.#keep(await readTrust(client, folder)), files: await filesOf(folder) };
  }

  async set(trusted: boolean): Promise<CodexTrust> {
    const { codex, folder, logger } = this.#deps;
    const { client } = await codex.link();
    const trust = this.#keep(await writeTrust(client, folder, trusted));
    logger.info('the person has decided what Codex may run of this folder', { trusted });
    this.#deps.onStale();
    return trust;
  }

  /** For the status, when a Codex has just started. Not waited for. */
  async look(): Promise<void> {
    const { codex, folder, logger } = this.#deps;
    try {
      if (codex.connected !== undefined) this.#keep(await readTrust(codex.connected.client, folder));
    } catch (error) {
      logger.warn('whether Codex trusts this folder can not be read', { error: messageOf(error) });
    }
  }

  #keep(trust: CodexTrust): CodexTrust {
    this.#known = trust;
    this.#deps.onChange();
    return trust;
  }
}

/** What there is in the folder's `.codex`, so that the person sees what would run. Links are named, not followed. */
async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  const waiting = [join(folder, '.codex')];
  for (let directory = waiting.shift(); directory !== undefined; directory = waiting.shift()) {
    // Not there, or not for us: then Codex reads nothing there either.
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else files.push(relative(folder, path));
      if (files.length + waiting.length >= MAX_TRUST_FILES) return files.slice(0, MAX_TRUST_FILES);
    }
  }
  return files;
}
