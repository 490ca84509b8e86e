import type { Disposable } from '../../shared/disposables.ts';
import type { FolderInfo } from '../../shared/faces.ts';
import type { Clock, Logger } from '../ports.ts';
import { AppServer, defaultTransport } from './appServer.ts';
import { type CodexBinary, CodexFinder } from './findCodex.ts';
import { GuardClient } from './guardClient.ts';
import { formatMark } from './processes.ts';

interface CodexStarterDeps {
  readonly env: NodeJS.ProcessEnv;
  /** Variables that the person wants Codex to inherit beside the usual. */
  readonly named: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where sockets and token files go: short, and its owner's only. */
  readonly runDir: string;
  /** Of the state directory and of this bridge: what it starts is known by them. */
  readonly stateHash: string;
  readonly instance: string;
}

/** Finds Codex and starts the app-servers of one bridge: each marked as the bridge's, and ended with it. */
export class CodexStarter implements Disposable {
  readonly #deps: CodexStarterDeps;
  readonly #finder = new CodexFinder();
  readonly #guard: GuardClient;

  constructor(deps: CodexStarterDeps) {
    this.#deps = deps;
    this.#guard = new GuardClient({ logger: deps.logger });
  }

  /** See {@link CodexFinder.find}. */
  find(setting: string | undefined, folders: readonly string[]): Promise<CodexBinary> {
    return this.#finder.find({ setting, env: this.#deps.env, folders });
  }

  /** See {@link AppServer.start}. */
  start(codex: CodexBinary, folder: FolderInfo, logger: Logger): Promise<AppServer> {
    const { env, named, clock, runDir, stateHash, instance } = this.#deps;
    return AppServer.start({
      codex: codex.path,
      cwd: folder.path,
      runDir,
      transport: defaultTransport(),
      mark: formatMark({ stateHash, instance, folderKey: folder.key }),
      env,
      named: named(),
      clock,
      logger,
      guard: this.#guard,
    });
  }

  /** Lets the guard go; it ends what still runs. */
  dispose(): void {
    this.#guard.dispose();
  }
}
