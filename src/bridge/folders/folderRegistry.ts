import { basename } from 'node:path';
import { type Disposable, DisposableStore, Emitter } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { FolderInfo } from '../../shared/faces.ts';
import type { FolderKey, SessionId } from '../../shared/session.ts';
import { folderKey } from '../ids.ts';
import type { Logger } from '../ports.ts';
import { resolveFolder } from './containment.ts';
import type { FolderRuntime } from './folderRuntime.ts';

interface FolderRegistryDeps {
  readonly logger: Logger;
  /** Makes the runtime of a folder; what it is connected with lives in `lifetime`, as long as the folder is known. */
  open(info: FolderInfo, lifetime: DisposableStore): FolderRuntime;
}

interface Known {
  readonly runtime: FolderRuntime;
  readonly lifetime: DisposableStore;
}

/** The folders that one bridge knows, each with its runtime. */
export class FolderRegistry {
  readonly #deps: FolderRegistryDeps;
  readonly #known = new Map<FolderKey, Known>();
  readonly #adding = new Map<FolderKey, Promise<FolderRuntime>>();
  /** Those that are about to be gone, until they are. */
  readonly #removing = new Map<FolderKey, Promise<void>>();
  readonly #added: Emitter<FolderRuntime>;
  readonly #removed: Emitter<FolderRuntime>;

  constructor(deps: FolderRegistryDeps) {
    this.#deps = deps;
    const failed = (error: unknown) => deps.logger.error('a listener failed', { error });
    this.#added = new Emitter(failed);
    this.#removed = new Emitter(failed);
  }

  readonly onAdded = (listener: (folder: FolderRuntime) => void): Disposable => this.#added.on(listener);
  /** Everything in it has ended. */
  readonly onRemoved = (listener: (folder: FolderRuntime) => void): Disposable => this.#removed.on(listener);

  all(): FolderRuntime[] {
    return [...this.#known.values()].map(({ runtime }) => runtime);
  }

  has(key: FolderKey): boolean {
    return this.#known.has(key);
  }

  /** @throws BridgeError `FOLDER_UNKNOWN` */
  get(key: FolderKey): FolderRuntime {
    const known = this.#known.get(key);
    if (known !== undefined) return known.runtime;
    throw new BridgeError(
      'FOLDER_UNKNOWN',
      `The bridge knows no folder "${key}". Open it in VS Code, or pass it to "serve --folder".`,
    );
  }

  /** The folder that a session belongs to. @throws BridgeError `SESSION_NOT_FOUND` */
  ofSession(session: SessionId): FolderRuntime {
    for (const { runtime } of this.#known.values()) if (runtime.has(session)) return runtime;
    throw new BridgeError(
      'SESSION_NOT_FOUND',
      `There is no session ${session}. "history" lists those that there are.`,
    );
  }

  /** The runtime of a folder; made where there is none yet. @throws BridgeError `FOLDER_NOT_FOUND` */
  async add(path: string, name?: string): Promise<FolderRuntime> {
    const real = await resolveFolder(path);
    const key = folderKey(real);
    const known = this.#known.get(key);
    if (known !== undefined) return known.runtime;
    // Its history has one writer: the next runtime waits for the end of the last.
    const adding = this.#adding.get(key) ?? this.#open({ key, path: real, name: name ?? basename(real) });
    this.#adding.set(key, adding);
    try {
      return await adding;
    } finally {
      this.#adding.delete(key);
    }
  }

  /**
   * From now on the folder is not known any more; resolves when its turns have their end, and its Codex and its
   * terminals are gone. Its history stays. Never rejects.
   */
  remove(key: FolderKey, reason: string): Promise<void> {
    const known = this.#known.get(key);
    if (known === undefined) return this.#removing.get(key) ?? Promise.resolve();
    this.#known.delete(key);
    const removing = this.#end(known, reason).finally(() => this.#removing.delete(key));
    this.#removing.set(key, removing);
    return removing;
  }

  /** Ends everything in every folder. @throws AggregateError with what did not end */
  async stop(reason: string): Promise<void> {
    for (const { lifetime } of this.#known.values()) lifetime.dispose();
    const results = await Promise.allSettled([
      ...this.all().map((folder) => folder.stop(reason)),
      ...this.#removing.values(),
    ]);
    const failed = results.filter((result) => result.status === 'rejected');
    if (failed.length === 0) return;
    throw new AggregateError(
      failed.map((result) => result.reason),
      'folders did not stop',
    );
  }

  async #end({ runtime, lifetime }: Known, reason: string): Promise<void> {
    try {
      await runtime.stop(reason, 'FOLDER_UNKNOWN');
    } catch (error) {
      this.#deps.logger.error('a folder did not end cleanly', { folder: runtime.info.key, error });
    }
    lifetime.dispose();
    this.#removed.fire(runtime);
  }

  async #open(info: FolderInfo): Promise<FolderRuntime> {
    await this.#removing.get(info.key);
    const lifetime = new DisposableStore();
    const runtime = this.#deps.open(info, lifetime);
    this.#known.set(info.key, { runtime, lifetime });
    this.#added.fire(runtime);
    return runtime;
  }
}
