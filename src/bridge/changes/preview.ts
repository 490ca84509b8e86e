import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MAX_LISTED_EXCLUDED, type TurnChanges } from '../../shared/changes.ts';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { TurnId } from '../../shared/session.ts';
import type { Clock, Logger } from '../ports.ts';
import { compareManifests } from './compare.ts';
import { type CopiedFolder, copyFolder } from './copyFolder.ts';
import { type FolderCopies, summaryOf, type TurnCopies } from './folderCopies.ts';
import { FolderScanner } from './folderScanner.ts';
import type { CopyLimits } from './limits.ts';
import type { Manifest } from './manifest.ts';
import { recordOf } from './recordTurn.ts';
import { removeTree } from './removeTree.ts';
import { Slices } from './slices.ts';
import type { TurnRecord } from './turnRecord.ts';

export interface PreviewDeps {
  /** Real path of the folder that is copied. */
  readonly folder: string;
  readonly copies: FolderCopies;
  readonly limits: CopyLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A turn that works on a throw-away copy of the folder: made just before the turn, compared and removed at its
 * end. What it changed is kept as every turn's changes are. Used once.
 */
export class Preview implements TurnCopies {
  /** Where the turn works; there only between {@link before} and {@link after}. Named as the folder is. */
  readonly cwd: string;
  readonly #deps: PreviewDeps;
  readonly #stop = new AbortController();
  #copying: Promise<CopiedFolder> | undefined;
  #release: () => void = () => undefined;

  /** `directory`: the turn's own, private, not there yet. */
  constructor(directory: string, deps: PreviewDeps) {
    this.cwd = join(directory, basename(deps.folder));
    this.#deps = deps;
  }

  prepare(): void {
    // The folder is looked at when the turn's time has come: the copy is of the disk as it is then.
  }

  /** @throws BridgeError `PREVIEW_FAILED` */
  async before(): Promise<void> {
    this.#copying = this.#copy();
    await this.#copying;
  }

  async after(turn: TurnId): Promise<TurnChanges | undefined> {
    try {
      // A copy that could not be made was told by `before`.
      const copied = await this.#copying?.catch(() => undefined);
      if (copied === undefined || this.#stop.signal.aborted) return undefined;
      return previewOf(await this.#compare(turn, copied));
    } catch (error) {
      this.#deps.logger.warn('what a preview changed is not known', { turn, error });
      const notes = [PREVIEW_NOTE, `What it changed is not known: ${messageOf(error)}.`];
      const unknown = { files: [], more: 0, overlaps: [], excluded: [], notes, complete: false };
      return { ...unknown, preview: true };
    } finally {
      this.#release();
      await this.#remove();
    }
  }

  /** The turn never came to Codex. */
  abandon(): void {
    this.#stop.abort(new Error('the preview is not wanted any more'));
  }

  async #copy(): Promise<CopiedFolder> {
    const { copies, folder, clock } = this.#deps;
    try {
      const { manifest, release } = await copies.hold();
      this.#release = release;
      this.#check(manifest);
      this.#stop.signal.throwIfAborted();
      mkdirSync(this.cwd, { recursive: true, mode: 0o700 });
      return await copyFolder(
        manifest,
        { folder, target: this.cwd },
        { blobs: copies.blobs, signal: this.#stop.signal, now: () => clock.now() },
      );
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      throw new BridgeError(
        'PREVIEW_FAILED',
        `The copy for the preview could not be made: ${messageOf(error)}. Free space on the disk, or make the change in the folder (mode "apply").`,
        { cause: error },
      );
    }
  }

  #check({ entries, overflow }: Manifest): void {
    const { limits } = this.#deps;
    if (overflow) {
      throw tooLarge(`more than ${limits.files} files`);
    }
    let bytes = 0;
    for (const { type, size } of entries.values()) if (type === 'file') bytes += size;
    if (bytes > limits.folderBytes) {
      throw tooLarge(`more than ${Math.round(limits.folderBytes / 1024 / 1024)} MB`);
    }
  }

  async #compare(turn: TurnId, { manifest, notes }: CopiedFolder): Promise<TurnRecord> {
    const { copies, limits, clock, folder } = this.#deps;
    const { signal } = this.#stop;
    const scanner = new FolderScanner({
      folder: this.cwd,
      rulesOf: folder,
      blobs: copies.blobs,
      limits,
      without: [],
      now: () => clock.now(),
    });
    const start = clock.monotonic();
    return await copies.exclusively(async () => {
      const after = await scanner.scan(new Map(manifest.entries), signal);
      const whole = await scanner.withHidden(manifest, after, signal);
      const excluded = manifest.excluded.slice(0, MAX_LISTED_EXCLUDED);
      const made = await recordOf(
        compareManifests(manifest, whole),
        { overlaps: [], excluded, notes: [PREVIEW_NOTE, ...notes] },
        {
          blobs: copies.blobs,
          limits,
          slices: new Slices(signal),
          late: () => clock.monotonic() - start > limits.waitMs,
        },
      );
      const record: TurnRecord = { ...made, preview: 'open' };
      if (record.files.length > 0) copies.records.write(turn, record);
      return record;
    });
  }

  /** What can't be removed now is removed when the bridge starts the next time. */
  async #remove(): Promise<void> {
    try {
      await removeTree(dirname(this.cwd));
    } catch (error) {
      this.#deps.logger.warn('the copy of a preview can not be removed', { error });
    }
  }
}

/** Said with the changes of a preview, as long as it was not applied. */
export const PREVIEW_NOTE = 'A preview: made on a copy, the folder is as it was.';

/** Why the changes of a preview can't be reverted. */
export const OF_A_COPY =
  'It was made on a copy: the folder does not have it. Apply the preview, then it can be.';

function previewOf(record: TurnRecord): TurnChanges {
  const changes = summaryOf(record);
  const files = changes.files.map((file) => ({ ...file, notRevertible: file.notRevertible ?? OF_A_COPY }));
  return { ...changes, files, preview: true };
}

function tooLarge(what: string): BridgeError {
  return new BridgeError(
    'PREVIEW_FAILED',
    `The folder has ${what} that are not ignored, so no copy of it is made for a preview. Ignore what is generated, in a .gitignore file, or make the change in the folder (mode "apply").`,
  );
}
