import { join } from 'node:path';
import {
  type ExcludedPath,
  MAX_LISTED_EXCLUDED,
  MAX_LISTED_FILES,
  type TurnChanges,
} from '../../shared/changes.ts';
import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import type { TurnId } from '../../shared/session.ts';
import type { Clock, Logger } from '../ports.ts';
import { BlobStore } from './blobStore.ts';
import { compareManifests } from './compare.ts';
import { FolderScanner } from './folderScanner.ts';
import { COPY_LIMITS, type CopyLimits } from './limits.ts';
import type { Entry, Manifest } from './manifest.ts';
import { recordOf } from './recordTurn.ts';
import { collectGarbage } from './retention.ts';
import { Slices } from './slices.ts';
import { changedFile, type TurnRecord } from './turnRecord.ts';
import { TurnRecords } from './turnRecords.ts';

/** How many turns end between two looks at what may be removed. */
const COLLECT_EVERY = 20;

const REVERTED = 'Changes of another turn were reverted while this one ran; that is listed here too.';

export interface FolderCopiesDeps {
  /** Real path. */
  readonly folder: string;
  /** Where the copies are kept; made when it is first needed. */
  readonly directory: string;
  /** Real paths that are never looked at, such as the state directory itself. */
  readonly without: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: CopyLimits;
}

/** What a turn needs of {@link FolderCopies}. */
export type TurnCopies = Pick<FolderCopies, 'prepare' | 'before' | 'after' | 'abandon'>;

/** A turn that runs: what the folder was before it, or why that is not known. */
interface RunningTurn {
  before?: Manifest;
  after?: Manifest;
  unknown?: string;
  readonly overlaps: Set<TurnId>;
  /** The look before it is done. */
  ready: Promise<void>;
  readonly notes: string[];
}

/** Knows what each turn of a folder changed, by looking before and after it. */
export class FolderCopies implements Disposable {
  readonly records: TurnRecords;
  readonly blobs: BlobStore;
  readonly #deps: FolderCopiesDeps;
  readonly #limits: CopyLimits;
  readonly #scanner: FolderScanner;
  readonly #stop = new AbortController();
  readonly #running = new Map<TurnId, RunningTurn>();
  /** Looks whose copies are needed by somebody else. */
  readonly #held = new Set<Manifest>();
  /** What the last scan saw. */
  readonly #known = new Map<string, Entry>();
  /** {@link FolderCopies.#known} holds, be it empty. */
  #looked = false;
  /** Work that writes copies or removes them is done one after the other. */
  #tail: Promise<unknown> = Promise.resolve();
  #nextScan: Promise<Manifest> | undefined;
  #ended = 0;

