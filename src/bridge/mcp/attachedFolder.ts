import { realpath } from 'node:fs/promises';
import { BridgeError } from '../../shared/errors.ts';
import type { FolderKey } from '../../shared/session.ts';
import type { BridgeApi, FolderApi } from '../api.ts';
import { isInside } from '../folders/containment.ts';
import type { AttachRequest } from './attached.ts';

/**
 * The folder of an attached client: the one that it named, else the deepest known one around its working
 * directory. Once found it stays, also when a deeper one is opened later: sessions that were begun must be
 * found again. As long as there is none, the scope is a folder that does not exist.
 */
export class AttachedFolder {
  readonly kind = 'folder';
  readonly #bridge: BridgeApi;
  readonly #request: AttachRequest;
  readonly #cwd: string | undefined;
  #found: FolderApi | undefined;

  private constructor(bridge: BridgeApi, request: AttachRequest, cwd: string | undefined) {
    this.#bridge = bridge;
    this.#request = request;
    this.#cwd = cwd;
  }

  /** @throws BridgeError `BRIDGE_STOPPING` */
  static async of(bridge: BridgeApi, request: AttachRequest): Promise<AttachedFolder> {
    const { cwd } = request;
    // A directory that is gone or can't be read lies in no folder.
    const real = cwd === undefined ? undefined : await realpath(cwd).catch(() => undefined);
    const folder = new AttachedFolder(bridge, request, real);
    try {
      await folder.find();
    } catch (error) {
      // Each call tells it; the connection itself is good, and the folder may come.
      if (!(error instanceof BridgeError) || error.code === 'BRIDGE_STOPPING') throw error;
    }
    return folder;
  }

  get folder(): FolderKey {
    return this.#current()?.info.key ?? '';
  }

  get path(): string | undefined {
    return this.#current()?.info.path;
  }

  /** @throws BridgeError `FOLDER_UNKNOWN`, `FOLDER_NOT_FOUND`, `BRIDGE_STOPPING` */
  async find(): Promise<FolderApi> {
    const current = this.#current();
    if (current !== undefined) return current;
    const { folder } = this.#request;
    this.#found =
      folder === undefined
        ? deepestAround(this.#bridge.folders(), this.#cwd)
        : await this.#bridge.addFolder(folder);
    if (this.#found !== undefined) return this.#found;
    const where = this.#cwd ?? this.#request.cwd ?? 'the working directory';
    throw new BridgeError(
      'FOLDER_UNKNOWN',
      `No folder that is open contains ${where}. Open it in VS Code, or register "codex-bridge attach --folder DIR", and call again.`,
    );
  }

  /** The folder may have been removed meanwhile: added again, it is another one. */
  #current(): FolderApi | undefined {
    const found = this.#found;
    if (found !== undefined && !this.#bridge.folders().includes(found)) this.#found = undefined;
    return this.#found;
  }
}

/** The deepest folder that contains the path; both are real paths. */
export function deepestAround(
  folders: readonly FolderApi[],
  path: string | undefined,
): FolderApi | undefined {
  if (path === undefined) return undefined;
  return folders
    .filter(({ info }) => isInside(info.path, path))
    .toSorted((a, b) => b.info.path.length - a.info.path.length)[0];
}