  constructor(deps: FolderCopiesDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? COPY_LIMITS;
    this.records = new TurnRecords(join(deps.directory, 'turns'));
    this.blobs = new BlobStore(join(deps.directory, 'blobs'));
    this.#scanner = new FolderScanner({
      folder: deps.folder,
      blobs: this.blobs,
      limits: this.#limits,
      without: deps.without,
      now: () => deps.clock.now(),
    });
  }

  /** A turn is about to come: the first look, which copies everything, need not wait for it. */
  prepare(): void {
    if (this.#looked || this.#nextScan !== undefined) return;
    this.#scanSoon().catch((error: unknown) =>
      this.#deps.logger.warn('a folder can not be looked at', { error }),
    );
  }

  /**
   * Looks at the folder before a turn. Resolves when everything that the turn may change has its copy, or when it
   * can't be waited for any longer; never rejects. `late`: the turn runs already.
   */
  before(turn: TurnId, late = false): Promise<void> {
    const own: RunningTurn = {
      overlaps: new Set(this.#running.keys()),
      ready: Promise.resolve(),
      notes: late
        ? ['This turn had begun before the folder was looked at. Its very first changes may be missing.']
        : [],
    };
    for (const other of this.#running.values()) other.overlaps.add(turn);
    this.#running.set(turn, own);
    own.ready = this.#look('before').then((manifest) => {
      if (typeof manifest === 'string') own.unknown = manifest;
      else own.before = manifest;
    });
    return own.ready;
  }

  /** Looks again and compares. Undefined for a turn that never came to its {@link FolderCopies.before}. */
  async after(turn: TurnId): Promise<TurnChanges | undefined> {
    const own = this.#running.get(turn);
    if (own === undefined) return undefined;
    try {
      await own.ready;
      return summaryOf(await this.#compare(turn, own));
    } catch (error) {
      this.#deps.logger.warn('what a turn changed is not known', { turn, error });
      return summaryOf(unknownRecord(own, `What this turn changed is not known: ${messageOf(error)}.`));
    } finally {
      this.abandon(turn);
      if (++this.#ended % COLLECT_EVERY === 0) void this.#collect();
    }
  }

  /** A person reverts something: turns that run meanwhile will find it among their changes. */
  noteRevert(note = REVERTED): void {
    for (const { notes } of this.#running.values()) if (!notes.includes(note)) notes.push(note);
  }

  /**
   * The folder as it is now, with a copy of every file, which stay until the holder lets go.
   *
   * @throws BridgeError `PREVIEW_FAILED` with the reason, where the folder can't be looked at
   */
  async hold(): Promise<{ readonly manifest: Manifest; release(): void }> {
    const manifest = await this.#look('before');
    if (typeof manifest === 'string') {
      throw new BridgeError('PREVIEW_FAILED', `No preview can be made. ${manifest}`);
    }
    this.#held.add(manifest);
    return { manifest, release: () => this.#held.delete(manifest) };
  }

  /** The turn never came to Codex: nobody asks what it changed. */
  abandon(turn: TurnId): void {
    this.#running.delete(turn);
  }

  /** The records of these turns go, and the copies that only they needed. Never rejects. */
  async forget(turns: readonly TurnId[]): Promise<void> {
    try {
      const kept = new Set(this.records.list());
      const gone = turns.filter((turn) => kept.has(turn));
      for (const turn of gone) this.records.remove(turn);
      if (gone.length > 0) await this.#collect();
    } catch (error) {
      this.#deps.logger.warn('copies of deleted turns can not be removed', { error });
    }
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  dispose(): void {
    this.#stop.abort(new Error('the bridge ends'));
  }

  async #compare(turn: TurnId, own: RunningTurn): Promise<TurnRecord> {
    const { before } = own;
    if (before === undefined) return unknownRecord(own, own.unknown ?? 'The folder was not looked at.');
    if (before.overflow) {
      return unknownRecord(
        own,
        `The folder has more than ${this.#limits.files} files that are not ignored, so changes are only what Codex tells. Ignore what is generated, in a .gitignore file.`,
      );
    }
    const start = this.#deps.clock.monotonic();
    const after = await this.#look('after');
    if (typeof after === 'string') return unknownRecord(own, after);
    own.after = after;
    const late = () => this.#deps.clock.monotonic() - start > this.#limits.waitMs;
    return await this.exclusively(async () => {
      const whole = await this.#scanner.withHidden(before, after, this.#stop.signal);
      const slices = new Slices(this.#stop.signal);
      const notes = whole.overflow
        ? [
            ...own.notes,
            `The folder now has more than ${this.#limits.files} files. Not all that are new are listed.`,
          ]
        : own.notes;
      const about = { overlaps: [...own.overlaps], excluded: listed(before, after), notes };
      const record = await recordOf(compareManifests(before, whole), about, {
        blobs: this.blobs,
        limits: this.#limits,
        slices,
        late,
      });
      if (record.files.length > 0) this.records.write(turn, record);
      return record;
    });
  }

  /** A manifest of now, or why there is none: a sentence. */
  async #look(when: 'before' | 'after'): Promise<Manifest | string> {
    const { clock, logger } = this.#deps;
    const limit = Promise.withResolvers<string>();
    const seconds = Math.round(this.#limits.waitMs / 1000);
    const cancel = clock.after(this.#limits.waitMs, () =>
      limit.resolve(
        `Looking at the folder ${when} this turn took more than ${seconds} s, so its changes are only what Codex tells.`,
      ),
    );
    try {
      return await Promise.race([this.#scanSoon(), limit.promise]);
    } catch (error) {
      logger.warn('a folder can not be looked at', { error });
      return `The folder could not be looked at ${when} this turn (${messageOf(error)}), so its changes are only what Codex tells.`;
    } finally {
      cancel();
    }
  }

  /** The scan that starts next: one that runs already may have passed by what was changed since. */
  #scanSoon(): Promise<Manifest> {
    this.#nextScan ??= this.exclusively(() => {
      this.#nextScan = undefined;
      this.#looked = true;
      return this.#scanner.scan(this.#known, this.#stop.signal);
    });
    return this.#nextScan;
  }

  async #collect(): Promise<void> {
    const { logger } = this.#deps;
    try {
      await this.exclusively(async () => {
        // With no turn to revert, copies are kept for nobody.
        if (this.#running.size === 0 && this.records.list().length === 0) {
          this.#known.clear();
          this.#looked = false;
        }
        await collectGarbage({
          records: this.records,
          blobs: this.blobs,
          limits: this.#limits,
          slices: new Slices(this.#stop.signal),
          inUse: this.#hashesInUse(),
        });
      });
    } catch (error) {
      logger.warn('old copies can not be removed', { error });
    }
  }

  #hashesInUse(): Set<string> {
    const hashes = new Set<string>();
    const add = (entries: Iterable<Entry>) => {
      for (const { hash } of entries) if (hash !== undefined) hashes.add(hash);
    };
    add(this.#known.values());
    for (const { entries } of this.#held) add(entries.values());
    for (const { before, after } of this.#running.values()) {
      add(before?.entries.values() ?? []);
      add(after?.entries.values() ?? []);
    }
    return hashes;
  }

  /** Runs when nothing else writes copies, or removes them. */
  exclusively<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => {
      this.#stop.signal.throwIfAborted();
      return run();
    });
    this.#tail = result.then(
      () => undefined,
      () => undefined, // Told to whoever waits for it.
    );
    return result;
  }
}

/** What neither scan looked at, by path. */
function listed(before: Manifest, after: Manifest): ExcludedPath[] {
  const all = new Map([...before.excluded, ...after.excluded].map((one) => [one.path, one]));
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1)).slice(0, MAX_LISTED_EXCLUDED);
}

function unknownRecord(own: RunningTurn, why: string): TurnRecord {
  return {
    version: 1,
    files: [],
    addedDirectories: [],
    removedDirectories: [],
    overlaps: [...own.overlaps],
    excluded: [],
    notes: [why],
    complete: false,
  };
}

export function summaryOf(record: TurnRecord): TurnChanges {
  const { files, overlaps, excluded, notes, complete } = record;
  return {
    files: files.slice(0, MAX_LISTED_FILES).map(changedFile),
    more: Math.max(0, files.length - MAX_LISTED_FILES),
    overlaps,
    excluded,
    notes,
    complete,
  };
}
